"""That somebody has left, said by themselves in two taps: "I have left" beside the stay, then the one button.

- It is a departure about what stands declared, by the person for themselves, through the one path; the house, the police and every program that
  follows the stay see it as they see any departure, with who said it.
- The form carries its declaration id: pressed twice, it is said once. Its proof is shown afterwards.
- Only a stay of one's own that stands and has begun; any other is refused as if it were not there.

Example: ``GET /me/stays/<stay id>/leave``
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.premises import load_premises
from residence.clock import rfc3339
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.errors import Problem
from residence.stays.declaration import Declarant, StayDeclaration
from server.declaring import check, declare, given_receipt, new_declaration_id
from server.desk.one_stay import standing_declaration
from server.pages import render
from server.policy import Account
from server.residents.own_stays import standing_stay
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/me/stays")
Wired = Annotated[Server, Depends(server_of)]


@router.get("/{stay_id}/leave")
def ask(request: Request, caller: Caller, account: SignedIn, stay_id: str) -> Response:
    """Show which stay it is about, and the button."""
    return _page(request, caller, account, stay_id)


@router.post("/{stay_id}/leave")
def leave(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, stay_id: str) -> Response:
    """Record that the person has left now."""
    declaration_id = form.get("declaration_id", "")
    if given_receipt(server, declaration_id) is None:
        with server.registry.reading() as connection:
            own = standing_stay(server, connection, account, stay_id)
            before = standing_declaration(server, connection, own)
        said = departure(server, account, before, declaration_id=declaration_id)
        result = check(server, said)
        if not result.ok:
            return _page(request, caller, account, stay_id, problems=result.problems)
        declare(server, said, account=account, origin="web")
    return RedirectResponse(f"/me/proofs/{declaration_id}", status_code=303)


def departure(server: Server, account: Account, before: StayDeclaration, *, declaration_id: str) -> StayDeclaration:
    """Return the statement that the person of a stay left now, said by themselves."""
    now = rfc3339(server.clock.now())
    return msgspec.structs.replace(
        before,
        declaration_id=declaration_id,
        declared_at=now,
        kind="departure",
        about=before.declaration_id,
        declarant=Declarant(role="self", account=account.account_id),
        evidence=Evidence(level=EvidenceLevel.STATED, source="typed", reader="page:typed"),
        planned_departure=now,
    )


def _page(request: Request, caller: Visitor, account: Account, stay_id: str, *, problems: tuple[Problem, ...] = ()) -> Response:
    server = server_of(request)
    with server.registry.reading() as connection:
        own = standing_stay(server, connection, account, stay_id)
        place = load_premises(connection, [own.premises_id], vault=server.registry.vault).get(own.premises_id)
    return render(
        request,
        "residents/leave.html",
        caller=caller,
        status=422 if problems else 200,
        stay=own,
        place=place,
        problems=problems,
        declaration_id=new_declaration_id(server),
    )
