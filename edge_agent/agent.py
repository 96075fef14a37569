"""The kiosk's agent: readers, dialogue and outbox wired together, with one thread that owns the dialogue.

- Everything that happens (a touch, a card, a tick, news of a receipt) is put on one queue; one thread takes it off, steps the
  dialogue and carries out the effects. So no lock is held while the outbox commits, and nothing can deadlock.
- Captures are dropped when the queue is full; a person's acts and the clock never are.
- An effect that fails becomes ``KeepingFailed``; the thread does not die of it.
- The agent knows nobody: what is personal is in the dialogue's state and goes with it. Nothing personal is logged.
- Outbox, readers, clock and randomness are handed in (``luutru/processes/kiosk.py`` does).

Example::

    agent = KioskAgent(profile=profile, clock=clock, random_bytes=random_bytes, outbox=outbox, readers=readers)
    agent.start()
    agent.act(Started())
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

import structlog

from edge_agent.kiosk import effects as do
from edge_agent.kiosk import news
from edge_agent.kiosk.dialogue import begin, seconds_left, step
from edge_agent.kiosk.effects import Effect, Play, Wipe
from edge_agent.kiosk.events import CardSeen, Event, Guided
from edge_agent.kiosk.ports import AskedPort, ChipPort, OutboxPort
from edge_agent.kiosk.slip import Slip, slip_for
from edge_agent.kiosk.states import AskHost, Gathering, Moment, ShowCard
from edge_agent.kiosk.texts import IN_FORCE
from edge_agent.kiosk.view import Health, View, answers_to, awaited_of, seen_of
from edge_agent.readers.port import Capture, HealthState, Reader, ReaderHealth
from edge_agent.scanning.hint_codes import HintCode
from firmware_config.profiles import KioskProfile
from residence.clock import Clock, uuid7
from residence.errors import LuutruError
from residence.stays.declaration import StayDeclaration
from residence.wire.messages import Presence

TICK_SECONDS: Final = 0.25
QUEUE_LIMIT: Final = 64
_log = structlog.get_logger("kiosk.agent")


class KioskAgent:
    """One kiosk's agent. All methods may be called from any thread."""

    def __init__(  # noqa: PLR0913 - everything an agent needs, once
        self,
        *,
        profile: KioskProfile,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        outbox: OutboxPort,
        readers: Sequence[Reader] = (),
        chips: ChipPort | None = None,
        asked: AskedPort | None = None,
        connection: Callable[[], str] = lambda: "stopped",
        print_slip: Callable[[Slip, Callable[[str], None]], None] | None = None,
        sign_ticket: Callable[[str, str], str] = lambda _about, _own_code: "",
    ) -> None:
        self.profile: Final = profile
        self.clock: Final = clock
        self._random_bytes = random_bytes
        self._outbox = outbox
        self._readers = tuple(readers)
        self._chips = chips
        self._asked = asked
        self._connection = connection
        self._print_slip, self._sign_ticket = print_slip, sign_ticket
        self._queue: queue.Queue[tuple[Event | None, Future[View] | None]] = queue.Queue()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listeners: list[Callable[[View], None]] = []
        self._lock = threading.Lock()  # guards listeners and reader health only
        self._reader_health: dict[str, ReaderHealth] = {}
        self._state = begin(profile, self._moment())
        self._version = 1
        self._visit = 1
        self._health = self._measure()

    # ---- life -------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the dialogue's thread, the ticking and the readers."""
        for target, name in ((self._work, "kiosk-dialogue"), (self._tick, "kiosk-clock")):
            thread = threading.Thread(target=target, name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
        for reader in self._readers:
            reader.start(self.deliver, self.report)

    def stop(self) -> None:
        """Stop the readers and the threads. Harmless when called twice."""
        for reader in self._readers:
            reader.stop()
        if self._chips is not None:
            self._chips.stop()
        self._stopping.set()
        self._queue.put((None, None))
        for thread in self._threads:
            thread.join(timeout=5)
        self._threads.clear()

    def watch(self, listener: Callable[[View], None]) -> Callable[[], None]:
        """Call ``listener`` on every change, on the dialogue's thread; returns how to stop that."""
        with self._lock:
            self._listeners.append(listener)

        def unwatch() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unwatch

    # ---- what happens -----------------------------------------------------------------------------------------------------

    def act(self, event: Event) -> Future[View]:
        """Hand in an event; the future gives the view after it."""
        done: Future[View] = Future()
        self._queue.put((event, done))
        return done

    def deliver(self, capture: Capture) -> None:
        """Take a capture from a reader's thread; it is dropped when the kiosk is swamped."""
        if self._queue.qsize() < QUEUE_LIMIT:
            self._queue.put((CardSeen(capture=capture, fresh_id=self.fresh_id()), None))

    def guide(self, hint: HintCode | None) -> None:
        """Take from a reader's thread how the card should be held; None when there is nothing to say."""
        if self._queue.qsize() < QUEUE_LIMIT:
            self._queue.put((Guided(hint=hint), None))

    def wants_card(self) -> bool:
        """Tell whether the screen asks for a card."""
        return isinstance(self._state.screen, (ShowCard, Gathering, AskHost))

    def report(self, health: ReaderHealth) -> None:
        """Take a reader's health from its thread."""
        with self._lock:
            self._reader_health[health.reader] = health
        _log.info("reader", reader=health.reader, state=health.state, code=health.code)
        self._queue.put((news.Ticked(), None))

    def outbox_changed(self, *_about: object) -> None:
        """Take the outbox's or uplink's word that something changed; may be called with any arguments."""
        self._queue.put((news.Ticked(), None))

    def fresh_id(self) -> str:
        """Return a new identity for a declaration."""
        return str(uuid7(self.clock.now(), self._random_bytes(10)))

    def view(self) -> View:
        """Return what is to be shown now."""
        left = seconds_left(self._state, profile=self.profile, now=self._moment())
        return View(state=self._state, version=self._version, visit=self._visit, health=self._health, seconds_left=left)

    def readers_health(self) -> dict[str, HealthState]:
        """Return each reader's state by name, for the kiosk's sign of life."""
        with self._lock:
            return {name: health.state for name, health in self._reader_health.items()}

    # ---- the dialogue's thread --------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            event, done = self._queue.get()
            if event is None:
                return
            try:
                self._take(event)
            except Exception:  # noqa: BLE001 - the kiosk stays up whatever a step meets; the visit is given up
                # No traceback: it may carry what the person typed.
                _log.error("dialogue.failed", event_kind=type(event).__name__)
                self._give_up()
            if done is not None:
                done.set_result(self.view())

    def _take(self, event: Event) -> None:
        self._step(event)
        if isinstance(event, news.Ticked):
            self._ask_for_news()
            self._refresh_health()

    def _step(self, event: Event) -> None:
        before = self._state
        self._state, effects = step(before, event, profile=self.profile, now=self._moment())
        if Wipe() in effects:
            self._visit += 1
        cue = next((effect.cue for effect in effects if isinstance(effect, Play)), "")
        if cue or seen_of(self._state) != seen_of(before):
            self._changed(cue)
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:  # noqa: C901 - one case per effect
        match effect:
            case do.Keep(declaration=message) | do.KeepPresence(presence=message):
                self._keep(message)
            case do.LookUp(code=code):
                self._step(news.CodeFound(code=code, declaration_id=self._outbox.declaration_of(code)))
            case do.PrintSlip():
                self._print()
            case do.SignTicket(declaration_id=about, own_code=own):
                self._step(news.TicketMade(declaration_id=about, text=self._sign_ticket(about, own)))
            case do.ReadChip():
                self._read_chip(effect)
            case do.StopChip() | Wipe():
                if self._chips is not None:
                    self._chips.stop()
            case do.CallPerson() | do.EndCall() | do.AskPath():
                if self._asked is not None:
                    self._asked.ask(effect)
            case Play():
                pass

    def _print(self) -> None:
        slip = slip_for(self._state, profile=self.profile, now=self.clock.now())
        if slip is None or self._print_slip is None:
            return
        about = slip.entries[0].code
        self._print_slip(slip, lambda outcome: self._queue.put((news.SlipDone(code=about, outcome=outcome), None)))

    def _read_chip(self, asked: do.ReadChip) -> None:
        if self._chips is None:
            self._step(news.ChipFailed(own_id=asked.own_id, code="chip.no_reader"))
        else:
            self._chips.begin(asked.own_id, asked.reading, lambda event: self._queue.put((event, None)), can=asked.can)

    def _keep(self, message: StayDeclaration | Presence) -> None:
        try:
            kept = self._outbox.keep(message)
        except LuutruError as error:
            _log.warning("keep.failed", code=error.code)
            self._step(news.KeepingFailed(declaration_id=message.declaration_id, code=error.code))
        except Exception as error:  # noqa: BLE001 - whatever the store meets, the person is told the truth: not kept
            _log.warning("keep.failed", kind=type(error).__name__)
            self._step(news.KeepingFailed(declaration_id=message.declaration_id, code="kiosk.not_kept"))
        else:
            begins = isinstance(message, StayDeclaration) and message.kind == "arrival"  # what is said later opens no page
            own = kept.own_code if begins else ""
            self._step(news.KeptSafely(declaration_id=message.declaration_id, code=kept.code, own_code=own))
        self._refresh_health()

    def _ask_for_news(self) -> None:
        for declaration_id, standing in awaited_of(self._state):
            row = self._outbox.settlement(declaration_id)
            if row is not None and row.state != standing:
                self._step(news.SettlementChanged(declaration_id=declaration_id, standing=row.state, receipt=row.receipt))
        for answer in answers_to(self._state, self._asked) if self._asked is not None else ():
            self._step(answer)

    def _refresh_health(self) -> None:
        before, self._health = self._health, self._measure()
        if before.seen() != self._health.seen():
            self._changed("")

    def _give_up(self) -> None:
        self._state = begin(self.profile, self._moment())
        self._visit += 1
        if self._chips is not None:
            self._chips.stop()  # the next person's card is not opened with what this one showed
        self._changed("problem")

    def _changed(self, cue: str) -> None:
        self._version += 1
        left = seconds_left(self._state, profile=self.profile, now=self._moment())
        view = View(state=self._state, version=self._version, visit=self._visit, health=self._health, seconds_left=left, cue=cue)
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(view)

    def _tick(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            if self._queue.qsize() < QUEUE_LIMIT:
                self._queue.put((news.Ticked(), None))

    def _moment(self) -> Moment:
        return Moment(wall=self.clock.now(), monotonic_ns=self.clock.monotonic_ns())

    def _measure(self) -> Health:
        with self._lock:
            readers = tuple(self._reader_health.values())
        return Health(
            connection=self._connection(),
            depth=self._outbox.depth(),
            oldest_unsent_at=self._outbox.oldest_unsent_at(),
            full=self._outbox.full,
            readers=readers,
            words=IN_FORCE.serial,
        )
