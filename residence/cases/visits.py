"""What an officer finds when they go there: one of a few words, and how many people; never a name.

- A visit decides nothing: what it found is a moment of the case, and the officer closes the case by a step of its own.
- The words say what was found, not who was met. ``people`` counts whoever was met, and is left out where nobody was.

>>> VisitOutcome("nobody-there").value
'nobody-there'
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

MOST_PEOPLE = 99


class VisitOutcome(StrEnum):
    """What was found."""

    NOBODY_THERE = "nobody-there"
    VISITOR = "visitor"  # somebody who does not stay the night
    STAYS_UNDECLARED = "stays-undeclared"  # stays, and was told how to declare
    DECLARED_SHOWN = "declared-shown"  # showed a receipt
    LIVES_HERE = "lives-here"
    MOVED_ON = "moved-on"
    NOT_LET_IN = "not-let-in"
    WRONG_PLACE = "wrong-place"  # the room or house is not as recorded


class Visit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One visit as an officer's phone keeps it."""

    case_id: Annotated[str, msgspec.Meta(max_length=64)]
    outcome: VisitOutcome
    people: Annotated[int, msgspec.Meta(ge=0, le=MOST_PEOPLE)] | None = None
