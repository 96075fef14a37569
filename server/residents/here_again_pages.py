"""That somebody stays again where they stayed before, said by themselves on their own page: the room, until when, the one button.

- It is a new arrival, from this moment on, by the person for themselves, through the one path, as at a kiosk; the house, the police and every program
  that follows the house's stays see it with who said it. It books no room, and the page says so.
- Only at a place where an ended stay of one's own is on record. A place one was never at is declared at its kiosk or desk, or by the link of a notice:
  nobody can be put into a house by somebody who has never been there.
- The form carries its declaration id: pressed twice, it is said once. How often one account may say it is counted.
- Any other stay is refused as if it were not there, and so is whoever came by the code of one stay.

Example: ``POST /me/stays/<stay id>/again`` with ``unit=301`` and ``until=2026-08-14T12:00`` leads to the proof of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.premises import load_premises
from registry.stays import StayOnList
from residence.clock import VIETNAM, parse_instant, rfc3339
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.errors import Malformed, Problem, Refused, problem
from residence.stays.declaration import Declarant, StayDeclaration
from server.declaring import check, declare, given_receipt, new_declaration_id
from server.desk.one_stay import standing_declaration
from server.pages import form_time, render
from server.policy import Account
from server.residents.own_stays import own_stay
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/me/stays")
Wired = Annotated[Server, Depends(server_of)]
LONGEST: Final = 40


@router.get("/{stay_id}/again")
def ask(request: Request, caller: Caller, account: SignedIn, stay_id: str) -> Response:
    """Show the place, and ask for the room and until when."""
    return _page(request, caller, account, stay_id)


@router.post("/{stay_id}/again")
def stay_again(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, stay_id: str) -> Response:
    """Declare the new stay, or show every problem."""
    declaration_id, unit = form.get("declaration_id", ""), form.get("unit", "").strip()[:LONGEST]
    until = form.get("until", "").strip()[:LONGEST]
    if given_receipt(server, declaration_id) is None:
        with server.registry.reading() as connection:
            before = standing_declaration(server, connection, _ended(server, connection, account, stay_id))
        server.person_attempts.count(account.account_id)
        try:
            leaves = parse_instant(rfc3339(datetime.fromisoformat(until).replace(tzinfo=VIETNAM)))
        except (ValueError, Malformed):
            problems: tuple[Problem, ...] = (problem("server.form_date", "/planned_departure"),)
            return _page(request, caller, account, stay_id, problems=problems, entered=(unit, until))
        said = arrival(server, account, before, declaration_id=declaration_id, unit=unit, leaves=leaves)
        standing = tuple(each for each in check(server, said).problems if each.severity == "error")
        if standing:
            return _page(request, caller, account, stay_id, problems=standing, entered=(unit, until))
        declare(server, said, account=account, origin="web")
    return RedirectResponse(f"/me/proofs/{declaration_id}", status_code=303)


def arrival(
    server: Server, account: Account, before: StayDeclaration, *, declaration_id: str, unit: str, leaves: datetime
) -> StayDeclaration:
    """Return the statement that the person of an earlier stay has come again, said by themselves."""
    now = rfc3339(server.clock.now().astimezone(VIETNAM))
    return msgspec.structs.replace(
        before,
        declaration_id=declaration_id,
        declared_at=now,
        kind="arrival",
        about=None,
        party=None,
        accompanied_by=None,
        note=None,
        declarant=Declarant(role="self", account=account.account_id),
        evidence=Evidence(level=EvidenceLevel.STATED, source="typed", reader="page:typed"),
        unit=unit or None,
        arrival=now,
        planned_departure=rfc3339(leaves),
    )


def _ended(server: Server, connection: Connection, account: Account, stay_id: str) -> StayOnList:
    found = own_stay(server, connection, account, stay_id)
    if account.stay or found.status != "ended":
        raise Refused("server.not_allowed")
    return found


def _page(
    request: Request,
    caller: Visitor,
    account: Account,
    stay_id: str,
    *,
    problems: tuple[Problem, ...] = (),
    entered: tuple[str, str] | None = None,
) -> Response:
    server = server_of(request)
    with server.registry.reading() as connection:
        own = _ended(server, connection, account, stay_id)
        place = load_premises(connection, [own.premises_id], vault=server.registry.vault).get(own.premises_id)
    usual = server.clock.now().astimezone(VIETNAM).replace(hour=12, minute=0) + timedelta(days=1)
    unit, until = entered or (own.unit or "", form_time(usual))
    return render(
        request,
        "residents/here_again.html",
        caller=caller,
        status=422 if problems else 200,
        stay=own,
        place=place,
        problems=problems,
        unit=unit,
        until=until,
        declaration_id=new_declaration_id(server),
    )
