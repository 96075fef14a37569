"""What the dialogue is told from outside: time, the chip's reader, the outbox, the printer, people elsewhere.

- None of it starts the time-out anew: a card left lying must not hold the screen.
- News of another visit or of a screen that is gone changes nothing.

Example: ``KeptSafely(declaration_id=own_id, code="7F3K2M")``
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edge_agent.kiosk.chip_states import ChipPhase
from edge_agent.kiosk.states import Standing
from residence.credentials.evidence import Evidence, Reading
from residence.wire.kiosk_answers import CallAnswer, HostAnswer, PathAnswer
from residence.wire.messages import Receipt


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
    reading: Reading | None = field(default=None, repr=False)  # whom the chip names, where nobody was known before


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipFailed:
    """Nothing came of a reading; ``code`` says why. What was half read is gone."""

    own_id: str
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptSafely:
    """The outbox has committed the sealed declaration. ``own_code``: for the slip, on no screen."""

    declaration_id: str
    code: str
    own_code: str = field(default="", repr=False)


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

    @property
    def place(self) -> str:
        """Return the place in the public log its receipt promises, as slips say it: number and the log's key; empty for none."""
        log = self.receipt.log if self.receipt else None
        return f"{log.index} ({log.log})" if log else ""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class TicketMade:
    """The ticket that opens the page of this declaration's person; empty when this kiosk makes none."""

    declaration_id: str
    text: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class CallAnswered:
    """What came of a call for a person, in the authority's signed word."""

    call_id: str
    answer: CallAnswer


@dataclass(frozen=True, kw_only=True, slots=True)
class HostAnswered:
    """The resident has said on their own page whether the guest of this declaration stays with them."""

    declaration_id: str
    answer: HostAnswer


@dataclass(frozen=True, kw_only=True, slots=True)
class PathAnswered:
    """How far the path is that was asked about, in the authority's signed word."""

    question: str
    answer: PathAnswer
