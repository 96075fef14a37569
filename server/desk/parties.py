"""A family or group at the desk: the next form knows the stay of the one before, who came with whom, and that a child is not alone.

- Each member has a form, a declaration and a receipt of their own: what is wrong with one stops none of the others, and each may have another room.
- Arrival, departure, reason and room are those of the member declared last; nothing personal is taken over.
- Whoever is under age (``registry.explaining.GROWN_UP``, ours to choose) is asked which grown-up of the party they came with. Nobody is turned
  away for it: it is a warning, and the next Enter declares.
- Names of members are shown by a look for the duty of the premises.

Example: ``/desk/declare?premises=htl-sao-mai&party=<declaration id of the first>``
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Row

from registry import tables
from registry.declarations import matching_declarations, open_declaration
from registry.desk_lists import Place
from registry.explaining import is_minor
from registry.parties import Party, PartyMember, party_of
from registry.release import Look, release_persons
from registry.stays import stays_of_person
from residence.access.purposes import Field, Purpose
from residence.clock import VIETNAM, parse_instant
from residence.errors import Problem, problem
from residence.people.person import Person
from residence.places.premises import Premises
from residence.stays.declaration import StayDeclaration
from server.desk.guest_form import form_of_declaration
from server.policy import Account
from server.wiring import Server

TAKEN_OVER: Final = ("arrival", "planned_departure", "reason", "reason_text", "unit")


class Companion(msgspec.Struct, frozen=True, kw_only=True):
    """One member as the desk's pages show them. ``stay_id`` is None when their stay is gone."""

    declaration_id: str
    name: str
    unit: str | None
    grown_up: bool
    stay_id: str | None
    accompanied_by: str | None = None
    name_disputed: bool = False


class _Named(NamedTuple):
    name: str
    disputed: bool


_NOBODY: Final = _Named("", disputed=False)


class NextOfParty(msgspec.Struct, frozen=True, kw_only=True):
    """What the next member's form begins with, and which grown-up a child among them is taken to have come with."""

    fields: dict[str, str]
    first_grown_up: str

    def beside(self, person: Person, arrival: str) -> dict[str, str]:
        """Return who a person came with, if they are a child."""
        moment = datetime.fromisoformat(arrival).replace(tzinfo=VIETNAM)
        return {"accompanied_by": self.first_grown_up} if self.first_grown_up and is_minor(person, moment) else {}


class PartyHere(msgspec.Struct, frozen=True, kw_only=True):
    """A party of this house."""

    party_id: str
    members: tuple[Companion, ...]

    @property
    def grown_ups(self) -> tuple[Companion, ...]:
        """Return who a child may have come with."""
        return tuple(each for each in self.members if each.grown_up)

    def called(self, declaration_id: str | None) -> str:
        """Return a member's name; empty for nobody."""
        return next((each.name for each in self.members if each.declaration_id == declaration_id), "")


def party_here(
    server: Server, account: Account, premises: Premises, *, declaration_id: str, name_one: bool = False
) -> PartyHere | None:
    """Return the party of a guest declared here, the look on the record; None when nobody of it was. ``name_one``: also who is alone in it."""
    if not declaration_id:
        return None
    place = Place(premises.commune_code, premises.premises_id)
    with server.registry.writing() as connection:  # names are released, so the look is written
        party = party_of(connection, place, declaration_id)
        rows, declared = _arrivals(server, connection, party, premises)
        if not declared:
            return None
        named = name_one or len(declared) > 1
        names = _names(server, connection, account, premises, rows=rows) if named else {}
        members = tuple(
            _companion(
                connection, declared[each.declaration_id], member=each, person_id=rows[each.declaration_id].person_id, names=names
            )
            for each in party.members
            if each.declaration_id in declared
        )
    return PartyHere(party_id=party.party_id, members=members)


def next_of_party(server: Server, premises: Premises, *, declaration_id: str) -> NextOfParty:
    """Return what the form of a party's next member begins with; nothing when there is no such party here."""
    if not declaration_id:
        return NextOfParty(fields={}, first_grown_up="")
    place = Place(premises.commune_code, premises.premises_id)
    with server.registry.reading() as connection:
        party = party_of(connection, place, declaration_id)
        _, declared = _arrivals(server, connection, party, premises)
    said = [declared[each.declaration_id] for each in party.members if each.declaration_id in declared]
    if not said:
        return NextOfParty(fields={}, first_grown_up="")
    last = form_of_declaration(said[-1])
    grown_up = next((each.declaration_id for each in said if not is_minor(each.person, parse_instant(each.arrival))), "")
    fields = {name: last[name] for name in TAKEN_OVER if last[name]} | {"party": party.party_id}
    return NextOfParty(fields=fields, first_grown_up=grown_up)


def _arrivals(
    server: Server, connection: Connection, party: Party, premises: Premises
) -> tuple[dict[str, Row[Any]], dict[str, StayDeclaration]]:
    """Return the rows of its members' arrivals at this house, and what they say; who was erased or refused is left out."""
    columns = tables.declarations.c
    ids = [each.declaration_id for each in party.members]
    wanted = (columns.commune_code == premises.commune_code) & columns.declaration_id.in_(ids) & (columns.state != "refused")
    rows = {
        row.declaration_id: row for row in matching_declarations(connection, wanted) if row.premises_id == premises.premises_id
    }
    keys = server.registry.vault.load_keys(connection, {row.subject_id for row in rows.values()})
    opened = {each: open_declaration(row, keys=keys, vault=server.registry.vault) for each, row in rows.items()}
    return rows, {each: kept.declaration for each, kept in opened.items() if kept is not None}


def _names(
    server: Server, connection: Connection, account: Account, premises: Premises, *, rows: Mapping[str, Row[Any]]
) -> dict[str, _Named]:
    look = Look(
        account_id=account.account_id,
        role="clerk",
        purpose=Purpose.DECLARE_GUEST,
        commune_code=account.commune_code,
        about=premises.premises_id,
        fields=frozenset({Field.FULL_NAME}),
        way="list",
    )
    people = {row.person_id for row in rows.values() if row.person_id}
    released = release_persons(
        connection,
        people,
        look=look,
        vault=server.registry.vault,
        now=server.clock.now(),
        random_bytes=server.random_bytes,
    )
    return {
        person_id: _Named(each.fields.get(Field.FULL_NAME, ""), Field.FULL_NAME in each.disputed)
        for person_id, each in released.items()
    }


def _companion(
    connection: Connection, said: StayDeclaration, *, member: PartyMember, person_id: str | None, names: Mapping[str, _Named]
) -> Companion:
    stays = stays_of_person(connection, person_id) if person_id else []
    stay = next((each for each in stays if said.declaration_id in each.declaration_ids), None)
    return Companion(
        declaration_id=said.declaration_id,
        name=names.get(person_id or "", _NOBODY).name,
        name_disputed=names.get(person_id or "", _NOBODY).disputed,
        unit=stay.unit if stay else said.unit,
        grown_up=not is_minor(said.person, parse_instant(said.arrival)),
        stay_id=stay.stay_id if stay else None,
        accompanied_by=member.accompanied_by,
    )


def child_alone(said: StayDeclaration) -> tuple[Problem, ...]:
    """Return the warning for a guest under age with whom no grown-up is named."""
    arrival = parse_instant(said.arrival) if said.arrival else None
    if said.kind != "arrival" or said.accompanied_by or arrival is None or not is_minor(said.person, arrival):
        return ()
    return (problem("desk.child_alone", "/person/birth"),)
