"""What may be done with a case in each state: one table, read by the buttons and by the handlers.

- A case is about a *unit and a night*, opened by a named rule; it is never opened for missing papers.
- Nothing personal is shown before ``claim``, and a claim names a purpose (``residence/access/purposes.py``).
- A closed case can be reopened, with a reason; nothing is deleted. What a case was is said by a closing code (``closing.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from residence.errors import Refused


class CaseStatus(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    CLAIMED = "claimed"
    ASKED = "asked"  # the host or person was sent a question and may answer
    CLOSED_DECLARED = "closed-declared"
    CLOSED_EXPLAINED = "closed-explained"  # an innocent explanation holds
    CLOSED_ACTION = "closed-action"  # handled outside this product


class CaseAction(StrEnum):
    """What an officer can do with a case."""

    CLAIM = "claim"
    RELEASE = "release"
    ASK = "ask"
    ANSWER_RECEIVED = "answer-received"
    CLOSE_DECLARED = "close-declared"
    CLOSE_EXPLAINED = "close-explained"
    CLOSE_ACTION = "close-action"
    REOPEN = "reopen"


CLOSING_STEPS: Final[Mapping[CaseAction, CaseStatus]] = {
    CaseAction.CLOSE_DECLARED: CaseStatus.CLOSED_DECLARED,
    CaseAction.CLOSE_EXPLAINED: CaseStatus.CLOSED_EXPLAINED,
    CaseAction.CLOSE_ACTION: CaseStatus.CLOSED_ACTION,
}

TRANSITIONS: Final[Mapping[CaseStatus, Mapping[CaseAction, CaseStatus]]] = {
    # A stay declared meanwhile closes a case without anybody having looked at it.
    CaseStatus.OPEN: {CaseAction.CLAIM: CaseStatus.CLAIMED, CaseAction.CLOSE_DECLARED: CaseStatus.CLOSED_DECLARED},
    CaseStatus.CLAIMED: {CaseAction.RELEASE: CaseStatus.OPEN, CaseAction.ASK: CaseStatus.ASKED, **CLOSING_STEPS},
    CaseStatus.ASKED: {CaseAction.ANSWER_RECEIVED: CaseStatus.CLAIMED, **CLOSING_STEPS},
    CaseStatus.CLOSED_DECLARED: {CaseAction.REOPEN: CaseStatus.OPEN},
    CaseStatus.CLOSED_EXPLAINED: {CaseAction.REOPEN: CaseStatus.OPEN},
    CaseStatus.CLOSED_ACTION: {CaseAction.REOPEN: CaseStatus.OPEN},
}

CLOSED: Final = frozenset(CLOSING_STEPS.values())
# Closing steps carry a code instead (``closing.py``), and words only where it asks for them.
NEEDS_REASON: Final = frozenset({CaseAction.REOPEN, CaseAction.RELEASE})
NEEDS_PURPOSE: Final = frozenset({CaseAction.CLAIM})
# The claim binds the case to one officer; only that officer may do these.
CLAIMANT_ONLY: Final = frozenset(
    {CaseAction.RELEASE, CaseAction.ASK, CaseAction.CLOSE_DECLARED, CaseAction.CLOSE_EXPLAINED, CaseAction.CLOSE_ACTION}
)


def allowed_actions(status: CaseStatus, *, claimant: bool = True) -> tuple[CaseAction, ...]:
    """Return what may be done in ``status``, in the table's order; ``claimant`` tells whether the asker holds the claim."""
    held = status in {CaseStatus.CLAIMED, CaseStatus.ASKED}
    return tuple(action for action in TRANSITIONS[status] if claimant or not held or action not in CLAIMANT_ONLY)


def after(status: CaseStatus, action: CaseAction, *, claimant: bool = True) -> CaseStatus:
    """Return the state after ``action``, or raise ``Refused("case.action_not_allowed")``."""
    if action not in allowed_actions(status, claimant=claimant):
        raise Refused("case.action_not_allowed", "/action", f"{action} in {status}")
    return TRANSITIONS[status][action]
