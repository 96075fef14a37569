"""Webhooks: their shapes and their operations, written by ``scripts/docs`` from the API's document.

- ``WebhookBody`` is what an address of yours is sent.

Example: ``Api(line).post_webhook({"url": "https://pms.example/luutru"}, key="...")``
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict, cast

from luutru_client.line import Line, part
from luutru_client.told import (
    EventAnswer,
)


class DeliveriesAnswer(TypedDict):
    """A page of messages, the newest first; ``next`` is the cursor of the page that follows, null on the last."""

    items: list[DeliveryAnswer]
    next: str | None


class DeliveryAnswer(TypedDict):
    """One message. ``message_id`` is its webhook-id; ``state``: waiting, sending, delivered or failed."""

    delivery_id: str
    message_id: str
    type: str
    state: str
    attempts: int
    created_at: str
    next_at: str | None
    done_at: str | None
    fault: str | None
    http_status: int | None


class End(TypedDict):
    """Delete the subscription, its keys and its messages."""

    step: Literal["end"]


class Pause(TypedDict):
    """Tell nothing for now; nothing is lost."""

    step: Literal["pause"]


class Replay(TypedDict):
    """Tell again everything since an instant, at most 30 days back."""

    step: Literal["replay"]
    since: str


class Resend(TypedDict):
    """Send one message again."""

    step: Literal["resend"]
    delivery_id: str


class Resume(TypedDict):
    """Go on from where it stopped, also after a 410."""

    step: Literal["resume"]


class Rotate(TypedDict):
    """A new key; the one before signs beside it for a day."""

    step: Literal["rotate"]


class TryOut(TypedDict):
    """Send a message that says nothing."""

    step: Literal["test"]


class Webhook(TypedDict):
    """A subscription that is asked for. ``premises_ids`` left out: all the caller reads of; ``types`` left out: all."""

    url: str
    signing: NotRequired[Literal["ed25519", "hmac"]]
    premises_ids: NotRequired[list[str]]
    types: NotRequired[list[Literal["declaration.accepted", "declaration.conflicting", "declaration.refused"]]]


class WebhookAnswer(TypedDict):
    """A subscription. ``state``: active, paused, gone (answered 410), given_up (took nothing for five days), ended; ``fault``: failing now."""

    hook_id: str
    url: str
    signing: Literal["ed25519", "hmac"]
    premises_ids: list[str]
    types: list[str]
    state: str
    fault: str | None
    failing_since: str | None
    delivered_at: str | None
    created_at: str


class WebhookBody(TypedDict):
    """What a webhook carries. ``data`` is null in a test message."""

    type: str
    timestamp: str
    data: EventAnswer | None


class WebhookKey(TypedDict):
    """What messages are checked with: the secret (whsec_...) or public key (whpk_...), and the one before it while both sign."""

    signing: Literal["ed25519", "hmac"]
    key: str
    former_key: str | None
    former_until: str | None


HookStep = Rotate | TryOut | Pause | Resume | Replay | Resend | End


class Webhooks:
    """The operations of webhooks."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def get_webhooks(
        self,
    ) -> list[WebhookAnswer]:
        """List your webhooks."""
        answer = self._line.call(
            "GET",
            "/v1/webhooks",
        )
        return cast("list[WebhookAnswer]", answer)

    def post_webhook(
        self,
        body: Webhook,
        *,
        key: str,
    ) -> WebhookAnswer:
        """Be told of what happens at your premises, as it happens, at an address of yours."""
        answer = self._line.call(
            "POST",
            "/v1/webhooks",
            body=body,
            headers={"Idempotency-Key": key},
        )
        return cast("WebhookAnswer", answer)

    def get_webhook(
        self,
        hook_id: str,
    ) -> WebhookAnswer:
        """Get how a webhook stands."""
        answer = self._line.call(
            "GET",
            f"/v1/webhooks/{part(hook_id)}",
        )
        return cast("WebhookAnswer", answer)

    def get_webhook_key(
        self,
        hook_id: str,
    ) -> WebhookKey:
        """Get what messages are checked with: the shared secret, or the public key."""
        answer = self._line.call(
            "GET",
            f"/v1/webhooks/{part(hook_id)}/key",
        )
        return cast("WebhookKey", answer)

    def post_webhook_step(
        self,
        hook_id: str,
        body: HookStep,
        *,
        key: str,
    ) -> WebhookAnswer:
        """Change the key, send a test, pause, resume, replay from an instant, send one message again, or end."""
        answer = self._line.call(
            "POST",
            f"/v1/webhooks/{part(hook_id)}/steps",
            body=body,
            headers={"Idempotency-Key": key},
        )
        return cast("WebhookAnswer", answer)

    def get_deliveries(
        self,
        hook_id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
    ) -> DeliveriesAnswer:
        """List a webhook's messages and how they fared, the newest first."""
        answer = self._line.call(
            "GET",
            f"/v1/webhooks/{part(hook_id)}/deliveries",
            query={"cursor": cursor, "limit": limit},
        )
        return cast("DeliveriesAnswer", answer)
