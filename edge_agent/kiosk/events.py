"""What can happen to the dialogue, and what the dialogue asks for.

- Acts of the person (``Started`` ... ``CallEnded``) start the time-out anew; what comes from outside does not.
- An act of another screen changes nothing: a late double tap is harmless. Effects are values, answered by the agent with events.

Example: ``step(state, UnitChosen(unit="1203"), profile=profile, now=now)``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from edge_agent.kiosk.states import Purpose, Standing, TypedField
from edge_agent.readers.port import Capture
from edge_agent.scanning.hint_codes import HintCode
from firmware_config.profiles import Language
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

    purpose: Purpose | Literal["resident", "day-visit", "change"]


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
    """The receipt code of an earlier declaration."""

    text: str


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
class VoiceTurned:
    """How loud screens are read aloud, 0 to 3."""

    level: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Typed:
    """One typed answer. An empty text skips a question that may be skipped."""

    asked: TypedField
    text: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonConfirmed:
    """Yes, this is me."""


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
    """A person is wanted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallEnded:
    """The person has come, or is not wanted any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticked:
    """Time passed."""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class CodeFound:
    """What the outbox knows of a receipt code; None: nothing."""

    code: str
    declaration_id: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SlipDone:
    """What became of the slip with this code: ``printed``, ``sent``, or the code of what went wrong."""

    code: str
    outcome: str


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
    | VoiceTurned
    | Typed
    | PersonConfirmed
    | NotMe
    | UnitChosen
    | NightsChosen
    | ReasonChosen
    | ReasonTold
    | Confirmed
    | WentBack
    | Cancelled
    | MoreTime
    | Touched
    | PersonCalled
    | CallEnded
)
Event = Act | Ticked | CardSeen | Guided | CodeFound | SlipDone | KeptSafely | KeepingFailed | SettlementChanged


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

    cue: Literal["card-read", "attention", "kept", "accepted", "problem", "done", "call"]


@dataclass(frozen=True, kw_only=True, slots=True)
class LookUp:
    """Find the declaration of this receipt code among those kept here; answer with ``CodeFound``."""

    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PrintSlip:
    """Print what the screen says; answer with ``SlipDone``."""


Effect = Keep | KeepPresence | LookUp | PrintSlip | Wipe | Play
