"""What the bridge remembers of one property: which of its guests were told of, and what stands open. Ids, rooms and days; nobody's name.

- One file, written whole beside the old one, flushed and renamed over it: killed at any point it is the state before or after.
- A lock on the file beside it lets one bridge work for a property at a time.
- What is settled is forgotten after ``KEPT_DAYS``; what stands open or is in the house, never.

Example: ``kept = Kept.opened(Path("state/htl-sao-mai.json"))``
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from pms_bridge.told import Told
from residence.errors import Refused

KEPT_DAYS: Final = 60


class OpenPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Something of a booking that could not be told: the code says what, the pointers where; no value."""

    code: str
    ref: str = ""
    pointers: tuple[str, ...] = ()
    since: str = ""


class KeptBooking(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One booking as it was last told. ``changed`` is empty when it has to be read again."""

    changed: str
    read_at: str
    in_house: bool
    told: dict[str, Told] = {}
    open: tuple[OpenPoint, ...] = ()


class KeptState(msgspec.Struct, frozen=True, kw_only=True):
    """The file."""

    version: int = 1
    asked_at: str = ""  # when the property last answered
    bookings: dict[str, KeptBooking] = {}


class Kept:
    """The state of one property while a bridge works with it."""

    def __init__(self, path: Path, state: KeptState) -> None:
        self._path: Final = path
        self._state = state

    @classmethod
    def opened(cls, path: Path) -> Kept:
        """Read the file, or begin an empty one; ``Refused("pms.state_unreadable")`` for one that is damaged."""
        try:
            return cls(path, msgspec.json.decode(path.read_bytes(), type=KeptState))
        except FileNotFoundError:
            return cls(path, KeptState())
        except (OSError, msgspec.DecodeError) as error:
            raise Refused("pms.state_unreadable", detail=f"{path}: {type(error).__name__}") from error

    @property
    def bookings(self) -> Mapping[str, KeptBooking]:
        """Return every booking that is remembered, by the system's id."""
        return self._state.bookings

    @property
    def asked_at(self) -> str:
        """Return when the property last answered; empty for never."""
        return self._state.asked_at

    def keep(self, reservation: str, booking: KeptBooking) -> None:
        """Remember a booking for good."""
        self._write(msgspec.structs.replace(self._state, bookings={**self._state.bookings, reservation: booking}))

    def end_round(self, now: datetime, *, said: str) -> None:
        """Note that the property answered, and forget what was settled long ago."""
        oldest = (now - timedelta(days=KEPT_DAYS)).isoformat()
        left = {name: each for name, each in self._state.bookings.items() if each.in_house or each.open or each.read_at > oldest}
        self._write(msgspec.structs.replace(self._state, bookings=left, asked_at=said))

    def _write(self, state: KeptState) -> None:
        beside = self._path.with_suffix(".new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(state))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        self._state = state


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a property's lock while the block lasts, or raise ``Refused("pms.already_running")``."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused("pms.already_running", detail=path.stem) from error
        yield
