"""What everybody may know of a month in a commune: counts with small ones left out, medians of enough, agreement, uptime.

- One month is one answer, published once and never again: two versions of it, or windows that overlap, would tell what was left out.
- ``least`` is the commune's choice; each table leaves out as many more counts as it takes (``small_cells.py``).
- Nothing is by officer, by house or by person; no purpose, code or kind is left away, so a nought is seen.

>>> spread([2.0, 30.0], least=5)
Spread(count=None, median_hours=None)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Annotated, Final

import msgspec

from residence.cases.agreement import Agreement, Measured, Pair, agreement, agreement_about
from residence.cases.closing import ClosingCode
from residence.cases.small_cells import Parts, parts, single

Counted = Annotated[int | None, msgspec.Meta(description="a count; null: too small to be said, or left out with one that is")]
CORRECTIONS: Final = ("field", "stay", "right")


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How many were settled, and how long that took."""

    count: Counted
    median_hours: Annotated[int | None, msgspec.Meta(description="null: too few to be said")]


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """How far second views say what the closer said. Intervals are at 95 in 100."""

    pairs: Counted
    raw: Measured | None
    kappa: Measured | None


class MonthFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One month of one commune."""

    month: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}$")]
    commune_code: str
    least: Annotated[int, msgspec.Meta(description="counts from 1 to one less than this are not said")]
    looks: Annotated[Parts, msgspec.Meta(description="people looked at, by purpose; each row of a list, export or call counts")]
    closed: Annotated[Parts, msgspec.Meta(description="cases closed, by closing code")]
    corrections: Annotated[
        dict[str, Spread], msgspec.Meta(description="what somebody said is wrong or asked for, settled in the month")
    ]
    agreement: Agreed
    agreement_by_code: dict[str, Agreed]
    uptime_percent: Annotated[
        float, msgspec.Meta(description="share of the month in which declarations were taken, as gateways signed it")
    ]


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted, before anything is left out. Hours: of each settled; pairs: closer, second view."""

    looks: Mapping[str, int]
    closed: Mapping[str, int]
    hours: Mapping[str, Sequence[float]]
    pairs: Sequence[Pair]
    uptime: float


def published(counts: Counts, *, month: str, commune_code: str, least: int) -> MonthFigures:
    """Return what may be said of what was counted."""
    codes = [each.value for each in ClosingCode]
    seen_again = parts({code: sum(first == code for first, _ in counts.pairs) for code in codes}, least=least)
    return MonthFigures(
        month=month,
        commune_code=commune_code,
        least=least,
        looks=parts(counts.looks, least=least),
        closed=parts({code: counts.closed.get(code, 0) for code in codes}, least=least),
        corrections={kind: spread(counts.hours.get(kind, ()), least=least) for kind in CORRECTIONS},
        agreement=_agreed(agreement(counts.pairs), seen_again.total),
        agreement_by_code={code: _agreed(agreement_about(code, counts.pairs), seen_again.counts[code]) for code in codes},
        uptime_percent=round(100 * counts.uptime, 2),
    )


def spread(hours: Iterable[float], *, least: int) -> Spread:
    """Return how many there are and their median, as far as it may be said."""
    known = list(hours)
    middle = round(median(known)) if len(known) >= least else None
    return Spread(count=single(len(known), least=least), median_hours=middle)


def _agreed(found: Agreement, said: int | None) -> Agreed:
    return Agreed(pairs=said, raw=found.raw if said else None, kappa=found.kappa if said else None)
