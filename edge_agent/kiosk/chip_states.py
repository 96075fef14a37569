"""What the screen can be while a chip is asked for, opened and read; part of the closed union of ``states.py``.

- A wrong secret costs a card one of its tries. What was shown is tried ``MOST_SHOWN`` times in a visit, typed numbers ``MOST_TYPED``.
- A typed access number lives in the screen that uses it and in what is asked of the reader, and in nothing that is kept.
- Personal values and secrets are left out of ``repr``, so that a logged state says nothing.

Example: ``LayCard(draft=draft, own_id=own_id, can="123456")``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from edge_agent.kiosk.draft import Draft
from residence.errors import Problem

ChipWorth = Literal["", "enough", "short"]  # what the chip that was read is worth for ``way_in.py``
ChipPhase = Literal["waiting", "opening", "reading", "authenticating", "stopped"]
MOST_SHOWN: Final = 2  # the wrong card may have been laid down first
MOST_TYPED: Final = 3
NOT_OPENED: Final = "chip.not_opened"
READER_REFUSED: Final = "chip.reader_refused"  # by a reader that opens chips itself
NO_MORE_NUMBERS: Final = "chip.no_more_numbers"


@dataclass(frozen=True, kw_only=True, slots=True)
class AskChip:
    """May the chip be read? Nothing is read before a yes."""

    draft: Draft


@dataclass(frozen=True, kw_only=True, slots=True)
class LayCard:
    """Lay the card on the reader and leave it there. ``problem`` says why it begins again; ``tries`` how often it began."""

    draft: Draft
    own_id: str
    phase: ChipPhase = "waiting"
    problem: Problem | None = None
    tries: int = 1
    can: str = field(default="", repr=False)  # typed; in its place is used what the card or its number says


@dataclass(frozen=True, kw_only=True, slots=True)
class TypeCan:
    """The number that opens the chip is typed, for what was shown did not open it. It is never shown again."""

    draft: Draft
    own_id: str
    problem: Problem | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ChipShown:
    """What the chip showed, in plain words; the card may be taken away."""

    draft: Draft


def may_try(screen: LayCard) -> bool:
    """Tell whether the reader may be asked again for what this screen opens with."""
    if screen.problem is not None and screen.problem.code == NO_MORE_NUMBERS:
        return False
    return bool(screen.can) or screen.draft.unopened.count("") < MOST_SHOWN


def may_type(screen: LayCard) -> bool:
    """Tell whether a number may be typed: what was shown did not open it, and there are tries left."""
    return screen.problem is not None and screen.problem.code == NOT_OPENED and has_tries(screen.draft)


def has_tries(draft: Draft) -> bool:
    """Tell whether one more typed number may be tried."""
    return sum(map(bool, draft.unopened)) < MOST_TYPED


ChipScreen = AskChip | LayCard | TypeCan | ChipShown
