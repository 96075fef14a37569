"""How far an archive is behind, and how old its newest backup is: what an alarm is made of.

- A mark is written into the WAL and waited for: what is measured is the way itself, not what somebody says of it.

Example: ``look(repository, engine, clock=clock, wait=time.sleep, most=(10, 26))["behind_seconds"]``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Engine

from luutru.backups.pgbackrest import Repository
from registry.marks import is_archived, push_on
from residence.clock import Clock, rfc3339

_PAUSE: Final = 0.05
_HOUR: Final = 3600


def look(
    repository: Repository, engine: Engine, *, clock: Clock, wait: Callable[[float], None], most: tuple[float, float]
) -> dict[str, Any]:
    """Return ``behind_seconds`` (None: not within ``most[0]``), the newest backup and its age; ``most``: seconds, hours."""
    newest = repository.info()["backup"][-1]
    ended = datetime.fromtimestamp(newest["timestamp"]["stop"], UTC)
    hours = (clock.now() - ended).total_seconds() / _HOUR
    behind = _wait_for_mark(engine, clock=clock, wait=wait, most=most[0])
    problems = ["backup.not_archived"] if behind is None else []
    problems += ["backup.too_old"] if hours > most[1] else []
    return {
        "ok": not problems,
        "behind_seconds": behind,
        "newest": newest["label"],
        "ended_at": rfc3339(ended),
        "hours": round(hours, 2),
        "problems": problems,
    }


def _wait_for_mark(engine: Engine, *, clock: Clock, wait: Callable[[float], None], most: float) -> float | None:
    began, position = clock.monotonic_ns(), push_on(engine)
    while (taken := (clock.monotonic_ns() - began) / 1e9) <= most:
        if is_archived(engine, position):
            return round(taken, 2)
        wait(_PAUSE)
    return None
