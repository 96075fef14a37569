"""Whether a stay or a registered residence explains that somebody was seen; what is explained leaves no presence.

- First by number, from what the batch has already looked up. Whoever no number explains may still be there by name and birth date:
  a person who declared without papers is in no list by a number.
- Somebody with another number of the same kind is somebody else, whatever the name. In doubt the person seen has the benefit.
- The look-up by name stays in one commune and is bounded (``registry.persons.MOST_FOUND``).

Example: ``is_explained(connection, seen, picture=picture, commune_code="demo-01", rules=rules)``
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

import msgspec
from sqlalchemy import Connection

from registry.households import known_residences
from registry.persons import matching_persons, search_by_name
from registry.presences import name_identity
from registry.stays import known_stays
from registry.surroundings import Surroundings
from residence.cases.covering import is_covered
from residence.people.person import Person
from residence.stays.deadlines import person_kind
from residence.stays.known import KnownPerson, numbers_of
from residence.stays.rules import RuleBook


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody at some premises at some time."""

    person: Person
    premises_id: str
    at: datetime


def is_explained(connection: Connection, seen: Seen, *, picture: Surroundings, commune_code: str, rules: RuleBook) -> bool:
    """Tell whether somebody known to stay or live at these premises then is the person seen."""
    person = seen.person
    judge = partial(is_covered, seen.at, seen.premises_id, person=person_kind(person), rules=rules)
    stays, homes = picture.stays_and_homes(person)
    if judge(stays=stays, residences=homes):
        return True
    ids = search_by_name(connection, person.full_name, commune_code=commune_code, vault=picture.vault)
    keys = picture.vault.load_keys(connection, ids)
    known = [*matching_persons(connection, ids, keys=keys, vault=picture.vault), *picture.persons.values()]
    people = sorted({each.person_id for each in known if could_be(person, each)})
    stays = [*known_stays(connection, people)[0], *picture.stays_of_people(people)]
    return judge(stays=stays, residences=known_residences(connection, people))


def could_be(person: Person, known: KnownPerson) -> bool:
    """Tell whether name and birth date agree and no number speaks against it."""
    if person.birth is None or name_identity(person.full_name, person.birth) != name_identity(known.full_name, known.birth):
        return False
    held: dict[str, set[str]] = {}
    for number in known.numbers:
        held.setdefault(number.kind, set()).add(number.value)
    return all(number.value in held.get(number.kind, {number.value}) for number in numbers_of(person))
