"""Who should be in a house tonight, room by room, as counts: registered, staying, still expected, declared absent, seen and not declared.

- No name and no id leaves here. Whoever is registered and stays counts once, as registered; a declared absence takes them out.
- Capacity is what the authority has of the house; a house without one is never said to be full.
- The history is the house's: how its declarations, notices and cases went by month. Nobody's own record is put together, and houses are not ranked.

Example: ``house_tonight(connection, Place("demo-01", "htl-sao-mai"), now=now)[0].staying``
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, or_, select

from registry import tables
from registry.asking import among
from registry.desk_lists import Place, list_stays
from registry.households import residences_at
from registry.lapse_facts import holds
from residence.cases.closing import CLOSING, ClosingCode
from residence.cases.notices import NoticeKind
from residence.clock import VIETNAM

MONTHS: Final = 6
UNDECLARED_FOR: Final = timedelta(hours=36)
MORNING: Final = 8
_ABSENCES, _NOTICES, _CASES = tables.absences.c, tables.notices.c, tables.cases.c
_STAYS, _SAID = tables.stays.c, tables.declarations.c


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """One room, or what is in no room (empty ``unit``): people by how they come to be there tonight."""

    unit: str
    registered: int = 0
    absent: int = 0
    staying: int = 0
    expected: int = 0
    undeclared: int = 0

    @property
    def sleeping(self) -> int:
        """Return how many should sleep there."""
        return self.registered - self.absent + self.staying + self.expected


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """How a house did in one month (YYYY-MM)."""

    month: str
    on_time: int = 0
    late: int = 0
    corrected: int = 0
    notices: int = 0
    declared_after: int = 0
    no_fault: int = 0
    otherwise: int = 0


def house_tonight(connection: Connection, place: Place, *, now: datetime) -> list[Room]:
    """Return the rooms with anybody in them, by room."""
    local = now.astimezone(VIETNAM)
    today, tonight = local.date(), local.replace(hour=MORNING, minute=0, second=0, microsecond=0) + timedelta(days=1)
    homes = _homes(connection, place.premises_id, today)
    away = _away(connection, set(homes), today)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for person, unit in homes.items():
        counts[unit]["registered"] += 1
        counts[unit]["absent"] += person in away
    for each in list_stays(connection, place, since=now):
        over = each.ended_at is not None or (each.planned_end is not None and each.planned_end <= now)
        if over or each.start_at >= tonight or (each.person_id in homes and each.person_id not in away):
            continue
        counts[each.unit or ""]["expected" if each.is_expected(now) else "staying"] += 1
    for unit in _undeclared(connection, place, now):
        counts[unit]["undeclared"] += 1
    return [Room(unit=unit, **counts[unit]) for unit in sorted(counts, key=_by_number)]


def _homes(connection: Connection, premises_id: str, today: date) -> dict[str, str]:
    day = today.isoformat()
    holding = [
        each
        for each in residences_at(connection, [premises_id])
        if each.valid_from <= day and (each.valid_to is None or day <= each.valid_to)
    ]
    return {each.person_id: each.unit or "" for each in holding}


def _away(connection: Connection, people: set[str], today: date) -> set[str]:
    if not people:
        return set()
    asked = among(_ABSENCES.person_id, sorted(people), connection)
    return set(connection.scalars(select(_ABSENCES.person_id).where(asked, holds(_ABSENCES, today.isoformat()))))


def _undeclared(connection: Connection, place: Place, now: datetime) -> list[str]:
    told = (
        _NOTICES.commune_code == place.commune_code,
        _NOTICES.premises_id == place.premises_id,
        _NOTICES.kind == NoticeKind.PLEASE_DECLARE.value,
        _NOTICES.answered_at.is_(None),
        _NOTICES.created_at >= now - UNDECLARED_FOR,
    )
    seen = {row.who: row.unit or "" for row in connection.execute(select(_NOTICES.who, _NOTICES.unit).where(*told))}
    return list(seen.values())


def _by_number(unit: str) -> tuple[int, str]:
    digits = "".join(each for each in unit if each.isdecimal())
    return (int(digits) if digits.isascii() and digits else -1, unit)


def house_history(connection: Connection, place: Place, *, now: datetime) -> list[Month]:
    """Return the last months of a house, the newest first; months without anything are left out."""
    since = _first_of(now, MONTHS - 1)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    here: Any = lambda columns: (columns.commune_code == place.commune_code, columns.premises_id == place.premises_id)  # noqa: E731
    begun = (_STAYS.start_at >= since, _STAYS.start_at <= now, _STAYS.status.in_(("open", "ended", "disputed")))
    for row in connection.execute(select(_STAYS.start_at, _STAYS.on_time).where(*here(_STAYS), *begun)):
        if row.on_time is not None:
            counts[_month(row.start_at)]["on_time" if row.on_time else "late"] += 1
    said = (_SAID.kind == "correction", _SAID.state == "accepted", _SAID.recorded_at >= since)
    for at in connection.scalars(select(_SAID.recorded_at).where(*here(_SAID), *said)):
        counts[_month(at)]["corrected"] += 1
    sent = (_NOTICES.kind == NoticeKind.PLEASE_DECLARE.value, _NOTICES.created_at >= since)
    for row in connection.execute(select(_NOTICES.created_at, _NOTICES.answer).where(*here(_NOTICES), *sent)):
        counts[_month(row.created_at)]["notices"] += 1
        counts[_month(row.created_at)]["declared_after"] += row.answer == "declared"
    closed = (_CASES.closing_code.is_not(None), or_(_CASES.changed_at >= since))
    for row in connection.execute(select(_CASES.changed_at, _CASES.closing_code).where(*here(_CASES), *closed)):
        free = CLOSING[ClosingCode(row.closing_code)].no_fault
        counts[_month(row.changed_at)]["no_fault" if free else "otherwise"] += 1
    return [Month(month=each, **counts[each]) for each in sorted(counts, reverse=True)]


def _month(at: datetime) -> str:
    return f"{at.astimezone(VIETNAM):%Y-%m}"


def _first_of(now: datetime, months_back: int) -> datetime:
    local = now.astimezone(VIETNAM)
    number = local.year * 12 + local.month - 1 - months_back
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=VIETNAM)
