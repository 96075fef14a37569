"""The reasons of a stay and the ministry's code for each (declaration API, field ``lyDoCuTru``, 1 to 20).

- All of it is data with its source and days: ``reasons.toml``.

Example: ``ministry_reason(Reason.MEDICAL)`` is 18, *Chữa bệnh*.
"""

from __future__ import annotations

from typing import Final

import msgspec

from residence.errors import Sentence
from residence.people.dated_codes import Validity, read_codes
from residence.stays.declaration import Reason


class ReasonText(msgspec.Struct, frozen=True, kw_only=True):
    """One reason: ministry code and its label; ``vi`` is the ministry's own word."""

    code: int
    label: Sentence


REASON_FILE: Final = read_codes("residence.stays", "reasons.toml")
REASONS: Final[dict[Reason, ReasonText]] = {
    Reason(each.code): ReasonText(code=each.ministry or 0, label=Sentence(vi=each.vi, en=each.en)) for each in REASON_FILE.codes
}
REASON_DAYS: Final[dict[Reason, Validity]] = {Reason(each.code): REASON_FILE.validity_of(each) for each in REASON_FILE.codes}

# The ministry's form wants these explained (``lyDoChiTiet`` when the reason is 20).
NEEDS_TEXT: Final = frozenset(Reason(each.code) for each in REASON_FILE.codes if each.needs_text)


def ministry_reason(reason: Reason) -> int:
    """Return the ministry's code of a reason."""
    return REASONS[reason].code


def reason_of(code: int) -> Reason | None:
    """Return the reason of a ministry code, None for a code that is not known."""
    return next((reason for reason, text in REASONS.items() if text.code == code), None)
