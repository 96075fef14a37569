"""Rows of premises and of households.

- The premises' own reference becomes its id, because kiosks name it; a household's id is made, its book's number may lead to people.
- A premises that was there before, made by whomever, is taken as it stands.

Example: ``take_premises(connection, {1: row}, means)`` counts ``premises``
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, select

from registry import tables
from registry.asking import among
from registry.importing.relating import Relating
from registry.importing.taking import Means, Rejected, Row, Taken, seen_before
from registry.vault import Cell
from residence.stays.spans import normal_unit

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CELLS: Final = ("name", "address_text")
_ANSWERING: Final[tuple[Literal["owner", "manager"], ...]] = ("owner", "manager")


def premises_known(connection: Connection, premises_ids: Iterable[str]) -> dict[str, str]:
    """Return which premises are there: id -> commune."""
    columns = tables.premises.c
    wanted = sorted(set(premises_ids))
    if not wanted:
        return {}
    found = connection.execute(
        select(columns.premises_id, columns.commune_code).where(among(columns.premises_id, wanted, connection))
    )
    return {row[0]: row[1] for row in found}


def unit_rows(premises_id: str, units: Iterable[str], *, commune_code: str, means: Means) -> list[Row]:
    """Return rows of ``units``."""
    return [
        {
            "commune_code": commune_code,
            "premises_id": premises_id,
            "unit": unit,
            "unit_key": normal_unit(unit),
            "created_at": means.now,
        }
        for unit in units
    ]


def take_premises(connection: Connection, rows: Mapping[int, Row], means: Means) -> Taken:
    """Take over premises with their units. ``rows``: by row number."""
    taken = Taken()
    known = premises_known(connection, (row["premises_ref"] for row in rows.values()))
    ids = {number: means.row_id("premises", row["premises_ref"]) for number, row in rows.items()}
    seen = seen_before(connection, ids.values())
    relating = Relating(connection, (row[f"{kind}_ref"] for row in rows.values() for kind in _ANSWERING), means)
    for number, row in rows.items():
        own_id, content = row["premises_ref"], means.content(msgspec.json.encode(row).decode())
        before = seen.get(ids[number])
        if not _ID.fullmatch(own_id):
            taken.rejected.append(Rejected(number, "premises_ref", "import.premises_ref"))
        elif known.get(own_id, row["commune_code"]) != row["commune_code"]:
            taken.rejected.append(Rejected(number, "commune_code", "import.commune_differs"))
        elif before is not None and before.content != content:
            taken.rejected.append(Rejected(number, "premises_ref", "import.row_changed"))
        elif own_id in known:
            taken.counts["unchanged"] += 1
        else:
            _add_premises(taken, row, relating, means)
            taken.remember(means, ids[number], number, commune_code=row["commune_code"], subject_id=own_id, content=content)
            known[own_id] = row["commune_code"]
            taken.counts["premises"] += 1
    return taken


def _add_premises(taken: Taken, row: Row, relating: Relating, means: Means) -> None:
    own_id, commune = row["premises_ref"], row["commune_code"]
    key, key_row = means.vault.new_key(own_id, "premises", commune_code=commune, now=means.now)
    made: dict[str, Any] = {
        f"{column}_sealed": means.vault.seal(key, Cell("premises", column, own_id), row[column]) for column in _CELLS
    }
    made |= {
        "commune_code": commune,
        "premises_id": own_id,
        "kind": row["kind"],
        "remote_area": row["remote_area"] == "yes",
        "capacity": int(row["capacity"]) if row["capacity"] else None,
        "declared_by": row["declared_by"],
        "created_at": means.now,
    }
    taken.add(tables.subject_keys, key_row)
    taken.add(tables.premises, made)
    if row.get("origin"):
        origin = row["origin"] | {"commune_code": commune, "premises_id": own_id, "recorded_at": means.now}
        taken.add(tables.premises_origins, origin)
    units = [each for each in (part.strip() for part in (row["units"] or "").split(";")) if each]
    taken.add(tables.units, *unit_rows(own_id, units, commune_code=commune, means=means))
    for kind in _ANSWERING:
        ref, name = row[f"{kind}_ref"], row[f"{kind}_name"]
        if ref or name:
            made = relating.row(kind, own_id, ref=ref, said=name or "", commune_code=commune)
            cell = Cell("relations", "name", made["relation_id"])
            taken.add(tables.relations, made | {"name_sealed": means.vault.seal(key, cell, name)})
            taken.counts[f"{kind}s"] += 1


def take_households(connection: Connection, rows: Mapping[int, Row], means: Means) -> Taken:
    """Take over households; those registered there as head are its heads besides."""
    taken = Taken()
    known = premises_known(connection, (row["premises_ref"] for row in rows.values()))
    ids = {number: means.row_id("household", row["household_ref"]) for number, row in rows.items()}
    seen = {row_id: each.content for row_id, each in seen_before(connection, ids.values()).items()}
    relating = Relating(connection, (row["head_ref"] for row in rows.values()), means)
    for number, row in rows.items():
        own_id, commune, content = ids[number], row["commune_code"], means.content(msgspec.json.encode(row).decode())
        if row["premises_ref"] not in known:
            taken.rejected.append(Rejected(number, "premises_ref", "import.premises_unknown"))
        elif known[row["premises_ref"]] != commune:
            taken.rejected.append(Rejected(number, "commune_code", "import.commune_differs"))
        elif own_id in seen:
            if seen[own_id] == content:
                taken.counts["unchanged"] += 1
            else:
                taken.rejected.append(Rejected(number, "household_ref", "import.row_changed"))
        else:
            _add_household(taken, row, own_id, means)
            if row["head_ref"]:
                said = {"ref": row["head_ref"], "commune_code": commune, "valid_from": row["formed_on"]}
                taken.add(tables.relations, relating.row("head", own_id, **said))
                taken.counts["heads"] += 1
            taken.remember(means, own_id, number, commune_code=commune, subject_id=own_id, content=content)
            seen[own_id] = content
            taken.counts["households"] += 1
    return taken


def _add_household(taken: Taken, row: Row, household_id: str, means: Means) -> None:
    if row["unit"]:
        taken.add(tables.units, *unit_rows(row["premises_ref"], [row["unit"]], commune_code=row["commune_code"], means=means))
    taken.add(
        tables.households,
        {
            "commune_code": row["commune_code"],
            "household_id": household_id,
            "premises_id": row["premises_ref"],
            "unit": row["unit"],
            "formed_on": row["formed_on"],
            "created_at": means.now,
            "ended_at": None,
        },
    )
