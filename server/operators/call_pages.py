"""Calls for a person from kiosks: who waits, how long, and an operator's word that they have seen it. No person is named.

- Those that wait stand first, the longest at the top; the list renews itself, and so does the alarm on the page of kiosks.
- Acknowledging is one operator's: a second one is told that somebody goes already.
- The kiosk says so by the gateway's signed word (``gateway/kiosk_answers.py``).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.kiosk_calls import acknowledge_call, calls_of
from server.pages import render
from server.policy import CommuneResource
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/operators/calls")
Wired = Annotated[Server, Depends(server_of)]
SHOWN_FOR: Final = timedelta(days=7)


@router.get("")
def show_calls(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the calls of the commune."""
    server.policy.require(account, "list_calls", resource=CommuneResource(commune=account.commune_code))
    now = server.clock.now()
    with server.registry.reading() as connection:
        calls = calls_of(connection, account.commune_code, since=now - SHOWN_FOR)
    template = "operators/call_list.html" if request.headers.get("hx-request") else "operators/calls.html"
    return render(request, template, caller=caller, calls=calls)


@router.post("")
def acknowledge(account: SignedIn, server: Wired, form: Form) -> Response:
    """Take an operator's word that they have seen a call."""
    server.policy.require(account, "answer_calls", resource=CommuneResource(commune=account.commune_code))
    with server.registry.writing() as connection:
        acknowledge_call(
            connection,
            form.get("call", ""),
            commune_code=account.commune_code,
            by=account.account_id,
            now=server.clock.now(),
        )
    return RedirectResponse("/operators/calls", status_code=303)
