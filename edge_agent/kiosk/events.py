"""What can happen to the dialogue, and what the dialogue asks for.

- Acts of the person (``Started`` ... ``CallEnded``) start the time-out anew; what comes from outside does not.
- An act of another screen changes nothing: a late double tap is harmless. Effects are values, answered by the agent with events.

Example: ``step(state, UnitChosen(unit="1203"), profile=profile, now=now)``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edge_agent.kiosk.chip_acts import CanTyped, CanWanted, ChipAllowed, ChipNoted, ChipSkipped, CodeWorn
from edge_agent.kiosk.news import (
    CallAnswered,
    ChipFailed,
    ChipProgressed,
    ChipTaken,
    CodeFound,
    HostAnswered,
    KeepingFailed,
    KeptSafely,
    PathAnswered,
    SettlementChanged,
    SlipDone,
    Ticked,
    TicketMade,
)
from edge_agent.kiosk.states import Purpose, TypedField
from edge_agent.readers.port import Capture
from edge_agent.scanning.hint_codes import HintCode
from firmware_config.profiles import Language
from residence.stays.declaration import Reason


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

    purpose: Purpose | Literal["resident", "day-visit", "change", "path"]


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
class NoPapers:
    """The person has no papers at all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeGiven:
    """The receipt code of an earlier declaration, or of a path. ``fresh_id`` names the question that may be asked about it."""

    text: str
    fresh_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberRemoved:
    """A member of the group does not stay after all."""

    index: int


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupComplete:
    """That is everybody."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HostWanted:
    """The resident is here and confirms."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SlipWanted:
    """The receipt on paper."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WayInWanted:
    """The person's own page, on their phone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VoiceTurned:
    """How loud screens are read aloud, 0 to 3."""

    level: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ContrastChosen:
    """Black, white and yellow, or the usual colours."""

    high: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TextSizeChosen:
    """Everything twice as large, or as usual."""

    large: bool


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
    """All is right: keep it. ``fresh_id`` becomes the declaration's identity; of a group the others get ``more_ids``."""

    fresh_id: str
    more_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class WordsWanted:
    """Own words are to be shown whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WordsHeard:
    """Own words are to be read aloud."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WentBack:
    """One screen back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancelled:
    """Stop, or finished: forget everything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MoreTime:
    """More time is asked for: the rest of this visit is less hurried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Touched:
    """The screen or a key is touched in a way that changes nothing else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonCalled:
    """A person is wanted. ``fresh_id`` names the call."""

    fresh_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallEnded:
    """The person has come, or is not wanted any more."""


Act = (
    Started
    | LanguageChosen
    | PurposeChosen
    | NoCard
    | NoPapers
    | CodeGiven
    | MemberRemoved
    | GroupComplete
    | HostWanted
    | SlipWanted
    | WayInWanted
    | VoiceTurned
    | ContrastChosen
    | TextSizeChosen
    | Typed
    | PersonConfirmed
    | NotMe
    | ChipAllowed
    | ChipSkipped
    | ChipNoted
    | CanWanted
    | CanTyped
    | CodeWorn
    | UnitChosen
    | NightsChosen
    | ReasonChosen
    | ReasonTold
    | Confirmed
    | WordsWanted
    | WordsHeard
    | WentBack
    | Cancelled
    | MoreTime
    | Touched
    | PersonCalled
    | CallEnded
)
Event = (
    Act
    | Ticked
    | CardSeen
    | Guided
    | CodeFound
    | SlipDone
    | TicketMade
    | ChipProgressed
    | ChipTaken
    | ChipFailed
    | KeptSafely
    | KeepingFailed
    | SettlementChanged
    | CallAnswered
    | HostAnswered
    | PathAnswered
)
