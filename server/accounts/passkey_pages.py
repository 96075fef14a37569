"""The account's own page: its role and area, its passkeys, adding and removing one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from registry import accounts
from registry.premises import load_premises
from server.accounts import passkeys
from server.pages import render
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/account")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the account and its passkeys."""
    server.policy.require(account, "manage_account", resource=account)
    with server.registry.reading() as connection:
        own = accounts.passkeys_of(connection, account.account_id)
        places = load_premises(connection, account.premises, vault=server.registry.vault)
    areas = [places[each].name if each in places else each for each in account.premises]
    return render(request, "accounts/account.html", caller=caller, passkeys=own, areas=areas)


@router.post("/passkeys/options")
def options(caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Begin adding a passkey."""
    server.policy.require(account, "manage_account", resource=account)
    return JSONResponse(passkeys.registration_options(server, caller, account))


@router.post("/passkeys")
def add(
    caller: Caller, account: SignedIn, *, server: Wired, answer: Annotated[dict[str, Any], Body()], label: str = ""
) -> Response:
    """Finish adding a passkey."""
    server.policy.require(account, "manage_account", resource=account)
    passkeys.register(server, caller, account=account, answer=answer, label=label)
    return JSONResponse({"to": "/account"})


@router.post("/passkeys/remove")
def remove(account: SignedIn, server: Wired, form: Form) -> Response:
    """Remove one of one's own passkeys."""
    server.policy.require(account, "manage_account", resource=account)
    with server.registry.writing() as connection:
        accounts.remove_passkey(connection, account.account_id, form.get("credential_id", ""))
    return RedirectResponse("/account", status_code=303)
