"""The gateway's loop: collect, commit, acknowledge, answer; and between batches the slower duties.

- Order is the promise: commit, then receipts, then acknowledge, which waits until the broker has the receipts. A crash anywhere in
  between means redelivery and the same receipt: the broker's session is the receipts' outbox, too (ADR 15).
- A batch is full, or a few milliseconds have passed since its first message, whichever comes first; what came meanwhile waits no longer. When more than one batch has
  arrived, whose turn it is decides what is in the next (``gateway/fairness.py``); acknowledged is in order of arrival all the same.
- What it measures of itself it writes into the registry every few seconds (``gateway/measures.py``, ADR 29).
- Registry unreachable: nothing is acknowledged, the batch is held and tried again with growing pauses; the broker keeps the rest.
  If the registry answers other questions and the batch still fails, the batch is taken apart instead of blocking the line.
- Asked to stop: the batch in hand is finished, then the connection is closed.

Example: ``Worker(transport, intake, clock=clock).run(stopping)``
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from gateway.dead_letters import LetterRetry
from gateway.door_events import EVENTS_LEAF, DoorEvents
from gateway.fairness import Hand
from gateway.giving_way import Progress
from gateway.intake import Intake, Outcome, RegistryUnavailable, describe
from gateway.keyring_updates import KeyringUpdates
from gateway.kiosk_states import KioskStates
from gateway.measures import NOT_SENT, Measures
from gateway.outage_watch import OutageWatch
from gateway.port import Delivery, Transport
from gateway.receipts import post
from registry.gateway_reports import write_report
from residence.clock import Clock
from residence.wire.topics import Topic

FILL_SECONDS: Final = 0.004
BACK_OFF_FIRST: Final = 0.2
BACK_OFF_CAP: Final = (
    2.0  # a registry that changes its leader is back after twenty-odd seconds: nobody sleeps past that (ADR 168)
)
ISOLATE_AFTER: Final = 4  # failures of one batch before the batch itself is suspected
ASIDE: Final = ("/s", EVENTS_LEAF)  # what comes besides envelopes, and needs no acknowledgement
HAND_BATCHES: Final = 4  # as many as the broker sends unacknowledged (gateway/transport.py)
Traced = Callable[
    [Sequence[tuple[Topic, bytes]], Sequence[tuple[str, int]]], None
]  # an answered batch's receipts and the ends of its stages
log = structlog.get_logger("luutru.gateway")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rhythm:
    """How much at once and how often."""

    batch: int = 500
    wait_seconds: float = 0.5  # how long to wait for a first message before the slower duties get their turn
    fill_seconds: float = FILL_SECONDS
    states_every: timedelta = timedelta(seconds=1)
    keyring_every: timedelta = timedelta(seconds=1)
    door_events_every: timedelta = timedelta(milliseconds=200)
    letters_every: timedelta = timedelta(seconds=2)
    counts_every: timedelta = timedelta(milliseconds=500)  # kiosks' own, in the registry
    report_every: timedelta = timedelta(seconds=30)  # into the log
    measures_every: timedelta = timedelta(seconds=3)  # into the registry


class Duty:
    """Something done again and again, at most once per ``every``; its failure is logged and waits for the next turn."""

    def __init__(self, name: str, every: timedelta, work: Callable[[datetime], object]) -> None:
        self._name = name
        self._every = every
        self._work = work
        self._next: datetime | None = None

    def perform(self, now: datetime) -> None:
        """Do the work if it is time."""
        if self._next is not None and now < self._next <= now + self._every:
            return
        self._next = now + self._every
        try:
            self._work(now)
        except Exception as error:  # noqa: BLE001 - a slower duty must not stop the intake
            log.warning("duty failed", duty=self._name, **describe(error))


class Worker:
    """One intake loop on one transport."""

    def __init__(
        self,
        transport: Transport,
        intake: Intake,
        *,
        clock: Clock,
        rhythm: Rhythm = Rhythm(),
        duties: Sequence[Duty] = (),
        updates: KeyringUpdates | None = None,
        measures: Measures | None = None,
        outages: OutageWatch | None = None,
    ) -> None:
        self._transport = transport
        self._intake = intake
        self._clock = clock
        self._rhythm = rhythm
        self._states = KioskStates(intake.registry, outages=outages)
        self.on_kiosk_heard: Final = self._states.tell
        if updates is not None:
            self.on_kiosk_heard(updates.heard)
        self._outages = outages
        self._traced: Traced | None = None
        self._door_events = DoorEvents(intake.registry, signer=intake.signer)
        self._letters = LetterRetry(intake)
        self._hand = Hand(site_of=intake.trust.site_of)
        self._measures = measures or Measures(worker="", shards="", monotonic_ns=clock.monotonic_ns)
        self._counts: Counter[str] = Counter()
        self._answered = 0
        self._at_work = False
        self._reported: Counter[str] = Counter()
        self._duties = [
            Duty("kiosk states", rhythm.states_every, self._states.write),
            Duty("dead letters", rhythm.letters_every, self._retry),
            Duty("kiosk counts", rhythm.counts_every, lambda now: intake.sequences.look_through(intake.registry, now)),
            Duty("report", rhythm.report_every, self._report),
            Duty("door events", rhythm.door_events_every, lambda now: self._door_events.write(transport, now)),
        ]
        if measures is not None:
            self._duties.append(Duty("measures", rhythm.measures_every, self._write_measures))
        if updates is not None:
            self._duties.append(Duty("keyring updates", rhythm.keyring_every, lambda now: updates.send(transport, now)))
        self._duties += duties

    @property
    def counts(self) -> Counter[str]:
        """Return what happened how often since the start."""
        return self._counts

    def trace(self, traced: Traced) -> None:
        """Tell ``traced`` of every answered batch from now on."""
        self._traced = traced

    def progress(self) -> Progress:
        """Say how far the intake is; for the thread beside it."""
        return Progress(self._answered, self._at_work)

    def run(self, stopping: threading.Event) -> None:
        """Work until ``stopping`` is set; then finish the batch in hand and disconnect."""
        self._transport.start()
        try:
            while not stopping.is_set():
                self.turn(stopping)
        finally:
            self._transport.stop()
            self._report(self._clock.now())

    def turn(self, stopping: threading.Event) -> None:
        """Take one batch and do the duties that are due."""
        self._measures.begin()
        states = self._collect()
        envelopes = self._hand.choose(self._rhythm.batch)
        self._at_work = True
        try:
            if envelopes or states:
                self._take(envelopes, states, stopping)
            now = self._clock.now()
            for duty in self._duties:
                duty.perform(now)
        finally:
            self._at_work = False

    def _collect(self) -> list[Delivery]:
        """Take in hand what has arrived, waiting only when nothing is in hand yet; return the kiosks' states and door events among it."""
        rhythm, hand = self._rhythm, self._hand
        found: list[Delivery] = []
        if not hand.waiting:
            found = self._transport.collect(rhythm.batch, wait_seconds=rhythm.wait_seconds, fill_seconds=rhythm.fill_seconds)
        room = HAND_BATCHES * rhythm.batch - len(hand) - len(found)
        if room > 0 and (hand.waiting or len(found) == rhythm.batch):
            found += self._transport.collect(room, wait_seconds=0.0, fill_seconds=0.0)  # whose turn it is may be among these
        hand.add((each for each in found if not each.topic.endswith(ASIDE)), now_ns=self._clock.monotonic_ns())
        return [each for each in found if each.topic.endswith(ASIDE)]

    def _take(self, envelopes: Sequence[Delivery], states: Sequence[Delivery], stopping: threading.Event) -> None:
        measures = self._measures
        if envelopes:
            measures.lap("collect")
            measures.taken()
        outcome = self._commit(envelopes, stopping) if envelopes else None
        if envelopes and outcome is None:
            return  # stopping, and nothing was committed: the broker keeps them
        self._hear(states)
        oldest_ns = self._hand.oldest_ns()
        if outcome is not None:
            self._answer(outcome)
            measures.lap("answer")
        self._transport.acknowledge(self._hand.settle())
        if outcome is not None:
            measures.lap("acknowledge")
            measures.answered(len(envelopes), oldest_ns=oldest_ns)
            if self._traced is not None:
                self._traced(outcome.receipts, measures.laps)

    def _commit(self, envelopes: Sequence[Delivery], stopping: threading.Event) -> Outcome | None:
        """Try until it is committed; None when we are asked to stop first."""
        pause, failures = BACK_OFF_FIRST, 0
        while True:
            try:
                return self._intake.take(envelopes, isolate=failures >= ISOLATE_AFTER and self._registry_answers())
            except RegistryUnavailable as trouble:
                failures += 1
                log.warning("registry unavailable", error=str(trouble), pause_seconds=pause, held=len(envelopes))
                if stopping.wait(pause):
                    return None
                pause = min(pause * 2, BACK_OFF_CAP)
                self._measures.begin()

    def _registry_answers(self) -> bool:
        try:
            with self._intake.registry.writing() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    def _hear(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        now = self._clock.now()
        try:
            trust = self._intake.trust.current(now)
        except SQLAlchemyError:
            return  # the broker retains states, and kiosks send events again
        for delivery in deliveries:
            if delivery.topic.endswith(EVENTS_LEAF):
                self._counts["door events not believed"] += not self._door_events.hear(delivery, trust, now)
            elif not self._states.hear(delivery, trust):
                self._counts["state not believed"] += 1

    def _retry(self, now: datetime) -> None:
        self._answer(self._letters.run(now))

    def _answer(self, outcome: Outcome) -> None:
        sent = post(self._transport, self._intake.reissued(outcome.receipts))
        counts = outcome.counts | Counter({NOT_SENT: len(outcome.receipts) - sent})
        self._counts.update(counts)
        self._answered += len(outcome.receipts)
        self._measures.came(counts, outcome.kept, now=self._clock.now())

    def _write_measures(self, now: datetime) -> None:
        hand = self._hand
        report = self._measures.report(now, connection=self._transport.state.value, in_hand=len(hand), oldest_ns=hand.oldest_ns())
        with self._intake.registry.writing() as connection:
            if self._outages is not None:
                self._outages.reporting(connection, now=now)
            write_report(connection, report, now=now)
        self._measures.start_over()

    def _report(self, _now: datetime) -> None:
        fresh = self._counts - self._reported
        self._reported = self._counts.copy()
        if fresh:
            counts = {name.replace(" ", "_"): count for name, count in sorted(fresh.items())}
            log.info("worked", connection=self._transport.state.value, **counts)
