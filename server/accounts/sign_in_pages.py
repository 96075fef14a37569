"""The pages of signing in and out.

- Opening a one-time link shows a button and spends nothing: mail scanners and previews open links, people press buttons.
- Every way in is counted per address before anything is looked at.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Body, Depends, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from registry import sessions
from server.accounts import passkeys
from server.accounts.destinations import destination
from server.accounts.sign_in import device, sign_in_by_link
from server.home import local_path
from server.pages import render
from server.visitor import Caller, Form, cookie_name, keep_cookie
from server.wiring import Server, caller_address, server_of

router = APIRouter()
Wired = Annotated[Server, Depends(server_of)]


@router.get("/sign-in")
def show(request: Request, caller: Caller, server: Wired, next: str = "/") -> Response:  # noqa: A002  # the address's own word
    """Offer the passkey button and the providers there are, and say how to get a link; a locked page is opened where it was."""
    if caller.locked is not None:
        return RedirectResponse(f"/sign-in/again?next={quote(local_path(next), safe='/')}", status_code=303)
    issuers = [each.issuer for each in server.providers.values()]
    return render(request, "accounts/sign_in.html", caller=caller, target=local_path(next), issuers=issuers)


@router.post("/sign-in/options")
def options(caller: Caller, server: Wired) -> Response:
    """Begin signing in with a passkey."""
    return JSONResponse(passkeys.sign_in_options(server, caller))


@router.post("/sign-in/passkey")
def with_passkey(
    request: Request, caller: Caller, *, server: Wired, answer: Annotated[dict[str, Any], Body()], target: str = "/"
) -> Response:
    """Finish signing in with a passkey; the script goes where ``to`` says."""
    server.sign_in_attempts.count(caller_address(request))
    token = passkeys.sign_in(server, caller, answer=answer, device=device(request))
    response = JSONResponse({"to": destination(server, token, local_path(target))})
    keep_cookie(server, response, token)
    return response


@router.get("/sign-in/link/{token}")
def show_link(request: Request, caller: Caller, token: str) -> Response:
    """Ask for the press of a button."""
    return render(request, "accounts/link.html", caller=caller, token=token)


@router.post("/sign-in/link")
def with_link(request: Request, server: Wired, form: Form) -> Response:
    """Spend the link and go to the account's start page."""
    server.sign_in_attempts.count(caller_address(request))
    token = sign_in_by_link(server, form.get("token", ""), device=device(request))
    response = RedirectResponse(destination(server, token, "/"), status_code=303)
    keep_cookie(server, response, token)
    return response


@router.post("/sign-out")
def sign_out(caller: Caller, server: Wired) -> Response:
    """End the session and forget the cookie; who came by a provider is led to where that session is ended."""
    with server.registry.writing() as connection:
        sessions.end_session(connection, caller.token, now=server.clock.now())
    by = caller.session.provider if caller.session is not None else None
    response = RedirectResponse(f"/signed-out?by={by}" if by in server.providers else "/", status_code=303)
    response.delete_cookie(cookie_name(server), path="/", secure=server.settings.secure, httponly=True, samesite="lax")
    response.headers["clear-site-data"] = '"cache", "storage"'
    return response
