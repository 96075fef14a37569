"""What happened to a stay, as programs are told: one statement and its answer, without a name.

- The same words whether a program asks (``GET /api/v1/events``) or is told (webhooks).

Example: ``EventAnswer(id="019f...", type="declaration.accepted", ...)``
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

EventType = Literal["declaration.accepted", "declaration.conflicting", "declaration.refused"]
TEST: Final = "webhook.test"


class EventAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One event. ``id`` is the declaration's; ``type`` is declaration.accepted, declaration.conflicting or declaration.refused."""

    id: str
    type: str
    at: str
    premises_id: str
    unit: str | None
    kind: str
    about: str | None
    origin: str
    receipt_code: str
    due: str | None
    on_time: bool | None


class WebhookBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook carries. ``data`` is null in a test message."""

    type: str
    timestamp: str
    data: EventAnswer | None
