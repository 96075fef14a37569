"""Premises and their units: who may be declared where.

- The name and address of a premises may be a household's, so both are sealed under the premises' own key; kind, commune and units are not.
- ``load_premises`` opens them for screens that show a place; ``load_places`` opens nothing.

Example: ``load_premises(connection, ["blk-hoa-binh"], vault=vault)["blk-hoa-binh"].name``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from registry import tables
from registry.asking import ask
from registry.columns import NUL
from registry.vault import Cell, Vault
from residence.places.premises import EarlierKind, Premises, PremisesKind
from residence.stays.spans import normal_unit

_SHOWN: Final = "SELECT premises_id, kind, commune_code, remote_area, capacity, declared_by, earlier_kinds FROM premises WHERE premises_id {among}"
_UNITS: Final = {
    "sqlite": """
        SELECT u.premises_id, u.unit_key, u.unit FROM json_each(?) AS asked CROSS JOIN units AS u
        ON u.premises_id = json_extract(asked.value, '$[0]') AND u.unit_key = json_extract(asked.value, '$[1]')""",
    "postgresql": """
        SELECT u.premises_id, u.unit_key, u.unit FROM json_array_elements(%s::json) AS asked(value) JOIN units AS u
        ON u.premises_id = asked.value ->> 0 AND u.unit_key = asked.value ->> 1""",
}


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
        "capacity": premises.capacity,
        "declared_by": premises.declared_by,
        "earlier_kinds": written_kinds(premises.earlier_kinds),
        "created_at": now,
    }
    connection.execute(insert(tables.premises), [row])
    add_units(connection, premises.premises_id, premises.units, commune_code=premises.commune_code, now=now)


def add_units(connection: Connection, premises_id: str, units: Iterable[str], *, commune_code: str, now: datetime) -> None:
    """Insert units of a premises."""
    rows = [
        {"commune_code": commune_code, "premises_id": premises_id, "unit": unit, "unit_key": normal_unit(unit), "created_at": now}
        for unit in units
    ]
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
            usual_reason=row.usual_reason,
        )
    return loaded


def set_usual_reason(connection: Connection, premises: Premises, reason: str | None) -> None:
    """Note what the forms of a premises' desk begin with; None: nothing."""
    columns = tables.premises.c
    here = (columns.commune_code == premises.commune_code, columns.premises_id == premises.premises_id)
    connection.execute(update(tables.premises).where(*here).values(usual_reason=reason))


def premises_of(connection: Connection, commune_code: str, *, vault: Vault, limit: int = 500) -> list[Premises]:
    """Return a commune's premises by id, at most ``limit``."""
    columns = tables.premises.c
    query = select(columns.premises_id).where(columns.commune_code == commune_code).order_by(columns.premises_id).limit(limit)
    return list(load_premises(connection, connection.scalars(query), vault=vault).values())


class Places:
    """What the rules need of a batch's places: nothing sealed, and of the units only what each question needs."""

    def __init__(self, premises: dict[str, Premises], units: dict[tuple[str, str], str], first_units: dict[str, str]) -> None:
        self._premises = premises
        self._units = units
        self._first_units = first_units

    def __contains__(self, premises_id: str) -> bool:
        """Tell whether a premises is known."""
        return premises_id in self._premises

    def commune_of(self, premises_id: str) -> str | None:
        """Return the commune of a premises, None when it is unknown."""
        premises = self._premises.get(premises_id)
        return premises.commune_code if premises else None

    def place(self, premises_id: str, unit: str | None) -> Premises | None:
        """Return a premises with the asked unit if it exists, else with another that does: a stranger, but the premises has units."""
        premises = self._premises.get(premises_id)
        known = self._units.get((premises_id, normal_unit(unit))) or self._first_units.get(premises_id)
        return msgspec.structs.replace(premises, units=(known,)) if premises and known else premises


def load_places(connection: Connection, asked: Iterable[tuple[str, str | None]]) -> Places:
    """Look up each ``(premises_id, unit)`` of a batch in two or three queries, however many units a premises has."""
    pairs = {(each, unit if unit is None or NUL not in unit else None) for each, unit in asked if NUL not in each}
    wanted = sorted({premises_id for premises_id, _ in pairs})
    if not wanted:
        return Places({}, {}, {})
    columns = tables.units.c
    keys = {(premises_id, normal_unit(unit)) for premises_id, unit in pairs}
    written = msgspec.json.encode(sorted(keys)).decode()
    units = {(row[0], row[1]): row[2] for row in connection.exec_driver_sql(_UNITS[connection.dialect.name], (written,)).all()}
    strange = sorted({premises_id for premises_id, _ in keys - units.keys()})  # nearly always none, and each has many units
    first = (
        select(columns.premises_id, func.min(columns.unit)).where(columns.premises_id.in_(strange)).group_by(columns.premises_id)
    )
    return Places(
        {row.premises_id: _premises(row, (), name="") for row in ask(connection, _SHOWN, wanted)},
        units,
        {row[0]: row[1] for row in connection.execute(first)} if strange else {},
    )


def _premises(
    row: Row[Any], units: tuple[str, ...], *, name: str, address_text: str = "", usual_reason: str | None = None
) -> Premises:
    return Premises(
        premises_id=row.premises_id,
        kind=PremisesKind(row.kind),
        commune_code=row.commune_code,
        name=name,
        address_text=address_text,
        remote_area=bool(row.remote_area),
        units=units,
        capacity=row.capacity,
        declared_by=row.declared_by,
        earlier_kinds=read_kinds(row.earlier_kinds) if row.earlier_kinds else (),
        usual_reason=usual_reason,
    )


def read_kinds(written: str | None) -> tuple[EarlierKind, ...]:
    """Return the kinds a premises was corrected from, as ``written_kinds`` wrote them."""
    return msgspec.json.decode(written, type=tuple[EarlierKind, ...]) if written else ()


def written_kinds(earlier: tuple[EarlierKind, ...]) -> str | None:
    """Return what ``premises.earlier_kinds`` says of them: nothing for a premises whose kind was never corrected."""
    return msgspec.json.encode(earlier).decode() if earlier else None
