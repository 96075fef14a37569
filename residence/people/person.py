"""A person as stated or read from a document: the value every other module passes on.

- Only what a declaration needs. Nothing here is ever a picture.
- ``full_name`` is NFC exactly as the card, chip or person gave it; match keys are derived, never stored over it.
- A missing personal number is normal (newborn, no papers, foreigner); none is ever made up.
- Dates may be known only to the month or the year; precision travels with the value.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

Sex = Literal["male", "female"]
Precision = Literal["day", "month", "year"]
# How a reader may have damaged the name: upper-casing and accent loss are flagged, never repaired.
NameQuality = Literal["full", "case_lost", "accents_lost", "mrz"]


class DocumentKind(StrEnum):
    """What the person showed. Codes of the ministry's API stand beside each in ``residence/people/documents.py``."""

    CARD_2021 = "cccd-2021"
    CARD_2024 = "can-cuoc-2024"
    OLD_ID = "cmnd"
    PASSPORT = "passport"
    DRIVING_LICENCE = "driving-licence"
    BIRTH_CERTIFICATE = "birth-certificate"
    HEALTH_CARD = "health-card"
    NUMBER_NOTICE = "number-notice"
    IDENTITY_CERTIFICATE = "identity-certificate"
    OTHER = "other"
    NONE = "none"


class PartialDate(msgspec.Struct, frozen=True, kw_only=True):
    """A date known to the day, month or year: "1995-02-01" / "1995-02" / "1995"."""

    value: str
    precision: Precision


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One document shown: its kind, its number as printed (text, leading zeros kept), issuer as ICAO three-letter code."""

    kind: DocumentKind
    number: str | None = None
    issuer: str = "VNM"
    issued: str | None = None  # YYYY-MM-DD
    expiry: str | None = None  # YYYY-MM-DD, only as read, never computed


class Person(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person as one declaration or reading states them. All text NFC."""

    full_name: str
    birth: PartialDate | None = None
    sex: Sex | None = None
    nationality: str = "VNM"  # ICAO three-letter code
    personal_number: str | None = None  # 12 digits
    old_number: str | None = None  # 9 digits
    cancelled_numbers: tuple[str, ...] = ()
    document: Document | None = None
    residence_text: str | None = None  # verbatim from the card
    name_quality: NameQuality = "full"
