"""The one way a personal field reaches a human: for a purpose, and on the record.

- The role and purpose decide which fields come back (``residence/access/purposes.py``); a caller can ask for fewer, never for more.
- The access record is written in the same transaction as the look: no record, no fields. A look therefore needs ``writing()``.
- A value under dispute comes back with that said (``disputed``), and every screen that shows the value shows it.
- An erased person comes back with no fields; the look is recorded all the same.
- Binding (is this the clerk's own premises, is this case claimed) is the caller's policy; what it was bound to is recorded in ``about``.

Example: ``release_persons(connection, ids, look=Look(account_id=..., role="clerk", purpose=Purpose.DECLARE_GUEST, ...), ...)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from registry import access_records, tables
from registry.disputing import disputed_fields
from registry.persons import opened, read_birth
from registry.vault import Cell, SubjectKey, Vault
from residence.access.purposes import PERSONAL, Field, Purpose, Role, Way, released_fields
from residence.people.person import Document

MASK_KEPT = 3


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks, why, and at what: the access record's content."""

    account_id: str
    role: Role
    purpose: Purpose
    commune_code: str
    about: str | None = None  # case, stay or premises the purpose is bound to
    fields: frozenset[Field] | None = None  # fewer than the purpose allows
    way: Way = "single"


class ReleasedPerson(msgspec.Struct, frozen=True, kw_only=True):
    """What came back of one person. Text as recorded; a partial date as its value; a masked number keeps its last three digits."""

    person_id: str
    fields: dict[Field, str]
    erased: bool = False
    disputed: frozenset[Field] = frozenset()  # those of ``fields`` somebody says are wrong; shown wherever the value is


def release_persons(
    connection: Connection,
    person_ids: Iterable[str],
    *,
    look: Look,
    vault: Vault,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> dict[str, ReleasedPerson]:
    """Return the fields of each person that ``look`` may see, and write the access records; ``Refused`` for a wrong purpose."""
    wanted = sorted(set(person_ids))
    fields = released_fields(look.role, look.purpose) & PERSONAL
    if look.fields is not None:
        fields &= look.fields
    if not wanted or not fields:
        return {person_id: ReleasedPerson(person_id=person_id, fields={}) for person_id in wanted}
    access_records.add(connection, wanted, look=look, fields=fields, now=now, random_bytes=random_bytes)
    keys = vault.load_keys(connection, wanted)
    rows = {
        row.person_id: row for row in connection.execute(select(tables.persons).where(tables.persons.c.person_id.in_(wanted)))
    }
    numbers = _numbers(connection, wanted, vault) if fields & _FROM_NUMBERS else {}
    released = {
        each: _released(each, rows.get(each), keys.get(each), numbers=numbers.get(each, {}), fields=fields, vault=vault)
        for each in wanted
    }
    for each, disputed in disputed_fields(connection, wanted).items():
        released[each] = msgspec.structs.replace(released[each], disputed=disputed & released[each].fields.keys())
    return released


def release_numbers(
    connection: Connection, person_id: str, *, look: Look, vault: Vault, now: datetime, random_bytes: Callable[[int], bytes]
) -> dict[str, str]:
    """Return every number a person has or had by its id, whatever became of it, each with all but its last characters hidden."""
    fields = released_fields(look.role, look.purpose) & {Field.PERSONAL_NUMBER_MASKED, Field.DOCUMENT}
    if not fields:
        return {}
    found = connection.execute(select(tables.identifiers).where(tables.identifiers.c.person_id == person_id)).all()
    field_of = {row.identifier_id: _field_of_number(row.kind) for row in found}
    rows = [row for row in found if field_of[row.identifier_id] in fields]
    shown = frozenset({Field.PERSONAL_NUMBER_MASKED, *(field_of[row.identifier_id] for row in rows)}) & fields
    access_records.add(connection, [person_id], look=look, fields=shown, now=now, random_bytes=random_bytes)
    return {own_id: mask(value) for own_id, value in _opened_numbers(connection, rows, vault)}


def _field_of_number(kind: str) -> Field:
    """Return which field a masked identifier is: a document's number is no personal number."""
    return Field.PERSONAL_NUMBER_MASKED if kind in {"personal", "old"} else Field.DOCUMENT


_FROM_NUMBERS = frozenset({Field.PERSONAL_NUMBER, Field.PERSONAL_NUMBER_MASKED, Field.OLD_NUMBER})
_COLUMNS = {
    Field.FULL_NAME: "full_name",
    Field.SEX: "sex",
    Field.NATIONALITY: "nationality",
    Field.RESIDENCE_TEXT: "residence_text",
    Field.CONTACT: "contact",
}


def _released(
    person_id: str,
    row: Row[Any] | None,
    key: SubjectKey | None,
    *,
    numbers: dict[str, str],
    fields: frozenset[Field],
    vault: Vault,
) -> ReleasedPerson:
    if row is None or key is None:
        return ReleasedPerson(person_id=person_id, fields={}, erased=True)
    values: dict[Field, str | None] = {
        field: opened(row, column, key, vault) for field, column in _COLUMNS.items() if field in fields
    }
    if Field.BIRTH_DATE in fields:
        birth = read_birth(opened(row, "birth", key, vault))
        values[Field.BIRTH_DATE] = birth.value if birth else None
    if Field.DOCUMENT in fields:
        values[Field.DOCUMENT] = document_words(opened(row, "document", key, vault))
    personal = numbers.get("personal")
    values[Field.PERSONAL_NUMBER] = personal
    values[Field.PERSONAL_NUMBER_MASKED] = mask(personal) if personal else None
    values[Field.OLD_NUMBER] = numbers.get("old")
    return ReleasedPerson(
        person_id=person_id, fields={field: value for field, value in values.items() if value is not None and field in fields}
    )


def mask(number: str) -> str:
    """Return a number with all but its last three characters hidden."""
    return "•" * (len(number) - MASK_KEPT) + number[-MASK_KEPT:]


def document_words(text: str | None) -> str | None:
    """Return a document as it is shown: its kind, and its number masked."""
    if text is None:
        return None
    document = msgspec.json.decode(text, type=Document)
    return f"{document.kind.value} {mask(document.number)}" if document.number else document.kind.value


def _numbers(connection: Connection, person_ids: list[str], vault: Vault) -> dict[str, dict[str, str]]:
    """Return kind -> the youngest number in force, by person."""
    columns = tables.identifiers.c
    query = (
        select(tables.identifiers)
        .where(columns.person_id.in_(person_ids), columns.status == "active")
        .order_by(columns.recorded_at)
    )
    rows = connection.execute(query).all()
    values = dict(_opened_numbers(connection, rows, vault))
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if row.identifier_id in values:
            found.setdefault(row.person_id, {})[row.kind] = values[row.identifier_id]
    return found


def _opened_numbers(connection: Connection, rows: Sequence[Row[Any]], vault: Vault) -> Iterator[tuple[str, str]]:
    keys = vault.load_keys(connection, {row.subject_id for row in rows})
    for row in rows:
        key = keys.get(row.subject_id)
        if key is not None:
            yield row.identifier_id, vault.open(key, Cell("identifiers", "value", row.identifier_id), row.value_sealed).decode()
