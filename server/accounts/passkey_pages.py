"""The account's own page: its role and area, its passkeys and identities, where it is signed in; adding and removing a passkey.

- Adding or removing a way in asks for the holder again when they proved themselves longer ago: who finds an open page takes nothing over.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from registry import accounts
from registry.identities import identities_of
from registry.premises import load_premises
from registry.sessions import devices_of
from registry.units import unit_name
from registry.ways_in import require_removable
from residence.clock import VIETNAM
from server.accounts import passkeys
from server.accounts.sign_in import standing_session
from server.pages import render
from server.visitor import Caller, Form, FreshlySignedIn, SignedIn
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
        idle = server.settings.session_idle
        devices = devices_of(connection, standing_session(caller), now=server.clock.now(), idle=idle)
        bound = identities_of(connection, account.account_id)
        commune = unit_name(connection, account.commune_code, on=server.clock.now().astimezone(VIETNAM).date())
    areas = [places[each].name if each in places else each for each in account.premises]
    issuers = {each.issuer.name: each.issuer for each in server.providers.values() if account.role in each.issuer.roles}
    return render(
        request,
        "accounts/account.html",
        caller=caller,
        passkeys=own,
        areas=areas,
        commune=commune,
        devices=devices,
        identities=bound,
        issuers=issuers,
    )


@router.post("/passkeys/options")
def options(caller: Caller, account: FreshlySignedIn, server: Wired) -> Response:
    """Begin adding a passkey."""
    server.policy.require(account, "manage_account", resource=account)
    return JSONResponse(passkeys.registration_options(server, caller, account))


@router.post("/passkeys")
def add(
    caller: Caller, account: FreshlySignedIn, *, server: Wired, answer: Annotated[dict[str, Any], Body()], label: str = ""
) -> Response:
    """Finish adding a passkey."""
    server.policy.require(account, "manage_account", resource=account)
    passkeys.register(server, caller, account=account, answer=answer, label=label)
    return JSONResponse({"to": "/account"})


@router.post("/passkeys/remove")
def remove(account: FreshlySignedIn, server: Wired, form: Form) -> Response:
    """Remove one of one's own passkeys."""
    server.policy.require(account, "manage_account", resource=account)
    wanted = form.get("credential_id", "")
    with server.registry.writing() as connection:
        for each in accounts.passkeys_of(connection, account.account_id):
            if each.credential_id == wanted:
                now, waits = server.clock.now(), server.settings.recovery_waits
                require_removable(connection, account.account_id, each.created_at, now=now, waits=waits)
        accounts.remove_passkey(connection, account.account_id, wanted)
    return RedirectResponse("/account", status_code=303)
