"""Numbers of a kiosk's count that somebody has called lost for good: its memory card died, and what it held will never come.

- It ends the alarm for these numbers and nothing else: they stay missing (``kiosk_counts.py``), and a later gap is an alarm of its own.
- Only what is missing can be called lost, by the range as it is shown; numbers that came meanwhile are refused, so that nobody closes unseen.
- Each closing is a row that is added and never changed: which numbers, who, when, why.
- A number that comes after all is kept like any other. From then on it is not lost, and the closing says so: ``came`` counts them.

Example: ``call_lost(connection, NewClosing(kiosk_id="kiosk-lobby-1", epoch=epoch, first=2, last=4, ...), closing_id=closing_id, now=now)``
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select

from registry import tables
from registry.kiosk_counts import Withheld, withheld_of
from residence.errors import Conflict, Malformed

LONGEST_REASON: Final = 200
MOST_LISTED: Final = 1000
_LOST: Final = tables.kiosk_lost_numbers


class NewClosing(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator asks for. ``reason`` is as it was typed."""

    commune_code: str
    kiosk_id: str
    epoch: str
    first: int
    last: int
    reason: str
    by: str


class Closing(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers from ``first`` to ``last`` that somebody called lost."""

    kiosk_id: str
    epoch: str
    first: int
    last: int
    reason: str
    closed_by: str
    closed_at: datetime
    came: int = 0  # how many of them came after all

    @property
    def numbers(self) -> int:
        """Return how many they are."""
        return self.last - self.first + 1


def call_lost(connection: Connection, new: NewClosing, *, closing_id: str, now: datetime) -> None:
    """Call a range lost; raises ``Malformed("count.reason_missing")``, or ``Conflict("count.not_missing")`` when it is not what is missing now."""
    reason = "".join(each for each in " ".join(new.reason.split()) if each.isprintable())
    if not reason or len(reason) > LONGEST_REASON:
        raise Malformed("count.reason_missing", "/reason")
    counts = tables.kiosk_counts.c
    mine = (counts.commune_code == new.commune_code, counts.kiosk_id == new.kiosk_id, counts.epoch == new.epoch)
    connection.execute(select(counts.through).where(*mine).with_for_update())  # two operators at once; SQLite has one writer
    missing = withheld_of(connection, new.commune_code, before=now)
    left = without_lost(missing, closings_of(connection, new.commune_code, missing=missing)).get(new.kiosk_id, ())
    if (new.epoch, new.first, new.last) not in {(each.epoch, each.first, each.last) for each in left}:
        raise Conflict("count.not_missing", "/numbers")
    row = {
        "commune_code": new.commune_code,
        "closing_id": closing_id,
        "kiosk_id": new.kiosk_id,
        "epoch": new.epoch,
        "first": new.first,
        "last": new.last,
        "reason": reason,
        "closed_by": new.by,
        "closed_at": now,
    }
    connection.execute(insert(_LOST), [row])


def closings_of(
    connection: Connection, commune_code: str, *, missing: Mapping[str, Iterable[Withheld]], limit: int = MOST_LISTED
) -> list[Closing]:
    """Return what was called lost in a commune, the newest first; ``missing``: what is missing now, by kiosk."""
    columns = _LOST.c
    listed = [columns[name] for name in Closing.__struct_fields__ if name != "came"]
    query = select(*listed).where(columns.commune_code == commune_code).order_by(columns.closed_at.desc()).limit(limit)
    return [_counted(Closing(**row._mapping), missing) for row in connection.execute(query)]  # noqa: SLF001 - SQLAlchemy's public name


def without_lost(missing: Mapping[str, Iterable[Withheld]], closings: Iterable[Closing]) -> dict[str, tuple[Withheld, ...]]:
    """Return by kiosk what is missing and nobody has called lost.

    >>> gap = Withheld(epoch="e", first=2, last=9, since=datetime(2026, 7, 10))
    >>> lost = Closing(kiosk_id="k", epoch="e", first=4, last=5, reason="x", closed_by="a", closed_at=datetime(2026, 7, 11))
    >>> [(each.first, each.last) for each in without_lost({"k": [gap]}, [lost])["k"]]
    [(2, 3), (6, 9)]
    """
    closed: dict[tuple[str, str], list[Closing]] = {}
    for each in closings:
        closed.setdefault((each.kiosk_id, each.epoch), []).append(each)
    left = {
        kiosk_id: tuple(part for gap in gaps for part in _left_of(gap, closed.get((kiosk_id, gap.epoch), [])))
        for kiosk_id, gaps in missing.items()
    }
    return {kiosk_id: gaps for kiosk_id, gaps in left.items() if gaps}


def _left_of(gap: Withheld, closed: list[Closing]) -> Iterator[Withheld]:
    first = gap.first
    for each in sorted(closed, key=lambda closing: closing.first):
        if each.last < first or each.first > gap.last:
            continue
        if each.first > first:
            yield msgspec.structs.replace(gap, first=first, last=each.first - 1)
        first = each.last + 1
    if first <= gap.last:
        yield msgspec.structs.replace(gap, first=first)


def _counted(closing: Closing, missing: Mapping[str, Iterable[Withheld]]) -> Closing:
    gaps = [each for each in missing.get(closing.kiosk_id, ()) if each.epoch == closing.epoch]
    still = sum(max(0, min(each.last, closing.last) - max(each.first, closing.first) + 1) for each in gaps)
    return msgspec.structs.replace(closing, came=closing.numbers - still)
