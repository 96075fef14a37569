"""Where an account is signed in: each device, since when and by what; one of them ended, or all but this one.

- Ending is never asked for again: whoever sees a stranger there must be quick. It ends a session of one's own account and no other.
- Somebody who signs in while the account is signed in elsewhere sees that first (``destinations``). No account is shared.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry import sessions
from registry.accounts import find_account
from server.accounts.sign_in import note, standing_session
from server.home import local_path
from server.pages import render
from server.policy import Account
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/account/places")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, *, server: Wired, next: str = "/account") -> Response:  # noqa: A002
    """Show where the account is signed in just now."""
    server.policy.require(account, "manage_account", resource=account)
    session = standing_session(caller)
    with server.registry.reading() as connection:
        devices = sessions.devices_of(connection, session, now=server.clock.now(), idle=server.settings.session_idle)
    return render(request, "accounts/places.html", caller=caller, devices=devices, target=local_path(next))


@router.post("/end")
def end(caller: Caller, account: SignedIn, *, server: Wired, form: Form) -> Response:
    """End one of the account's sessions, or with ``others`` all but this one."""
    server.policy.require(account, "manage_account", resource=account)
    own, now = standing_session(caller), server.clock.now()
    with server.registry.writing() as connection:
        if form.get("which") == "others":
            ended = sessions.end_others(connection, own, own.session_id, now=now)
        else:
            ended = sessions.end_device(connection, own, form.get("which", ""), now=now)
        _note(server, connection, account, ended)
    return RedirectResponse(local_path(form.get("next", "/account")), status_code=303)


def _note(server: Server, connection: Connection, account: Account, ended: int) -> None:
    known = find_account(connection, account.name)
    if ended and known is not None:
        note(server, connection, "ended-elsewhere", account=known, code=str(ended))
