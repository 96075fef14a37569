"""What disagrees in one person's data, judged without looking anything up: number, age, family, places lived at, freshness.

- What is not known disagrees with nothing: a missing birth date is not implausible. A year is compared by years only.
- Two homes of one kind at a time disagree; a permanent and a temporary one do not.
- A field is stale when it was last confirmed longer ago than the commune counts it as fresh; a field nobody has is never stale.

>>> is_age_implausible(PartialDate(value="1850", precision="year"), today=date(2026, 7, 10), choices=CleaningChoices())
True
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import combinations
from typing import Final, NamedTuple

from residence.cleaning.rules import CleaningChoices, Freshness, RuleName
from residence.people.partial_dates import earliest, year_of
from residence.people.person import PartialDate, Sex
from residence.people.personal_number import check_personal_number

_BY_PROBLEM: Final[Mapping[str, RuleName]] = {
    "personal-number.sex_disagrees": "number_against_sex",
    "personal-number.birth_year_disagrees": "number_against_birth",
}
_LAST_DAY: Final = "9999-12-31"


class LivedAt(NamedTuple):
    """One registered home, with its days (YYYY-MM-DD, both inclusive; no last day: until further notice)."""

    residence_id: str
    kind: str
    premises_id: str
    unit: str
    valid_from: str
    valid_to: str | None


def against_number(number: str, *, sex: Sex | None, birth: PartialDate | None) -> set[RuleName]:
    """Return in what a personal number disagrees with the sex and birth date beside it."""
    found = check_personal_number(number, sex=sex, birth=birth, pointer="")
    return {_BY_PROBLEM[each.code] for each in found if each.code in _BY_PROBLEM}


def is_age_implausible(birth: PartialDate | None, *, today: date, choices: CleaningChoices) -> bool:
    """Tell whether somebody would be older than anybody, or is not born yet."""
    return birth is not None and (earliest(birth) > today or today.year - year_of(birth) > choices.oldest_age)


def is_parent_too_young(parent: PartialDate | None, child: PartialDate | None, choices: CleaningChoices) -> bool:
    """Tell whether a parent is not old enough to be this child's."""
    return parent is not None and child is not None and year_of(child) - year_of(parent) < choices.parent_gap_years


def overlapping(homes: Sequence[LivedAt]) -> tuple[str, ...]:
    """Return the ids of homes of one kind, at different places, that share a day. One taken back has no day: it ends before it begins."""
    found: set[str] = set()
    with_days = [each for each in homes if each.valid_to is None or each.valid_from <= each.valid_to]
    for one, other in combinations(with_days, 2):
        elsewhere = (one.premises_id, one.unit) != (other.premises_id, other.unit)
        meet = one.valid_from <= (other.valid_to or _LAST_DAY) and other.valid_from <= (one.valid_to or _LAST_DAY)
        if one.kind == other.kind and elsewhere and meet:
            found |= {one.residence_id, other.residence_id}
    return tuple(sorted(found))


def stale_fields(confirmed: Mapping[Freshness, datetime], *, now: datetime, choices: CleaningChoices) -> tuple[Freshness, ...]:
    """Return the fields that want to be asked again. ``confirmed``: when each field somebody has was last confirmed."""
    return tuple(field for field, at in sorted(confirmed.items()) if now - at > choices.fresh_for(field))
