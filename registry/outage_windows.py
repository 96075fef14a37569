"""Outages as kept: each with the authority's signature, written when it is over, and asked for by the sweep.

- A kiosk comes back: it was offline, or its oldest unsent declaration was older than ``DELIVERS_WITHIN`` and is not any more.
- A gateway's worker comes back: its last report is older than an outage may be short. Whether it was stopped, hung or cut off from the
  registry makes no difference to who wanted to declare.
- What is shorter than ``residence.cases.outages.SHORTEST`` is none. Rows stay as long as anybody may ask why they were late.

Example: ``outages_of(connection, ["blk-hoa-binh"], since=now - KEPT_FOR)``
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, func, insert, or_, select

from registry import tables
from registry.kiosks import KioskOnList
from registry.quarantine import NOWHERE
from residence.cases.outages import SHORTEST, Outage
from residence.clock import parse_instant
from residence.errors import Malformed
from residence.wire.outages import OutageWindow, read_outage, sign_outage
from residence.wire.signing import SigningKey, read_sign1
from residence.wire.state import KioskState

DELIVERS_WITHIN: Final = timedelta(minutes=5)  # an outbox whose oldest row is older than this is not delivering
LONGEST: Final = timedelta(days=45)  # no kiosk's clock makes an outage longer


class LastState(msgspec.Struct, frozen=True, kw_only=True):
    """What was known of a kiosk before the state it has just sent."""

    kiosk_id: str
    premises_id: str
    commune_code: str
    online: bool | None
    seen_at: datetime | None
    oldest_unsent_at: datetime | None


def last_states(connection: Connection, kiosk_ids: Iterable[str]) -> dict[str, LastState]:
    """Return what is kept of these kiosks, in one query."""
    columns = tables.kiosks.c
    wanted = [columns[name] for name in LastState.__struct_fields__]
    rows = connection.execute(select(*wanted).where(columns.kiosk_id.in_(sorted(kiosk_ids))))
    return {row.kiosk_id: LastState(**row._mapping) for row in rows}  # noqa: SLF001 - SQLAlchemy's public name


def undelivered_since(last: LastState | KioskOnList, now: datetime) -> datetime | None:
    """Return since when a kiosk has not delivered, None while it does or nothing was ever heard of it."""
    oldest = last.oldest_unsent_at
    if oldest is not None and now - oldest > DELIVERS_WITHIN:
        return max(oldest, now - LONGEST)
    return last.seen_at if last.online is False else None


def came_back(last: LastState, state: KioskState, now: datetime) -> Outage | None:
    """Return the outage that ends with this state of a kiosk, if one does."""
    since = undelivered_since(last, now)
    if since is None or not state.online or _still_holds(state, now) or now - since < SHORTEST:
        return None
    return Outage(cause="kiosk_offline", began_at=since, ended_at=now)


def _still_holds(state: KioskState, now: datetime) -> bool:
    try:
        oldest = parse_instant(state.oldest_unsent_at) if state.oldest_unsent_at else None
    except Malformed:
        return False
    return oldest is not None and now - oldest > DELIVERS_WITHIN


def worker_came_back(connection: Connection, worker: str, *, now: datetime) -> Outage | None:
    """Return the outage that ends with this moment's report of a gateway's worker, if one does."""
    columns = tables.gateway_reports.c
    last = connection.scalar(select(func.max(columns.at)).where(columns.worker == worker))
    if last is None or now - last < SHORTEST:
        return None
    return Outage(cause="gateway_down", began_at=last, ended_at=now)


def keep_outage(connection: Connection, window: OutageWindow, *, commune_code: str | None, signer: SigningKey) -> None:
    """Write an outage, signed."""
    outage = window.outage
    row = {
        "commune_code": commune_code or NOWHERE,
        "outage_id": window.outage_id,
        "cause": window.cause,
        "premises_id": window.premises_id,
        "began_at": outage.began_at,
        "ended_at": outage.ended_at,
        "signed": sign_outage(window, signer),
    }
    connection.execute(insert(tables.outages), [row])


def outages_of(connection: Connection, premises_ids: Sequence[str], *, since: datetime) -> dict[str, tuple[Outage, ...]]:
    """Return the outages that ended since then and concern each of these premises."""
    columns = tables.outages.c
    wanted = or_(columns.premises_id.is_(None), columns.premises_id.in_(sorted(set(premises_ids))))
    rows = connection.scalars(select(columns.signed).where(columns.ended_at >= since, wanted).order_by(columns.ended_at)).all()
    windows = [read_outage(read_sign1(each).payload) for each in rows]
    return {each: tuple(one.outage for one in windows if one.concerns(each)) for each in premises_ids}


def outages_between(
    connection: Connection, premises_id: str, *, since: datetime, until: datetime
) -> list[tuple[OutageWindow, bytes]]:
    """Return the outages that concern a premises and fell between two instants, each as it was signed."""
    columns = tables.outages.c
    concerned = or_(columns.premises_id.is_(None), columns.premises_id == premises_id)
    query = select(columns.signed).where(columns.ended_at > since, columns.began_at < until, concerned)
    signed = [bytes(each) for each in connection.scalars(query.order_by(columns.began_at, columns.outage_id))]
    found = [(read_outage(read_sign1(each).payload), each) for each in signed]
    return [(window, data) for window, data in found if window.concerns(premises_id)]


def signed_since(connection: Connection, since: datetime) -> list[bytes]:
    """Return every signed outage that ended since then, the oldest first."""
    columns = tables.outages.c
    query = select(columns.signed).where(columns.ended_at >= since).order_by(columns.ended_at, columns.outage_id)
    return [bytes(each) for each in connection.scalars(query)]
