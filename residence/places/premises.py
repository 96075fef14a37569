"""Premises and units, with the kinds the law and the ministry's declaration form know.

- A premises has one kind; the kind decides who must declare and whether a unit (room, apartment) is mandatory.
- Apartment blocks and hotels share one declaration model; both need the unit (ministry API, field ``soPhong``).
- The commune code is the distribution key of every table that grows.
- A kind that was corrected counts from the correction on: what arrived before goes by the kind the register had then (``kind_at``), for else a
  correction would make somebody late, or owe a room number, after the fact.

Example: ``premises.kind_at(arrival) in UNIT_MANDATORY``
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from residence.places.relations import Answering


class PremisesKind(StrEnum):
    """Kinds of premises a stay can be declared at."""

    HOUSEHOLD = "household"
    APARTMENT_BLOCK = "apartment-block"
    HOTEL = "hotel"
    GUEST_HOUSE = "guest-house"
    HOMESTAY = "homestay"
    RENTAL_HOUSE = "rental-house"
    DORMITORY = "dormitory"
    INDUSTRIAL_ZONE = "industrial-zone"
    MEDICAL = "medical"
    VEHICLE = "vehicle"
    OTHER = "other"


UNIT_MANDATORY = frozenset(
    {
        PremisesKind.APARTMENT_BLOCK,
        PremisesKind.HOTEL,
        PremisesKind.GUEST_HOUSE,
        PremisesKind.DORMITORY,
        PremisesKind.INDUSTRIAL_ZONE,
        PremisesKind.MEDICAL,
    }
)


class EarlierKind(msgspec.Struct, frozen=True, array_like=True):
    """A kind a premises had in the register until it was corrected. ``until`` is aware and exclusive."""

    kind: PremisesKind
    until: datetime


class Premises(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a declaration's rules need to know of a place. The address text is for screens."""

    premises_id: str
    kind: PremisesKind
    commune_code: str
    name: str
    address_text: str = ""
    remote_area: bool = False
    units: tuple[str, ...] = ()
    capacity: int | None = None  # people who may sleep there, as the authority has it
    declared_by: Answering | None = None  # where it is not as the kind has it
    earlier_kinds: tuple[EarlierKind, ...] = ()  # corrected since, the oldest first
    usual_reason: str | None = None  # residence.stays.declaration.Reason: what its desk's form begins with, as the house said

    def kind_at(self, at: datetime) -> PremisesKind:
        """Return the kind the register had at an instant; for one before the first correction kept, the first kind kept."""
        return kind_then(self.kind, self.earlier_kinds, at=at)


def kind_then(kind: PremisesKind, earlier: tuple[EarlierKind, ...], *, at: datetime) -> PremisesKind:
    """Return the kind at an instant, of a premises that is of ``kind`` now."""
    return next((each.kind for each in earlier if at < each.until), kind)
