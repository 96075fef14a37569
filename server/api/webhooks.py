"""Webhooks by program: the same events ``GET /v1/events`` gives, sent to an address as they happen, signed by Standard Webhooks.

- A program sees its own subscriptions, an account all of its own. Whoever may read at a house may be told of it, and no more.
- What a message is checked with is fetched by itself, so that no answer kept for a repeated request holds a secret.
- Every step but a look is asked with an Idempotency-Key.

Example: ``POST /v1/webhooks`` with ``{"url": "https://pms.example/luutru"}``, then ``GET /v1/webhooks/<id>/key``
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.api_requests import Taken
from registry.webhook_deliveries import Delivery, deliveries_of
from registry.webhooks import Hook, HookOwner, hook_of, hooks_of, keys_of
from residence.clock import rfc3339
from residence.wire.webhooks import Signing
from server.api.answers import answer
from server.api.callers import ApiCaller, Calling, CountedRoute
from server.api.declarations import Sent
from server.api.once import Key, once
from server.api.paging import Place, read_cursor, read_limit, tagged, write_cursor
from server.api.stays import decoded
from server.webhooks import HookStep, Webhook, make_webhook, may_read, take_step
from server.wiring import Server, server_of

router = APIRouter(prefix="/v1/webhooks", route_class=CountedRoute)
Wired = Annotated[Server, Depends(server_of)]


class WebhookAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription. ``state``: active, paused, gone (answered 410), given_up (took nothing for five days), ended; ``fault``: failing now."""

    hook_id: str
    url: str
    signing: Signing
    premises_ids: tuple[str, ...]
    types: tuple[str, ...]
    state: str
    fault: str | None
    failing_since: str | None
    delivered_at: str | None
    created_at: str


class WebhookKey(msgspec.Struct, frozen=True, kw_only=True):
    """What messages are checked with: the secret (whsec_...) or public key (whpk_...), and the one before it while both sign."""

    signing: Signing
    key: str
    former_key: str | None
    former_until: str | None


class DeliveryAnswer(msgspec.Struct, frozen=True, kw_only=True):
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


class DeliveriesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of messages, the newest first; ``next`` is the cursor of the page that follows, null on the last."""

    items: tuple[DeliveryAnswer, ...]
    next: str | None


@router.get("")
def get_webhooks(request: Request, caller: Calling, server: Wired) -> Response:
    """Answer with the caller's subscriptions."""
    owner = owner_of(server, caller)
    with server.registry.reading() as connection:
        found = hooks_of(connection, owner, vault=server.registry.vault)
    return tagged(request, [shown(each) for each in found])


@router.post("")
def post_webhook(caller: Calling, server: Wired, body: Sent, *, key: Key = None) -> Response:
    """Keep a subscription."""
    asked: Webhook = decoded(body, Webhook)
    owner = owner_of(server, caller)
    for each in asked.premises_ids:
        caller.require("read", each)
    wanted = may_read(server, caller.account, asked.premises_ids or caller.premises("read"))
    asked = msgspec.structs.replace(asked, premises_ids=wanted)

    def work(taken: Taken) -> Response:
        made = make_webhook(server, asked, owner=owner, commune_code=caller.account.commune_code, hook_id=taken.request_id)
        return answer(shown(made), status=201)

    return once(server, caller, key=key, operation="postWebhook", content=body, work=work)


@router.get("/{hook_id}")
def get_webhook(request: Request, caller: Calling, server: Wired, hook_id: str) -> Response:
    """Answer with one subscription."""
    return tagged(request, shown(_own(server, caller, hook_id)))


@router.get("/{hook_id}/key")
def get_webhook_key(caller: Calling, server: Wired, hook_id: str) -> Response:
    """Answer with what messages are checked with."""
    hook = _own(server, caller, hook_id)
    with server.registry.reading() as connection:
        held = keys_of(connection, hook_id, vault=server.registry.vault, now=server.clock.now())
    before = held.keys[1].told if len(held.keys) > 1 else None
    return answer(
        WebhookKey(signing=hook.signing, key=held.keys[0].told, former_key=before, former_until=_told(held.former_until))
    )


@router.post("/{hook_id}/steps")
def post_webhook_step(caller: Calling, server: Wired, hook_id: str, *, body: Sent, key: Key = None) -> Response:
    """Rotate the key, test, pause, resume, replay, send again or end."""
    step: HookStep = decoded(body, HookStep)  # type: ignore[arg-type]  # a union is a type to msgspec
    hook, owner = _own(server, caller, hook_id), owner_of(server, caller)

    def work(_taken: Taken) -> Response:
        left = take_step(server, owner, hook_id, step)
        return answer(shown(left) if left else msgspec.structs.replace(shown(hook), state="ended"))

    return once(server, caller, key=key, operation=f"step {hook_id}"[:64], content=body, work=work)


@router.get("/{hook_id}/deliveries")
def get_deliveries(request: Request, caller: Calling, server: Wired, hook_id: str) -> Response:
    """Answer with a subscription's messages, the newest first."""
    limit, cursor = read_limit(request.query_params.get("limit")), read_cursor(request.query_params.get("cursor"))
    _own(server, caller, hook_id)
    with server.registry.reading() as connection:
        found = deliveries_of(connection, hook_id, before=cursor.own_id if cursor else None, limit=limit + 1)
    page = found[:limit]
    more = write_cursor(Place(at=page[-1].created_at, own_id=page[-1].delivery_id)) if len(found) > limit else None
    return answer(DeliveriesAnswer(items=tuple(_delivery(each) for each in page), next=more))


def owner_of(server: Server, caller: ApiCaller) -> HookOwner:
    """Return whose subscriptions the caller sees, or raise ``Refused`` for whoever reads nowhere."""
    may_read(server, caller.account, caller.premises("read"))
    return HookOwner(account_id=caller.account.account_id, client_id=caller.client_id)


def _own(server: Server, caller: ApiCaller, hook_id: str) -> Hook:
    owner = owner_of(server, caller)
    with server.registry.reading() as connection:
        return hook_of(connection, hook_id, owner, vault=server.registry.vault)


def shown(hook: Hook) -> WebhookAnswer:
    """Return a subscription as it is told."""
    return WebhookAnswer(
        hook_id=hook.hook_id,
        url=hook.url,
        signing=hook.signing,
        premises_ids=hook.premises,
        types=hook.types,
        state=hook.state,
        fault=hook.fault,
        failing_since=_told(hook.failing_since),
        delivered_at=_told(hook.delivered_at),
        created_at=rfc3339(hook.created_at),
    )


def _delivery(each: Delivery) -> DeliveryAnswer:
    return DeliveryAnswer(
        delivery_id=each.delivery_id,
        message_id=each.message_id,
        type=each.type,
        state=each.state,
        attempts=each.attempts,
        created_at=rfc3339(each.created_at),
        next_at=rfc3339(each.next_at) if each.state in {"waiting", "sending"} else None,
        done_at=_told(each.done_at),
        fault=each.fault,
        http_status=each.http_status,
    )


def _told(at: datetime | None) -> str | None:
    return rfc3339(at) if at else None
