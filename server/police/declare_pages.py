"""Declaring for somebody an officer met: the desk's own form, at the case's premises and nowhere else, with the officer as its declarant.

- Only the claimant of an open case; the form opens with what the claim's purpose releases, and that look is on the record.
- The same checks and the same path into the registry as for everybody; the receipt says that an officer declared, and is for the person.
- Accepted, it closes the case as declared and stands beside that step. Sent twice it answers with the first receipt.

Example: ``/police/cases/<id>/declare``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import Response

from registry.cases import CaseStep, act
from registry.premises import load_premises
from residence.access.purposes import Field
from residence.cases.grounds import Ground
from residence.cases.transitions import CLOSED, CaseAction
from residence.errors import Problem, Refused
from residence.places.premises import Premises
from residence.wire.messages import Receipt
from server.declaring import declare, given_receipt, new_declaration_id
from server.desk.declare_pages import Followed, read_and_check, show_form, stands
from server.desk.guest_form import FormContext
from server.desk.own_premises import Workplace
from server.pages import day, form_time, render
from server.police.action_pages import claimed_case
from server.police.case_pages import released_to_claimant
from server.policy import Account
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/cases")
Wired = Annotated[Server, Depends(server_of)]


@router.get("/{case_id}/declare")
def show(request: Request, caller: Caller, *, account: SignedIn, server: Wired, case_id: str) -> Response:
    """Open the form, filled in with what the purpose releases."""
    with server.registry.writing() as connection:  # a released name puts the look on the record
        row, place = _open_case(server, connection, account, case_id)
        known = released_to_claimant(server, connection, account, row).fields
    form = {
        "declaration_id": new_declaration_id(server),
        "premises_id": row.premises_id,
        "unit": row.unit or "",
        "arrival": form_time(row.first_seen),
        "full_name": known.get(Field.FULL_NAME, ""),
        "birth": day(known[Field.BIRTH_DATE]) if Field.BIRTH_DATE in known else "",
        "sex": known.get(Field.SEX, ""),
        "nationality": known.get(Field.NATIONALITY, "VNM"),
    }
    return _form(request, caller, place, form)


@router.post("/{case_id}/declare")
def submit(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, case_id: str) -> Response:
    """Declare, or show every problem."""
    known = given_receipt(server, form.get("declaration_id", ""))
    with server.registry.reading() as connection:
        row = claimed_case(server, connection, account, case_id)
        place = load_premises(connection, [row.premises_id], vault=server.registry.vault)[row.premises_id]
    if known is not None and known.receipt.premises_id == row.premises_id:
        return _receipt(request, caller, known.receipt, place=place)
    if row.state in CLOSED:
        raise Refused("case.action_not_allowed")
    whole = dict(form) | {"premises_id": place.premises_id}
    context = FormContext(
        now=server.clock.now(),
        account_id=account.account_id,
        account_name=account.name,
        card_policy=server.card_policy,
        declarant="officer",
    )
    declaration, problems = read_and_check(server, whole, context=context)
    if stands(problems, seen=form.get("seen_warnings", "")):
        return _form(request, caller, place, whole, problems=problems)
    recorded = declare(server, declaration, account=account, origin="desk")
    if recorded.receipt.state == "accepted":
        _close(server, account, case_id, declaration_id=recorded.declaration_id)
    return _receipt(request, caller, recorded.receipt, place=place)


def _open_case(server: Server, connection: Connection, account: Account, case_id: str) -> tuple[Row[Any], Premises]:
    row = claimed_case(server, connection, account, case_id)
    if row.state in CLOSED:
        raise Refused("case.action_not_allowed")
    return row, load_premises(connection, [row.premises_id], vault=server.registry.vault)[row.premises_id]


def _close(server: Server, account: Account, case_id: str, *, declaration_id: str) -> None:
    ground = Ground(kind="declaration", value=declaration_id)
    step = CaseStep(action=CaseAction.CLOSE_DECLARED, by=account.account_id, ground=ground)
    with server.registry.writing() as connection:
        act(connection, case_id, step, now=server.clock.now(), random_bytes=server.random_bytes)


def _form(
    request: Request, caller: Visitor, place: Premises, form: Mapping[str, str], *, problems: tuple[Problem, ...] = ()
) -> Response:
    link = Followed(path=request.url.path, said="case.declaring_for", to_house=True, due=None, by_officer=True)
    return show_form(request, caller, place=Workplace(here=place, own=()), form=form, problems=problems, link=link)


def _receipt(request: Request, caller: Visitor, receipt: Receipt, *, place: Premises) -> Response:
    return render(request, "residents/receipt.html", caller=caller, receipt=receipt, place={"here": place})
