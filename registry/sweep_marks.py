"""Which premises are to be judged: those at which something changed since they were judged last, and those whose clock has come.

- What changes a premises' judgement marks it, in the same transaction: somebody seen, sightings deleted, a notice that asks to declare, a case
  that ends or is put back, the premises corrected. What only ever takes a reason away (an answer, an outage) needs no mark.
- After a look the next one is noted (``residence/cases/looking_again.py``), unless something changed since the look began: the mark counts changes.
- A look is asked for by commune. Communes with nothing to look at are not asked.
- Marks are laid anew for every premises when a gateway starts and once a day (``mark_commune``), so a change of rules is taken up, and a mark that
  was forgotten somewhere is a day's delay that is logged, not a person who is never found.

Example: ``mark(connection, [("demo-01", "htl-sao-mai")])``, then ``due_marks(connection, "demo-01", now=now, after="", limit=500)``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, bindparam, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite

from registry import tables

AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)  # whoever's clock marked it: before every round
PAGE: Final = 5_000
_MARKS: Final = tables.sweep_marks
_BY_ENGINE: Final[Mapping[str, Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Mark(NamedTuple):
    """A premises to look at, and how often something had changed there when this was read."""

    premises_id: str
    touched: int


class Look(NamedTuple):
    """What a look came to: when to look again (None: nothing is left to wait for), if nothing changed since the mark was read."""

    mark: Mark
    again_at: datetime | None


def mark(connection: Connection, places: Iterable[tuple[str, str]]) -> None:
    """Note that something changed at premises, given as (commune, premises) pairs."""
    rows = [
        {"commune_code": commune_code, "premises_id": premises_id, "due_at": AT_ONCE, "touched": 0, "looked_at": AT_ONCE}
        for commune_code, premises_id in sorted(set(places))  # in one order, so that no two transactions wait for each other
    ]
    if rows:
        connection.execute(_marking(_BY_ENGINE[connection.dialect.name](_MARKS)), rows)


def mark_commune(connection: Connection, commune_code: str) -> None:
    """Mark every premises of a commune at which somebody undeclared was seen, whatever was noted of it."""
    presences, premises = tables.presences.c, tables.premises.c
    seen = select(presences.presence_id).where(
        presences.commune_code == premises.commune_code, presences.premises_id == premises.premises_id
    )
    now_and_never = (literal(AT_ONCE, _MARKS.c.due_at.type), literal(0), literal(AT_ONCE, _MARKS.c.looked_at.type))
    every: Select[Any] = select(premises.commune_code, premises.premises_id, *now_and_never)
    every = every.where(premises.commune_code == commune_code, seen.exists())
    names = ["commune_code", "premises_id", "due_at", "touched", "looked_at"]
    connection.execute(_marking(_BY_ENGINE[connection.dialect.name](_MARKS).from_select(names, every)))


def due_communes(connection: Connection, now: datetime) -> list[str]:
    """Return the communes with premises to look at, in order."""
    # Not DISTINCT: to group them SQLite would read every mark in the order of communes. As it is, no more is read than is judged then.
    due = connection.scalars(select(_MARKS.c.commune_code).where(_MARKS.c.due_at <= now).execution_options(yield_per=PAGE))
    return sorted(set(due))


def due_marks(connection: Connection, commune_code: str, *, now: datetime, after: str, limit: int) -> list[Mark]:
    """Return a commune's premises to look at, by id, those beyond ``after``."""
    columns = _MARKS.c
    due = select(columns.premises_id, columns.touched).where(columns.commune_code == commune_code, columns.due_at <= now)
    due = due.where(columns.premises_id > after).order_by(columns.premises_id).limit(limit)
    return [Mark(row.premises_id, row.touched) for row in connection.execute(due)]


def look_again(connection: Connection, commune_code: str, looks: Iterable[Look], *, now: datetime) -> None:
    """Note what looks at a commune's premises came to; what was marked meanwhile stays marked."""
    rows = [
        {"own": commune_code, "there": look.mark.premises_id, "was": look.mark.touched, "again_at": look.again_at, "at": now}
        for look in looks
    ]
    if not rows:
        return
    columns = _MARKS.c
    same = (
        columns.commune_code == bindparam("own"),
        columns.premises_id == bindparam("there"),
        columns.touched == bindparam("was"),
    )
    connection.execute(update(_MARKS).where(*same).values(due_at=bindparam("again_at"), looked_at=bindparam("at")), rows)


def _marking(inserting: Any) -> Any:
    return inserting.on_conflict_do_update(
        index_elements=[each.name for each in _MARKS.primary_key],
        set_={"due_at": AT_ONCE, "touched": _MARKS.c.touched + 1},
    )
