"""What a kiosk says of a chip, found again here from the bytes it sent; what counts from then on is what was found.

- Only a statement that claims a chip, or any level above a card's text, costs anything; all others pass untouched.
- A claim the bytes do not show is taken at the level they show, noted, and logged with the kiosk's name. It never holds a person up.
- Whatever goes wrong while judging is our fault and not the person's: the statement is taken at the card's level, and says so.
- Presences carry no evidence; the level of one is what a card that was shown is worth.

Example: ``ChipJudge(trust.chip_trust).judged(read, now=now).statement.evidence_level``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
import structlog

from gateway.reading import Read
from residence.credentials.chip.carried import binding
from residence.credentials.chip.claims import JudgedClaim, judge_claim, level_without_bytes, needs_judging
from residence.credentials.chip.trust_store import TrustStore
from residence.wire.envelope import Header
from residence.wire.messages import Presence

NOT_JUDGED = "chip.not_judged"
log = structlog.get_logger("luutru.gateway")


class ChipJudge:
    """Judges what kiosks claim, by the trust store that is in force."""

    def __init__(self, trust: Callable[[datetime], TrustStore]) -> None:
        self._trust = trust

    def judged(self, read: Read, *, now: datetime) -> Read:
        """Return a reading with the level its bytes show."""
        statement = read.statement
        if not needs_judging(statement.message.evidence):
            return read
        claim = self._claim(read, now)
        if claim.doubt:
            log.warning(
                "chip claim", code=claim.doubt, kiosk_id=read.header.kiosk_id, claimed=int(claim.claimed), level=int(claim.level)
            )
        return msgspec.structs.replace(read, statement=msgspec.structs.replace(statement, chip=claim))

    def _claim(self, read: Read, now: datetime) -> JudgedClaim:
        message = read.statement.message
        evidence = message.evidence
        if isinstance(message, Presence):
            evidence = msgspec.structs.replace(evidence, chip=None)
        try:
            return judge_claim(evidence, message.person, bound_to=_bound(read.header), store=self._trust(now), now=now)
        except Exception as error:  # noqa: BLE001 - see the rules above
            log.error("chip not judged", declaration_id=read.header.declaration_id, error=type(error).__name__)  # noqa: TRY400 - personal
            return JudgedClaim(claimed=evidence.level, level=level_without_bytes(evidence), findings=(NOT_JUDGED,))


def _bound(header: Header) -> tuple[bytes, ...]:
    return binding(header.kiosk_id, header.declaration_id)
