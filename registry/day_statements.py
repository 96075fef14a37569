"""Statements as they were said and answered: what a receipt, a list of a day or a list of a stay is printed from, now or in years.

- A statement's body and its receipt's bytes never change, so what is made of them is what it was then; the state is the receipt's own.
- A body is opened with its key; where the key is gone (an erased person, a refused statement after its time) the receipt stands alone.
- Bounded: at most ``MOST`` of a day; who asks for more is told by ``more``.

Example: ``statements_between(connection, place, since, until, vault=vault)[0].receipt.state``
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, select

from registry import tables
from registry.asking import among
from registry.declarations import message_json
from registry.desk_lists import Place
from registry.receipts import StoredReceipt, receipts_by_id
from registry.vault import Cell, Vault
from residence.stays.declaration import StayDeclaration

MOST: Final = 2000
_COLUMNS: Final = ("declaration_id", "kind", "person_id", "subject_id", "unit", "origin", "body_sealed", "signed", "recorded_at")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One statement and its answer. ``declaration`` is None when nobody can open it any more."""

    declaration_id: str
    kind: str
    person_id: str | None
    unit: str | None
    origin: str
    recorded_at: datetime
    stored: StoredReceipt
    declaration: StayDeclaration | None


def statements_between(
    connection: Connection, place: Place, since: datetime, until: datetime, *, vault: Vault
) -> tuple[list[Said], bool]:
    """Return the statements recorded at a premises from ``since`` and before ``until``, in order, and whether there are more."""
    columns = tables.declarations.c
    query = select(*(columns[name] for name in _COLUMNS)).where(
        columns.commune_code == place.commune_code,
        columns.premises_id == place.premises_id,
        columns.recorded_at >= since,
        columns.recorded_at < until,
    )
    rows = connection.execute(query.order_by(columns.recorded_at, columns.declaration_id).limit(MOST + 1)).all()
    return _said(connection, rows[:MOST], vault), len(rows) > MOST


def statements_of(connection: Connection, declaration_ids: Iterable[str], *, vault: Vault) -> list[Said]:
    """Return these statements, in the order they were recorded."""
    columns = tables.declarations.c
    wanted = sorted(set(declaration_ids))
    query = select(*(columns[name] for name in _COLUMNS)).where(among(columns.declaration_id, wanted, connection))
    return _said(connection, connection.execute(query.order_by(columns.recorded_at, columns.declaration_id)).all(), vault)


def _said(connection: Connection, rows: Sequence[Row[Any]], vault: Vault) -> list[Said]:
    keys = vault.load_keys(connection, {row.subject_id for row in rows})
    receipts = receipts_by_id(connection, [row.declaration_id for row in rows])
    found = []
    for row in rows:
        if row.declaration_id not in receipts:
            continue
        declaration = None
        key = keys.get(row.subject_id)
        if key is not None and row.body_sealed:
            body = vault.open(key, Cell("declarations", "body", row.declaration_id), row.body_sealed)
            declaration = msgspec.json.decode(message_json(body, from_kiosk=row.signed is not None), type=StayDeclaration)
        found.append(
            Said(
                declaration_id=row.declaration_id,
                kind=row.kind,
                person_id=row.person_id,
                unit=row.unit,
                origin=row.origin,
                recorded_at=row.recorded_at,
                stored=receipts[row.declaration_id],
                declaration=declaration,
            )
        )
    return found
