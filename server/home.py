"""The front page, the language link and the sign of life.

- The front page says who finds what where, without signing in, and what this product does not do.
- ``/healthz`` answers 200 when the registry answers a query, 503 otherwise; it says nothing else.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, RedirectResponse, Response

from registry import tables
from server.languages import COOKIE, LANGUAGES
from server.pages import render
from server.policy import Account
from server.visitor import Caller
from server.wiring import Server, server_of

router = APIRouter()
START_PAGES = {
    "clerk": "/desk",
    "officer": "/police/queue",
    "operator": "/operators/kiosks",
    "resident": "/me",
    "inspector": "/inspect",
}


def start_page(account: Account) -> str:
    """Return where an account's work begins; for a code on a slip that is the page of its stay."""
    return "/me/stay" if account.stay else START_PAGES[account.role]


def local_path(target: str) -> str:
    """Return ``target`` when it is a path on this server, else the front page: no open redirect.

    >>> local_path("//evil.example/"), local_path("/desk")
    ('/', '/desk')
    """
    safe = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable() and "\\" not in target
    return target if safe else "/"


@router.get("/")
def home(request: Request, caller: Caller) -> Response:
    """Show who finds what where."""
    start = start_page(caller.account) if caller.account else None
    return render(request, "home.html", caller=caller, start=start)


@router.get("/language/{language}")
def choose_language(server: Annotated[Server, Depends(server_of)], language: str, back: str = "/") -> Response:
    """Remember the language and go back."""
    response = RedirectResponse(local_path(back), status_code=303)
    if language in LANGUAGES:
        response.set_cookie(COOKIE, language, max_age=31536000, samesite="lax", httponly=True, secure=server.settings.secure)
    return response


@router.get("/healthz")
def healthz(server: Annotated[Server, Depends(server_of)]) -> Response:
    """Tell whether the registry answers."""
    try:
        with server.registry.reading() as connection:
            connection.execute(select(tables.premises.c.premises_id).limit(1)).first()
    except SQLAlchemyError:
        return JSONResponse({"ok": False}, status_code=503)
    return JSONResponse({"ok": True})
