"""Administrative units at rest: a file is taken whole or not at all, with its source and licence; read as a table of days.

- ``import_file`` checks a file together with everything known, so that a later file may end what an earlier one began. A unit stated again is
  replaced by what the later file says of it.
- ``load_table`` reads everything; ``load_around`` only what some units were and what all that became, in a few queries.
- The shipped table of provinces is part of ``load_table``, but for codes that a file states for the same days.

Example: ``load_around(connection, ["90001"]).candidates("90004", at="2025-06-30", on="2026-07-10")``
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from uuid import NAMESPACE_OID, uuid5

import msgspec
from sqlalchemy import Column, Connection, delete, insert, or_, select

from registry.asking import among
from registry.bulk import write_rows
from registry.tables_places import admin_units, unit_codes, unit_files, unit_successors
from residence.errors import Conflict, Malformed, Problem
from residence.places.code_systems import CodeMap, SystemCode, check_codes, together
from residence.places.unit_files import UnitFile, read_file
from residence.places.units import Unit, UnitTable, check_units, shipped_units

EVERYWHERE = "*"
_LONGEST_CHAIN = 16  # reforms of one place


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """Where a file is from, and who brings it."""

    file_name: str
    source: str
    licence: str
    by: str


class UnitReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a file."""

    kind: str
    units: int = 0
    codes: int = 0
    problems: tuple[Problem, ...] = ()


def import_file(connection: Connection, data: bytes, provenance: Provenance, *, now: datetime) -> UnitReport:
    """Take a file over, or nothing of it with every problem told."""
    if not provenance.source.strip() or not provenance.licence.strip():
        raise Malformed("units.provenance")
    file = read_file(data, alone=False)
    kind = "codes" if file.codes else "units"
    problems = file.problems or _problems_together(connection, file)
    if problems:
        return UnitReport(kind=kind, problems=problems)
    digest = hashlib.sha256(data).digest()
    file_id = str(uuid5(NAMESPACE_OID, digest.hex()))
    if connection.scalar(select(unit_files.c.file_id).where(unit_files.c.file_id == file_id)) is not None:
        raise Conflict("units.table_known")
    row = msgspec.structs.asdict(provenance) | {
        "commune_code": EVERYWHERE,
        "file_id": file_id,
        "kind": kind,
        "digest": digest,
        "lines": len(file.units) + len(file.codes),
        "imported_by": provenance.by,
        "imported_at": now,
    }
    connection.execute(insert(unit_files), [{name: row[name] for name in unit_files.c.keys()}])  # noqa: SIM118 - a collection of columns
    _write_units(connection, file.units, file_id)
    _write_codes(connection, file.codes, file_id)
    return UnitReport(kind=kind, units=len(file.units), codes=len(file.codes))


def _problems_together(connection: Connection, file: UnitFile) -> tuple[Problem, ...]:
    known = load_table(connection)
    if file.codes:
        stated = {(each.system, each.system_code, each.valid_from) for each in file.codes}
        others = [each for each in _codes(connection) if (each.system, each.system_code, each.valid_from) not in stated]
        return check_codes((*file.codes, *others), known)
    pointers = {unit.key: f"/{number}" for number, unit in enumerate(file.units, start=1)}
    shipped = {each.key for each in shipped_units().units}
    merged = {each.key: each for each in known.units if each.key not in shipped} | {each.key: each for each in file.units}
    return check_units(_with_shipped(merged.values()), pointers=pointers)


def _with_shipped(stated: Iterable[Unit]) -> list[Unit]:
    """Add the shipped units whose code nobody stated for the same days."""
    units = list(stated)
    by_code: dict[str, list[Unit]] = {}
    for each in units:
        by_code.setdefault(each.code, []).append(each)
    return units + [
        each for each in shipped_units().units if not any(together(each, other) for other in by_code.get(each.code, ()))
    ]


def _write_units(connection: Connection, units: Iterable[Unit], file_id: str) -> None:
    units = list(units)
    rows = [
        {
            "commune_code": each.code,
            "valid_from": each.valid_from,
            "valid_to": each.valid_to,
            "level": each.level,
            "name": each.name,
            "parent": each.parent,
            "file_id": file_id,
        }
        for each in units
    ]
    write_rows(connection, admin_units, rows, keep=("commune_code", "valid_from"))
    stated = {each.key for each in units}
    links = unit_successors.c
    before = connection.execute(
        select(links.commune_code, links.valid_from).where(
            among(links.commune_code, sorted({code for code, _ in stated}), connection)
        )
    ).all()
    for code, since in {(row[0], row[1]) for row in before} & stated:
        connection.execute(delete(unit_successors).where(links.commune_code == code, links.valid_from == since))
    rows = [
        {"commune_code": each.code, "valid_from": each.valid_from, "successor": code}
        for each in units
        for code in dict.fromkeys(each.successors)
    ]
    write_rows(connection, unit_successors, rows)


def _write_codes(connection: Connection, codes: Iterable[SystemCode], file_id: str) -> None:
    rows = [
        {
            "commune_code": each.code,
            "system": each.system,
            "system_code": each.system_code,
            "valid_from": each.valid_from,
            "valid_to": each.valid_to,
            "file_id": file_id,
        }
        for each in codes
    ]
    columns = unit_codes.c
    for each in rows:
        again = (
            columns.system == each["system"],
            columns.system_code == each["system_code"],
            columns.valid_from == each["valid_from"],
        )
        connection.execute(delete(unit_codes).where(*again))
    write_rows(connection, unit_codes, rows)


def unit_name(connection: Connection, code: str, *, on: date) -> str | None:
    """Return what a unit is called on a day; None when no table of units names it."""
    columns = admin_units.c
    ends = or_(columns.valid_to.is_(None), columns.valid_to > on.isoformat())
    there = select(columns.name).where(columns.commune_code == code, columns.valid_from <= on.isoformat(), ends)
    found: str | None = connection.scalar(there.order_by(columns.valid_from.desc()).limit(1))
    return found


def load_table(connection: Connection) -> UnitTable:
    """Return every unit known, the shipped ones too."""
    return _table(connection, None)


def load_around(connection: Connection, codes: Iterable[str]) -> UnitTable:
    """Return the units these codes ever named, what those became, everything that was before, and everything all of that became."""
    before, after = unit_successors.c.commune_code, unit_successors.c.successor
    found = set(codes)
    for given, wanted in ((before, after), (after, before), (before, after)):
        found = _reached(connection, found, given=given, wanted=wanted)
    return _table(connection, found)


def _reached(connection: Connection, codes: set[str], *, given: Column[str], wanted: Column[str]) -> set[str]:
    found, waiting = set(codes), set(codes)
    for _ in range(_LONGEST_CHAIN):
        if not waiting:
            break
        near = set(connection.scalars(select(wanted).where(among(given, sorted(waiting), connection)).distinct()))
        waiting = near - found
        found |= near
    return found


def _table(connection: Connection, codes: set[str] | None) -> UnitTable:
    units, links = select(admin_units), select(unit_successors)
    if codes is not None:
        units = units.where(among(admin_units.c.commune_code, sorted(codes), connection))
        links = links.where(among(unit_successors.c.commune_code, sorted(codes), connection))
    after: dict[tuple[str, str], list[str]] = {}
    for row in connection.execute(links.order_by(unit_successors.c.successor)):
        after.setdefault((row.commune_code, row.valid_from), []).append(row.successor)
    known = [
        Unit(
            level=row.level,
            code=row.commune_code,
            name=row.name,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            parent=row.parent,
            successors=tuple(after.get((row.commune_code, row.valid_from), ())),
        )
        for row in connection.execute(units)
    ]
    return UnitTable(_with_shipped(known) if codes is None else known)


def load_codes(connection: Connection) -> CodeMap:
    """Return the codes of other systems."""
    return CodeMap(_codes(connection))


def _codes(connection: Connection) -> list[SystemCode]:
    return [
        SystemCode(
            system=row.system,
            system_code=row.system_code,
            code=row.commune_code,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )
        for row in connection.execute(select(unit_codes))
    ]


def files_known(connection: Connection) -> list[dict[str, object]]:
    """Return which files were taken over, the newest first."""
    columns = unit_files.c
    shown = (
        columns.file_name,
        columns.kind,
        columns.source,
        columns.licence,
        columns.lines,
        columns.imported_by,
        columns.imported_at,
    )
    return [dict(row._mapping) for row in connection.execute(select(*shown).order_by(columns.imported_at.desc()))]  # noqa: SLF001 - SQLAlchemy's public name
