"""What the dialogue asks for: values that the agent carries out, and answers with events.

Example: ``Keep(declaration=declaration)`` is answered with ``KeptSafely`` or ``KeepingFailed``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from residence.credentials.evidence import Reading
from residence.stays.declaration import StayDeclaration
from residence.wire.messages import Presence


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


@dataclass(frozen=True, kw_only=True, slots=True)
class SignTicket:
    """Make a ticket for this declaration; answer with ``TicketMade``."""

    declaration_id: str
    own_code: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadChip:
    """Wait for the card of this person and read its chip once, bound to this declaration. ``can``: a number that was typed to open it."""

    own_id: str
    reading: Reading | None = field(repr=False)  # None: whomever the chip names
    can: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class StopChip:
    """Read no chip any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CallPerson:
    """Tell the operators that a person is wanted; answered with ``CallAnswered``."""

    call_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AskPath:
    """Ask the authority how far the path with this code is; answered with ``PathAnswered``."""

    question: str
    code: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class EndCall:
    """Nobody is wanted any more."""


Effect = (
    AskPath | CallPerson | EndCall | Keep | KeepPresence | LookUp | PrintSlip | ReadChip | SignTicket | StopChip | Wipe | Play
)
