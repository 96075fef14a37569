"""What a step of a case rests on: an explanation that was accepted, the office it was referred to, the declaration that settled it.

- A ground is a kind and a code word or id; never free text, never a person.
- A referral always names its office, and an accepted explanation always closes with the code that belongs to it.

>>> check_ground(Ground(kind="explanation", value="visitor"), ClosingCode.VISITOR)
"""

from __future__ import annotations

from typing import Literal, cast

import msgspec

from residence.cases.closing import ClosingCode
from residence.cases.questions import ACCEPTED
from residence.cases.undeclared import Explanation
from residence.errors import Refused

GroundKind = Literal["explanation", "office", "declaration"]


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """One ground."""

    kind: GroundKind
    value: str


def check_ground(ground: Ground | None, code: ClosingCode | None) -> None:
    """Raise ``Refused("case.office_missing" | "case.explanation_unknown")`` when a closing code and its ground do not fit."""
    if code is ClosingCode.REFERRED and (ground is None or ground.kind != "office"):
        raise Refused("case.office_missing", "/office")
    if ground is not None and ground.kind == "explanation" and ACCEPTED.get(cast("Explanation", ground.value)) is not code:
        raise Refused("case.explanation_unknown", "/explanation")
