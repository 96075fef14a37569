"""Telling programs what happened: move each subscription's place in the events, then send what is due, each address by itself.

- No transaction is open while an address is spoken to. One address has one sender at a time, so its messages go in order while all is
  well; several addresses are spoken to at once, so that one that does not answer holds up nobody.
- After a message that failed for want of an answer the rest of that address waits; it is left alone for a while (``quiet_until``).
- What a message says is read from its statement when it is sent; a statement that is no more is told of no more.

Example: ``tell_programs(registry, post=Post(Reach()), clock=clock, random_bytes=random_bytes).delivered``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import groupby
from typing import Final

import msgspec
import structlog

from gateway.webhook_line import Post
from registry.database import Registry
from registry.stay_events import events_by_id, told
from registry.tables_webhooks import webhooks
from registry.webhook_deliveries import (
    NOT_TOLD,
    PAGE,
    Delivery,
    Sent,
    collect,
    due_deliveries,
    news_for,
    settle,
    take,
    told_hooks,
)
from registry.webhooks import BEFORE_ALL, hook_from, keys_of, reached
from residence.clock import Clock, rfc3339
from residence.wire.stay_events import TEST, WebhookBody
from residence.wire.webhooks import HookKey, signed_headers

LINES: Final = 8
log = structlog.get_logger("luutru.gateway")


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What one round did: messages made, and attempts by what came of them."""

    made: int
    delivered: int = 0
    failed: int = 0


class _Ready(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    keys: tuple[HookKey, ...]
    body: bytes


def tell_programs(
    registry: Registry,
    *,
    post: Post,
    clock: Clock,
    random_bytes: Callable[[int], bytes],
    go_on: Callable[[], bool] = lambda: True,
) -> Told:
    """Do one round."""
    made = collect_all(registry, now=clock.now(), random_bytes=random_bytes)
    with registry.reading() as connection:
        due = due_deliveries(connection, now=clock.now())
    if not due:
        return Told(made=made)
    by_address = [list(each) for _, each in groupby(sorted(due, key=lambda each: each.hook_id), key=lambda each: each.hook_id)]
    fraction = int.from_bytes(random_bytes(4)) / 2**32

    def tell(deliveries: list[Delivery]) -> Counter[str]:
        return _tell_one(registry, deliveries, post=post, clock=clock, fraction=fraction, go_on=go_on)

    with ThreadPoolExecutor(min(LINES, len(by_address)), thread_name_prefix="webhook") as lines:
        done = sum(lines.map(tell, by_address), Counter[str]())
    log.info("webhooks", made=made, **done)
    return Told(made=made, delivered=done["delivered"], failed=done["failed"])


def collect_all(registry: Registry, *, now: datetime, random_bytes: Callable[[int], bytes]) -> int:
    """Make the messages of what happened since, for every subscription; returns how many."""
    made, after = 0, BEFORE_ALL
    while True:
        with registry.reading() as connection:
            page = told_hooks(connection, after=after)
            premises = reached(connection, [each.hook_id for each in page]) if page else {}
            news = [(each, news_for(connection, each, premises.get(each.hook_id, ()), now=now)) for each in page]
        for stands, events in news:
            if events:
                with registry.writing() as connection:
                    made += collect(connection, stands, events, now=now, random_bytes=random_bytes)
        if len(page) < PAGE:
            return made
        after = page[-1].hook_id


def _tell_one(
    registry: Registry, deliveries: list[Delivery], *, post: Post, clock: Clock, fraction: float, go_on: Callable[[], bool]
) -> Counter[str]:
    done: Counter[str] = Counter()
    for each in deliveries:
        if not go_on():
            break
        sent = _attempt(registry, each, post=post, clock=clock, fraction=fraction)
        if sent is None:
            continue
        with registry.writing() as connection:
            settle(connection, each, sent, now=clock.now())
        done["failed" if sent.fault else "delivered"] += 1
        if sent.silent or sent.gone:
            break
    return done


def _attempt(registry: Registry, delivery: Delivery, *, post: Post, clock: Clock, fraction: float) -> Sent | None:
    """Take a message and send it; None when somebody else has it, or it has nothing to say any more."""
    with registry.writing() as connection:
        if not take(connection, delivery, now=clock.now()):
            return None
    ready = _ready(registry, delivery, now=clock.now())
    if ready is None:
        return Sent(fault=NOT_TOLD)
    stamp = (post.stamped_by or clock).now()
    headers = signed_headers(ready.keys, message_id=delivery.message_id, at=stamp, body=ready.body)
    return post.send(ready.url, ready.body, headers, attempts=delivery.attempts + 1, fraction=fraction)


def _ready(registry: Registry, delivery: Delivery, *, now: datetime) -> _Ready | None:
    with registry.reading() as connection:
        row = connection.execute(webhooks.select().where(webhooks.c.hook_id == delivery.hook_id).limit(1)).first()
        key = registry.vault.load_keys(connection, [delivery.hook_id]).get(delivery.hook_id)
        event = events_by_id(connection, [delivery.message_id]).get(delivery.message_id)
        allowed = reached(connection, [delivery.hook_id]).get(delivery.hook_id, ())
        if row is None or key is None:
            return None
        if delivery.type != TEST and (event is None or event.premises_id not in allowed):
            return None
        url = hook_from(row, key, vault=registry.vault).url
        keys = keys_of(connection, delivery.hook_id, vault=registry.vault, now=now).keys
    at = event.recorded_at if event else delivery.created_at
    body = WebhookBody(type=delivery.type, timestamp=rfc3339(at), data=told(event) if event else None)
    return _Ready(url=url, keys=keys, body=msgspec.json.encode(body))
