"""What of a procedure's form is known already, with where it comes from, so that nothing is asked twice.

- The register is asked first: somebody the authority registered, or who has a registered residence, stands there. Then the strongest evidence of a
  stay of theirs: a verified chip is as firm, a card's text is offered and may be corrected.
- What the population database answered for a file of theirs is firm, too.
- A value under dispute is asked again, whatever its source.
- Places are the person's own: homes that stand, stays that run. A landlord's or household head's name is another person's and is never filled in.

Example: ``own_form(server, connection, account, "confirmation").places[0].known["place"].source`` is ``"register"``
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from registry import tables
from registry.households import known_residences
from registry.population_questions import answered_values
from registry.premises import load_premises
from registry.release import Look, release_persons
from registry.stays import stays_of_person
from residence.access.purposes import Field, Purpose
from residence.cases.procedures import FIRM, FormField, KnownValue, Procedure, ProcedureKind, Source
from residence.clock import VIETNAM
from residence.credentials.evidence import EvidenceLevel
from residence.places.premises import Premises
from server.papers import place_text
from server.policy import Account
from server.residents.own_stays import own_person
from server.wiring import Server

_FIELDS: Final[dict[Field, FormField]] = {
    Field.FULL_NAME: "full_name",
    Field.BIRTH_DATE: "birth_date",
    Field.SEX: "sex",
    Field.PERSONAL_NUMBER: "personal_number",
    Field.CONTACT: "phone",
}
_ONLY_TEMPORARY: Final[frozenset[ProcedureKind]] = frozenset({"temporary-residence-extension", "move-out"})
_RUNNING: Final = frozenset({"open", "disputed"})


class OwnPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place a form may be about, and what the register says the person is there."""

    premises_id: str
    name: str
    known: dict[FormField, KnownValue]
    relations: frozenset[str]


class OwnForm(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of whoever is signed in; ``places`` is empty where a procedure needs none."""

    person_id: str
    known: dict[FormField, KnownValue]
    places: tuple[OwnPlace, ...]


def own_form(server: Server, connection: Connection, account: Account, procedure: Procedure) -> OwnForm:
    """Return what is known already; it is a look at oneself, on the record."""
    person_id = own_person(server, connection, account)
    look = Look(
        account_id=account.account_id,
        role="resident",
        purpose=Purpose.OWN_PROCEDURE,
        commune_code=account.commune_code,
        about=account.account_id,
    )
    released = release_persons(
        connection, [person_id], look=look, vault=server.registry.vault, now=server.clock.now(), random_bytes=server.random_bytes
    )[person_id]
    source = _source(connection, person_id)
    known: dict[FormField, KnownValue] = {
        name: KnownValue(value=released.fields[field], source="declared" if field in released.disputed else source)
        for field, name in _FIELDS.items()
        if field in released.fields
    }
    for name, value in answered_values(connection, person_id, vault=server.registry.vault).items():
        if name in known and known[name].source not in FIRM and not _is_disputed(name, released.disputed):
            known[name] = KnownValue(value=value, source="population")
    places = _places(server, connection, person_id, procedure) if "place" in procedure.fields else ()
    return OwnForm(person_id=person_id, known=known, places=places)


def _is_disputed(name: FormField, disputed: Collection[Field]) -> bool:
    return any(_FIELDS.get(each) == name for each in disputed)


def _source(connection: Connection, person_id: str) -> Source:
    persons = tables.persons.c
    by_statement = connection.scalar(select(persons.declaration_id).where(persons.person_id == person_id))
    if by_statement is None or known_residences(connection, [person_id]):
        return "register"
    level = max((each.evidence_level for each in stays_of_person(connection, person_id)), default=0)
    if level in {EvidenceLevel.CHIP_VERIFIED, EvidenceLevel.CHIP_PRESENT}:
        return "chip"
    return "card" if level >= EvidenceLevel.CARD_TEXT else "declared"


def _places(server: Server, connection: Connection, person_id: str, procedure: Procedure) -> tuple[OwnPlace, ...]:
    now = server.clock.now()
    today = now.astimezone(VIETNAM).date().isoformat()
    homes = [each for each in known_residences(connection, [person_id]) if each.valid_to is None or each.valid_to >= today]
    found: dict[str, tuple[str | None, Source, str | None]] = {}
    for home in homes:
        if procedure.id not in _ONLY_TEMPORARY or home.kind == "temporary":
            found.setdefault(home.premises_id, (home.unit, "register", home.valid_to))
    if procedure.id not in _ONLY_TEMPORARY:
        for stay in stays_of_person(connection, person_id):
            if stay.status in _RUNNING and stay.ended_at is None:
                found.setdefault(stay.premises_id, (stay.unit, "register", None))  # the register of stays says so itself
    places = load_premises(connection, found, vault=server.registry.vault)
    return tuple(
        _place(connection, person_id, places[own_id], unit=unit, source=source, today=today)
        for own_id, (unit, source, _) in found.items()
        if own_id in places
    )


def _place(connection: Connection, person_id: str, place: Premises, *, unit: str | None, source: Source, today: str) -> OwnPlace:
    text = ", ".join(each for each in (unit, place_text(place)) if each)
    return OwnPlace(
        premises_id=place.premises_id,
        name=text,
        known={"place": KnownValue(value=text, source=source)},
        relations=_relations(connection, person_id, place.premises_id, today=today),
    )


def _relations(connection: Connection, person_id: str, premises_id: str, *, today: str) -> frozenset[str]:
    """Return what the register says the person is at a place today: its owner, the head of a household there."""
    columns, households = tables.relations.c, tables.households.c
    there = select(households.household_id).where(households.premises_id == premises_id, households.ended_at.is_(None))
    holds = (
        (columns.person_id == person_id)
        & (columns.valid_from.is_(None) | (columns.valid_from <= today))
        & (columns.valid_to.is_(None) | (columns.valid_to >= today))
        & ((columns.subject_id == premises_id) | columns.subject_id.in_(there))
    )
    return frozenset(connection.scalars(select(columns.kind).where(holds)))
