"""Time as a value: the port every process passes in, Vietnam's wall time, and time-ordered identifiers.

- Nothing in this package reads a clock; callers pass ``now`` (aware, UTC) or a ``Clock``.
- Vietnam keeps UTC+7 all year and has no daylight saving, so a fixed offset is exact.
- Instants travel as RFC 3339 text with an offset; naive times are malformed.
- Identifiers are UUIDv7 (RFC 9562 section 5.7): they sort by creation and reveal nothing but that.

>>> rfc3339(parse_instant("2026-07-10T16:00:00Z").astimezone(VIETNAM))
'2026-07-10T23:00:00+07:00'
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final, Literal, Protocol
from uuid import UUID

from residence.errors import Malformed

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2999
VIETNAM: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")

# RFC 3339 section 5.6, by its grammar; Python alone would also take ISO 8601 weeks, ordinal days and the basic format.
_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)

# How far a kiosk trusts its own wall clock; the gateway stamps its own time beside it.
TimeState = Literal["unset", "rtc_only", "synced", "jumped"]


class Clock(Protocol):
    """What a process knows of time."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Return nanoseconds since an arbitrary start; never goes back while the machine is up."""
        ...


@lru_cache(maxsize=4096)  # one declaration's times are read some eighteen times on their way
def parse_instant(text: str, pointer: str = "") -> datetime:
    """Read RFC 3339 text with an offset into an aware UTC instant, or raise ``Malformed("time.malformed")``."""
    try:
        if _RFC3339.fullmatch(text) is None:
            raise ValueError(text)  # noqa: TRY301 - one way out for everything unreadable
        instant = datetime.fromisoformat(text.upper())
    except (TypeError, ValueError) as error:
        raise Malformed("time.malformed", pointer, f"not RFC 3339: {text!r}") from error
    if instant.tzinfo is None:
        raise Malformed("time.malformed", pointer, f"no offset: {text!r}")
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:  # near years 1 and 9999 every sum of times overflows
        raise Malformed("time.malformed", pointer, f"not a time of this age: {text!r}")
    return instant.astimezone(UTC)


def rfc3339(instant: datetime) -> str:
    """Write an aware instant with its offset, to the second when it has no fraction."""
    return instant.isoformat().replace("+00:00", "Z")


def uuid7_text(now: datetime, random_bytes: bytes) -> str:
    """Return ``str(uuid7(...))`` at a third of its price, for ids that are only ever written down."""
    head = f"{int(now.timestamp() * 1000) & ((1 << 48) - 1):012x}"
    noise = int.from_bytes(random_bytes[:10], "big")
    tail = f"{0b10 << 62 | noise & ((1 << 62) - 1):016x}"
    return f"{head[:8]}-{head[8:]}-7{noise >> 62 & 0xFFF:03x}-{tail[:4]}-{tail[4:]}"


def uuid7(now: datetime, random_bytes: bytes) -> UUID:
    """Return a UUIDv7 from an instant and 10 random bytes (74 of their bits are used)."""
    milliseconds = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    noise = int.from_bytes(random_bytes[:10], "big")
    value = milliseconds << 80 | 0x7 << 76 | ((noise >> 62) & 0xFFF) << 64 | 0b10 << 62 | noise & ((1 << 62) - 1)
    return UUID(int=value)
