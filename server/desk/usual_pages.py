"""What a house's form begins with: the reason most of its guests come for, which the house itself says and no law does.

- Nothing is set until somebody of the house sets it; whoever may declare there may. A reason that has to be explained is no usual one.
- It stands in every new form, named as the house's, and one key changes it for one guest (``REASON_KEYS``: the ministry's own numbers).
- What was said of the guest itself (a party's reason, an earlier form) goes before it.

Example: ``POST /desk/usual`` with ``reason=tourism``; the next form opens with it
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.premises import set_usual_reason
from residence.errors import problem
from residence.stays.declaration import Reason
from residence.stays.reasons import NEEDS_TEXT, REASONS
from server.desk.own_premises import workplace
from server.pages import render
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]
USUAL: Final = tuple(reason for reason in REASONS if reason not in NEEDS_TEXT)
# digit -> reason: keys 1 to 9 are the ministry's codes 1 to 9
REASON_KEYS: Final = {str(text.code): reason.value for reason, text in REASONS.items() if text.code <= 9 and reason in USUAL}  # noqa: PLR2004 - keys with one digit


@router.get("/usual")
def show_usual(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show what the house's forms begin with."""
    with server.registry.reading() as connection:
        asked = request.query_params.get("premises", "")
        place = workplace(server, connection, account, action="declare", premises_id=asked)
    return render(request, "desk/usual.html", caller=caller, place=place, usual=USUAL, wrong=None)


@router.post("/usual")
def set_usual(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Set it, or take it away."""
    reason = form.get("reason", "")
    fits = not reason or reason in USUAL
    with server.registry.writing() as connection:
        place = workplace(server, connection, account, action="declare", premises_id=form.get("premises_id", ""))
        if fits:
            set_usual_reason(connection, place.here, Reason(reason).value if reason else None)
    if fits:
        return RedirectResponse(f"/desk/declare?premises={place.here.premises_id}", status_code=303)
    wrong = problem("server.form_choice", "/reason")
    return render(request, "desk/usual.html", caller=caller, status=422, place=place, usual=USUAL, wrong=wrong)
