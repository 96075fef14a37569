"""What an officer may correct of a premises that was taken over or added: kind, name, address, capacity, who declares, and its units.

- What is left unset stays as it is. An empty address and no capacity are values: not known, not recorded.
- Units are compared as everywhere (``residence.stays.spans.normal_unit``); whoever calls says how, this package knows no stays.
- A premises of a kind whose stays need a unit keeps at least one, and one that becomes of such a kind has one.
- Another kind answers to other rules from the correction on (``Premises.kind_at``); ``with_earlier`` remembers until when it was what.

>>> check_correction(PremisesCorrection(capacity=0), kind=PremisesKind.HOTEL, units={"201": "201"}, normal=str.upper)[0].code
'correction.capacity'
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from residence.errors import Problem, problem
from residence.places.premises import UNIT_MANDATORY, EarlierKind, PremisesKind
from residence.places.relations import Answering

MOST_PEOPLE: Final = 100_000
LONGEST_UNIT: Final = 32
LONGEST_TEXT: Final = 500
MOST_KINDS: Final = 16  # remembered; what still arrives late is weeks old, not sixteen corrections


class PremisesCorrection(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be otherwise."""

    kind: PremisesKind | UnsetType = UNSET
    name: str | UnsetType = UNSET
    address_text: str | UnsetType = UNSET
    capacity: int | UnsetType | None = UNSET
    declared_by: Answering | UnsetType | None = UNSET
    add_units: tuple[str, ...] = ()
    remove_units: tuple[str, ...] = ()


def check_correction(
    asked: PremisesCorrection, *, kind: PremisesKind, units: Mapping[str, str], normal: Callable[[str], str]
) -> tuple[Problem, ...]:
    """Return all that speaks against a correction. ``kind``: as it stands; ``units``: those there are, by how they are compared."""
    return (*_check_texts(asked), *_check_capacity(asked), *_check_units(asked, kind, units, normal))


def with_earlier(earlier: tuple[EarlierKind, ...], kind: PremisesKind, *, until: datetime) -> tuple[EarlierKind, ...]:
    """Return the kinds of before with one more, the latest sixteen."""
    return (*earlier, EarlierKind(kind, until))[-MOST_KINDS:]


def _check_texts(asked: PremisesCorrection) -> Iterator[Problem]:
    if isinstance(asked.name, str) and not _fits(asked.name, LONGEST_TEXT):
        yield problem("correction.name", "/name", most=LONGEST_TEXT)
    if isinstance(asked.address_text, str) and asked.address_text and not _fits(asked.address_text, LONGEST_TEXT):
        yield problem("correction.address", "/address_text", most=LONGEST_TEXT)


def _check_capacity(asked: PremisesCorrection) -> Iterator[Problem]:
    if isinstance(asked.capacity, int) and not 0 < asked.capacity <= MOST_PEOPLE:
        yield problem("correction.capacity", "/capacity", most=MOST_PEOPLE)


def _check_units(
    asked: PremisesCorrection, kind: PremisesKind, units: Mapping[str, str], normal: Callable[[str], str]
) -> Iterator[Problem]:
    gone, added = {normal(each) for each in asked.remove_units}, [normal(each) for each in asked.add_units]
    if not all(_fits(each, LONGEST_UNIT) for each in asked.add_units):
        yield problem("correction.unit", "/add_units", most=LONGEST_UNIT)
    if len(set(added)) < len(added) or not (units.keys() - gone).isdisjoint(added):
        yield problem("correction.unit_exists", "/add_units")
    if not gone <= units.keys():
        yield problem("correction.unit_unknown", "/remove_units")
    wanted = kind if asked.kind is UNSET else asked.kind
    if (gone or wanted != kind) and wanted in UNIT_MANDATORY and not (units.keys() - gone) | set(added):
        yield problem("correction.unit_needed", "/remove_units" if gone else "/kind")


def _fits(text: str, longest: int) -> bool:
    return len(text.strip()) > 0 and len(text) <= longest and text.isprintable()
