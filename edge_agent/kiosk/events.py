"""What can happen to the dialogue, and what the dialogue asks for.

- Acts of the person (``Started`` ... ``MoreTime``) start the time-out anew; what comes from outside (``Ticked``, ``CardSeen``, ``Guided``, ``Chip...``,
  ``KeptSafely``, ``KeepingFailed``, ``SettlementChanged``) does not, for a card left lying must not hold the screen.
- An act that does not belong to the screen changes nothing: a late double tap is harmless.
- Effects are values; the agent carries them out and answers with events.

Example: ``step(state, UnitChosen(unit="1203"), profile=profile, now=now)``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edge_agent.kiosk.states import ChipPhase, Purpose, Standing, TypedField
from edge_agent.readers.port import Capture
from edge_agent.scanning.hint_codes import HintCode
from firmware_config.profiles import Language
from residence.credentials.evidence import Evidence, Reading
from residence.stays.declaration import Reason, StayDeclaration
from residence.wire.messages import Presence, Receipt


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """The screen was touched while idle."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageChosen:
    """Another language was chosen; the place in the dialogue stays."""

    language: Language


@dataclass(frozen=True, kw_only=True, slots=True)
class PurposeChosen:
    """Why the person is here."""

    purpose: Purpose | Literal["resident", "day-visit"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CardSeen:
    """A reader saw bytes. ``fresh_id`` names the presence, should one be made."""

    capture: Capture = field(repr=False)
    fresh_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Guided:
    """A camera sees a card it cannot read, and how it should be held; None: nothing to say."""

    hint: HintCode | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NoCard:
    """The person has no card with them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Typed:
    """One typed answer. An empty text skips a question that may be skipped."""

    asked: TypedField
    text: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonConfirmed:
    """Yes, this is me. ``fresh_id`` names the declaration, should a chip be bound to it."""

    fresh_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NotMe:
    """No, this is somebody else: forget them and ask again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipAllowed:
    """Yes, the chip may be read; or: read it once more. ``fresh_id`` names the declaration it is bound to."""

    fresh_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipSkipped:
    """Go on without the chip."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipNoted:
    """What the chip showed was seen: go on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitChosen:
    """An apartment or room."""

    unit: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class NightsChosen:
    """How many nights."""

    nights: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReasonChosen:
    """Why the stay."""

    reason: Reason


@dataclass(frozen=True, kw_only=True, slots=True)
class ReasonTold:
    """Another reason, in words."""

    text: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirmed:
    """All is right: keep it. ``fresh_id`` becomes the declaration's identity."""

    fresh_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WentBack:
    """One screen back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancelled:
    """Stop, or finished: forget everything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MoreTime:
    """More time is asked for, or the screen is touched in a way that changes nothing else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticked:
    """Time passed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipProgressed:
    """The reading for this declaration has come so far."""

    own_id: str
    phase: ChipPhase


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipTaken:
    """A whole reading, judged here."""

    own_id: str
    evidence: Evidence = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipFailed:
    """Nothing came of a reading; ``code`` says why. What was half read is gone."""

    own_id: str
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptSafely:
    """The outbox has committed the sealed declaration."""

    declaration_id: str
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepingFailed:
    """The outbox could not keep it; ``code`` says why."""

    declaration_id: str
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SettlementChanged:
    """News of a declaration that was kept."""

    declaration_id: str
    standing: Standing
    receipt: Receipt | None = None


Act = (
    Started
    | LanguageChosen
    | PurposeChosen
    | NoCard
    | Typed
    | PersonConfirmed
    | NotMe
    | ChipAllowed
    | ChipSkipped
    | ChipNoted
    | UnitChosen
    | NightsChosen
    | ReasonChosen
    | ReasonTold
    | Confirmed
    | WentBack
    | Cancelled
    | MoreTime
)
Event = (
    Act | Ticked | CardSeen | Guided | ChipProgressed | ChipTaken | ChipFailed | KeptSafely | KeepingFailed | SettlementChanged
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Keep:
    """Seal and store this declaration; answer with ``KeptSafely`` or ``KeepingFailed``."""

    declaration: StayDeclaration = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeepPresence:
    """Seal and store this presence; answer as for ``Keep``."""

    presence: Presence = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wipe:
    """The visit is over: new session, new tokens, nothing left in the browser."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Play:
    """A sound beside the picture, for those who do not look."""

    cue: Literal["card-read", "attention", "kept", "accepted", "problem"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadChip:
    """Wait for the card of this person and read its chip once, bound to this declaration."""

    own_id: str
    reading: Reading = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class StopChip:
    """Read no chip any more."""


Effect = Keep | KeepPresence | ReadChip | StopChip | Wipe | Play
