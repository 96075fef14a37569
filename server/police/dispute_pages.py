"""Fields and stays somebody says are wrong, for the officer who answers: the list without values, one dispute with the value it is about.

- Opening one is a look at that one field, for that dispute, and on the record; nothing else of the person comes back, no name either.
- Of a stay the place, the room and the times are shown, and no field of the person.
- Each shows by when the law has it answered and put right; those due first stand first. The answer is signed.
- An answer says whether the value was right or is corrected, and why. It is answered once; the flag then goes wherever the value is shown.
- A dispute of another commune and one that is not there answer alike.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import RedirectResponse, Response

from registry.disputing import Outcome, Settlement, clocks_of, dispute, settle_dispute, waiting_disputes
from registry.premises import load_premises
from registry.release import Look, release_persons
from registry.stays import stay
from residence.access.purposes import Field, Purpose
from residence.errors import Problem, Refused, problem
from server.pages import render
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/disputes")
Wired = Annotated[Server, Depends(server_of)]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)


@router.get("")
def show_waiting(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the disputes nobody has answered."""
    server.policy.require(account, "answer_disputes", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        waiting = waiting_disputes(connection, account.commune_code)
    by_when = {each.dispute_id: clocks_of(each) for each in waiting}
    return render(request, "police/disputes.html", caller=caller, waiting=waiting, clocks=by_when)


@router.get("/{dispute_id}")
def show(request: Request, caller: Caller, account: SignedIn, dispute_id: str) -> Response:
    """Show one, with the value it is about."""
    return _page(request, caller, account, dispute_id)


@router.post("/{dispute_id}")
def answer(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, dispute_id: str) -> Response:
    """Take the officer's answer."""
    outcome, reason = form.get("outcome", ""), form.get("reason", "")
    with server.registry.writing() as connection:
        _own(server, connection, account, dispute_id)
    if outcome not in OUTCOMES or not reason.strip():
        return _page(request, caller, account, dispute_id, wrong=problem("dispute.answer", "/outcome"))
    with server.registry.writing() as connection:
        now = server.clock.now()
        settlement = Settlement(outcome=outcome, by=account.account_id, reason=reason, signer=server.signer)
        settle_dispute(connection, dispute_id, settlement, now=now)
    return RedirectResponse("/police/disputes", status_code=303)


def _own(server: Server, connection: Connection, account: Account, dispute_id: str) -> Row[Any]:
    row = dispute(connection, dispute_id)
    if row is None:
        raise Refused("server.not_allowed")
    server.policy.require(account, "answer_disputes", resource=CommuneResource(commune=row.commune_code))
    return row


def _page(request: Request, caller: Visitor, account: Account, dispute_id: str, *, wrong: Problem | None = None) -> Response:
    server = server_of(request)
    with server.registry.writing() as connection:  # the look is on the record
        row = _own(server, connection, account, dispute_id)
        found = stay(connection, row.stay_id) if row.stay_id else None
        there = [found.premises_id] if found else []
        place = load_premises(connection, there, vault=server.registry.vault).get(found.premises_id) if found else None
        value = None if row.stay_id else _value(server, connection, account, row)
    return render(
        request,
        "police/dispute.html",
        caller=caller,
        status=422 if wrong else 200,
        dispute=row,
        clocks=clocks_of(row),
        stay=found,
        place=place,
        value=value,
        outcomes=OUTCOMES,
        wrong=wrong,
    )


def _value(server: Server, connection: Connection, account: Account, row: Row[Any]) -> str | None:
    """Return the value of the one field the dispute is about; the look is on the record."""
    field = Field(row.field)
    look = Look(
        account_id=account.account_id,
        role="officer",
        purpose=Purpose.DISPUTE_REVIEW,
        commune_code=row.commune_code,
        about=row.dispute_id,
        fields=frozenset({field}),
    )
    person = release_persons(
        connection,
        [row.person_id],
        look=look,
        vault=server.registry.vault,
        now=server.clock.now(),
        random_bytes=server.random_bytes,
    )[row.person_id]
    return person.fields.get(field)
