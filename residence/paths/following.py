"""How far a path is, as its person is told: the state, since when, by when it is settled, whether that day has passed.

- It is worked out from the path's row and the clock, so it is late the moment it is late, whoever looks.
- Days are written as the reader's language writes them.

Example: ``progress("working", changed_at=..., before=..., now=now)``
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from residence.clock import VIETNAM
from residence.paths.steps import ENDS, PathState
from residence.paths.words import Spoken, say
from residence.working_days import last_day

_DAYS: Final[dict[Spoken, str]] = {
    "vi": "%d/%m/%Y",
    "en": "%d/%m/%Y",
    "zh": "%Y-%m-%d",
    "ko": "%Y-%m-%d",
    "ja": "%Y-%m-%d",
    "ru": "%d.%m.%Y",
}


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever holds a slip learns, and nothing else. Days: YYYY-MM-DD; ``due`` is empty once it has ended."""

    state: PathState
    since: str
    due: str | None = None
    late: bool = False


def progress(state: PathState, *, changed_at: datetime, before: datetime, now: datetime) -> Progress:
    """Return how far a path is. ``before``: the first moment that is too late."""
    since = changed_at.astimezone(VIETNAM).date().isoformat()
    if state in ENDS:
        return Progress(state=state, since=since)
    return Progress(state=state, since=since, due=last_day(before), late=now >= before)


def written_day(day: str, language: Spoken) -> str:
    """Write a day (YYYY-MM-DD) as a language does.

    >>> written_day("2026-07-10", "ru")
    '10.07.2026'
    """
    return datetime.fromisoformat(day).strftime(_DAYS[language])


def told(found: Progress, language: Spoken) -> tuple[str, ...]:
    """Return the sentences: what state it is in, what comes next, by when."""
    lines = [say(f"state.{found.state}", language), say(f"next.{found.state}", language)]
    if found.due is not None:
        lines.append(say("late" if found.late else "due", language, day=written_day(found.due, language)))
    return tuple(lines)
