"""One door at work: a thread that takes what readers, wires and orders say, decides, tells the relay, and writes it down.

- Order is the promise to the person: decide, tell the relay, then write down. A slow disk makes nobody wait before a door that is his, but
  where a PIN was looked at: that is counted on the disk first (``counting.py``).
- It looks four times a second: leases are renewed, what ends by time ends. A fault in one step is logged and costs that step.
- The same code held on before the reader is one presentation, not twenty.
- Where the clock is not confirmed, a challenge of six digits is shown, drawn anew every minute and after each use.
- That somebody came under duress is told to the authority for an hour, and looks like any other opening to whoever stands there.
- Nothing here needs a network: lists and orders are read from ``DoorPapers`` as they are.

Example: ``keeper = DoorKeeper(door, parts=parts); keeper.start(); keeper.show(capture.payload, reader=capture.reader)``
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import msgspec
import structlog

from edge_agent.door.counting import counted
from edge_agent.door.deciding import Calendar, Decision, Moment, Presented, Side, Situation, decide, is_free, without_entry
from edge_agent.door.guessing import without_forgotten
from edge_agent.door.lease import Lease, lease_for, unlocks
from edge_agent.door.machine import (
    DoorInput,
    DoorState,
    FreeBySchedule,
    Granted,
    Log,
    ModeOrdered,
    OutputSaid,
    Ticked,
    alarm,
    step,
)
from edge_agent.door.papers import DoorPapers
from edge_agent.door.presenting import lamp_of, presented_by, presented_card
from edge_agent.door.shown import Carded, DoorView, Shown, Typed
from edge_agent.door.wires import Wires
from edge_agent.event_book import EventBook
from edge_agent.osdp.words import Lamp
from firmware_config.doors import DoorSection
from residence.doors.cards import CardNumber
from residence.doors.words import AccessEvent, DoorAlarm, DoorFact, LockStatus
from residence.wire.keyring import Keyring

TICK_SECONDS: Final = 0.25
SAME_NS: Final = 4_000_000_000
PIN_NS: Final = 20_000_000_000
CHALLENGE_NS: Final = 60_000_000_000
WAITING_LIMIT: Final = 64
SHOWN_NS: Final = 4_000_000_000
DURESS_NS: Final = 3_600_000_000_000
FAULT_NS: Final = 8_000_000_000  # a relay's holder that was killed is back before, also where it takes all its time to begin
_log = structlog.get_logger("kiosk.door")


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a keeper works with, handed in by the process."""

    papers: DoorPapers
    log: EventBook
    output: Any  # drive(Lease), driven, close()
    wires: Wires
    moment: Callable[[], Moment]
    keyring: Callable[[], Keyring]
    random_bytes: Callable[[int], bytes]
    calendar: Calendar = Calendar()
    signal: Callable[[str, Lamp], None] = lambda _reader, _lamp: None  # to the reader where the person stands


class DoorKeeper:
    """The keeper of one door. ``show``, ``type_pin``, ``take`` and ``view`` from any thread."""

    def __init__(self, door: DoorSection, *, parts: Parts) -> None:
        self.door: Final = door
        self._parts = parts
        self._queue: queue.Queue[Shown | Carded | Typed | DoorInput | None] = queue.Queue()
        self._state = DoorState()
        self._remember = partial(parts.papers.remember, door.name)
        self._began_ns = parts.moment().monotonic_ns
        self._memory = parts.papers.remembered(door.name, now_ns=self._began_ns)
        self._lock_status = LockStatus.UNKNOWN
        self._silent_ns: int | None = None  # since when nobody can say what the relay does
        self._thread: threading.Thread | None = None
        self._last: tuple[Shown | Carded, int] = (Shown(payload=b"", reader=""), 0)  # what was shown last, and when
        self._pending: tuple[Presented, int] | None = None  # who has still to type a PIN, and until when
        self._said = ("", 0)
        self._challenge, self._challenge_ns = 0, 0
        self._inside = b""  # who was let in last: if nobody went in, nobody is in
        self._version = parts.papers.book.version

    def start(self) -> None:
        """Begin to look at wires and readers."""
        self._write(Log(what=DoorFact.LIST, detail=str(self._version)))
        self._thread = threading.Thread(target=self._work, name=f"door-{self.door.name}", daemon=True)
        self._thread.start()
        self._parts.wires.start(self.take)

    def stop(self) -> None:
        """Let go of the relay and end the thread."""
        self._parts.wires.stop()
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(5)
        self._parts.output.close()

    def show(self, payload: bytes, *, reader: str) -> None:
        """Take what a reader read; dropped when the door is swamped."""
        if self._queue.qsize() < WAITING_LIMIT:
            self._queue.put(Shown(payload=payload, reader=reader))

    def show_card(self, card: CardNumber, *, reader: str) -> None:
        """Take the card a reader read; dropped when the door is swamped."""
        if self._queue.qsize() < WAITING_LIMIT:
            self._queue.put(Carded(card=card, reader=reader))

    def type_pin(self, pin: str) -> None:
        """Take the PIN that belongs to the pass shown before."""
        if self._queue.qsize() < WAITING_LIMIT:
            self._queue.put(Typed(pin=pin))

    def take(self, event: DoorInput) -> None:
        """Take what a wire says; never dropped."""
        self._queue.put(event)

    def view(self) -> DoorView:
        """Return what a page may show now."""
        now = self._parts.moment().monotonic_ns
        said, said_ns = self._said
        return DoorView(
            name=self.door.name,
            status=self._state.contact,
            lock=self._lock_status,
            alarm=alarm(self._state),
            mode=self._state.mode,
            said=said if now - said_ns < SHOWN_NS else "",
            challenge=self._challenge,
            wants_pin=self._pending is not None,
        )

    def told(self) -> str:
        """Return what the authority is told of the door: its alarm, and after a colon its lock."""
        return f"{DoorAlarm.DURESS if self._memory.duress_ns else alarm(self._state)}:{self._lock_status}"

    # ---- the door's thread ------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            try:
                event = self._queue.get(timeout=TICK_SECONDS)
            except queue.Empty:
                event = Ticked()
            if event is None:
                return
            try:
                self.turn(event)
            except Exception:  # noqa: BLE001 - a door goes on whatever one step meets
                _log.exception("door failed", door=self.door.name)

    def turn(self, event: Shown | Carded | Typed | DoorInput) -> None:
        """Take one event and do all that follows from it."""
        moment = self._parts.moment()
        self._follow_orders(moment)
        match event:
            case Shown() | Carded():
                self._shown(event, moment)
            case Typed(pin=pin):
                self._typed(pin, moment)
            case _:
                self._step(event, moment)
        self._drive(moment.monotonic_ns)
        self._look_at_time(moment)

    def _follow_orders(self, moment: Moment) -> None:
        book = self._parts.papers.book
        mode = book.mode(self.door.name)
        if mode is not self._state.mode:
            self._step(ModeOrdered(mode=mode), moment)
        free = is_free(self._situation(moment))
        if free is not self._state.free:
            self._step(FreeBySchedule(on=free), moment)
        if book.version != self._version:
            self._version = book.version
            self._write(Log(what=DoorFact.LIST, detail=str(book.version)))

    def _shown(self, shown: Shown | Carded, moment: Moment) -> None:
        before, at = self._last
        self._last = (shown, moment.monotonic_ns)
        if before == shown and moment.monotonic_ns - at < SAME_NS:
            return
        side: Side = "exit" if shown.reader in self.door.exit_readers else "entry"
        if isinstance(shown, Carded):
            self._decide(presented_card(shown.card, side=side), moment)
            return
        presented = presented_by(
            shown.payload, keyring=self._parts.keyring(), moment=moment, challenge=self._challenge, side=side
        )
        # What is no pass of ours counts as an attempt, like a pass that is on no list.
        self._decide(presented or Presented(token=b"", kind="pass", side=side), moment)

    def _typed(self, pin: str, moment: Moment) -> None:
        if self._pending is not None:
            presented, self._pending = self._pending[0], None
            self._decide(msgspec.structs.replace(presented, pin=pin), moment)

    def _decide(self, presented: Presented, moment: Moment) -> None:
        now_ns = moment.monotonic_ns
        decided = decide(presented, self._situation(moment))
        decision = counted(decided, self._memory, began_ns=self._began_ns, now_ns=now_ns, keep=self._remember)
        moved = decision.memory.stood != self._memory.stood or decision.memory.forgiven != self._memory.forgiven
        right = decision.looked_at_pin and decision.memory.wrong_pins == self._memory.wrong_pins
        self._memory, self._said = decision.memory, (decision.said.value, moment.monotonic_ns)
        waits = decision.said is AccessEvent.VERIFICATION_REQUIRED
        self._pending = (presented, moment.monotonic_ns + PIN_NS) if waits else None
        self._challenge = 0
        logs: tuple[Log, ...] = ()
        if decision.opens:
            self._inside = decision.credential if presented.side == "entry" else b""
            granted = Granted(decided_ns=moment.monotonic_ns, extended=decision.extended, entry=presented.side == "entry")
            self._state, logs = step(self._state, granted, door=self.door, now_ns=moment.monotonic_ns)
            self._drive(moment.monotonic_ns)
        self._parts.signal(self._last[0].reader, lamp_of(decision.said))
        self._write_decision(decision, presented)
        self._write(*logs)
        if right or (moved and self.door.passback != "off"):
            self._remember(self._memory)

    def _write_decision(self, decision: Decision, presented: Presented) -> None:
        who = self._parts.log.pseudonym(decision.credential)
        for what in (decision.said, *decision.besides):
            self._parts.log.append(door=self.door.name, what=what, detail=presented.side, who=who)

    def _step(self, event: DoorInput, moment: Moment) -> None:
        self._state, logs = step(self._state, event, door=self.door, now_ns=moment.monotonic_ns)
        if any(each.what == AccessEvent.NO_ENTRY_AFTER_GRANT for each in logs) and self._inside:
            self._memory = without_entry(self._memory, self._inside)
            self._remember(self._memory)
        self._drive(moment.monotonic_ns)
        self._write(*logs)

    def _drive(self, now_ns: int) -> None:
        lease: Lease = lease_for(self._state, lock=self.door.lock, now_ns=now_ns)
        self._parts.output.drive(lease)

    def _look_at_time(self, moment: Moment) -> None:
        """Notice what the relay does, and let waits end."""
        found = self._looked_at_lock(moment)
        if found is not self._lock_status:
            first, self._lock_status = self._lock_status is LockStatus.UNKNOWN, found
            if not first:  # the first word after a start or a loss is what is, not what happened
                self._write(Log(what=DoorFact.LOCK, detail=found))
        if self._pending is not None and moment.monotonic_ns > self._pending[1]:
            self._pending = None
            self._write(Log(what=AccessEvent.DENIED_AUTHENTICATION_FACTOR_TIMEOUT))
        self._forget(moment.monotonic_ns)
        self._renew_challenge(moment)

    def _forget(self, now_ns: int) -> None:
        left = without_forgotten(self._memory.wrong_pins, now_ns=now_ns)
        duress_ns = self._memory.duress_ns if now_ns - self._memory.duress_ns < DURESS_NS else 0
        if (left, duress_ns) != (self._memory.wrong_pins, self._memory.duress_ns):
            self._memory = msgspec.structs.replace(self._memory, wrong_pins=left, duress_ns=duress_ns)
            self._remember(self._memory)

    def _looked_at_lock(self, moment: Moment) -> LockStatus:
        driven, now = self._parts.output.driven, moment.monotonic_ns
        self._silent_ns = None if driven is not None else now if self._silent_ns is None else self._silent_ns
        faulty = self._silent_ns is not None and now - self._silent_ns >= FAULT_NS
        if faulty is not self._state.faulty:
            self._step(OutputSaid(works=not faulty), moment)
        if driven is None:
            return LockStatus.FAULT if faulty else LockStatus.UNKNOWN
        return LockStatus.UNLOCKED if unlocks(driven=driven, lock=self.door.lock) else LockStatus.LOCKED

    def _renew_challenge(self, moment: Moment) -> None:
        if moment.time_state == "synced":
            self._challenge = 0
        elif not self._challenge or moment.monotonic_ns - self._challenge_ns > CHALLENGE_NS:
            drawn = int.from_bytes(self._parts.random_bytes(8), "big") % 900_000
            self._challenge, self._challenge_ns = 100_000 + drawn, moment.monotonic_ns

    def _write(self, *logs: Log) -> None:
        for each in logs:
            self._parts.log.append(door=self.door.name, what=each.what, detail=each.detail)

    def _situation(self, moment: Moment) -> Situation:
        return Situation(
            door=self.door, book=self._parts.papers.book, memory=self._memory, moment=moment, calendar=self._parts.calendar
        )
