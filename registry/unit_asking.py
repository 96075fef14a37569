"""Which questions a registry has about split units: one for each street or settlement in which premises of such a unit stand.

- Addresses are opened page by page in this process; what is kept is the street or settlement, never a house.
- Asked once: a question that is there stands, decided or not.

Example: ``ask_about_premises(connection, vault=vault, now=now)`` returns how many questions are new
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, select

from registry import tables
from registry.asking import among
from registry.bulk import write_rows
from registry.standing import standings
from registry.unit_questions import question_row
from registry.units import load_table
from registry.vault import Vault
from residence.clock import VIETNAM
from residence.places.locating import place_of

PAGE: Final = 1000


def ask_about_premises(connection: Connection, *, vault: Vault, now: datetime) -> int:
    """Ask about every premises that stands in a unit that was split."""
    table, day = load_table(connection), now.astimezone(VIETNAM).date().isoformat()
    split = sorted({unit.code for unit in table.units if table.fate(unit) == "split"})
    before, after = _count(connection), ""
    while True:
        columns = tables.premises.c
        query = select(columns.premises_id).where(among(columns.commune_code, split, connection), columns.premises_id > after)
        ids = list(connection.scalars(query.order_by(columns.premises_id).limit(PAGE)))
        rows = {}
        for each in standings(connection, ids, table, day=day, vault=vault).values():
            if each.unit is not None and table.fate(each.unit) == "split":
                candidates = table.candidates(each.unit.code, at=each.unit.valid_from, on=day)
                row = question_row(each.unit, place_of(each.parts), candidates, now=now)
                rows[row["question_id"]] = row
        write_rows(connection, tables.unit_questions, list(rows.values()), keep=())
        if len(ids) < PAGE:
            return _count(connection) - before
        after = ids[-1]


def _count(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(tables.unit_questions)) or 0
