"""Premises and their units: who may be declared where.

- The name and address of a premises may be a household's, so both are sealed under the premises' own key; kind, commune and units are not.
- ``load_premises`` opens them for screens that show a place; ``premises_for_checks`` opens nothing.

Example: ``load_premises(connection, ["blk-hoa-binh"], vault=vault)["blk-hoa-binh"].name``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, tuple_
from sqlalchemy.sql import Select

from registry import tables
from registry.vault import Cell, Vault
from residence.places.premises import Premises, PremisesKind


def add_premises(connection: Connection, premises: Premises, *, vault: Vault, now: datetime) -> None:
    """Insert one premises with its units."""
    key, key_row = vault.new_key(premises.premises_id, "premises", commune_code=premises.commune_code, now=now)
    connection.execute(insert(tables.subject_keys), [key_row])
    row = {
        "commune_code": premises.commune_code,
        "premises_id": premises.premises_id,
        "kind": premises.kind.value,
        "name_sealed": vault.seal(key, Cell("premises", "name", premises.premises_id), premises.name),
        "address_text_sealed": vault.seal(key, Cell("premises", "address_text", premises.premises_id), premises.address_text),
        "remote_area": premises.remote_area,
        "created_at": now,
    }
    connection.execute(insert(tables.premises), [row])
    add_units(connection, premises.premises_id, premises.units, commune_code=premises.commune_code, now=now)


def add_units(connection: Connection, premises_id: str, units: Iterable[str], *, commune_code: str, now: datetime) -> None:
    """Insert units of a premises."""
    rows = [{"commune_code": commune_code, "premises_id": premises_id, "unit": unit, "created_at": now} for unit in units]
    if rows:
        connection.execute(insert(tables.units), rows)


def load_premises(connection: Connection, premises_ids: Iterable[str], *, vault: Vault) -> dict[str, Premises]:
    """Return premises by id with name, address and all units; unknown ids are left out."""
    wanted = sorted(set(premises_ids))
    if not wanted:
        return {}
    rows = connection.execute(select(tables.premises).where(tables.premises.c.premises_id.in_(wanted))).all()
    keys = vault.load_keys(connection, wanted)
    units: dict[str, list[str]] = {}
    columns = tables.units.c
    for premises_id, unit in connection.execute(
        select(columns.premises_id, columns.unit)
        .where(columns.premises_id.in_(wanted))
        .order_by(columns.premises_id, columns.unit)
    ):
        units.setdefault(premises_id, []).append(unit)
    loaded = {}
    for row in rows:
        key, own_id = keys[row.premises_id], row.premises_id
        loaded[own_id] = _premises(
            row,
            tuple(units.get(own_id, ())),
            name=vault.open(key, Cell("premises", "name", own_id), row.name_sealed).decode(),
            address_text=vault.open_text(key, Cell("premises", "address_text", own_id), row.address_text_sealed) or "",
        )
    return loaded


def premises_of(connection: Connection, commune_code: str, *, vault: Vault, limit: int = 500) -> list[Premises]:
    """Return a commune's premises by id, at most ``limit``."""
    columns = tables.premises.c
    query = select(columns.premises_id).where(columns.commune_code == commune_code).order_by(columns.premises_id).limit(limit)
    return list(load_premises(connection, connection.scalars(query), vault=vault).values())


def premises_for_checks(connection: Connection, places: Iterable[tuple[str, str | None]]) -> dict[str, Premises]:
    """Return what the rules need of each ``(premises_id, unit)``: nothing sealed, and of the units only those asked for.

    One unit that exists is always among them when the premises has any, so "no units kept here" and "not this one" stay apart.
    """
    asked = set(places)
    wanted = sorted({premises_id for premises_id, _ in asked})
    if not wanted:
        return {}
    units: dict[str, set[str]] = {}
    for query in _unit_queries(wanted, sorted((premises_id, unit) for premises_id, unit in asked if unit)):
        for row in connection.execute(query):
            units.setdefault(row[0], set()).add(row[1])
    found = connection.execute(select(tables.premises).where(tables.premises.c.premises_id.in_(wanted)))
    return {each.premises_id: _premises(each, tuple(sorted(units.get(each.premises_id, ()))), name="") for each in found}


def _unit_queries(premises_ids: list[str], places: list[tuple[str, str]]) -> list[Select[Any]]:
    columns = tables.units.c
    first = (
        select(columns.premises_id, func.min(columns.unit))
        .where(columns.premises_id.in_(premises_ids))
        .group_by(columns.premises_id)
    )
    if not places:
        return [first]
    mentioned = select(columns.premises_id, columns.unit).where(tuple_(columns.premises_id, columns.unit).in_(places))
    return [first, mentioned]


def _premises(row: Row[Any], units: tuple[str, ...], *, name: str, address_text: str = "") -> Premises:
    return Premises(
        premises_id=row.premises_id,
        kind=PremisesKind(row.kind),
        commune_code=row.commune_code,
        name=name,
        address_text=address_text,
        remote_area=row.remote_area,
        units=units,
    )
