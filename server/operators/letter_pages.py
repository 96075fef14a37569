"""Dead letters for operators: listed by code, looked at one by one, tried again or dismissed; never their content.

- An operator sees those of the own commune and those of nobody proven. One that is elsewhere and one that is not there answer alike.
- Trying again only marks: the running gateway does it within seconds. Who asked, who dismissed and why is on the record.
- A dismissal needs a reason; one that was answered ``received`` can only be dismissed by itself (``registry/letter_changes.py``).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.letter_changes import Chosen, dismiss, retry
from registry.letter_lists import counts_of, events_of_letter, letter_of, letters_of
from registry.quarantine import NOWHERE
from residence.errors import Conflict, Refused
from server.pages import render
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/operators/dead-letters")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show_letters(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """List what could not be recorded, by code and machine."""
    server.policy.require(account, "list_dead_letters", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        counts = counts_of(connection, account.commune_code)
        letters = letters_of(connection, account.commune_code)
    return render(request, "operators/dead_letters.html", caller=caller, counts=counts, letters=letters)


@router.get("/{quarantine_id}")
def show_letter(request: Request, caller: Caller, *, account: SignedIn, server: Wired, quarantine_id: str) -> Response:
    """Show everything about one letter but its content."""
    server.policy.require(account, "list_dead_letters", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        seen = letter_of(connection, account.commune_code, quarantine_id)
        events = events_of_letter(connection, quarantine_id)
    if seen is None:
        raise Refused("server.not_allowed")
    return render(request, "operators/dead_letter.html", caller=caller, seen=seen, letter=seen.letter, events=events)


@router.post("")
def settle_code(account: SignedIn, server: Wired, form: Form) -> Response:
    """Try again, or dismiss, every letter of one code."""
    chosen = Chosen(code=form.get("code", ""), communes=(account.commune_code, NOWHERE))
    with server.registry.writing() as connection:
        _settle(connection, server, account, chosen=chosen, form=form)
    return RedirectResponse("/operators/dead-letters", status_code=303)


@router.post("/{quarantine_id}")
def settle_letter(account: SignedIn, server: Wired, *, form: Form, quarantine_id: str) -> Response:
    """Try again, or dismiss, one letter."""
    chosen = Chosen(ids=(quarantine_id,), communes=(account.commune_code, NOWHERE))
    with server.registry.writing() as connection:
        changed = _settle(connection, server, account, chosen=chosen, form=form)
        there = letter_of(connection, account.commune_code, quarantine_id)
    if there is None:
        raise Refused("server.not_allowed")
    if not changed:
        raise Conflict("letter.changed")
    return RedirectResponse(f"/operators/dead-letters/{quarantine_id}", status_code=303)


def _settle(connection: Connection, server: Server, account: Account, *, chosen: Chosen, form: Form) -> int:
    server.policy.require(account, "settle_dead_letters", resource=CommuneResource(commune=account.commune_code))
    now, by = server.clock.now(), account.account_id
    if form.get("action") == "retry":
        return retry(connection, chosen, now=now, random_bytes=server.random_bytes, by=by)
    if form.get("action") == "dismiss":
        return dismiss(connection, chosen, reason=form.get("reason", ""), now=now, random_bytes=server.random_bytes, by=by)
    raise Refused("server.not_allowed")
