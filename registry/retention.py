"""How the registry forgets a person on demand.

- ``erase_person`` deletes the person's key and whatever finds them: numbers' indexes, name words, pseudonyms, proposed pairs. Rows that say that a stay
  took place remain, of somebody nobody can name. Statements others made are under their own persons' keys and stay.
- Backups still hold the wrapped key until its period key is destroyed (``registry/key_rotation.py``); until then the key service refuses it.
- What goes by time is the retention policy's (``registry/retention_policy.py``, carried out by ``registry/deletions.py``).

Example: ``erase_person(connection, person_id, vault=vault, now=now)``
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Column, Connection, delete, select, update

from registry import presences, tables
from registry.cleaning.keeping import forget_items
from registry.declarations import message_json
from registry.persons import SEALED_COLUMNS
from registry.population_questions import forget_questions
from registry.portal_records import forget_records
from registry.vault import Cell, Vault
from residence.errors import Refused
from residence.stays.declaration import StayDeclaration

PAGE: Final = 500
_NAMING_PSEUDONYMS: Final = (
    (tables.notices.c.notice_id, tables.notices.c.who, tables.notices.c.premises_id),
    (tables.cases.c.case_id, tables.cases.c.who, tables.cases.c.premises_id),
)


def erase_person(connection: Connection, person_id: str, *, vault: Vault, now: datetime) -> None:
    """Make a person unreadable and unfindable, with everybody merged into them; ``Refused("registry.person_unknown")`` for no such person."""
    columns, vault = tables.persons.c, vault.for_erasing()
    ids = list(
        connection.scalars(select(columns.person_id).where((columns.person_id == person_id) | (columns.merged_into == person_id)))
    )
    if person_id not in ids:
        raise Refused("registry.person_unknown", "/person_id")
    identities = _identities_of(connection, ids, vault)
    presences.delete_presences(connection, _presences_of(connection, identities, vault))
    for own_id, who, premises_id in _NAMING_PSEUDONYMS:
        _forget_pseudonyms(connection, identities, vault, own_id=own_id, who=who, premises_id=premises_id)
    connection.execute(delete(tables.subject_keys).where(tables.subject_keys.c.subject_id.in_(ids)))
    for table in (
        tables.identifiers,
        tables.identifier_events,
        tables.door_passes,
        tables.door_cards,
        tables.name_tokens,
        tables.person_versions,
        tables.absences,
        tables.permitted_stays,
        tables.e_id_sightings,
        tables.disputes,
        tables.declaring_locks,
        tables.rights_requests,
        tables.own_words,
    ):
        connection.execute(delete(table).where(table.c.person_id.in_(ids)))
    forget_records(connection, ids)
    forget_questions(connection, ids)
    files = tables.procedure_files.c
    theirs = select(files.file_id).where(files.person_id.in_(ids))
    connection.execute(delete(tables.procedure_steps).where(tables.procedure_steps.c.file_id.in_(theirs)))
    connection.execute(delete(tables.procedure_files).where(files.person_id.in_(ids)))
    objected = tables.stays.c.person_id.in_(ids) & tables.stays.c.objected_at.is_not(None)
    connection.execute(update(tables.stays).where(objected).values(objected_at=None))  # the disputes are gone
    for subject in (tables.contact_points.c.subject_id, tables.messages.c.subject_id):
        connection.execute(delete(subject.table).where(subject.in_(ids)))
    _forget_paths(connection, ids)
    pairs = tables.duplicate_pairs.c
    theirs = select(pairs.pair_id).where(pairs.one_id.in_(ids) | pairs.other_id.in_(ids))
    connection.execute(delete(tables.duplicate_steps).where(tables.duplicate_steps.c.pair_id.in_(theirs)))
    connection.execute(delete(tables.duplicate_pairs).where(pairs.one_id.in_(ids) | pairs.other_id.in_(ids)))
    forget_items(connection, ids)
    gone = {f"{column}_sealed": None for column in SEALED_COLUMNS} | {"contact_index": None}
    connection.execute(update(tables.persons).where(columns.person_id.in_(ids)).values(status="erased", changed_at=now, **gone))


def _forget_paths(connection: Connection, person_ids: list[str]) -> None:
    """Delete people's guided paths with the keys of what they said on them."""
    path_ids = list(connection.scalars(select(tables.paths.c.path_id).where(tables.paths.c.person_id.in_(person_ids))))
    for column in (
        tables.path_steps.c.path_id,
        tables.path_handovers.c.path_id,
        tables.paths.c.path_id,
        tables.subject_keys.c.subject_id,
    ):
        connection.execute(delete(column.table).where(column.in_(path_ids)))


def _identities_of(connection: Connection, person_ids: list[str], vault: Vault) -> set[str]:
    """Return everything these people's pseudonyms may have been made of."""
    columns = tables.declarations.c
    rows = connection.execute(
        select(columns.declaration_id, columns.subject_id, columns.body_sealed, columns.signed).where(
            columns.person_id.in_(person_ids)
        )
    ).all()
    keys = vault.load_keys(connection, {row.subject_id for row in rows})
    identities: set[str] = set()
    for row in rows:
        if row.subject_id in keys:
            body = vault.open(keys[row.subject_id], Cell("declarations", "body", row.declaration_id), row.body_sealed)
            message = msgspec.json.decode(message_json(body, from_kiosk=row.signed is not None), type=StayDeclaration)
            identities.update(presences.identities(message.person))
    return identities | number_identities(connection, person_ids, vault)


def _presences_of(connection: Connection, identities: set[str], vault: Vault) -> list[str]:
    """Find presences under any pseudonym, at every premises where somebody was seen."""
    found: list[str] = []
    after = ""
    while watched := presences.premises_with_presences(connection, after=after, limit=PAGE):
        after = watched[-1]
        pseudonyms = {vault.pseudonym(premises_id, identity) for premises_id in watched for identity in identities}
        if pseudonyms:
            seen = tables.presences.c.pseudonym_index.in_(sorted(pseudonyms))
            found += connection.scalars(select(tables.presences.c.presence_id).where(seen))
    return found


def _forget_pseudonyms(
    connection: Connection,
    identities: set[str],
    vault: Vault,
    *,
    own_id: Column[str],
    who: Column[str],
    premises_id: Column[str],
) -> None:
    """Let notices or cases name nobody: the pseudonym gives way to the row's own id."""
    after = ""
    distinct = select(premises_id).distinct().order_by(premises_id).limit(PAGE)
    while page := list(connection.scalars(distinct.where(premises_id > after))):
        after = page[-1]
        named = sorted({vault.pseudonym(each, identity).hex() for each in page for identity in identities})
        for start in range(0, len(named), PAGE):
            same = who.in_(named[start : start + PAGE])
            connection.execute(update(who.table).where(same).values(who=own_id))


def number_identities(connection: Connection, person_ids: list[str], vault: Vault) -> set[str]:
    """Return what of their numbers these people's pseudonyms may have been made of."""
    rows = connection.execute(select(tables.identifiers).where(tables.identifiers.c.person_id.in_(person_ids))).all()
    keys = vault.load_keys(connection, {row.subject_id for row in rows})
    return {
        f"{row.kind}:{vault.open(keys[row.subject_id], Cell('identifiers', 'value', row.identifier_id), row.value_sealed).decode()}"
        for row in rows
        if row.subject_id in keys
    }
