"""Households and who lives in them: how many, how related, how old, of which sex and people.

- A household is a row, a member a place in it: head, spouse, up to four children, up to two parents of the head, or up to three others
  who share a room. Ages fit: a mother is 19 to 40 at a birth, a parent of the head 19 to 38 years older.
- A child has the father's family name, where the people names by the mother (Ê Đê) hers.
- Days are counted from 1970-01-01, as numpy counts them.

Example: ``draw_families(chance, 4_000).members`` is about 14,000
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from registry.synthetic.words import EDE, FOREIGN, PEOPLE_SHARES, PEOPLES, Whole, Yes, one_of, pick, shares, words

TODAY: Final = date(2026, 7, 1)
TODAY_NUMBER: Final = (TODAY - date(1970, 1, 1)).days
YEAR_DAYS: Final = 365.25
RELATIONS: Final = ("head", "spouse", "child", "child", "child", "child", "parent", "parent", "other", "other", "other")
HEAD, SPOUSE, CHILDREN, PARENTS, OTHERS = 0, 1, slice(2, 6), slice(6, 8), slice(8, 11)
_PLACES: Final = len(RELATIONS)
# couple with children, three generations, couple, alone, one parent with children, sharing a room
_FORMS: Final = (0.41, 0.19, 0.12, 0.1, 0.07, 0.11)
_WITH_CHILDREN, _WITH_PARENTS, _COUPLES = (0, 1, 4), (1,), (0, 1, 2)
SHARING: Final = 5
_CHILDREN: Final = (0.3, 0.47, 0.18, 0.05)
_TWINS: Final = 0.015
GROWN: Final = 18


@dataclass(frozen=True, kw_only=True, slots=True)
class Families:
    """Members of drawn households, household by household. ``household`` is the row of ``form``."""

    form: Whole
    household: Whole
    place: Whole
    female: Yes
    born: Whole
    people: Whole
    family: Whole  # place in the people's list of family names, or of whole names where foreigners'

    @property
    def members(self) -> int:
        """Return how many people they are."""
        return len(self.household)

    @property
    def ages(self) -> Whole:
        """Return whole years at ``TODAY``."""
        return ((TODAY_NUMBER - self.born) / YEAR_DAYS).astype(np.int64)


def draw_families(chance: np.random.Generator, households: int) -> Families:
    """Draw so many households."""
    form = pick(chance, _FORMS, households)
    there = _who_is_there(chance, form)
    female = _sexes(chance, households)
    age = _ages(chance, form, female)
    there &= age >= 0
    born = TODAY_NUMBER - (age * YEAR_DAYS).astype(np.int64) - one_of(chance, 365, age.size).reshape(age.shape)
    born[:, CHILDREN] = np.minimum(born[:, CHILDREN], TODAY_NUMBER - 1)
    first, second = CHILDREN.start, CHILDREN.start + 1
    twins = (chance.random(households) < _TWINS) & there[:, first] & there[:, second]
    born[twins, second] = born[twins, first]
    people = pick(chance, PEOPLE_SHARES, households)
    # Strangers who share a room are of any people; foreigners live alone or as couples.
    form_fits = (people != FOREIGN) | np.isin(form, (2, 3))
    people = np.where(form_fits, people, 0)
    own = np.repeat(people[:, None], _PLACES, axis=1)
    own[:, OTHERS] = pick(chance, PEOPLE_SHARES[:-1], households * 3).reshape(households, 3)
    family = _family_names(chance, own, female)
    household, place = np.nonzero(there)
    at = (household, place)
    return Families(
        form=form,
        household=household,
        place=place,
        female=female[at],
        born=born[at],
        people=own[at],
        family=family[at],
    )


def _who_is_there(chance: np.random.Generator, form: Whole) -> Yes:
    count = len(form)
    there = np.zeros((count, _PLACES), dtype=np.bool_)
    there[:, HEAD] = True
    there[:, SPOUSE] = np.isin(form, _COUPLES)
    children = np.where(np.isin(form, _WITH_CHILDREN), 1 + pick(chance, _CHILDREN, count), 0)
    there[:, CHILDREN] = np.arange(4) < children[:, None]
    parents = np.where(np.isin(form, _WITH_PARENTS), 1 + one_of(chance, 2, count), 0)
    there[:, PARENTS] = np.arange(2) < parents[:, None]
    others = np.where(form == SHARING, one_of(chance, 4, count), 0)
    there[:, OTHERS] = np.arange(3) < others[:, None]
    return there


def _sexes(chance: np.random.Generator, count: int) -> Yes:
    female = chance.random((count, _PLACES)) < 0.49
    female[:, HEAD] = chance.random(count) < 0.28
    female[:, SPOUSE] = ~female[:, HEAD]
    female[:, PARENTS.start] = chance.random(count) < 0.65
    female[:, PARENTS.start + 1] = ~female[:, PARENTS.start]
    return female


def _ages(chance: np.random.Generator, form: Whole, female: Yes) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    count = len(form)
    age = np.zeros((count, _PLACES))
    with_children = np.isin(form, _WITH_CHILDREN)
    age[:, HEAD] = np.where(with_children, 24 + 36 * chance.beta(2.2, 2.6, count), 20 + 70 * chance.beta(1.4, 2.2, count))
    age[form == SHARING, HEAD] = 18 + 22 * chance.beta(1.5, 3, int((form == SHARING).sum()))
    gap = np.clip(chance.normal(2.8, 3.2, count), -6, 14) * np.where(female[:, HEAD], 1, -1)
    age[:, SPOUSE] = np.maximum(age[:, HEAD] + gap, 18)
    mother = np.where(female[:, HEAD], age[:, HEAD], np.where(np.isin(form, _COUPLES), age[:, SPOUSE], age[:, HEAD] - 3))
    at_first = 19.5 + 11 * chance.beta(2, 3, count)
    at_birth = at_first[:, None] + np.cumsum(chance.uniform(1.3, 4.2, (count, 4)), axis=1) - 1.3
    at_birth = np.where(at_birth <= 40, at_birth, 200)  # no such child: its age is below zero
    age[:, CHILDREN] = mother[:, None] - at_birth
    age[:, PARENTS] = age[:, HEAD, None] + chance.uniform(19, 38, (count, 2))
    age[:, PARENTS] = np.where(age[:, PARENTS] > 102, -1, age[:, PARENTS])
    age[:, OTHERS] = 18 + 22 * chance.beta(1.5, 3, (count, 3))
    return age


def _family_names(chance: np.random.Generator, people: Whole, female: Yes) -> Whole:
    family = np.zeros(people.shape, dtype=np.int64)
    for number, name in enumerate(PEOPLES[:-1]):
        mine = people == number
        family[mine] = pick(chance, shares(name, "family"), int(mine.sum()))
    family[people == FOREIGN] = one_of(chance, len(words("foreign", "names")), int((people == FOREIGN).sum()))
    from_mother = people[:, HEAD] == EDE
    head_gives = female[:, HEAD] == from_mother
    family[:, CHILDREN] = np.where(head_gives, family[:, HEAD], family[:, SPOUSE])[:, None]
    first_gives = female[:, PARENTS.start] == from_mother
    family[:, PARENTS.start] = np.where(first_gives, family[:, HEAD], family[:, PARENTS.start])
    family[:, PARENTS.start + 1] = np.where(first_gives, family[:, PARENTS.start + 1], family[:, HEAD])
    return family
