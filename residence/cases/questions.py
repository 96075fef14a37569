"""What a host may reply to an officer's question, and what a reply or an explanation makes of a case once an officer accepts it.

- A question has no text of its own: it asks who the person seen is to the house, and the reply is one of a short list, in two taps.
- A reply closes nothing. It is the host's word; the officer decides whether it holds, and the case then says on what it was closed.
- Every innocent explanation has the closing code it leads to, so that the same explanation is counted in the same way by everybody.

>>> ACCEPTED["visitor"].value
'visitor'
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from residence.cases.closing import ClosingCode
from residence.cases.undeclared import Explanation


class Reply(StrEnum):
    """What a host says of somebody seen at their house."""

    VISITOR = "visitor"  # came and did not stay the night
    LEFT = "left"  # stayed, and has left
    WILL_DECLARE = "will_declare"
    LIVES_HERE = "lives_here"  # registered here, or declared already
    NOBODY_KNOWN = "nobody_known"  # the house knows nobody like that


ACCEPTED: Final[Mapping[Explanation, ClosingCode]] = {
    "stay_here": ClosingCode.REGISTERED,
    "resident_here": ClosingCode.REGISTERED,
    "stay_pending": ClosingCode.REGISTERED,
    "stay_elsewhere_same_premises": ClosingCode.REGISTERED,
    "name_form": ClosingCode.REGISTERED,
    "other_number": ClosingCode.REGISTERED,
    "child_of_declared": ClosingCode.NO_DUTY,
    "ward_renamed": ClosingCode.REGISTERED,
    "not_yet_due": ClosingCode.NO_DUTY,
    "outage": ClosingCode.OUR_MISTAKE,
    "visitor": ClosingCode.VISITOR,
}
# Which explanation a reply speaks for; the others speak for none.
SPEAKS_FOR: Final[Mapping[Reply, Explanation]] = {Reply.VISITOR: "visitor", Reply.LIVES_HERE: "resident_here"}


def speaks_for(answer: str | None) -> Explanation | None:
    """Return the explanation an answer to a notice speaks for, if it is a host's reply to a question."""
    return SPEAKS_FOR.get(Reply(answer)) if answer in set(Reply) else None
