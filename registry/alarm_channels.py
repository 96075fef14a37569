"""The channels a house is alarmed by (text message, push, e-mail): which there are, and whether each works. Where they lead is in no row.

- What the operator's file names is what stands: a channel that is new is kept and tried at once, one that is gone goes with what waited for it.
- Each attempt says whether the channel works; ``state_since`` is since when it does, or does not.

Example: ``set_channels(connection, [Wanted(premises_id="htl-sao-mai", commune_code="demo-01", name="reception")], now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from registry.messages import put_aside
from registry.tables_messages import alarm_channels, messages

CHANNEL: Final = "channel"
MOST: Final = 20  # of one house
MOST_OF_ALL: Final = 10_000
_CHANNELS: Final = alarm_channels.c


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as the operator's file names it."""

    premises_id: str
    commune_code: str
    name: str


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel as it stands. ``untried``: the first alarm to try it out has not gone yet."""

    channel_id: str
    premises_id: str
    name: str
    state: Literal["untried", "works", "fails"]
    fault: str | None
    state_since: datetime


def set_channels(
    connection: Connection, wanted: Iterable[Wanted], *, now: datetime, random_bytes: Callable[[int], bytes]
) -> tuple[int, int]:
    """Let these channels stand and no others; returns how many came and how many went. Each that came is tried with an alarm of its own."""
    asked = {(each.premises_id, each.name): each for each in wanted}
    known = {(row.premises_id, row.name): row.channel_id for row in connection.execute(select(alarm_channels).limit(MOST_OF_ALL))}
    gone = [known[each] for each in known.keys() - asked.keys()]
    if gone:
        connection.execute(delete(alarm_channels).where(_CHANNELS.channel_id.in_(gone)))
        connection.execute(delete(messages).where(messages.c.subject_id.in_(gone)))
    new = [asked[each] for each in sorted(asked.keys() - known.keys())]
    for each in new:
        channel_id = sha256(f"{each.premises_id}\n{each.name}".encode()).hexdigest()[
            :32
        ]  # of two gateways at once the second is refused
        row = msgspec.structs.asdict(each) | {"channel_id": channel_id, "state": "untried", "fault": None, "state_since": now}
        connection.execute(insert(alarm_channels), [row])
        to = [(CHANNEL, channel_id)]
        put_aside(connection, "trial", channel_id, commune_code=each.commune_code, to=to, now=now, random_bytes=random_bytes)
    return len(new), len(gone)


def channels_of(connection: Connection, premises_id: str) -> list[Channel]:
    """Return the channels of a house by name."""
    query = select(alarm_channels).where(_CHANNELS.premises_id == premises_id).order_by(_CHANNELS.name).limit(MOST)
    return [_channel(row) for row in connection.execute(query)]


def channel_of(connection: Connection, channel_id: str) -> Channel | None:
    """Return one channel; None when it stands no more."""
    row = connection.execute(select(alarm_channels).where(_CHANNELS.channel_id == channel_id).limit(1)).first()
    return None if row is None else _channel(row)


def note_attempt(connection: Connection, channel: Channel, *, fault: str | None, now: datetime) -> None:
    """Say whether the channel took what was sent just now."""
    state = "fails" if fault else "works"
    values: dict[str, Any] = {"state": state, "fault": fault}
    if channel.state != state:
        values["state_since"] = now
    connection.execute(update(alarm_channels).where(_CHANNELS.channel_id == channel.channel_id).values(values))


def _channel(row: Row[Any]) -> Channel:
    return msgspec.convert({name: getattr(row, name) for name in Channel.__struct_fields__}, Channel)
