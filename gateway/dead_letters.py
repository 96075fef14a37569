"""Dead letters tried again: what an operator asked for, the running gateway does.

- ``luutru gateway dead-letters retry`` only marks rows; the gateway that runs (or runs next) takes them up, so there is one path.
- A letter is read and recorded as if it had just come; success settles it and sends the receipt, failure puts it back. Its deadline
  is judged by when it came first, which nobody's waiting may make later.
- Whoever asked for it has looked: a clock that could not be right holds it no longer, and decides nothing (``registry/answering.py``).
- A letter that its key no longer opens goes back like any other that fails: it keeps no other from being tried.
- Letters whose sender is unproven are never tried again: their kiosk, if there is one, still has them.

Example: ``outcome = LetterRetry(intake).run(now)``
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Final

import msgspec
import structlog

from gateway.intake import Intake, Outcome, describe
from gateway.port import Delivery
from gateway.reading import Read, SetAside
from registry.outages import is_machines_fault
from registry.quarantine import StoredLetter, change_state, letters_to_retry
from registry.recording import Recorded, is_outage

UNOPENED: Final = "vault.damaged"
log = structlog.get_logger("luutru.gateway")


class LetterRetry:
    """Tries marked letters, as many as are marked in one transaction: the intake waits meanwhile."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._registry = intake.registry

    def run(self, now: datetime, *, limit: int = 100) -> Outcome:
        """Try every marked letter once and return the receipts to send."""
        outcome = Outcome(receipts=[], counts=Counter())
        with self._registry.reading() as connection:
            letters = letters_to_retry(connection, vault=self._registry.vault, limit=limit)
        readings = [(letter, self._read(letter, payload, now)) for letter, payload in letters]
        results = self._record([(letter, read) for letter, read in readings if isinstance(read, Read)], now)
        back = {}
        for letter, reading in readings:
            result = results.get(letter.quarantine_id)
            if isinstance(reading, Read) and result is not None and result.set_aside is None:
                outcome.counts["settled"] += 1
                outcome.receipts.append((reading.topic, result.receipt_bytes))
                log.info("dead letter settled", quarantine_id=letter.quarantine_id, state=result.receipt.state)
            else:
                back[letter.quarantine_id] = letter.code if isinstance(reading, Read) else reading
        outcome.counts.update({"put back": len(back)} if back else {})
        self._put_back(back, now)
        return outcome

    def _read(self, letter: StoredLetter, payload: bytes | None, now: datetime) -> Read | str:
        """Read a letter as if it had just come; the code of what is wrong when it cannot be."""
        if payload is None:
            return UNOPENED
        reading = self._intake.read(Delivery(topic=letter.topic or "", payload=payload), now)
        if isinstance(reading, SetAside):
            return reading.code
        # The earlier one: when it came first our own clock may have been the wrong one.
        statement = msgspec.structs.replace(reading.statement, received_at=min(letter.received_at, now))
        return msgspec.structs.replace(reading, statement=statement)

    def _record(self, tried: list[tuple[StoredLetter, Read]], now: datetime) -> dict[str, Recorded]:
        """Record them together and settle what is on record then; whatever fails is found by halving and is not in the result."""
        if not tried:
            return {}
        try:
            with self._registry.writing() as connection:
                revoked = self._intake.trust.revoked_in(connection)
                held = [(letter, read) for letter, read in tried if read.header.key_id not in revoked]
                recorded = self._intake.record_in(connection, [read for _, read in held], now)
                results = {letter.quarantine_id: result for (letter, _), result in zip(held, recorded, strict=True)}
                change_state(
                    connection, [own_id for own_id, each in results.items() if each.set_aside is None], "settled", now=now
                )
                return results
        except Exception as error:
            if is_outage(error) or is_machines_fault(error):
                raise
            middle = len(tried) // 2
            if not middle:
                log.warning("dead letter failed again", quarantine_id=tried[0][0].quarantine_id, **describe(error))
                return {}
        return self._record(tried[:middle], now) | self._record(tried[middle:], now)

    def _put_back(self, letters: dict[str, str], now: datetime) -> None:
        if not letters:
            return
        with self._registry.writing() as connection:
            change_state(connection, list(letters), "new", now=now)
        for own_id, code in letters.items():
            log.info("dead letter put back", quarantine_id=own_id, code=code)
