"""The reasons of a stay and the ministry's code for each (declaration API, field ``lyDoCuTru``, 1 to 20).

Example: ``ministry_reason(Reason.MEDICAL)`` is 18, *Chữa bệnh*.
"""

from __future__ import annotations

from typing import Final

import msgspec

from residence.errors import Sentence
from residence.stays.declaration import Reason


class ReasonText(msgspec.Struct, frozen=True, kw_only=True):
    """One reason: ministry code and its label; ``vi`` is the ministry's own word."""

    code: int
    label: Sentence


def _reason(code: int, vi: str, en: str) -> ReasonText:
    return ReasonText(code=code, label=Sentence(vi=vi, en=en))


REASONS: Final[dict[Reason, ReasonText]] = {
    Reason.TOURISM: _reason(1, "Du lịch", "Tourism"),
    Reason.BUSINESS: _reason(2, "Công tác", "Business trip"),
    Reason.STUDY: _reason(3, "Học tập", "Study"),
    Reason.VISIT: _reason(4, "Thăm viếng", "Visit"),
    Reason.CONFERENCE: _reason(5, "Hội nghị", "Conference"),
    Reason.FAMILY_VISIT: _reason(6, "Thăm thân", "Family visit"),
    Reason.CHARITY: _reason(7, "Từ thiện", "Charity"),
    Reason.INTERNATIONAL_ORGANISATION: _reason(8, "Tổ chức quốc tế", "International organisation"),
    Reason.MARRIAGE: _reason(9, "Kết hôn", "Marriage"),
    Reason.CONSULATE: _reason(10, "Lãnh sự quán", "Consulate"),
    Reason.AID: _reason(11, "Viện trợ", "Aid"),
    Reason.EMBASSY: _reason(12, "Đại sứ quán", "Embassy"),
    Reason.SETTLEMENT: _reason(13, "Định cư", "Settlement"),
    Reason.MARKETING: _reason(14, "Tiếp thị", "Marketing"),
    Reason.PRESS: _reason(15, "Báo chí", "Press"),
    Reason.TRADE: _reason(16, "Thương mại", "Trade"),
    Reason.VISA_EXTENSION: _reason(17, "Gia hạn thị thực", "Visa extension"),
    Reason.MEDICAL: _reason(18, "Chữa bệnh", "Medical treatment"),
    Reason.WORK: _reason(19, "Lao động", "Work"),
    Reason.OTHER: _reason(20, "Mục đích khác", "Another reason"),
}

# The ministry's form wants these explained (``lyDoChiTiet`` when the reason is 20).
NEEDS_TEXT: Final = frozenset({Reason.OTHER})


def ministry_reason(reason: Reason) -> int:
    """Return the ministry's code of a reason."""
    return REASONS[reason].code


def reason_of(code: int) -> Reason | None:
    """Return the reason of a ministry code, None for a code that is not known."""
    return next((reason for reason, text in REASONS.items() if text.code == code), None)
