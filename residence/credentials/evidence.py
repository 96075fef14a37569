"""How far a reading can be believed: levels 0 to 6, and five outcomes for every check.

- A level says what was checked, never more: a card's QR is level 1 however clean it was read.
- A *failed* check is not a *missing* one; both are kept, and a failure never lowers silently.
- Level 6 needs the name of the person who compared the holder with the document.
- ``chip`` carries what a chip showed, so that levels 2 to 5 need nobody's word (``chip/claims.py``).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

import msgspec

from residence.credentials.chip.carried import ChipEvidence
from residence.people.person import Person

CheckOutcome = Literal["passed", "failed", "not_performed", "not_supported", "stale"]
Source = Literal["card-qr", "mrz", "chip", "typed", "spoken"]


class EvidenceLevel(IntEnum):
    """Architecture section 5."""

    STATED = 0
    CARD_TEXT = 1
    CHIP_READ = 2
    CHIP_SIGNED_ISSUER_UNKNOWN = 3
    CHIP_VERIFIED = 4
    CHIP_PRESENT = 5
    ATTESTED = 6


class Evidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands behind a person's fields. ``checks`` maps a check's name to its outcome."""

    level: EvidenceLevel
    source: Source
    reader: str | None = None  # e.g. "camera:zxing", "serial:gm65", "desk:typed"
    checks: dict[str, CheckOutcome] = {}
    attested_by: str | None = None  # account or name, only with level 6
    chip: ChipEvidence | None = None  # what a kiosk read from a chip, for whoever judges it again


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed capture: the person it names and how far to believe it."""

    person: Person
    evidence: Evidence
