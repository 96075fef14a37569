"""Before which moment a kiosk's clock cannot be right, and how that is mended when it was a wrong clock that said so (ADR 140).

- Three voices besides the build: what the **authority** signed (receipts, its word about events, lists and orders of doors, answers, chip trust),
  what was **confirmed** (our own clock by a time server, or the timestamp of the settings' repository), and what our clock said **last**,
  confirmed or not, before this start.
- Only what the authority signed counts however late it is. The rest counts at most ``AHEAD`` beyond it (or the build): a clock that was years ahead
  for an hour costs no more than that, nor does the key of a machine that only says that settings are fresh.
- The last event before this start is held against a clock that nobody confirms, and against nothing else: a clock without a battery is found so. Whoever
  stands at a door is judged by ``certain`` alone.
- Down it goes by one thing: the authority's signed **answer to something of ours that is younger than what raised it**. Such an answer cannot be
  an old one played again. What it contradicts by more than ``APART`` goes to the answer's moment.
- What the authority signed by a clock that such an answer contradicted (``refuted``) raises nothing when it comes again: a list or an order that a broker keeps
  is sent at each connection and read at each start. Only answers to what is younger raise it until that moment is over.
- A moment is written when it moves by ``STEP`` or more; the disk is asked for nothing else.

Example: ``floor.heard(parse_instant(part.issued)); floor.answered(parse_instant(receipt.accepted_at), statement=receipt.sequence)``
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from edge_agent.store import Cursor, Store, remember
from residence.errors import Refused
from residence.wire.times import Times

AHEAD: Final = timedelta(days=35)  # an offline month, and some days
APART: Final = timedelta(minutes=10)
STEP: Final = timedelta(minutes=1)
FACT: Final = "clock_floor"
_log = structlog.get_logger(__name__)


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """A moment, and the first statement and event of ours that are younger than it, by their numbers. ``boot_id``: of the start that said it."""

    at: datetime
    statement: int
    event: int
    boot_id: str = ""


class _Held(msgspec.Struct, frozen=True, kw_only=True):
    signed: Raised | None = None
    confirmed: Raised | None = None
    last: Raised | None = None
    refuted: datetime | None = None  # up to here the authority has signed by a clock that was wrong


class ClockFloor:
    """One kiosk's floor, kept in its store. Safe to call from several threads; the store serialises them."""

    def __init__(self, store: Store, *, built_at: datetime) -> None:
        self._store = store
        self._built_at = built_at

    def certain(self) -> datetime:
        """Return the newest moment that is certainly over: it may be held against a person."""
        return _latest(self._built_at, self._held().signed, self._held().confirmed)

    def before(self, boot_id: str, *, confirmed: bool) -> datetime:
        """Return the moment before which the clock of this start cannot be right; a confirmed one is not judged by one that was not.

        Two clocks that are both right differ a little: within ``APART`` nothing is said.
        """
        held = self._held()
        last = held.last if not confirmed and held.last is not None and held.last.boot_id != boot_id else None
        return max(self._built_at, _latest(self._built_at, held.signed, held.confirmed, last) - APART)

    def said(self, cursor: Cursor, times: Times, *, statement: int = 0, event: int = 0) -> None:
        """Take into account what our clock said of the statement or event with this number, in the transaction that stores it."""
        if times.time_state not in {"synced", "rtc_only"}:
            return
        held, wall = self._held(), datetime.fromisoformat(times.wall)
        raised = Raised(
            at=min(wall, _latest(self._built_at, held.signed) + AHEAD),
            statement=statement or self._next("last_sequence"),
            event=event or self._next("door_sequence"),
            boot_id=times.boot_id,
        )
        after = held
        if times.time_state == "synced" and (held.confirmed is None or raised.at >= held.confirmed.at + STEP):
            after = msgspec.structs.replace(after, confirmed=raised)
        if held.last is None or held.last.boot_id != times.boot_id or abs(raised.at - held.last.at) >= STEP:
            after = msgspec.structs.replace(after, last=raised)
        if after is not held:
            _keep(cursor, after)

    def heard(self, at: datetime) -> None:
        """Take a moment the authority signed into account; it only raises."""

        def raised(held: _Held) -> _Held:
            return held if held.refuted is not None and at <= held.refuted else self._raised(held, at)

        self._change(raised)

    def told_fresh(self, at: datetime) -> None:
        """Take when the settings' repository was signed into account; its key lies on a machine that is on a network."""

        def raised(held: _Held) -> _Held:
            bounded = min(at, _latest(self._built_at, held.signed) + AHEAD)
            if held.confirmed is not None and bounded < held.confirmed.at + STEP:
                return held
            return msgspec.structs.replace(held, confirmed=self._now(bounded))

        self._change(raised)

    def answered(self, at: datetime, *, statement: int = 0, event: int = 0) -> bool:
        """Take the authority's signed answer to our statement or event of this number into account.

        Return whether what our clock said while confirmed is contradicted by it.
        """
        before = self._held()

        def is_younger(part: Raised | None) -> bool:
            return part is not None and (statement >= part.statement if statement else event >= part.event)

        def mended(part: Raised | None) -> Raised | None:
            if part is None or at > part.at - APART or not is_younger(part):
                return part
            return msgspec.structs.replace(self._now(at), boot_id=part.boot_id)

        def lowered(held: _Held) -> _Held:
            signed, refuted = mended(held.signed), held.refuted
            if held.signed is not None and signed != held.signed:
                refuted = max(held.signed.at, refuted or held.signed.at)
            return _Held(signed=signed, confirmed=mended(held.confirmed), last=mended(held.last), refuted=refuted)

        if self._change(lowered):
            _log.warning("clock floor lowered")
        if is_younger(before.signed):
            self._change(lambda held: self._raised(held, at))
        else:
            self.heard(at)
        return mended(before.confirmed) != before.confirmed

    def _raised(self, held: _Held, at: datetime) -> _Held:
        if held.signed is not None and at < held.signed.at + STEP:
            return held
        return msgspec.structs.replace(held, signed=self._now(at))

    def _now(self, at: datetime) -> Raised:
        """Return a moment said now: what is sealed or happens from here on is younger."""
        return Raised(at=at, statement=self._next("last_sequence"), event=self._next("door_sequence"))

    def _change(self, change: Callable[[_Held], _Held]) -> bool:
        """Keep what becomes of it; a disk that is full only forgets it, and hears the next one. Tell whether anything changed."""
        held = self._held()
        if change(held) == held:
            return False
        with contextlib.suppress(Refused), self._store.transaction() as cursor:
            _keep(cursor, change(self._held()))  # what another thread wrote meanwhile counts
        return True

    def _held(self) -> _Held:
        text = self._store.fact(FACT)
        return msgspec.json.decode(text, type=_Held) if text else _Held()

    def _next(self, counter: str) -> int:
        return int(self._store.fact(counter) or 0) + 1


def _keep(cursor: Cursor, held: _Held) -> None:
    remember(cursor, FACT, msgspec.json.encode(held).decode())


def _latest(built_at: datetime, *raised: Raised | None) -> datetime:
    return max([built_at, *(each.at for each in raised if each is not None)])
