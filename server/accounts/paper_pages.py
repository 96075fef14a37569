"""Signing in with the code on a paper from the commune police (``registry/recoveries.py``), and adding a passkey then.

- Opening the page spends nothing; the button does. What was lost opens nothing afterwards, unless the person says that nothing was lost.
- Tries are counted by address. A code that is not ours, was used or stopped is one answer; one that is right and early says so.

Example: ``POST /sign-in/paper``
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry import recoveries
from registry.recoveries import CODE_LETTERS, Tools
from registry.sessions import Beginning
from residence.errors import Malformed, Problem, Refused, problem
from residence.wire.receipts import parse_receipt_code
from server.accounts.sign_in import begin_session, device, note
from server.pages import render
from server.visitor import Caller, Form, Visitor, keep_cookie
from server.wiring import Server, caller_address, server_of

router: Final = APIRouter(prefix="/sign-in/paper")
Wired = Annotated[Server, Depends(server_of)]
LONGEST: Final = 60


@router.get("")
def show(request: Request, caller: Caller) -> Response:
    """Ask for the code."""
    return _page(request, caller)


@router.post("")
def enter(request: Request, caller: Caller, server: Wired, form: Form) -> Response:
    """Spend the code and go where a passkey is added."""
    server.sign_in_attempts.count(caller_address(request))
    now = server.clock.now()
    tools = Tools(vault=server.registry.vault, now=now, random_bytes=server.random_bytes, waits=server.settings.recovery_waits)
    forget = form.get("keep") != "yes"
    try:
        with server.registry.writing() as connection:
            account = recoveries.use(connection, _code(form.get("code", "")[:LONGEST]), forget=forget, tools=tools)
            note(server, connection, "recovered", account=account, code="forgot" if forget else "kept")
            token = begin_session(server, connection, account, beginning=Beginning(method="paper", device=device(request)))
    except (Refused, Malformed) as error:
        code = error.code if error.code.startswith("recovery.") else "recovery.code"
        return _page(request, caller, wrong=problem(code, "/code"))
    response = RedirectResponse("/account", status_code=303)
    keep_cookie(server, response, token)
    return response


def _code(typed: str) -> str:
    """Return the letters as they were printed, or raise ``Malformed("receipt.code")``."""
    letters = "".join(each for each in typed if each.isalnum())
    half = CODE_LETTERS // 2
    return f"{parse_receipt_code(letters[:half])}-{parse_receipt_code(letters[half:])}"


def _page(request: Request, caller: Visitor, *, wrong: Problem | None = None) -> Response:
    return render(request, "accounts/paper.html", caller=caller, status=403 if wrong else 200, wrong=wrong)
