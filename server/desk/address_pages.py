"""Where a house's notices are sent: an e-mail address its desk gives, confirms from the mailbox, and takes back when it likes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.contact_points import AddressGiven
from server.desk.declare_pages import place_for
from server.giving_address import addresses, change_address
from server.pages import render
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]


@router.get("/messages")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show where notices go."""
    place = place_for(server, account, "declare", request.query_params.get("premises", ""))
    found = addresses(server, place.here.premises_id)
    return render(request, "addresses.html", caller=caller, addresses=found, place=place, wrong=None, given="")


@router.post("/messages")
def change(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Give an address, or take it back."""
    place = place_for(server, account, "declare", form.get("premises_id", ""))
    own_id = place.here.premises_id
    given = AddressGiven(
        subject_kind="premises",
        subject_id=own_id,
        commune_code=place.here.commune_code,
        address="",
        language=caller.language,
        account_id=account.account_id,
    )
    wrong = change_address(server, form, given=given)
    if wrong is None:
        return RedirectResponse(f"/desk/messages?premises={own_id}", status_code=303)
    found, text = addresses(server, own_id), form.get("address", "")
    return render(request, "addresses.html", caller=caller, status=422, addresses=found, place=place, wrong=wrong, given=text)
