"""What other authorities are told, for operators: how each connection fares, what waits for whom, and counting back. No person.

- Only the own commune's records; a record that is elsewhere and one that is not there answer alike.
- The authority's own words are not shown here: they may name somebody. The clerk of the stay sees them.
- The authority's code lists are shown with their age and with what in them differs from ours; the words of an entry are the authority's.
- A count compares what somebody read in the authority's own list for one facility and day with ours (``registry/authority_lists.py``).
"""

from __future__ import annotations

import re
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.authority_catalogues import all_kept
from registry.authority_lines import lines
from registry.authority_links import bindings
from registry.authority_lists import UNDER_WAY, WAITING_FOR_SOMEBODY, Count, answer, count_back, counts, records, retry
from residence.errors import Refused
from residence.stays.ministry_lists import ListName, differences
from server.pages import render
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/operators/authorities")
Wired = Annotated[Server, Depends(server_of)]
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOST_COUNTED = 100_000


@router.get("")
def show_authorities(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show connections, counts and what waits."""
    server.policy.require(account, "watch_authorities", resource=CommuneResource(commune=account.commune_code))
    return _show(request, server, caller, account=account)


@router.post("")
def retry_all(account: SignedIn, server: Wired) -> Response:
    """Let everything of the commune that is not told be tried again."""
    _may_settle(server, account)
    with server.registry.writing() as connection:
        retry(connection, None, now=server.clock.now(), commune_code=account.commune_code)
    return RedirectResponse("/operators/authorities", status_code=303)


@router.post("/count")
def take_count(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Compare a count with ours, and say how it ended."""
    _may_settle(server, account)
    theirs, day, facility = form.get("theirs", "").strip(), form.get("day", ""), form.get("facility", "")
    with server.registry.reading() as connection:
        authorities = {each.facility: each.authority for each in bindings(connection, commune_code=account.commune_code)}
    known = facility in authorities and _DAY.fullmatch(day) and theirs.isascii() and theirs.isdigit()
    if not known or int(theirs) > MOST_COUNTED:
        return _show(request, server, caller, account=account, wrong=True)
    counted = Count(
        authority=authorities[facility], facility=facility, day=day, theirs=int(theirs), account_id=account.account_id
    )
    with server.registry.writing() as connection:
        result = count_back(
            connection, counted, now=server.clock.now(), random_bytes=server.random_bytes, commune_code=account.commune_code
        )
    return _show(request, server, caller, account=account, result=result, counted=counted)


@router.post("/{record_id}")
def settle_record(account: SignedIn, server: Wired, *, form: Form, record_id: str) -> Response:
    """Try one record again, or say whether the authority's own list has it."""
    _may_settle(server, account)
    now, commune = server.clock.now(), account.commune_code
    with server.registry.writing() as connection:
        match form.get("action"):
            case "retry":
                done = retry(connection, [record_id], now=now, commune_code=commune) > 0
            case "there" | "missing" as said:
                answer(connection, record_id, is_there=said == "there", now=now, commune_code=commune)
                done = True
            case _:
                done = False
    if not done:
        raise Refused("server.not_allowed")
    return RedirectResponse("/operators/authorities", status_code=303)


def _may_settle(server: Server, account: Account) -> None:
    server.policy.require(account, "settle_authorities", resource=CommuneResource(commune=account.commune_code))


def _show(
    request: Request, server: Server, caller: Visitor, *, account: Account, wrong: bool = False, **more: object
) -> Response:
    commune = account.commune_code
    with server.registry.reading() as connection:
        bound = bindings(connection, commune_code=commune)
        used = {(each.authority, each.facility) for each in bound}
        fares = [each for key, each in sorted(lines(connection).items()) if key in used]
        counted = counts(connection, commune_code=commune)
        lists = [(each, differences(cast("ListName", each.name), each.content)) for each in all_kept(connection, "kbtt")]
        waiting = records(connection, states=WAITING_FOR_SOMEBODY, commune_code=commune)
        under_way = records(connection, states=UNDER_WAY, commune_code=commune)
    totals: dict[str, int] = {}
    for (_, state), count in counted.items():
        totals[state] = totals.get(state, 0) + count
    return render(
        request,
        "operators/authorities.html",
        caller=caller,
        status=422 if wrong else 200,
        bound=bound,
        lists=lists,
        fares=fares,
        totals=totals,
        waiting=waiting,
        under_way=under_way,
        wrong=wrong,
        result=more.get("result"),
        counted=more.get("counted"),
    )
