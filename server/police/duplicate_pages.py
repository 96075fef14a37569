"""Who may stand in the register twice: pairs the search proposed, decided one by one by a person, put off, and taken back.

- Lists show ids and what the comparisons said, no name. The two records stand side by side only after the officer asks for them, for that purpose,
  and each asking is a look on the record of both persons.
- Nothing is chosen beforehand: one person, two, or later; with a reason. That it is one person is said by two officers (``matters.py``):
  then the second record is joined to the first, which can be taken back.
- A pair of another commune and one that does not exist answer alike.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.disputing import disputed_fields
from registry.duplicates.deciding import Decision, decide, put_off, undo
from registry.duplicates.proposals import PROPOSED, KnownPair, decided_pairs, listed, pair_of, put_off_pairs
from registry.release import Look, release_persons
from registry.second_eyes import Kind, waiting_for
from residence.access.purposes import Field, Purpose
from residence.errors import Refused
from server.pages import render
from server.police.matters import Wanted, propose
from server.police.side_by_side import Line, side_by_side
from server.policy import Account, CommuneResource, PairResource
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/duplicates")
Wired = Annotated[Server, Depends(server_of)]
SHOWN: Final = 50
DECISIONS: Final = 20
LATER: Final = timedelta(days=7)
VERDICTS: Final = ("same", "different", "later")


@router.get("")
def show_pairs(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """List the pairs that wait, those put off, and the latest decisions."""
    server.policy.require(account, "list_pairs", resource=CommuneResource(commune=account.commune_code))
    commune, now = account.commune_code, server.clock.now()
    with server.registry.reading() as connection:
        waiting = listed(connection, commune_code=commune, limit=SHOWN, at=now)
        return render(
            request,
            "police/duplicates.html",
            caller=caller,
            waiting=waiting,
            disputed=_disputed(connection, waiting),
            put_off=put_off_pairs(connection, commune, at=now, limit=SHOWN),
            decisions=decided_pairs(connection, commune, limit=DECISIONS),
        )


@router.get("/{pair_id}")
def show_pair(request: Request, caller: Caller, *, account: SignedIn, server: Wired, pair_id: str) -> Response:
    """Show what speaks for one person and what against; no name."""
    with server.registry.reading() as connection:
        pair = _readable(server, connection, account, pair_id)
        disputed = _disputed(connection, [pair]).get(pair.pair_id, ())
        waits = waiting_for(connection, Kind.MERGE, pair_id, now=server.clock.now())
    return _page(request, caller, pair, None, disputed=disputed, waits=waits.proposal_id if waits else None)


@router.post("/{pair_id}")
def act(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, pair_id: str) -> Response:
    """Show the two records, decide the pair, put it off, or take a decision back."""
    action = form.get("action", "")
    with server.registry.writing() as connection:
        pair = _readable(server, connection, account, pair_id)
        if action == "look":
            return _page(request, caller, pair, _released(server, connection, account, pair))
        server.policy.require(account, "decide_pair", resource=_resource(pair))
        if action == "same":
            wanted = Wanted(kind=Kind.MERGE, subject=pair_id, content={}, reason=form.get("reason", ""))
            return RedirectResponse(f"/police/second-eyes/{propose(server, connection, account, wanted)}", status_code=303)
        why = Decision(account_id=account.account_id, reason=form.get("reason", ""))
        _settle(server, connection, pair_id, action=action, why=why)
    return RedirectResponse("/police/duplicates", status_code=303)


def _settle(server: Server, connection: Connection, pair_id: str, *, action: str, why: Decision) -> None:
    now = server.clock.now()
    if action == "different":
        decide(connection, pair_id, same=False, decision=why, now=now, random_bytes=server.random_bytes)
    elif action == "later":
        put_off(connection, pair_id, until=now + LATER, decision=why, now=now)
    elif action == "undo":
        undo(connection, pair_id, decision=why, now=now)
    else:
        raise Refused("duplicates.verdict", "/action")


def _resource(pair: KnownPair) -> PairResource:
    return PairResource(pair_id=pair.pair_id, communes=(pair.commune_code, pair.other_commune))


def _readable(server: Server, connection: Connection, account: Account, pair_id: str) -> KnownPair:
    pair = pair_of(connection, pair_id)
    if pair is None:
        raise Refused("server.not_allowed")
    server.policy.require(account, "read_pair", resource=_resource(pair))
    return pair


def _released(server: Server, connection: Connection, account: Account, pair: KnownPair) -> list[Line]:
    """Return both records, and put the look on the record of both persons; of a pair that is decided nothing more is shown."""
    purpose = Purpose.DUPLICATE_REVIEW
    server.policy.require(account, "release_pair", resource=_resource(pair), purpose=purpose.value)
    if pair.state != PROPOSED:
        raise Refused("server.not_allowed")
    look = Look(
        account_id=account.account_id, role="officer", purpose=purpose, commune_code=account.commune_code, about=pair.pair_id
    )
    people = release_persons(
        connection,
        (pair.one_id, pair.other_id),
        look=look,
        vault=server.registry.vault,
        now=server.clock.now(),
        random_bytes=server.random_bytes,
    )
    return side_by_side(people[pair.one_id], people[pair.other_id], pair.said)


def _disputed(connection: Connection, pairs: list[KnownPair]) -> dict[str, tuple[str, ...]]:
    """Return the fields under dispute in either record of each pair that has any: a reason to wait, and no value."""
    found = disputed_fields(connection, {person for pair in pairs for person in (pair.one_id, pair.other_id)})
    told = {
        pair.pair_id: found.get(pair.one_id, frozenset[Field]()) | found.get(pair.other_id, frozenset[Field]()) for pair in pairs
    }
    return {
        pair_id: tuple(each.value for each in Field if each in fields and each is not Field.PERSONAL_NUMBER_MASKED)
        for pair_id, fields in told.items()
        if fields
    }


def _page(
    request: Request,
    caller: Any,
    pair: KnownPair,
    lines: list[Line] | None,
    *,
    disputed: tuple[str, ...] = (),
    waits: str | None = None,
) -> Response:
    speaks_for = [each for each in pair.said if each.bits > 0]
    against = [each for each in pair.said if each.bits < 0]
    return render(
        request,
        "police/duplicate.html",
        caller=caller,
        pair=pair,
        lines=lines,
        disputed=disputed,
        waits=waits,
        speaks_for=sorted(speaks_for, key=lambda each: -each.bits),
        against=sorted(against, key=lambda each: each.bits),
        verdicts=VERDICTS,
        later_days=LATER.days,
    )
