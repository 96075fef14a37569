"""The stay declaration: the statement that a person stays in a unit for an interval, made by a declarant.

- One message for everything said about a stay: arrival, extension, departure, correction, withdrawal. The last four name the
  declaration they are about in ``about``.
- Identity is ``declaration_id``, a UUIDv7 made where the declaration was made; replaying it changes nothing.
- ``declared_at`` is the declarant's clock and only advisory; the registry stamps its own.
- Unknown fields of a newer version are kept by the envelope's exact bytes, never dropped by re-encoding.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from residence.credentials.evidence import Evidence
from residence.people.person import Person

DeclarationKind = Literal["arrival", "extension", "departure", "correction", "withdrawal"]
LateCause = Literal["not-noticed", "no-connection", "no-papers", "authority", "other"]
DeclarantRole = Literal["self", "household", "host", "facility", "transport", "officer"]


class Reason(StrEnum):
    """Why the person stays; the ministry's codes 1 to 20 are mapped in ``residence/stays/reasons.py``."""

    TOURISM = "tourism"
    BUSINESS = "business"
    STUDY = "study"
    VISIT = "visit"
    CONFERENCE = "conference"
    FAMILY_VISIT = "family-visit"
    CHARITY = "charity"
    INTERNATIONAL_ORGANISATION = "international-organisation"
    MARRIAGE = "marriage"
    CONSULATE = "consulate"
    AID = "aid"
    EMBASSY = "embassy"
    SETTLEMENT = "settlement"
    MARKETING = "marketing"
    PRESS = "press"
    TRADE = "trade"
    VISA_EXTENSION = "visa-extension"
    MEDICAL = "medical"
    WORK = "work"
    OTHER = "other"


class Declarant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who makes the statement. ``name`` and ``account`` stay empty when the person declares for themselves."""

    role: DeclarantRole
    name: str | None = None
    account: str | None = None
    helper: str | None = None  # somebody who helped a person without papers to state their own words


class StayDeclaration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One statement about one stay. Times are RFC 3339 with offset."""

    declaration_id: str
    declared_at: str
    person: Person
    evidence: Evidence
    declarant: Declarant
    premises_id: str
    arrival: str
    kind: DeclarationKind = "arrival"
    about: str | None = None  # declaration_id this one extends, ends, corrects or withdraws
    unit: str | None = None
    planned_departure: str | None = None
    reason: Reason | None = None
    reason_text: str | None = None
    permitted_stay_until: str | None = None  # YYYY-MM-DD, foreigners; not the passport's expiry
    note: str | None = None
    late_cause: LateCause | None = None  # why it comes after its deadline, in the declarant's word
    party: str | None = None  # declaration_id of whoever of a family or group was declared first
    accompanied_by: str | None = None  # of a minor: declaration_id of the grown-up who came with them
