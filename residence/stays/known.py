"""What the registry knows about the people in one declaration: the whole input of reconciliation, as plain values.

What a caller must look up before it reconciles a declaration D (one set of look-ups for a whole batch):

- ``persons``: everyone holding a number in ``numbers_of(D.person)``, with all their numbers; and whoever D's chain belongs to.
- ``declarations``: every statement about those persons whose interval may touch D's (30 days either
  side is enough), D's chain (what ``D.about`` names, transitively, and whatever names D or that), D itself if recorded before.
  What reconciliation refused is included (a correction may make it fit); what the check refused is left out.
- ``stays``: every stay those declarations stand in. All declarations of such a stay must be among ``declarations``.
- ``residences``: permanent and temporary residences of those persons.
- ``received``: when each of those declarations first reached us (``turns.py``).

Numbers are text. A number of another document than the card is kept as ``kind:issuer:number``.

>>> document_key(Document(kind=DocumentKind.PASSPORT, number="b 1234567"))
'passport:VNM:B1234567'
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

import msgspec

from residence.people.person import Document, DocumentKind, PartialDate, Person, Sex
from residence.stays.declaration import StayDeclaration

NumberKind = Literal["personal", "old", "document"]
NumberStatus = Literal["active", "cancelled", "replaced"]
PersonStatus = Literal["living", "deceased"]
StayStatus = Literal["open", "ended", "withdrawn", "disputed"]
ResidenceKind = Literal["permanent", "temporary"]

PERSONAL_NUMBER_LENGTH: Final = 12
OLD_NUMBER_LENGTH: Final = 9
_CARRIES_PERSONAL_NUMBER: Final = frozenset({DocumentKind.CARD_2021, DocumentKind.CARD_2024, DocumentKind.NUMBER_NOTICE})


class KnownNumber(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One identifier of one person, with what became of it."""

    kind: NumberKind
    value: str
    status: NumberStatus = "active"
    stated_in: str | None = None  # declaration that taught it; empty for numbers taken over from an authority's register


class KnownPerson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person as the registry holds them. ``declared_by`` is empty for people taken over from an authority's register."""

    person_id: str
    full_name: str
    birth: PartialDate | None = None
    sex: Sex | None = None
    numbers: tuple[KnownNumber, ...] = ()
    status: PersonStatus = "living"
    declared_by: str | None = None  # declaration the name and birth date were taken from


class KnownStay(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One person in one unit for one interval. Times are RFC 3339 in UTC."""

    stay_id: str
    person_id: str
    premises_id: str
    start: str
    unit: str | None = None
    planned_end: str | None = None
    ended_at: str | None = None
    status: StayStatus = "open"
    declaration_ids: tuple[str, ...] = ()  # sorted; every stay rests on declarations


class KnownResidence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A registered permanent or temporary residence. Dates are YYYY-MM-DD, both inclusive; no ``valid_to`` means until further notice."""

    person_id: str
    premises_id: str
    kind: ResidenceKind
    valid_from: str
    unit: str | None = None
    valid_to: str | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything the registry knows that bears on one declaration; see the module's list of what must be in it."""

    persons: tuple[KnownPerson, ...] = ()
    stays: tuple[KnownStay, ...] = ()
    residences: tuple[KnownResidence, ...] = ()
    declarations: tuple[StayDeclaration, ...] = ()
    received: dict[str, datetime] = {}  # by declaration id


def document_key(document: Document) -> str | None:
    """Return the identifier of a document that is not the card: ``kind:issuer:NUMBER`` without spaces, or None without a number."""
    if not document.number:
        return None
    return f"{document.kind}:{document.issuer}:{''.join(document.number.split()).upper()}"


def numbers_of(person: Person) -> tuple[KnownNumber, ...]:
    """Return every identifier a person stated, strongest first: what the registry looks up and what reconciliation matches by.

    Cancelled personal numbers (printed in the 2024 card's code) come last with status ``cancelled``.
    """
    personal, old, document = person.personal_number, person.old_number, person.document
    key: str | None = None
    if document is not None and document.number:
        if document.kind in _CARRIES_PERSONAL_NUMBER or (
            document.kind is DocumentKind.OLD_ID and len(document.number) == PERSONAL_NUMBER_LENGTH
        ):
            personal = personal or document.number  # a 12-digit CMND equals the personal number
        elif document.kind is DocumentKind.OLD_ID:
            old = old or document.number
        elif document.kind is not DocumentKind.NONE:
            key = document_key(document)
    found = [KnownNumber(kind="personal", value=personal)] if personal else []
    found += [KnownNumber(kind="old", value=old)] if old else []
    found += [KnownNumber(kind="document", value=key)] if key else []
    found += [
        KnownNumber(kind="personal", value=each, status="cancelled") for each in person.cancelled_numbers if each != personal
    ]
    return tuple(found)
