"""How gateways fare, kept for an hour: each worker writes a row every few seconds, terminal and page read them (ADR 29).

- A report speaks of the time since the report before it; nothing in it is about a person, and ids are those of kiosks.
- The newest row of a worker is its state now. A worker that has written nothing for ``SILENT_AFTER`` is silent: ended, cut off from
  the registry, or stuck; all three need a look.
- Times are the workers' own clocks.

Example: ``write_report(connection, report, now=now); latest_reports(connection, since=now - KEPT_FOR)``
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, and_, delete, func, insert, select

from registry import tables
from registry.quarantine import NOWHERE

KEPT_FOR: Final = timedelta(hours=1)
SILENT_AFTER: Final = timedelta(seconds=15)
WORST: Final = 20  # kiosks named in a report
_TABLE: Final = tables.gateway_reports


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How long something took: how often, the middle, the slowest hundredth, and all together."""

    count: int
    p50_ms: float
    p99_ms: float
    total_ms: float


class KioskLag(msgspec.Struct, frozen=True, kw_only=True):
    """How long after it was kept at the kiosk its newest statement came. ``time_state``: what that kiosk's clock is worth."""

    kiosk_id: str
    seconds: float
    time_state: str


class EndsSoon(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate or revocation list of a worker that ends soon; ``step``: within how many days, 0 when it is over."""

    name: str
    kind: str
    ends: datetime
    step: int


class GatewayReport(msgspec.Struct, frozen=True, kw_only=True):
    """One worker's last few seconds."""

    worker: str
    at: datetime
    seconds: float  # how long a time it speaks of
    connection: str
    shards: str
    committed: int = 0
    batch: Spread | None = None  # from taken in hand to answered, of a whole batch
    stages: dict[str, Spread] = {}
    batch_size_p50: int = 0
    batch_size_max: int = 0
    in_hand: int = 0  # taken from the broker, not yet acknowledged
    oldest_unacked_seconds: float = 0.0  # the longest wait within that time, counted from when it was taken in hand
    receipts_not_sent: int = 0
    outcomes: dict[str, int] = {}
    lags: tuple[KioskLag, ...] = ()  # the worst first
    clocks_ahead: int = 0  # kiosks whose clock is ahead of ours by more than a clock may be
    rss_mib: int = 0
    endings: tuple[EndsSoon, ...] = ()

    @property
    def rate(self) -> float:
        """Return statements and other messages committed per second."""
        return self.committed / self.seconds if self.seconds > 0 else 0.0


class PlottedReport(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a report a plot needs; reading no more than that is several times as fast."""

    worker: str
    at: datetime
    seconds: float
    committed: int = 0
    batch: Spread | None = None
    oldest_unacked_seconds: float = 0.0


def write_report(connection: Connection, report: GatewayReport, *, now: datetime) -> None:
    """Add a row, and take away what any worker wrote more than an hour ago, but its newest: it tells since when it was away."""
    row = {"commune_code": NOWHERE, "worker": report.worker, "at": report.at, "report": msgspec.json.encode(report).decode()}
    same = (_TABLE.c.worker == report.worker) & (_TABLE.c.at == report.at)
    later = _TABLE.alias()
    followed = (
        select(later.c.at)
        .where(later.c.commune_code == _TABLE.c.commune_code, later.c.worker == _TABLE.c.worker, later.c.at > _TABLE.c.at)
        .exists()
    )
    connection.execute(delete(_TABLE).where(((_TABLE.c.at < now - KEPT_FOR) & followed) | same))
    connection.execute(insert(_TABLE), [row])


def latest_reports(connection: Connection, *, since: datetime) -> list[GatewayReport]:
    """Return each worker's newest report, by name."""
    newest = (
        select(_TABLE.c.commune_code, _TABLE.c.worker, func.max(_TABLE.c.at).label("at"))
        .where(_TABLE.c.at >= since)
        .group_by(_TABLE.c.commune_code, _TABLE.c.worker)
        .subquery()
    )
    same = (_TABLE.c[name] == newest.c[name] for name in ("commune_code", "worker", "at"))
    query = select(_TABLE.c.report).join(newest, and_(*same))
    return [msgspec.json.decode(text, type=GatewayReport) for text in connection.scalars(query.order_by(_TABLE.c.worker))]


def reports_since(connection: Connection, since: datetime) -> Sequence[PlottedReport]:
    """Return what a plot needs of every report since then, by worker and time."""
    query = select(_TABLE.c.report).where(_TABLE.c.at >= since).order_by(_TABLE.c.worker, _TABLE.c.at)
    return [msgspec.json.decode(text, type=PlottedReport) for text in connection.scalars(query)]


def is_silent(report: GatewayReport, *, now: datetime) -> bool:
    """Tell whether a worker has been quiet for too long."""
    return now - report.at > SILENT_AFTER
