"""What the API answers: small structs, written by msgspec, shared by the handlers and the OpenAPI document.

- Receipts carry their signed text (``LR1:...``), so that a client can keep and check them without us.
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from residence.errors import Sentence
from residence.wire.messages import Receipt
from server.hints import ToldProblem


class ReceiptAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A receipt and its signed text form. ``problems``: of a statement that stands in conflict, in words and with what to do."""

    receipt: Receipt
    text: str
    problems: tuple[ToldProblem, ...] = ()


class CheckAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a dry run found; ``ok`` is false when a problem of severity error stands."""

    ok: bool
    problems: tuple[ToldProblem, ...]
    due: str | None
    rule: str | None
    rule_set: str | None


class PublicReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever holds a code may see. ``place`` is empty for homes. ``now``: ``state``, or ``superseded`` or ``withdrawn`` since."""

    code: str
    state: str
    accepted_at: str
    due: str | None
    on_time: bool | None
    rule: str | None
    rule_set: str | None
    place: str | None
    now: str
    now_by: str | None  # the code of the receipt that changed it
    now_at: str | None


class KioskAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One kiosk's last sign of life."""

    kiosk_id: str
    premises_id: str
    health: str
    reasons: tuple[str, ...]
    online: bool | None
    seen_at: str | None
    outbox_depth: int | None
    oldest_unsent_at: str | None
    time_state: str | None
    readers: dict[str, str]
    version: str | None


class ProblemDocument(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457, with our code, its sentences, what to do (``hint``: the words that may stand there), and every problem of the input."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    message: Sentence
    pointer: str
    hint: Sentence | None
    problems: tuple[ToldProblem, ...]
    receipt: ReceiptAnswer | None = None  # of a statement that was recorded and refused


def answer(content: object, *, status: int = 200) -> Response:
    """Return JSON."""
    return Response(msgspec.json.encode(content), status_code=status, media_type="application/json")
