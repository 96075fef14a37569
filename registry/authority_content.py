"""What a stay's statements say of its guest, opened for one telling to another authority, and put on the record.

- The statement as it stands after its corrections is opened, not the person's row: the authority is told what was declared.
- An erased person comes back as None: there is nothing left to tell.
- Which of the told fields are under dispute now comes with them (``registry/disputing.py``); the telling says so where the form has a place.
- ``who`` is a keyed digest of how the guest is named; it tells later whether a correction changed that, and nothing else.

Example: ``content_of(connection, stay, vault=vault)``, then ``record_telling(...)`` in the transaction that claims the attempt
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, select

from registry import access_records, tables
from registry.asking import among
from registry.declarations import open_declaration, turns_among
from registry.disputing import disputed_fields
from registry.premises import read_kinds
from registry.stay_disputes import standing_faults
from registry.vault import Cell, Vault
from residence.access.purposes import Field
from residence.places.premises import PremisesKind, kind_then
from residence.stays.chains import chain_up
from residence.stays.declaration import StayDeclaration

FIELDS: Final = frozenset(
    {
        Field.FULL_NAME,
        Field.BIRTH_DATE,
        Field.SEX,
        Field.NATIONALITY,
        Field.DOCUMENT,
        Field.PERSONAL_NUMBER,
        Field.PREMISES,
        Field.UNIT,
        Field.INTERVAL,
        Field.REASON,
    }
)


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What can be told of one stay."""

    declaration: StayDeclaration
    subject_id: str  # whose key seals it
    person_id: str
    who: str
    disputed: tuple[str, ...] = ()  # fields of the told ones, and faults of the stay itself, by name


def stay_row(connection: Connection, stay_id: str) -> Row[Any] | None:
    """Return the stay as it stands, with the kind of its premises."""
    stays, places = tables.stays, tables.premises
    joined = stays.join(places, (places.c.commune_code == stays.c.commune_code) & (places.c.premises_id == stays.c.premises_id))
    kinds = (places.c.kind.label("premises_kind"), places.c.earlier_kinds)
    query = select(stays, *kinds).select_from(joined).where(stays.c.stay_id == stay_id)
    return connection.execute(query.limit(1)).first()


def premises_kind(row: Row[Any]) -> PremisesKind:
    """Return the kind a stay's premises had when the stay began: its unit was asked for, or not, by that one."""
    return kind_then(PremisesKind(row.premises_kind), read_kinds(row.earlier_kinds), at=row.start_at)


def content_of(connection: Connection, stay: Row[Any], *, vault: Vault) -> Content | None:
    """Open what was declared of a stay's guest; None when the person was erased."""
    columns = tables.declarations.c
    ids = list(stay.declaration_ids)
    rows = connection.execute(select(tables.declarations).where(among(columns.declaration_id, ids, connection))).all()
    keys = vault.load_keys(connection, {row.subject_id for row in rows})
    kept = {row.declaration_id: (row, open_declaration(row, keys=keys, vault=vault)) for row in rows}
    said = [each for _, each in kept.values() if each is not None]
    if not said or len(said) < len(rows):
        return None
    chains = chain_up([each.declaration for each in said], turns_among(said)).chains
    standing = [chain for chain in chains if not chain.withdrawn] or list(chains)
    if not standing:
        return None
    content = standing[-1].content
    disputed = disputed_fields(connection, [stay.person_id]).get(stay.person_id, frozenset())
    faults = standing_faults(connection, [stay.stay_id]).get(stay.stay_id, frozenset())
    return Content(
        declaration=content,
        subject_id=kept[content.declaration_id][0].subject_id,
        person_id=stay.person_id,
        who=vault.state_digest(f"authority:{stay.stay_id}", _naming(content)),
        disputed=tuple(sorted({each.value for each in disputed & FIELDS} | faults)),
    )


def _naming(declaration: StayDeclaration) -> bytes:
    person = declaration.person
    named = (person.full_name, person.birth, person.sex, person.nationality, person.personal_number, person.document)
    return msgspec.json.encode(named)


def record_telling(
    connection: Connection, content: Content, record: Row[Any], *, now: datetime, random_bytes: Callable[[int], bytes]
) -> None:
    """Put on the record that an authority is told of this person now."""
    told = (f"authority:{record.authority}", record.stay_id, FIELDS)
    access_records.add_telling(
        connection, content.person_id, commune_code=record.commune_code, told=told, now=now, random_bytes=random_bytes
    )


def seal_words(connection: Connection, record_id: str, words: str, *, subject_id: str, vault: Vault) -> bytes | None:
    """Seal what the other authority said: it may name the guest. None when there is no key any more, or nothing was said."""
    key = vault.load_keys(connection, [subject_id]).get(subject_id)
    return vault.seal(key, _cell(record_id), words) if key and words else None


def open_words(connection: Connection, record: Row[Any], *, vault: Vault) -> str | None:
    """Open what the other authority said, for whoever may see the guest."""
    if record.words_sealed is None or record.subject_id is None:
        return None
    key = vault.load_keys(connection, [record.subject_id]).get(record.subject_id)
    return vault.open_text(key, _cell(record.record_id), record.words_sealed) if key else None


def _cell(record_id: str) -> Cell:
    return Cell("authority_records", "words", record_id)
