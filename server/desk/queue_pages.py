"""Declarations a desk's page kept while there was no connection, sent by the page itself when there is one again.

- The form is the declare page's own, with the id it was opened with: however often it comes, it is declared once.
- A card scanned without a connection could not be read then; its text is read now, and what was typed stands before it.
- A warning does not hold it up: nobody sits before the page any more. An error does; the page then offers to open the form.
- ``kept_at`` says when the clerk pressed the button. It is the page's word and decides nothing: the deadline is judged by when it came.
- The text waits in the browser sealed under a key of the account, which only a signed-in page is given (``kept_forms.py``).

Example: ``POST /desk/queued`` answers ``{"state": "accepted", "code": "RD7D-QQWQ-DW4X", "problems": []}``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from starlette.responses import Response

from registry.receipts import StoredReceipt
from residence.clock import parse_instant, rfc3339
from residence.errors import LuutruError, Problem
from server.api.answers import answer
from server.declaring import check, declare, given_receipt
from server.desk.card_text import read_card_text
from server.desk.declare_pages import place_for
from server.desk.guest_form import FormContext, form_of, read_form
from server.desk.recall import card_of_form, note_consent
from server.desk.shown_cards import with_shown
from server.policy import Account
from server.visitor import Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]


class QueueAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one kept form: the receipt's state and code, or the errors that hold it up."""

    state: str
    code: str | None = None
    problems: tuple[Problem, ...] = ()


@router.post("/queued")
def take_queued(*, account: SignedIn, server: Wired, form: Form) -> Response:
    """Declare a form that was kept, or say what is wrong with it."""
    place = place_for(server, account, "declare", form.get("premises_id", ""))
    known = given_receipt(server, form.get("declaration_id", ""))
    if known is not None:
        return _told(known)
    shown = card_of_form(server, place.here, form)
    context = msgspec.structs.replace(_context(server, account), shown=shown.reading if shown else None)
    result = read_form(with_shown(with_card(server, form), shown), context=context)
    declaration = msgspec.structs.replace(result.declaration, declared_at=_kept_at(server, form))
    unread = {each.pointer for each in result.problems}
    found = (each for each in check(server, declaration).problems if each.pointer not in unread)
    errors = tuple(each for each in (*result.problems, *found) if each.severity == "error")
    if errors:
        return answer(QueueAnswer(state="look", problems=errors), status=422)
    recorded = declare(server, declaration, account=account, origin="desk")
    note_consent(server, account, place.here, form=form, declaration_id=recorded.declaration_id)
    return answer(QueueAnswer(state=recorded.receipt.state, code=recorded.receipt.code))


def with_card(server: Server, form: Mapping[str, str]) -> dict[str, str]:
    """Return the form with what its card says where nothing was typed."""
    text = form.get("card_text", "").strip()
    reading = read_card_text(text, now=server.clock.now(), policy=server.card_policy).reading if text else None
    said = {name: value for name, value in form.items() if value.strip()}
    if reading is None or "full_name" in said:
        return said
    return said | {name: value for name, value in form_of(reading.person).items() if value}


def _kept_at(server: Server, form: Mapping[str, str]) -> str:
    """Return when the page kept it, if that can be; else now."""
    now = server.clock.now()
    try:
        kept = parse_instant(form.get("kept_at", ""))
    except LuutruError:
        return rfc3339(now)
    return rfc3339(min(kept, now))


def _context(server: Server, account: Account) -> FormContext:
    return FormContext(
        now=server.clock.now(), account_id=account.account_id, account_name=account.name, card_policy=server.card_policy
    )


def _told(known: StoredReceipt) -> Response:
    return answer(QueueAnswer(state=known.state, code=known.code))
