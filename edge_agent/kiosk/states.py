"""What the kiosk's screen can be: one frozen class per screen, a closed union, matched exhaustively everywhere.

- Those of a chip are in ``chip_states.py``, those of a path in ``path_states.py``.
- Everything known of the person (``draft.py``) lives in the screen that needs it and nowhere else, so leaving the screen forgets the person.
- From ``Keeping`` on no name, number or birth date is held: only the declaration's id, its code and where it is.
- Personal values are left out of ``repr``, so that a logged state says nothing.
- ``State`` wraps the screen with what is true on all of them: language, when somebody last acted, whether the warning shows.

Example: ``State(screen=Idle(), language="vi", acted_ns=0)``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from edge_agent.kiosk.changes import ChangeKind
from edge_agent.kiosk.chip_states import ChipScreen, ChipWorth
from edge_agent.kiosk.draft import Draft, TypedPerson
from edge_agent.kiosk.path_states import PathScreen
from edge_agent.scanning.hint_codes import HintCode
from firmware_config.profiles import Language
from residence.credentials.evidence import Reading
from residence.errors import Problem
from residence.wire.kiosk_answers import HostAnswer

Purpose = Literal["stay", "group", "entry", "extend", "leave", "correct", "withdraw"]
Statement = Literal["stay", "entry", "desk", "paperless"]
TypedField = Literal[
    "name", "birth", "sex", "nationality", "country", "code", "passport", "expires", "permitted", "number", "words", "helper"
]
Standing = Literal["kept", "sent", "received", "accepted", "refused", "conflicting"]
CallStanding = Literal["calling", "heard", "acknowledged", "unanswered"]
WhyNothing = Literal["resident", "day-visit", "entry-without-card"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """When a step happens. Time-outs use the monotonic clock, so a corrected wall clock can neither wipe nor keep a person."""

    wall: datetime  # aware
    monotonic_ns: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Idle:
    """Nobody is here. A card can be shown straight away."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ChoosePurpose:
    """Why are you here? ``reading`` when a card was shown before the question; ``fresh_id`` names the presence it may become."""

    reading: Reading | None = field(default=None, repr=False)
    fresh_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShowCard:
    """Hold your card to the reader. ``hint`` says why the last capture was no card, ``guide`` how to hold one that is not read."""

    purpose: Purpose
    hint: Problem | None = None
    guide: HintCode | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Typing:
    """No card: one question after the other, typed. ``group`` is the draft a typed member is for."""

    asked: TypedField
    typed: TypedPerson
    problem: Problem | None = None
    purpose: Purpose = "stay"
    group: Draft | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AskPermitted:
    """Asks the end of the permitted stay of a foreigner whose passport was read."""

    draft: Draft
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChooseChange:
    """What about the stay declared before? ``reading`` when a card was shown already."""

    reading: Reading | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class AskReceipt:
    """Which declaration? Its receipt code, typed or shown. ``waiting`` while it is looked for."""

    draft: Draft
    tried: str = ""
    problem: Problem | None = None
    waiting: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathering:
    """Who else is there? Cards in a row, children without one."""

    draft: Draft
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AskHost:
    """The resident's card, who confirms the guest."""

    draft: Draft
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmPerson:
    """Is this you? Name and the last digits are shown. ``entering``: the presence kept once this is said to be them; no stay follows."""

    draft: Draft
    entering: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChooseUnit:
    """Which apartment or room? ``tried`` is what was typed and not found."""

    draft: Draft
    tried: str = field(default="", repr=False)
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChooseNights:
    """How many nights? One when nothing was chosen yet."""

    draft: Draft


@dataclass(frozen=True, kw_only=True, slots=True)
class ChooseReason:
    """Why the stay? The law asks for it."""

    draft: Draft


@dataclass(frozen=True, kw_only=True, slots=True)
class TellReason:
    """The reason chosen needs words. ``tried`` is what was typed and cannot be taken."""

    draft: Draft
    tried: str = field(default="", repr=False)
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Review:
    """Everything once more, with what the rules say about it."""

    draft: Draft
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnWords:
    """What the person says in their own words, whole. ``aloud``: how often it was asked to be read aloud."""

    review: Review
    aloud: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Keeping:
    """Being sealed and written; lasts milliseconds. The person is already forgotten."""

    declaration_id: str
    statement: Statement
    chip: ChipWorth = ""
    change: ChangeKind | None = None  # None: a new stay


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """Where the declaration is. ``standing`` only moves forward."""

    declaration_id: str
    statement: Statement
    code: str
    standing: Standing = "kept"
    due: str | None = None  # RFC 3339, from the receipt
    on_time: bool | None = None
    findings: tuple[str, ...] = ()  # codes the declarant may see
    log: str = ""  # the place in the public log its receipt promises, for the slip
    own_code: str = field(default="", repr=False)  # for the slip: opens the page of this stay
    slip: str = ""  # "printing", "printed", "sent", or the code of what went wrong
    host: HostAnswer | None = None  # what the resident said on their own page
    chip: ChipWorth = ""
    change: ChangeKind | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WayIn:
    """A code for the person's phone, which opens their own page. ``text``: the ticket in it."""

    result: Result
    text: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One member's declaration. ``code`` and ``standing`` once it is kept, ``failed`` when it could not be."""

    declaration_id: str
    code: str = ""
    own_code: str = field(default="", repr=False)
    standing: Standing | None = None
    failed: str | None = None
    findings: tuple[str, ...] = ()
    log: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PartyResult:
    """Where each declaration of a group is; one that failed stops none of the others."""

    entries: tuple[Entry, ...]
    slip: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NothingDue:
    """No declaration is needed, and none was made."""

    why: WhyNothing


@dataclass(frozen=True, kw_only=True, slots=True)
class NotKept:
    """It could not be kept. Nothing was declared; ask a person."""

    code: str


Screen = (
    Idle
    | ChoosePurpose
    | ShowCard
    | Typing
    | ConfirmPerson
    | AskPermitted
    | ChooseChange
    | AskReceipt
    | PathScreen
    | Gathering
    | AskHost
    | PartyResult
    | ChipScreen
    | ChooseUnit
    | ChooseNights
    | ChooseReason
    | TellReason
    | Review
    | OwnWords
    | Keeping
    | Result
    | WayIn
    | NothingDue
    | NotKept
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A person is called; ``since_ns`` is the monotonic clock's."""

    call_id: str
    since_ns: int
    standing: CallStanding = "calling"


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """One kiosk's dialogue."""

    screen: Screen
    language: Language
    acted_ns: int  # monotonic time of the person's last act
    warning: bool = False  # "Are you still there?" is shown
    unhurried: bool = False  # "I need more time" was pressed in this visit
    calling: Call | None = None  # a person is called; the screen underneath stays
    voice: int = 0  # how loud screens are read aloud: 0 (not at all) to 3
    contrast: bool = False  # black, white and yellow
    large: bool = False  # everything twice as large
