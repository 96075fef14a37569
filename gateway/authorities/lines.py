"""How patient we are with another authority: pauses that grow, and a line that is shut after too many failures. Pure.

- A failure is an attempt that was not read or not answered; a refusal is an answer and therefore none.
- Shut means nobody is sent for a while; then one attempt is made, and its end opens the line or shuts it for twice as long.
- Each facility has a line of its own: a wrong password of one hotel stops nobody else.

>>> Line().after(failed=True, now=NOW, code="authority.unreachable", terms=Patience(shut_after=1)).is_shut(NOW)
True
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

NOW: Final = datetime(2026, 7, 10, tzinfo=UTC)  # of the example above
LONGEST_DOUBLINGS: Final = 20


class Patience(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long to wait. All of it is ours to choose: the authority states no limits."""

    first_pause_seconds: float = 5
    longest_pause_seconds: float = 900
    shut_after: int = 5
    shut_seconds: float = 60
    longest_shut_seconds: float = 1800


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """How one facility's connection fares."""

    failures: int = 0
    shut_until: datetime | None = None
    code: str | None = None

    def is_shut(self, now: datetime) -> bool:
        """Tell whether nobody is sent now."""
        return self.shut_until is not None and now < self.shut_until

    def after(self, *, failed: bool, now: datetime, code: str | None, terms: Patience) -> Line:
        """Return the line after an attempt."""
        if not failed:
            return Line()
        failures = self.failures + 1
        if failures < terms.shut_after:
            return Line(failures=failures, code=code)
        seconds = doubled(terms.shut_seconds, failures - terms.shut_after, terms.longest_shut_seconds)
        return Line(failures=failures, code=code, shut_until=now + timedelta(seconds=seconds))


def pause_after(attempts: int, *, terms: Patience, fraction: float) -> timedelta:
    """Return how long to wait before trying again: doubled each time, spread over its upper half so that not all come at once."""
    seconds = doubled(terms.first_pause_seconds, attempts - 1, terms.longest_pause_seconds)
    return timedelta(seconds=seconds * (0.5 + fraction / 2))


def doubled(first: float, times: int, most: float) -> float:
    """Return ``first`` doubled so many times, at most ``most``."""
    return min(first * 2.0 ** min(max(times, 0), LONGEST_DOUBLINGS), most)
