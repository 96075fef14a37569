"""That somebody stays longer, said by themselves: "I stay longer" beside the stay, the new time of leaving, the one button.

- It is an extension about what stands declared, by the person for themselves, through the one path, as at a kiosk; the house, the police and every
  program that follows the stay see it with who said it. It books no room, and the page says so.
- No earlier than what is planned: who leaves earlier says so when they leave. From 30 days on it is refused, as at a desk: it is temporary residence then.
- The form carries its declaration id: pressed twice, it is said once. How often one account may say it is counted.
- Only a stay of one's own that stands and has begun; any other is refused as if it were not there.

Example: ``POST /me/stays/<stay id>/stay-longer`` with ``until=2026-07-14T12:00`` leads to the proof of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.premises import load_premises
from registry.stays import StayOnList
from residence.clock import VIETNAM, parse_instant, rfc3339
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.errors import Malformed, Problem, problem
from residence.stays.declaration import Declarant, StayDeclaration
from server.declaring import check, declare, given_receipt, new_declaration_id
from server.desk.one_stay import standing_declaration
from server.desk.step_pages import INSTEAD, STOPPING
from server.pages import form_time, render
from server.policy import Account
from server.residents.own_stays import standing_stay
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/me/stays")
Wired = Annotated[Server, Depends(server_of)]
LONGEST_TIME: Final = 40


@router.get("/{stay_id}/stay-longer")
def ask(request: Request, caller: Caller, account: SignedIn, stay_id: str) -> Response:
    """Show which stay it is about, and ask until when."""
    return _page(request, caller, account, stay_id)


@router.post("/{stay_id}/stay-longer")
def stay_longer(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, stay_id: str) -> Response:
    """Record the new time of leaving, or show every problem."""
    declaration_id, until = form.get("declaration_id", ""), form.get("until", "").strip()[:LONGEST_TIME]
    if given_receipt(server, declaration_id) is None:
        with server.registry.reading() as connection:
            own = standing_stay(server, connection, account, stay_id)
            before = standing_declaration(server, connection, own)
        server.person_attempts.count(account.account_id)
        try:
            said = extension(server, account, before, declaration_id=declaration_id, until=_later(own, until))
        except Malformed as error:
            return _page(request, caller, account, stay_id, problems=(problem(error.code, "/until"),), entered=until)
        standing = tuple(each for each in check(server, said).problems if each.severity == "error" or each.code in STOPPING)
        if standing:
            told = tuple(problem(INSTEAD[each.code], "/until") if each.code in INSTEAD else each for each in standing)
            return _page(request, caller, account, stay_id, problems=told, entered=until)
        declare(server, said, account=account, origin="web")
    return RedirectResponse(f"/me/proofs/{declaration_id}", status_code=303)


def extension(
    server: Server, account: Account, before: StayDeclaration, *, declaration_id: str, until: datetime
) -> StayDeclaration:
    """Return the statement that the person of a stay stays until then, said by themselves."""
    return msgspec.structs.replace(
        before,
        declaration_id=declaration_id,
        declared_at=rfc3339(server.clock.now()),
        kind="extension",
        about=before.declaration_id,
        declarant=Declarant(role="self", account=account.account_id),
        evidence=Evidence(level=EvidenceLevel.STATED, source="typed", reader="page:typed"),
        planned_departure=rfc3339(until),
    )


def _later(own: StayOnList, text: str) -> datetime:
    """Read the form's local time; raises ``Malformed`` for what is no time and for one that is not later than what is planned."""
    try:
        until = parse_instant(rfc3339(datetime.fromisoformat(text).replace(tzinfo=VIETNAM)))
    except (ValueError, Malformed) as error:
        raise Malformed("server.form_date") from error
    if own.planned_end is not None and until <= own.planned_end:
        raise Malformed("stays.extension_not_longer")
    return until


def _page(
    request: Request, caller: Visitor, account: Account, stay_id: str, *, problems: tuple[Problem, ...] = (), entered: str = ""
) -> Response:
    server = server_of(request)
    with server.registry.reading() as connection:
        own = standing_stay(server, connection, account, stay_id)
        place = load_premises(connection, [own.premises_id], vault=server.registry.vault).get(own.premises_id)
    usual = max(own.planned_end or own.start_at, server.clock.now()) + timedelta(days=1)
    return render(
        request,
        "residents/stay_longer.html",
        caller=caller,
        status=422 if problems else 200,
        stay=own,
        place=place,
        problems=problems,
        until=entered or form_time(usual),
        declaration_id=new_declaration_id(server),
    )
