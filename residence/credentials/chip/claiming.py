"""From a chip that was read to the evidence a kiosk puts into the declaration: the level it shows, every check, and the bytes for it.

- The level is the lower of what the whole capture shows and what the bytes that travel show to somebody who was not there: an honest kiosk
  never claims more than a gateway can find, though it may itself have seen more (Chip Authentication alone, ADR 63).
- Checks of the card's own code stay beside the chip's. A check that failed in what does not travel stays failed.
- A chip never lowers the level below what the card alone had shown: who could have left the chip out loses nothing by trying.

Example: ``claim(reading, capture, store, now=now, bound_to=binding(kiosk_id, declaration_id)).evidence.level``
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from residence.clock import VIETNAM
from residence.credentials.chip.capture import Capture
from residence.credentials.chip.carried import as_capture, carried
from residence.credentials.chip.claims import fields_of, lowered
from residence.credentials.chip.trust_store import TrustStore
from residence.credentials.chip.verdict import Verdict, judge, level_shown
from residence.credentials.evidence import Evidence, Reading


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What a kiosk says of a chip, and the judgement of the whole capture behind it."""

    evidence: Evidence
    verdict: Verdict


def claim(reading: Reading, capture: Capture, store: TrustStore, *, now: datetime, bound_to: tuple[bytes, ...]) -> Claim:
    """Judge a capture for the person of a reading."""
    today, card = now.astimezone(VIETNAM).date(), fields_of(reading.person, residence=True)
    whole = judge(capture, store, now=now, today=today, card=card)
    chip = carried(capture, findings=[each.code for each in whole.findings], trust_version=store.version)
    travels = judge(as_capture(chip, bound_to=bound_to), store, now=now, today=today, card=fields_of(reading.person))
    checks = lowered(travels.checks, whole.checks)
    before = reading.evidence
    evidence = msgspec.structs.replace(
        before, level=max(before.level, level_shown(checks)), checks={**before.checks, **checks}, chip=chip
    )
    return Claim(evidence=evidence, verdict=whole)
