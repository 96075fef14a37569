"""Proving again whose session it is: before a sensitive act, and to open a page that was locked.

- What proves it is a passkey of the same account or its identity at a provider, fresh and as sure as a sensitive act needs. Somebody
  else's proof changes nothing, and the session stays as locked as it was.
- The old session ends and a new one stands in its place: a cookie that was copied before is worth nothing afterwards. The answer to
  the page's own script tells the new token of its forms, so that what was typed is kept.
- An account with neither needs a new link from whoever looks after accounts.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import JSONResponse, Response

from registry import accounts
from registry.identities import identities_of
from registry.sessions import lock_session
from server.accounts import passkeys
from server.accounts.sign_in import device, note, standing_session
from server.home import local_path
from server.pages import render
from server.visitor import Caller, Visitor, keep_cookie
from server.wiring import Server, caller_address, server_of

router = APIRouter()
Wired = Annotated[Server, Depends(server_of)]


@router.get("/sign-in/again")
def show(request: Request, caller: Caller, server: Wired, next: str = "/") -> Response:  # noqa: A002  # the address's own word
    """Ask for the passkey, or whatever else the account is entered by."""
    session = standing_session(caller)
    with server.registry.reading() as connection:
        own = accounts.passkeys_of(connection, session.account_id)
        bound = {each.provider for each in identities_of(connection, session.account_id)}
    issuers = [each.issuer for name, each in server.providers.items() if name in bound]
    return render(
        request,
        "accounts/again.html",
        caller=caller,
        target=local_path(next),
        with_passkey=bool(own),
        issuers=issuers,
        locked=session.locked,
    )


@router.post("/sign-in/again/passkey")
def with_passkey(
    request: Request, caller: Caller, *, server: Wired, answer: Annotated[dict[str, Any], Body()], target: str = "/"
) -> Response:
    """Put a newly proved session in the place of the standing one."""
    server.sign_in_attempts.count(caller_address(request))
    session = standing_session(caller)
    token = passkeys.sign_in(server, caller, answer=answer, device=device(request), standing=session)
    response = JSONResponse({"to": local_path(target), "csrf": Visitor(token=token, language=caller.language).csrf})
    keep_cookie(server, response, token)
    return response


@router.post("/account/lock")
def lock(caller: Caller, server: Wired) -> Response:
    """Lock the session; the page has hidden what it shows by then."""
    session = standing_session(caller)
    with server.registry.writing() as connection:
        lock_session(connection, caller.token, now=server.clock.now())
        known = accounts.live_account(connection, session.commune_code, session.account_id)
        if known is not None and not session.locked:
            note(server, connection, "locked", account=known)
    return JSONResponse({"locked": True})
