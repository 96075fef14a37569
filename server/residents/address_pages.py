"""Where a person's notices are sent: an e-mail address they give for themselves, confirm from their mailbox, and take back when they like."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.accounts import person_of
from registry.contact_points import AddressGiven
from registry.ways_in import require_told
from residence.errors import Refused
from server.giving_address import addresses, change_address
from server.pages import render
from server.policy import Account
from server.visitor import Caller, Form, SignedIn, own_language
from server.wiring import Server, server_of

router = APIRouter(prefix="/me")
Wired = Annotated[Server, Depends(server_of)]


@router.get("/messages")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show where notices go."""
    found = addresses(server, _whose(server, account))
    return render(request, "addresses.html", caller=caller, addresses=found, place=None, wrong=None, given="")


@router.post("/messages")
def change(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Give an address, or take it back."""
    person_id = _whose(server, account)
    with server.registry.reading() as connection:
        require_told(connection, person_id, now=server.clock.now(), waits=server.settings.recovery_waits)
    given = AddressGiven(
        subject_kind="person",
        subject_id=person_id,
        commune_code=account.commune_code,
        address="",
        language=own_language(caller),
        account_id=account.account_id,
    )
    wrong = change_address(server, form, given=given)
    if wrong is None:
        return RedirectResponse("/me/messages", status_code=303)
    found, text = addresses(server, person_id), form.get("address", "")
    return render(request, "addresses.html", caller=caller, status=422, addresses=found, place=None, wrong=wrong, given=text)


def _whose(server: Server, account: Account) -> str:
    server.policy.require(account, "read_own_record", resource=account)
    with server.registry.reading() as connection:
        person_id = person_of(connection, account.account_id)
    if person_id is None:
        raise Refused("account.nobodys")
    return person_id
