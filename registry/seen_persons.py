"""Who was seen, for the officer who has claimed the case: the readings of its presences, for a purpose and on the record.

- A case about somebody the registry does not know names them by a keyed pseudonym; what the door read is sealed in the presence.
- The same table of purposes decides which fields come back as for known people (``residence/access/purposes.py``); the access record
  names the pseudonym, so that the person finds the look once they are known.

Example: ``release_seen(connection, case.presence_ids, who=case.who, look=look, ...)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Connection, desc, select

from registry import access_records, tables
from registry.declarations import message_json
from registry.disputing import disputed_fields
from registry.persons import holders, number_indexes
from registry.release import Look, ReleasedPerson, mask
from registry.vault import Cell, Vault
from residence.access.purposes import PERSONAL, Field, released_fields
from residence.people.person import Person
from residence.wire.messages import Presence


def release_seen(
    connection: Connection,
    presence_ids: Iterable[str],
    *,
    who: str,
    look: Look,
    vault: Vault,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> ReleasedPerson:
    """Return what the youngest presence still kept says of the person; no fields when all have expired."""
    fields = released_fields(look.role, look.purpose) & PERSONAL
    access_records.add(connection, [who], look=look, fields=fields, now=now, random_bytes=random_bytes)
    columns = tables.presences.c
    row = connection.execute(
        select(tables.presences).where(columns.presence_id.in_(list(presence_ids))).order_by(desc(columns.seen_at)).limit(1)
    ).first()
    key = vault.load_keys(connection, [row.presence_id]).get(row.presence_id) if row else None
    if row is None or key is None:
        return ReleasedPerson(person_id=who, fields={}, erased=True)
    body = vault.open(key, Cell("presences", "reading", row.presence_id), row.reading_sealed)
    person = _person(message_json(body, from_kiosk=row.kiosk_id is not None))
    released = {field: value for field, value in _values(person).items() if field in fields}
    return ReleasedPerson(person_id=who, fields=released, disputed=_disputed(connection, person, vault) & released.keys())


def _disputed(connection: Connection, person: Person, vault: Vault) -> frozenset[Field]:
    """Return the fields under dispute of whoever holds a number that was read: what a register doubts is doubtful on a card, too."""
    found = holders(connection, number_indexes(person, vault))
    people = set().union(*found.values()) if found else set[str]()
    return frozenset().union(*disputed_fields(connection, people).values())


def _values(person: Person) -> dict[Field, str]:
    values = {
        Field.FULL_NAME: person.full_name,
        Field.BIRTH_DATE: person.birth.value if person.birth else None,
        Field.SEX: person.sex,
        Field.NATIONALITY: person.nationality,
        Field.PERSONAL_NUMBER: person.personal_number,
        Field.PERSONAL_NUMBER_MASKED: mask(person.personal_number) if person.personal_number else None,
        Field.OLD_NUMBER: person.old_number,
        Field.RESIDENCE_TEXT: person.residence_text,
    }
    return {field: value for field, value in values.items() if value}


def _person(reading: bytes) -> Person:
    try:
        return msgspec.json.decode(reading, type=Presence).person
    except msgspec.ValidationError:
        return msgspec.json.decode(reading, type=Person)
