"""The outside of every process in one place: the clock, randomness and the environment.

- The only file that may call ``datetime.now``, ``time.monotonic_ns`` or read ``os.environ``; everything else is handed these.
- Settings are ``LUUTRU_*`` variables; each has a working default or an option of the command that needs it.
"""

from __future__ import annotations

import os
import secrets
import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic_ns(self) -> int:
        """Return the monotonic clock in nanoseconds."""
        return time.monotonic_ns()


def random_bytes(count: int) -> bytes:
    """Return ``count`` bytes from the operating system's generator."""
    return secrets.token_bytes(count)


def setting(name: str, default: str = "") -> str:
    """Read one ``LUUTRU_*`` variable."""
    return os.environ.get(name, default)
