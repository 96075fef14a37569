"""Messages to subscriptions: made as a subscription's place in the events moves on, taken by whoever sends, tried again for days.

- The place and the messages move in one transaction, guarded by the place as it was read: two gateways make each message once.
- A message is taken for ``LEASE``: a sender that dies is followed by another, so a receiver may see it twice, under the same id.
- One subscription's trouble is its own: an address that does not answer is left alone for a while, and the others go on.
- 410 ends the telling at once; so does taking nothing for ``GIVE_UP``. What waited goes on waiting, and goes when it is let on again.

Example: ``collect(connection, stands, now=now, random_bytes=random_bytes)``, then ``take`` and ``settle``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, and_, insert, or_, select, update
from sqlalchemy import text as text_of_sql

from registry.locking import locked_row
from registry.stay_events import SETTLED, StayEvent, events_after
from registry.tables_webhooks import TOLD, WAITS, webhook_deliveries, webhooks
from residence.clock import uuid7
from residence.wire.stay_events import TEST
from residence.wire.webhooks import GIVE_UP, SILENT_AT_MOST

DeliveryState = Literal["waiting", "sending", "delivered", "failed"]
NOT_TOLD: Final = "webhook.not_told"  # the statement is no more, or its house was taken from the account
LEASE: Final = timedelta(minutes=2)
QUIET: Final = timedelta(seconds=5)
PAGE: Final = 200
WAITS_BESIDE: Final = text_of_sql(
    "webhook_deliveries.state IN ('waiting', 'sending')"
)  # as WAITS, beside a table that has states too
_HOOKS: Final = webhooks.c
_SENT: Final = webhook_deliveries.c


class HookStands(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription that is told of things, and where it stands in the events."""

    hook_id: str
    commune_code: str
    types: tuple[str, ...]
    cursor_at: datetime
    cursor_id: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one subscription."""

    delivery_id: str
    hook_id: str
    commune_code: str
    message_id: str
    type: str
    state: DeliveryState
    attempts: int
    created_at: datetime
    next_at: datetime
    done_at: datetime | None
    fault: str | None
    http_status: int | None


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an attempt. ``pause``: when to try again, None never; ``silent``: the address did not answer."""

    fault: str | None
    http_status: int | None = None
    pause: timedelta | None = None
    silent: bool = False
    gone: bool = False


_COLUMNS: Final = [_SENT[name] for name in Delivery.__struct_fields__]


def any_told(connection: Connection) -> bool:
    """Tell whether there is any subscription to be told of things."""
    return bool(told_hooks(connection, after="", limit=1))


def told_hooks(connection: Connection, *, after: str, limit: int = PAGE) -> list[HookStands]:
    """Return subscriptions that are told of things, by id, beyond ``after``."""
    query = select(*(_HOOKS[name] for name in HookStands.__struct_fields__)).where(_HOOKS.hook_id > after, TOLD)
    rows = connection.execute(query.order_by(_HOOKS.hook_id).limit(limit))
    return [HookStands(**{**row._mapping, "types": tuple(row.types)}) for row in rows]  # noqa: SLF001  # SQLAlchemy's public name


def news_for(connection: Connection, stands: HookStands, premises: tuple[str, ...], *, now: datetime) -> list[StayEvent]:
    """Return what happened since a subscription's place, the oldest first, a page of it."""
    if not premises:
        return []
    after = (stands.cursor_at, stands.cursor_id)
    return events_after(connection, premises, after=after, before=now - SETTLED, limit=PAGE)


def collect(
    connection: Connection,
    stands: HookStands,
    events: list[StayEvent],
    *,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> int:
    """Make the messages of events and move the place behind them; returns how many, none where another was faster."""
    last = events[-1]
    as_read = (_HOOKS.hook_id == stands.hook_id, _HOOKS.cursor_at == stands.cursor_at, _HOOKS.cursor_id == stands.cursor_id)
    moved = update(webhooks).where(*as_read).values(cursor_at=last.recorded_at, cursor_id=last.declaration_id)
    if connection.execute(moved).rowcount != 1:
        return 0
    rows = [
        delivery_row(stands, each.declaration_id, f"declaration.{each.state}", now=now, random_bytes=random_bytes)
        for each in events
        if not stands.types or f"declaration.{each.state}" in stands.types
    ]
    if rows:
        connection.execute(insert(webhook_deliveries), rows)
    return len(rows)


def add_test(
    connection: Connection, hook_id: str, commune_code: str, *, now: datetime, random_bytes: Callable[[int], bytes]
) -> None:
    """Put a message aside that says nothing but that the way is open."""
    stands = HookStands(hook_id=hook_id, commune_code=commune_code, types=(), cursor_at=now, cursor_id="")
    message_id = str(uuid7(now, random_bytes(10)))
    connection.execute(insert(webhook_deliveries), [delivery_row(stands, message_id, TEST, now=now, random_bytes=random_bytes)])


def delivery_row(
    stands: HookStands, message_id: str, kind: str, *, now: datetime, random_bytes: Callable[[int], bytes]
) -> dict[str, Any]:
    """Return the row of a message that is due at once."""
    return {
        "commune_code": stands.commune_code,
        "delivery_id": str(uuid7(now, random_bytes(10))),
        "hook_id": stands.hook_id,
        "message_id": message_id,
        "type": kind,
        "state": "waiting",
        "attempts": 0,
        "created_at": now,
        "next_at": now,
        "done_at": None,
        "fault": None,
        "http_status": None,
    }


def due_deliveries(connection: Connection, *, now: datetime, limit: int = PAGE) -> list[Delivery]:
    """Return what is due for addresses that are told of things and not left alone, the longest waiting first."""
    same = and_(_HOOKS.hook_id == _SENT.hook_id, _HOOKS.commune_code == _SENT.commune_code)
    open_to = (_HOOKS.state == "active", or_(_HOOKS.quiet_until.is_(None), _HOOKS.quiet_until <= now))
    query = select(*_COLUMNS).join(webhooks, same).where(WAITS_BESIDE, _SENT.next_at <= now, *open_to)
    return [Delivery(**row._mapping) for row in connection.execute(query.order_by(_SENT.next_at).limit(limit))]  # noqa: SLF001


def take(connection: Connection, delivery: Delivery, *, now: datetime) -> bool:
    """Take one message to send it; False when another sender was faster."""
    mine = (_SENT.delivery_id == delivery.delivery_id, WAITS, _SENT.next_at <= now)
    values = {"state": "sending", "next_at": now + LEASE, "attempts": delivery.attempts + 1}
    return connection.execute(update(webhook_deliveries).where(*mine).values(values)).rowcount == 1


def settle(connection: Connection, delivery: Delivery, sent: Sent, *, now: datetime) -> None:
    """Say what became of a message that was taken, and what that means for its address."""
    hook = locked_row(connection, webhooks, delivery.hook_id)
    state: DeliveryState = "delivered" if sent.fault is None else "waiting" if sent.pause is not None or sent.gone else "failed"
    values: dict[str, Any] = {"state": state, "fault": sent.fault, "http_status": sent.http_status}
    values |= {"done_at": now} if state == "delivered" else {"next_at": now + (sent.pause or timedelta())}
    connection.execute(update(webhook_deliveries).where(_SENT.delivery_id == delivery.delivery_id).values(values))
    if hook is None or sent.fault == NOT_TOLD:  # ended meanwhile, or no fault of the address
        return
    if sent.fault is None:
        stands: dict[str, Any] = {"fault": None, "failures": 0, "failing_since": None, "quiet_until": None, "delivered_at": now}
    else:
        since = hook.failing_since or now
        stands = {"fault": sent.fault, "failures": hook.failures + 1, "failing_since": since}
        if sent.silent:
            stands["quiet_until"] = now + min(SILENT_AT_MOST, sent.pause or SILENT_AT_MOST, QUIET * 2 ** min(hook.failures, 10))
        if sent.gone or now - since >= GIVE_UP:
            stands["state"] = "gone" if sent.gone else "given_up"
    connection.execute(update(webhooks).where(_HOOKS.hook_id == delivery.hook_id).values(stands))


def deliveries_of(connection: Connection, hook_id: str, *, before: str | None = None, limit: int = 50) -> list[Delivery]:
    """Return a subscription's messages, the newest first, beyond ``before``."""
    wanted = [_SENT.hook_id == hook_id] + ([_SENT.delivery_id < before] if before else [])
    query = select(*_COLUMNS).where(*wanted).order_by(_SENT.delivery_id.desc()).limit(limit)
    return [Delivery(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001


def send_again(connection: Connection, hook_id: str, delivery_id: str, *, now: datetime) -> bool:
    """Let a message that was delivered or has failed be sent again, with all its tries; False when there is none."""
    done = (_SENT.hook_id == hook_id, _SENT.delivery_id == delivery_id)
    values = {"state": "waiting", "attempts": 0, "next_at": now, "done_at": None, "fault": None, "http_status": None}
    return connection.execute(update(webhook_deliveries).where(*done).values(values)).rowcount == 1
