"""Opening one's own page with a phone at a kiosk (``registry/ways_in.py``), and adding a passkey then.

- The ticket stands behind the ``#`` of the scanned address, which no browser sends: a script puts it into the form and out of the address.
  Opening the page spends nothing; the button does.
- Tries are counted by address. Success begins a session with a new cookie; where it leads is the account, to add a passkey.

Example: ``POST /sign-in/kiosk`` with ``ticket=LW1.0oRY…``
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry import ways_in
from registry.sessions import Beginning
from registry.ways_in import Tools
from residence.errors import Problem, Refused, problem
from residence.wire.way_in import LONGEST_TEXT
from server.accounts.sign_in import begin_session, device, note
from server.pages import render
from server.visitor import Caller, Form, Visitor, keep_cookie
from server.wiring import Server, caller_address, server_of

router: Final = APIRouter(prefix="/sign-in/kiosk")
Wired = Annotated[Server, Depends(server_of)]
WAITING: Final = "way-in.not_yet"  # the same ticket is good a moment later


@router.get("")
def show(request: Request, caller: Caller) -> Response:
    """Say what will happen, and ask for the press of a button."""
    return _page(request, caller)


@router.post("")
def enter(request: Request, caller: Caller, server: Wired, form: Form) -> Response:
    """Spend the ticket and go where a passkey is added."""
    server.sign_in_attempts.count(caller_address(request))
    ticket = form.get("ticket", "")[: LONGEST_TEXT + 1]
    tools = Tools(
        vault=server.registry.vault,
        now=server.clock.now(),
        random_bytes=server.random_bytes,
        least=server.settings.kiosk_way_in_level,
    )
    try:
        with server.registry.writing() as connection:
            account = ways_in.use(connection, ticket, tools=tools)
            note(server, connection, "opened-at-kiosk", account=account)
            token = begin_session(server, connection, account, beginning=Beginning(method="kiosk", device=device(request)))
    except Refused as error:
        if not error.code.startswith("way-in."):
            raise
        again = ticket if error.code == WAITING else ""
        return _page(request, caller, wrong=problem(error.code, "/ticket"), ticket=again)
    response = RedirectResponse("/account", status_code=303)
    keep_cookie(server, response, token)
    return response


def _page(request: Request, caller: Visitor, *, wrong: Problem | None = None, ticket: str = "") -> Response:
    status = 403 if wrong else 200
    return render(request, "accounts/kiosk_ticket.html", caller=caller, status=status, wrong=wrong, ticket=ticket)
