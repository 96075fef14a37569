"""What a closed case was: a table of codes, each saying how the case ends, whether anybody was at fault, and whether a word is needed.

- Codes are counted (``no_fault`` most of all: a case that should not have been opened); free words are for what a code can't say.
- A code belongs to one closing state, hence to one closing step of ``transitions.py``.
- A stay declared meanwhile closes a case by itself, with ``declared``.

>>> closing_rule(ClosingCode.OUR_MISTAKE, CaseAction.CLOSE_EXPLAINED).no_fault
True
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from residence.cases.transitions import CLOSING_STEPS, CaseAction, CaseStatus
from residence.errors import Refused


class ClosingCode(StrEnum):
    """How a case ended."""

    DECLARED = "declared"  # the stay was declared after all
    VISITOR = "visitor"  # came and did not stay the night
    MOVED_ON = "moved-on"  # had left before anybody asked
    REGISTERED = "registered"  # declared or resident all along, under another name, number or room
    SOMEBODY_ELSE = "somebody-else"  # another person's card
    NO_DUTY = "no-duty"  # nothing had to be declared here
    OUR_MISTAKE = "our-mistake"  # a kiosk, a clock, this system
    OTHER_EXPLANATION = "other-explanation"
    ADVISED = "advised"  # told how to declare; nothing more
    PROCEDURE = "procedure"  # handed to the administrative procedure
    REFERRED = "referred"  # to another office, for help or because it is theirs


class ClosingRule(msgspec.Struct, frozen=True, kw_only=True):
    """What a code means. ``no_fault``: neither person nor host failed in a duty."""

    status: CaseStatus
    no_fault: bool
    needs_reason: bool = False


CLOSING: Final[Mapping[ClosingCode, ClosingRule]] = {
    ClosingCode.DECLARED: ClosingRule(status=CaseStatus.CLOSED_DECLARED, no_fault=False),
    ClosingCode.VISITOR: ClosingRule(status=CaseStatus.CLOSED_EXPLAINED, no_fault=True),
    ClosingCode.MOVED_ON: ClosingRule(status=CaseStatus.CLOSED_EXPLAINED, no_fault=False),
    ClosingCode.REGISTERED: ClosingRule(status=CaseStatus.CLOSED_EXPLAINED, no_fault=True),
    ClosingCode.SOMEBODY_ELSE: ClosingRule(status=CaseStatus.CLOSED_EXPLAINED, no_fault=True),
    ClosingCode.NO_DUTY: ClosingRule(status=CaseStatus.CLOSED_EXPLAINED, no_fault=True),
    ClosingCode.OUR_MISTAKE: ClosingRule(status=CaseStatus.CLOSED_EXPLAINED, no_fault=True),
    ClosingCode.OTHER_EXPLANATION: ClosingRule(status=CaseStatus.CLOSED_EXPLAINED, no_fault=True, needs_reason=True),
    ClosingCode.ADVISED: ClosingRule(status=CaseStatus.CLOSED_ACTION, no_fault=False),
    ClosingCode.PROCEDURE: ClosingRule(status=CaseStatus.CLOSED_ACTION, no_fault=False, needs_reason=True),
    ClosingCode.REFERRED: ClosingRule(status=CaseStatus.CLOSED_ACTION, no_fault=False, needs_reason=True),
}


def codes_for(action: CaseAction) -> tuple[ClosingCode, ...]:
    """Return the codes a closing step may carry, in the table's order; none for another step."""
    status = CLOSING_STEPS.get(action)
    return tuple(code for code, rule in CLOSING.items() if rule.status is status)


def closing_rule(code: ClosingCode | None, action: CaseAction) -> ClosingRule | None:
    """Return the rule of a step's code; None for a step that closes nothing.

    Raises ``Refused("case.code_missing" | "case.code_not_allowed")``; a step with one code only needs none said.
    """
    allowed = codes_for(action)
    if code is None and len(allowed) > 1:
        raise Refused("case.code_missing", "/code")
    if code is not None and code not in allowed:
        raise Refused("case.code_not_allowed", "/code", f"{code} with {action}")
    return CLOSING[code or allowed[0]] if allowed else None
