"""Premises and units, with the kinds the law and the ministry's declaration form know.

- A premises has one kind; the kind decides who must declare and whether a unit (room, apartment) is mandatory.
- Apartment blocks and hotels share one declaration model; both need the unit (ministry API, field ``soPhong``).
- The commune code is the distribution key of every table that grows.
"""

from __future__ import annotations

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
