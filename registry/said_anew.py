"""Which refused arrivals still leave somebody undeclared: those nobody has said anew. The list counts people, not statements.

- A refused statement names nobody, so it is opened here and judged as if the person had been seen at the hour they say they arrived:
  whom a stay or a residence explains (``registry/explaining.py``) is declared. Nothing of it is shown to anybody.
- Who left and came back is not explained by the stay before. Of several attempts for one person the newest stands for all.
- A number that cannot be one is left out: it may be why the statement was refused, and must not speak against the person.
- A statement whose key is gone counts by itself.

Example: ``not_said_anew(connection, refused, place=place, vault=vault, rules=rules)["0197..."]`` -> how the doors would have called them
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, select

from registry import tables
from registry.declarations import message_json
from registry.desk_lists import Place, UnsettledDeclaration
from registry.explaining import Seen, could_be, is_explained
from registry.looking_up import look_up
from registry.presences import identities
from registry.vault import Cell, Vault
from residence.people.person import Person
from residence.people.personal_number import is_personal_number
from residence.stays.declaration import StayDeclaration
from residence.stays.known import KnownPerson, numbers_of
from residence.stays.rules import RuleBook


def not_said_anew(
    connection: Connection, refused: Sequence[UnsettledDeclaration], *, place: Place, vault: Vault, rules: RuleBook
) -> dict[str, frozenset[str]]:
    """Return the refused arrivals that stand for somebody undeclared, each with the pseudonyms of that person at these premises."""
    if not refused:
        return {}
    people = _opened(connection, [each.declaration_id for each in refused], vault)
    seen = {
        each.declaration_id: Seen(
            person=people[each.declaration_id], premises_id=place.premises_id, at=each.arrival_at or each.recorded_at
        )
        for each in refused
        if each.declaration_id in people
    }
    picture = look_up(connection, [], seen=[(each.person, each.at) for each in seen.values()], vault=vault)
    counted: dict[str, frozenset[str]] = {}
    told: list[Person] = []
    for each in sorted(refused, key=lambda each: each.declaration_id, reverse=True):
        who = seen.get(each.declaration_id)
        if who is None:
            counted[each.declaration_id] = frozenset()
            continue
        tried = any(_same(who.person, other) for other in told)
        told.append(who.person)
        if not tried and not is_explained(connection, who, picture=picture, commune_code=place.commune_code, rules=rules):
            codes = (vault.pseudonym(place.premises_id, name).hex() for name in identities(who.person))
            counted[each.declaration_id] = frozenset(codes)
    return counted


def _opened(connection: Connection, declaration_ids: list[str], vault: Vault) -> dict[str, Person]:
    columns = tables.declarations.c
    query = select(columns.declaration_id, columns.subject_id, columns.body_sealed, columns.signed)
    rows = connection.execute(query.where(columns.declaration_id.in_(declaration_ids))).all()
    keys = vault.load_keys(connection, {row.subject_id for row in rows})
    opened = {
        row.declaration_id: vault.open(keys[row.subject_id], Cell("declarations", "body", row.declaration_id), row.body_sealed)
        for row in rows
        if row.subject_id in keys
    }
    from_kiosk = {row.declaration_id: row.signed is not None for row in rows}
    return {own_id: _person(message_json(body, from_kiosk=from_kiosk[own_id])) for own_id, body in opened.items()}


def _person(statement: bytes) -> Person:
    person = msgspec.json.decode(statement, type=StayDeclaration).person
    document, number = person.document, person.personal_number
    if document is not None and not all(is_personal_number(each.value) for each in numbers_of(person) if each.kind == "personal"):
        document = msgspec.structs.replace(document, number=None)
    number = number if number and is_personal_number(number) else None
    return msgspec.structs.replace(person, personal_number=number, document=document)


def _same(person: Person, other: Person) -> bool:
    shared = set(numbers_of(person)) & set(numbers_of(other))
    known = KnownPerson(person_id="", full_name=other.full_name, birth=other.birth, numbers=numbers_of(other))
    return bool(shared) or could_be(person, known)
