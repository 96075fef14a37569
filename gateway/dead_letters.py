"""Dead letters tried again: what an operator asked for, the running gateway does.

- ``luutru gateway dead-letters retry`` only marks rows; the gateway that runs (or runs next) takes them up, so there is one path.
- A letter is read and recorded as if it had just come; success settles it and sends the receipt, failure puts it back. Its deadline
  is judged by when it came first, which nobody's waiting may make later.
- Whoever asked for it has looked: a clock that could not be right holds it no longer, and decides nothing (``registry/answering.py``).
- Letters whose sender is unproven are never tried again: their kiosk, if there is one, still has them.

Example: ``outcome = LetterRetry(intake).run(now)``
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import msgspec
import structlog

from gateway.intake import Intake, Outcome, describe
from gateway.port import Delivery
from gateway.reading import Read, SetAside
from registry.quarantine import StoredLetter, change_state, letters_to_retry
from registry.recording import Recorded, is_outage
from residence.errors import Untrusted
from residence.wire.topics import Topic

log = structlog.get_logger("luutru.gateway")


class LetterRetry:
    """Tries marked letters, each in its own transaction."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._registry = intake.registry

    def run(self, now: datetime, *, limit: int = 100) -> Outcome:
        """Try every marked letter once and return the receipts to send."""
        outcome = Outcome(receipts=[], counts=Counter())
        with self._registry.reading() as connection:
            letters = letters_to_retry(connection, vault=self._registry.vault, limit=limit)
        for letter, payload in letters:
            receipt = self._try(letter, payload, now)
            outcome.counts["put back" if receipt is None else "settled"] += 1
            if receipt is not None:
                outcome.receipts.append(receipt)
        return outcome

    def _try(self, letter: StoredLetter, payload: bytes, now: datetime) -> tuple[Topic, bytes] | None:
        reading = self._intake.read(Delivery(topic=letter.topic or "", payload=payload), now)
        if isinstance(reading, SetAside):
            self._put_back(letter, reading.code, now)
            return None
        # The earlier one: when it came first our own clock may have been the wrong one.
        statement = msgspec.structs.replace(reading.statement, received_at=min(letter.received_at, now))
        reading = msgspec.structs.replace(reading, statement=statement)
        try:
            result = self._record(letter, reading, now)
        except Exception as error:
            if is_outage(error):
                raise
            log.warning("dead letter failed again", quarantine_id=letter.quarantine_id, **describe(error))
            self._put_back(letter, letter.code, now)
            return None
        if result.set_aside is not None:
            self._put_back(letter, letter.code, now)
            return None
        log.info("dead letter settled", quarantine_id=letter.quarantine_id, state=result.receipt.state)
        return reading.topic, result.receipt_bytes

    def _record(self, letter: StoredLetter, read: Read, now: datetime) -> Recorded:
        with self._registry.writing() as connection:
            if read.header.key_id in self._intake.trust.revoked_in(connection):
                raise Untrusted("key.revoked", "", read.header.key_id)
            result = self._intake.record_in(connection, [read], now)[0]
            if result.set_aside is None:
                change_state(connection, [letter.quarantine_id], "settled", now=now)
            return result

    def _put_back(self, letter: StoredLetter, code: str, now: datetime) -> None:
        with self._registry.writing() as connection:
            change_state(connection, [letter.quarantine_id], "new", now=now)
        log.info("dead letter put back", quarantine_id=letter.quarantine_id, code=code)
