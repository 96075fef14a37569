"""One batch of deliveries into the registry: read each, record all in one transaction, say what to answer.

- Everything a batch causes (rows, receipts, quarantine) is committed before ``take`` returns; only then may it be acknowledged.
- Bad deliveries are set aside in a transaction before the others' and never stop the rest. What the signature vouches for gets a
  signed answer, stored beside it, so that a replay gets the same bytes. What even the quarantine cannot take is found by halving, counted,
  logged and answered to nobody: a kiosk that means it sends it again, and no line waits for it.
- A statement that makes the registry's code fail becomes a dead letter there (``registry/recording.py``), answered ``received``: it
  is ours now, visible and tried again on demand. What fails only at the commit is found here, by halving the batch.
- A database that cannot be reached is nobody's fault: ``RegistryUnavailable``, nothing is acknowledged, the caller tries again.
- A kiosk that calls its clock confirmed and says a time that cannot be true: the statement is set aside whole, answered ``received``, and
  waits for somebody to look (``gateway/clock_claims.py``). One that is on record already gets the receipt it has.
- Whoever another transaction is working on holds up their own statements and no others (``registry/people_locks.py``).
- What a statement claims of a chip is found again from its bytes before it is recorded (``gateway/chip_evidence.py``).
- ``lap`` is told when each stage of a batch ends (``gateway/measures.py``).
- Exceptions may quote a person's fields: only their type and place in our code are logged, never their text.

Example: ``outcome = intake.take(deliveries)``
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gateway.chip_evidence import ChipJudge
from gateway.clock_claims import CLOCK_IMPOSSIBLE, impossible
from gateway.port import Delivery
from gateway.reading import Read, SetAside, read_deliveries, read_delivery
from gateway.receipts import answer_header, reissue
from gateway.sequences import SequenceWatch
from gateway.trust import TrustStore
from registry.database import Registry
from registry.outages import is_machines_fault
from registry.people_locks import part_free
from registry.quarantine import NOWHERE, DeadLetter, set_aside
from registry.receipts import receipts_by_id
from registry.recording import Recorded, is_outage, record
from registry.statements import Lap, no_lap
from residence.clock import Clock
from residence.errors import LuutruError
from residence.stays.declaration import StayDeclaration
from residence.stays.rules import RuleBook
from residence.wire.envelope import EnvelopeOpener
from residence.wire.signing import SigningKey
from residence.wire.times import Times
from residence.wire.topics import Topic

UNEXPECTED: Final = "intake.unexpected"
NOT_KEPT: Final = "not kept"
log = structlog.get_logger("luutru.gateway")


class RegistryUnavailable(Exception):
    """The registry cannot be written now. Nothing of the batch was committed."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a committed batch calls for: receipts, and what happened how often (for logs and counters)."""

    receipts: list[tuple[Topic, bytes]]
    counts: Counter[str]
    kept: dict[str, Times] = {}  # kiosk -> when it kept the newest of what it sent


class Intake:
    """Takes batches into one registry. One per worker; holds no state that a restart would miss."""

    def __init__(
        self,
        registry: Registry,
        *,
        opener: EnvelopeOpener,
        rules: RuleBook,
        signer: SigningKey,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        trust: TrustStore | None = None,
        lap: Lap = no_lap,
    ) -> None:
        self.registry: Final = registry
        self.trust: Final = trust or TrustStore(registry)
        self._chips = ChipJudge(self.trust.chip_trust)
        self._opener = opener
        self._rules = rules
        self.signer = signer
        self._clock = clock
        self._random_bytes = random_bytes
        self._lap = lap
        self.sequences: Final = SequenceWatch()

    def take(self, deliveries: Sequence[Delivery], *, isolate: bool = False) -> Outcome:
        """Commit a batch, or raise ``RegistryUnavailable``. ``isolate``: the database answers, yet this batch keeps failing."""
        now = self._clock.now()
        try:
            trust = self.trust.current(now)
        except SQLAlchemyError as error:
            raise RegistryUnavailable(type(error).__name__) from error
        readings = read_deliveries(deliveries, trust=trust, opener=self._opener, at=now)
        self._lap("read")
        asides = [each for each in readings if isinstance(each, SetAside)]
        reads, held = self._part([each for each in readings if isinstance(each, Read)], now)
        outcome = Outcome(receipts=[], counts=Counter(), kept={each.header.kiosk_id: each.header.times for each in held})
        self._set_aside([*asides, *map(_held, held)], outcome, now, isolate=isolate)
        self._record([self._chips.judged(each, now=now) for each in reads], outcome, now, isolate=isolate)
        return outcome

    def read(self, delivery: Delivery, now: datetime) -> Read | SetAside:
        """Read one delivery against the trust in force."""
        reading = read_delivery(delivery, trust=self.trust.current(now), opener=self._opener, at=now)
        return self._chips.judged(reading, now=now) if isinstance(reading, Read) else reading

    def _part(self, reads: list[Read], now: datetime) -> tuple[list[Read], list[Read]]:
        """Part what may be recorded from what is held for its clock; what is on record already is answered as before."""
        doubted = [
            each
            for each in reads
            if impossible(each.header.times, now, self.trust.clock_bounds) and isinstance(each.statement.message, StayDeclaration)
        ]
        if not doubted:
            return reads, []
        try:
            with self.registry.reading() as connection:
                known = receipts_by_id(connection, [each.header.declaration_id for each in doubted])
        except SQLAlchemyError as error:
            raise RegistryUnavailable(type(error).__name__) from error
        held = [each for each in doubted if each.header.declaration_id not in known]
        without = {id(each) for each in held}
        return [each for each in reads if id(each) not in without], held

    def _record(self, reads: list[Read], outcome: Outcome, now: datetime, *, isolate: bool) -> None:
        if not reads:
            return
        try:
            done, rest = self._recorded(reads, now, wait=False)
            if rest:
                done |= self._recorded(rest, now, wait=True)[0]
        except Exception as error:
            if is_machines_fault(error) or (is_outage(error) and not isolate):
                raise RegistryUnavailable(type(error).__name__) from error
            if len(reads) > 1:
                middle = len(reads) // 2
                self._record(reads[:middle], outcome, now, isolate=isolate)
                self._record(reads[middle:], outcome, now, isolate=isolate)
                return
            log.error(  # noqa: TRY400 - a traceback would quote the statement
                "statement set aside", declaration_id=reads[0].header.declaration_id, **describe(error)
            )
            self._set_aside([_unexpected(reads[0])], outcome, now, isolate=isolate)
            return
        self._lap("commit")
        for read in reads:  # in the order they came, whatever waited
            if (result := done[id(read)]) is not None:
                self._note(read, result, outcome)
        self._set_aside([_revoked(each) for each in reads if done[id(each)] is None], outcome, now, isolate=isolate)

    def _recorded(self, reads: list[Read], now: datetime, *, wait: bool) -> tuple[dict[int, Recorded | None], list[Read]]:
        """Record in one transaction whoever is free, all with ``wait``; returns what became of each (None: its key is revoked), and the rest."""
        with self.registry.writing() as connection:
            revoked = self.trust.revoked_in(connection)
            held = [each for each in reads if each.header.key_id not in revoked]
            free, rest = (held, []) if wait else self._parted(connection, held)
            recorded = self.record_in(connection, free, now) if free else []
        done: dict[int, Recorded | None] = {id(each): None for each in reads if each.header.key_id in revoked}
        return done | {id(read): result for read, result in zip(free, recorded, strict=True)}, rest

    def _parted(self, connection: Connection, reads: list[Read]) -> tuple[list[Read], list[Read]]:
        """Part what can be recorded now from what is about somebody another transaction is working on."""
        free, rest = part_free(connection, [each.statement for each in reads], self.registry.vault)
        return [reads[at] for at in free], [reads[at] for at in rest]

    def reissued(self, receipts: Sequence[tuple[Topic, bytes]]) -> Sequence[tuple[Topic, bytes]]:
        """Return receipts as they may go out: none by a key that was revoked since."""
        now = self._clock.now()
        try:
            revoked = self.trust.current(now).revoked_receipt_keys
        except SQLAlchemyError:
            return receipts  # a kiosk that does not believe one asks again
        return reissue(receipts, revoked=revoked, signer=self.signer, now=now)

    def record_in(self, connection: Connection, reads: Sequence[Read], now: datetime) -> list[Recorded]:
        """Record statements in a transaction of the caller's."""
        return record(
            connection,
            [each.statement for each in reads],
            vault=self.registry.vault,
            rules=self._rules,
            signer=self.signer,
            now=now,
            random_bytes=self._random_bytes,
            lap=self._lap,
        )

    def _note(self, read: Read, result: Recorded, outcome: Outcome) -> None:
        outcome.receipts.append((read.topic, result.receipt_bytes))
        outcome.counts["replayed" if result.replayed else result.receipt.state] += 1
        if read.statement.chip is not None and read.statement.chip.doubt and not result.replayed:
            outcome.counts[read.statement.chip.doubt] += 1
        if result.set_aside is not None:
            outcome.counts["dead letter"] += 1
            log.warning("dead letter", quarantine_id=result.set_aside, declaration_id=result.declaration_id)
        outcome.kept[read.header.kiosk_id] = read.header.times
        if self.sequences.arrived(read.header, read.enrolment.commune_code):
            outcome.counts["gap"] += 1

    def _set_aside(self, asides: list[SetAside], outcome: Outcome, now: datetime, *, isolate: bool) -> None:
        if not asides:
            return
        letters = [self._letter(each, now) for each in asides]
        try:
            with self.registry.writing() as connection:
                kept = set_aside(connection, letters, vault=self.registry.vault, now=now)
        except (SQLAlchemyError, LuutruError, OSError) as error:
            if isinstance(error, LuutruError) or is_machines_fault(error) or (is_outage(error) and not isolate):
                raise RegistryUnavailable(type(error).__name__) from error
            middle = len(asides) // 2
            if middle:
                self._set_aside(asides[:middle], outcome, now, isolate=isolate)
                self._set_aside(asides[middle:], outcome, now, isolate=isolate)
                return
            log.error("could not even be set aside", code=asides[0].code, **describe(error))  # noqa: TRY400 - as above
            outcome.counts[NOT_KEPT] += 1
            return
        self._lap("set aside")
        for aside, where in zip(asides, kept, strict=True):
            outcome.counts[f"set aside {aside.code}"] += 1
            if aside.header and aside.enrolment and self.sequences.arrived(aside.header, aside.enrolment.commune_code):
                outcome.counts["gap"] += 1
            if aside.topic is not None and where.receipt_bytes is not None:
                outcome.receipts.append((aside.topic, where.receipt_bytes))

    def _letter(self, aside: SetAside, now: datetime) -> DeadLetter:
        header = aside.header
        answer = None
        if header is not None and aside.answer is not None:
            answer = answer_header(header, aside.answer, finding=aside.finding(), now=now, signer=self.signer)
        return DeadLetter(
            code=aside.code,
            detail=aside.detail,
            payload=aside.delivery.payload,
            received_at=now,
            commune_code=aside.enrolment.commune_code if aside.enrolment else NOWHERE,
            topic=aside.delivery.topic,
            kiosk_id=aside.topic.kiosk if aside.topic else None,
            declaration_id=header.declaration_id if header else None,
            receipt_bytes=answer,
            epoch=header.epoch if header else None,
            sequence=header.sequence if header else None,
            genuine=header is not None,
        )


def describe(error: BaseException) -> dict[str, str]:
    """Return what may be logged of an exception: its type and where it came from, never its text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
    return {"error": type(error).__name__, "place": place}


def _revoked(read: Read) -> SetAside:
    """Its key was revoked after it was read: nobody vouches for it any more, so it is not answered."""
    return SetAside(delivery=read.delivery, code="key.revoked", detail=read.header.key_id, topic=read.topic)


def _held(read: Read) -> SetAside:
    """Its clock cannot be right, and nobody is turned away for that: it is ours, and waits."""
    return SetAside(
        delivery=read.delivery,
        code=CLOCK_IMPOSSIBLE,
        detail=read.header.times.wall,
        topic=read.topic,
        header=read.header,
        answer="received",
        severity="error",
        enrolment=read.enrolment,
    )


def _unexpected(read: Read) -> SetAside:
    return SetAside(
        delivery=read.delivery,
        code=UNEXPECTED,
        detail=read.header.schema,
        topic=read.topic,
        header=read.header,
        answer="received",
        enrolment=read.enrolment,
    )
