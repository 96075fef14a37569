"""Which numbers of a kiosk's own count never came although later ones did, and since when that is known.

- What came is what was committed: receipts and dead letters with a genuine header. So any gateway, before or after a restart, finds the same.
- Numbers are looked through once, in order; what is erased or deleted later is not missing. A missing one that comes is missing no more.
- A kiosk that is silent withholds nothing: only a later number shows that an earlier one is missing.
- At most ``MAX_RANGES`` ranges are kept (``residence/wire/replay.py``), so that a hostile kiosk costs a bounded row.

Example: ``look_through(connection, Counted("demo-01", "kiosk-lobby-1", epoch), now=now)``
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from registry import tables
from residence.clock import parse_instant, rfc3339
from residence.wire.replay import SequenceWindow, observe

PAGE: Final = 2000  # numbers looked through at once
MOST_LISTED: Final = 1000
_COUNTS: Final = tables.kiosk_counts


class Counted(NamedTuple):
    """One count: a kiosk's, since its outbox was born."""

    commune_code: str
    kiosk_id: str
    epoch: str


class Withheld(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers from ``first`` to ``last`` that are missing since somebody knew."""

    epoch: str
    first: int
    last: int
    since: datetime

    @property
    def numbers(self) -> int:
        """Return how many they are."""
        return self.last - self.first + 1


def look_through(connection: Connection, counted: Counted, *, now: datetime) -> bool:
    """Bring one count up to what has been committed; tells whether there is more than one page."""
    columns = _COUNTS.c
    which = (columns.commune_code == counted.commune_code, columns.kiosk_id == counted.kiosk_id, columns.epoch == counted.epoch)
    row = connection.execute(select(_COUNTS).where(*which).with_for_update()).first()
    known = _known(row)
    window = before = SequenceWindow(row.through if row else 0, tuple((each.first, each.last) for each in known))
    fresh = _came(connection, counted, after=window.highest)
    filling = [each for first, last in window.missing for each in _came(connection, counted, after=first - 1, until=last)]
    for number in (*filling, *fresh):
        window = observe(window, number).window
    if window != before:
        missing = [(first, last, _since(known, first, last, now)) for first, last in window.missing]
        values = {
            "through": window.highest,
            "missing": [(first, last, rfc3339(since)) for first, last, since in missing],
            "missing_since": min((since for *_, since in missing), default=None),
            "changed_at": now,
        }
        if row is None:
            connection.execute(insert(_COUNTS), [values | counted._asdict()])
        else:
            connection.execute(update(_COUNTS).where(*which).values(**values))
    return len(fresh) == PAGE or (len(filling) >= PAGE and window != before)


def withheld_of(
    connection: Connection, commune_code: str, *, before: datetime, limit: int = MOST_LISTED
) -> dict[str, list[Withheld]]:
    """Return by kiosk what has been missing since before an instant."""
    columns = _COUNTS.c
    query = select(_COUNTS).where(columns.commune_code == commune_code, columns.missing_since <= before)
    found: dict[str, list[Withheld]] = {}
    for row in connection.execute(query.order_by(columns.missing_since).limit(limit)):
        found.setdefault(row.kiosk_id, []).extend(each for each in _known(row) if each.since <= before)
    return found


def _came(connection: Connection, counted: Counted, *, after: int, until: int = 2**31 - 1) -> list[int]:
    # Wherever it was recorded: what a kiosk says may be about premises of another commune, and is answered there.
    numbers: set[int] = set()
    cut = until
    for table in (tables.receipts, tables.quarantine):
        columns = table.c
        here = (
            columns.kiosk_id == counted.kiosk_id,
            columns.epoch == counted.epoch,
            columns.sequence > after,
            columns.sequence <= until,
        )
        query = select(columns.sequence).where(*here).order_by(columns.sequence)
        page = list(connection.scalars(query.limit(PAGE)))
        cut = min(cut, page[-1]) if len(page) == PAGE else cut  # past it the page is not whole
        numbers.update(page)
    came = sorted(each for each in numbers if each <= cut)
    return came[:PAGE]


def _since(known: list[Withheld], first: int, last: int, now: datetime) -> datetime:
    return min((each.since for each in known if each.first <= last and first <= each.last), default=now)


def _known(row: Row[Any] | None) -> list[Withheld]:
    missing = row.missing if row is not None else []
    epoch = row.epoch if row is not None else ""
    return [Withheld(epoch=epoch, first=first, last=last, since=parse_instant(since)) for first, last, since in missing]
