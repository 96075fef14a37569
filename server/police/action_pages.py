"""What the claimant of a case does besides closing it by a code: ask the host, remind them, accept an explanation, refer to an office.

- Each is one form of the case's page (``police/actions.html``) with nothing to write but where words are needed; the policy asks for the claim.
- A question and a reminder go the way of every notice: to the desk's page, by e-mail, into the case.
- Accepting an explanation closes the case with the code that belongs to it; what was accepted is kept beside the step.

Example: ``POST /police/cases/<id>/accept`` with ``explanation=visitor``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, cast, get_args

from fastapi import APIRouter, Depends
from sqlalchemy import Connection, Row
from starlette.responses import RedirectResponse, Response

from registry.case_asking import Means, ask_host, remind
from registry.cases import CaseStep, act
from registry.premises import load_premises
from residence.cases.closing import ClosingCode
from residence.cases.grounds import Ground
from residence.cases.questions import ACCEPTED
from residence.cases.transitions import CaseAction
from residence.cases.undeclared import Explanation
from residence.errors import Refused
from server.police.case_access import readable_case
from server.policy import Account
from server.visitor import Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/cases")
Wired = Annotated[Server, Depends(server_of)]
ACTIONS: Final = ("ask", "remind", "accept", "refer")


@router.post("/{case_id}/{action}")
def take_action(account: SignedIn, server: Wired, *, form: Form, case_id: str, action: str) -> Response:
    """Do one of these things with a case."""
    if action not in ACTIONS:
        raise Refused("server.not_allowed")
    with server.registry.writing() as connection:
        row = claimed_case(server, connection, account, case_id)
        if action in {"ask", "remind"}:
            tell_host(server, connection, account, row=row, again=action == "remind")
        else:
            step = _accepted(form, account) if action == "accept" else _referred(server, form, account)
            act(connection, case_id, step, now=server.clock.now(), random_bytes=server.random_bytes)
    return RedirectResponse(f"/police/cases/{case_id}", status_code=303)


def claimed_case(server: Server, connection: Connection, account: Account, case_id: str) -> Row[Any]:
    """Return a case its claimant may decide, or refuse."""
    row, resource = readable_case(server, connection, account, case_id)
    server.policy.require(account, "decide_case", resource=resource, purpose=row.claim_purpose or "")
    return row


def tell_host(server: Server, connection: Connection, account: Account, *, row: Row[Any], again: bool) -> None:
    """Ask the host of a case, or remind them."""
    place = load_premises(connection, [row.premises_id], vault=server.registry.vault)[row.premises_id]
    means = Means(now=server.clock.now(), answer_within=server.case_times.answer_within, random_bytes=server.random_bytes)
    (remind if again else ask_host)(connection, row, place, by=account.account_id, means=means)


def _accepted(form: Mapping[str, str], account: Account) -> CaseStep:
    explanation = form.get("explanation", "")
    if explanation not in get_args(Explanation):
        raise Refused("case.explanation_unknown", "/explanation")
    return CaseStep(
        action=CaseAction.CLOSE_EXPLAINED,
        by=account.account_id,
        code=ACCEPTED[cast("Explanation", explanation)],
        ground=Ground(kind="explanation", value=explanation),
    )


def _referred(server: Server, form: Mapping[str, str], account: Account) -> CaseStep:
    office = form.get("office", "")
    if office not in {each.name for each in server.offices}:
        raise Refused("case.office_missing", "/office")
    return CaseStep(
        action=CaseAction.CLOSE_ACTION,
        by=account.account_id,
        code=ClosingCode.REFERRED,
        reason=form.get("reason", "").strip() or None,
        ground=Ground(kind="office", value=office),
    )
