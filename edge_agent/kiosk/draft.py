"""What a visit has gathered so far: the person as read or typed, who is with them, and the stay being put together.

- Frozen values; each screen that needs one holds it, and leaving the screen forgets it.
- Personal values are left out of ``repr``, so that a logged state says nothing.

Example: ``Draft(reading=reading, unit="1203", nights=2)``
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_agent.kiosk.changes import Change
from residence.credentials.chip.carried import Consent
from residence.credentials.evidence import EvidenceLevel, Reading
from residence.people.person import PartialDate, Sex
from residence.stays.declaration import Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedPerson:
    """What a person without a card has typed so far."""

    full_name: str = field(default="", repr=False)
    birth: PartialDate | None = field(default=None, repr=False)
    sex: Sex | None = field(default=None, repr=False)
    nationality: str | None = field(default=None, repr=False)  # ICAO code; None until it was asked
    elsewhere: bool = False  # the country is not among those on the buttons
    passport: str | None = field(default=None, repr=False)
    has_reader: bool = False  # of chips: what opens a passport's is asked, too
    expires: str | None = field(default=None, repr=False)  # YYYY-MM-DD, of the passport
    permitted_until: str | None = field(default=None, repr=False)  # YYYY-MM-DD, end of a foreigner's permitted stay
    number: str | None = field(default=None, repr=False)
    helper: str | None = field(default=None, repr=False)  # who helped; kept in the declaration
    paperless: bool = False  # no papers at all: numbers are not asked for, own words are
    words: str | None = field(default=None, repr=False)  # what a person without papers wants to say


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """Somebody of a family or group besides its leader."""

    reading: Reading = field(repr=False)
    typed: TypedPerson | None = field(default=None, repr=False)  # None when a card was read


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipSaid:
    """What came of the chip: a level, and whether a check failed; ``skipped`` when the person went on without."""

    skipped: bool = False
    level: EvidenceLevel = EvidenceLevel.CARD_TEXT
    failed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A stay being put together."""

    reading: Reading = field(repr=False)
    typed: TypedPerson | None = field(default=None, repr=False)  # None when a card was read
    unit: str | None = field(default=None, repr=False)
    nights: int = 1
    reason: Reason | None = None
    reason_text: str | None = field(default=None, repr=False)  # only where the reason chosen needs words
    permitted_until: str | None = field(default=None, repr=False)  # of a foreigner whose passport was read
    host: str | None = field(default=None, repr=False)  # the resident who has confirmed with a card
    change: Change | None = None  # None: a new stay
    members: tuple[Member, ...] | None = field(default=None, repr=False)  # None: no group
    chip: ChipSaid | None = None  # None: not asked for yet
    own_id: str = ""  # the declaration's identity, once a chip was bound to it
    worn: bool = False  # the card's code cannot be read: who it is comes from the chip, and is not known before
    consent: Consent | None = None  # to reading the chip
    unopened: tuple[str, ...] = field(
        default=(), repr=False
    )  # typed numbers that did not open it; "" for what was shown. Forgotten with the chip
