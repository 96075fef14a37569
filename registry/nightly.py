"""A night's work as kept: who claims a task of a day does it, and what came of it stays.

- A task is done once for a day, by whichever process claims it first. One that failed is claimed again after ``AGAIN``, one that was broken off
  at once, one that says nothing for ``LEASE`` as well: its process is gone.
- Rows stay: "when was the register last looked after, and what came of it" is asked long after.

Example: ``claim(connection, "cleaning", day="2026-07-10", now=now)`` is True for one process of several
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, select, update

from registry.bulk import write_rows
from registry.quarantine import NOWHERE
from registry.tables_nightly import nightly_runs

State = Literal["running", "done", "failed", "broken_off"]
LEASE: Final = timedelta(hours=6)
AGAIN: Final = timedelta(hours=1)
_RUNS: Final = nightly_runs.c
_WAITS: Final[dict[State, timedelta]] = {"running": LEASE, "failed": AGAIN, "broken_off": timedelta()}


class NightRun(msgspec.Struct, frozen=True, kw_only=True):
    """One task of one day."""

    task: str
    day: str
    state: State
    began_at: datetime
    ended_at: datetime | None = None
    report: dict[str, Any] | None = None


def claim(connection: Connection, task: str, *, day: str, now: datetime) -> bool:
    """Take a task of a day unless it is done or somebody else is at it."""
    row = {"commune_code": NOWHERE, "task": task, "day": day, "state": "running", "began_at": now}
    known = _known(connection, task, day)
    if known is None:
        write_rows(connection, nightly_runs, [row | {"ended_at": None, "report": None}], keep=())
        known = _known(connection, task, day)  # on PostgreSQL another process may have been a moment earlier
        return known is not None and known.state == "running" and known.began_at == now
    if known.state == "done" or now < known.began_at + _WAITS[known.state]:
        return False
    _change(connection, task, day, state="running", began_at=now, ended_at=None)
    return True


def settle(
    connection: Connection, task: str, *, day: str, state: State, now: datetime, report: dict[str, Any] | None = None
) -> None:
    """Say what became of a claimed task."""
    _change(connection, task, day, state=state, ended_at=now, report=report)


def latest_done(connection: Connection, task: str) -> NightRun | None:
    """Return the latest day's run of a task that is done."""
    query = (
        select(nightly_runs)
        .where(_RUNS.commune_code == NOWHERE, _RUNS.task == task, _RUNS.state == "done")
        .order_by(_RUNS.day.desc())
        .limit(1)
    )
    return _read(connection, query)


def run_of(connection: Connection, task: str, *, day: str) -> NightRun | None:
    """Return what is known of a task of a day."""
    return _read(connection, select(nightly_runs).where(*_same(task, day)))


def _known(connection: Connection, task: str, day: str) -> NightRun | None:
    return _read(connection, select(nightly_runs).where(*_same(task, day)).with_for_update())


def _same(task: str, day: str) -> tuple[ColumnElement[bool], ...]:
    return _RUNS.commune_code == NOWHERE, _RUNS.task == task, _RUNS.day == day  # Citus locks rows of one shard alone


def _read(connection: Connection, query: Select[Any]) -> NightRun | None:
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return msgspec.convert({name: getattr(row, name) for name in NightRun.__struct_fields__}, NightRun)


def _change(connection: Connection, task: str, day: str, **values: Any) -> None:
    connection.execute(update(nightly_runs).where(*_same(task, day)).values(**values))
