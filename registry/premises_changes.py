"""A premises corrected after it was taken over: kind, name, address, capacity, who declares, and its units; and what it was at any instant.

- What speaks against it is told at once (``residence/places/premises_corrections.py``); with an error nothing is written.
- A unit where somebody is registered or stays today is not removed: they are moved first.
- Another kind is remembered with the instant until which the register had the one before: what arrived by then goes by that one, and taking a
  kind back is no exception, for what was told meanwhile was told by it.
- ``expected`` is the latest correction whoever corrects has seen: of two at once the second is told (``correction.changed_meanwhile``).
- What it was is worked out from what stands and the corrections since (``premises_then``), for name and address from their sealed values.
- A correction is taken back, the latest first.

Example: ``correct_premises(connection, "rnt-001", PremisesCorrection(capacity=12), hand=hand, expected=None)``
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, Row, delete, or_, select, update

from registry import tables
from registry.asking import among
from registry.correcting import (
    Change,
    Corrected,
    Hand,
    check_reason,
    correction_rows,
    correction_to_take_back,
    keep_correction,
    require_latest,
)
from registry.locking import locked_row
from registry.premises import add_units, load_premises, read_kinds, written_kinds
from registry.sweep_marks import mark
from registry.vault import Cell, Vault
from residence.clock import VIETNAM
from residence.errors import Conflict, Refused, has_errors, problem
from residence.places.premises import Premises, PremisesKind
from residence.places.premises_corrections import PremisesCorrection, check_correction, with_earlier
from residence.stays.spans import normal_unit
from residence.wire.correction import digest_of_sealed

_CLEAR: Final = ("kind", "capacity", "declared_by")
_SEALED: Final = ("name", "address_text")


def correct_premises(
    connection: Connection, premises_id: str, asked: PremisesCorrection, *, hand: Hand, expected: str | None
) -> Corrected:
    """Correct a premises, or say all that speaks against it; ``Refused("registry.premises_unknown")``, ``Conflict``."""
    check_reason(hand)
    row = _locked(connection, premises_id)
    latest = next(iter(correction_rows(connection, premises_id)), None)
    if (latest.correction_id if latest else None) != expected:
        raise Conflict("correction.changed_meanwhile", "/expected")
    units = _units(connection, premises_id)
    problems = check_correction(asked, kind=PremisesKind(row.kind), units=units, normal=normal_unit)
    gone = {key for each in asked.remove_units if (key := normal_unit(each)) in units}
    if _lived_in(connection, premises_id, gone, hand.means.now):
        problems = (*problems, problem("correction.unit_lived_in", "/remove_units"))
    if has_errors(problems):
        return Corrected(row_id=premises_id, problems=problems)
    wanted = {name: value for name in _CLEAR if (value := getattr(asked, name)) is not UNSET}
    if "kind" in wanted:
        wanted["kind"] = str(wanted["kind"])
    removed = tuple(sorted(units[key] for key in gone))
    added = tuple(each.strip() for each in asked.add_units)
    return _write(connection, row, _Wanted(wanted, _sealed(connection, row, asked, hand), added, removed), hand=hand)


def take_back_premises(connection: Connection, correction_id: str, *, hand: Hand) -> Corrected:
    """Take the latest correction of a premises back; ``Refused("correction.unknown")``, ``Conflict``."""
    check_reason(hand)
    taken = correction_to_take_back(connection, correction_id, "premises")
    row = _locked(connection, taken.row_id)
    require_latest(connection, taken, subject_id=row.premises_id)
    gone = {normal_unit(each) for each in taken.after.get("units", ())}
    if _lived_in(connection, row.premises_id, gone, hand.means.now):
        raise Conflict("correction.unit_lived_in", "/correction_id")
    wanted = {name: taken.before[name] for name in _CLEAR if name in taken.before}
    sealed = {f"{name}_sealed": getattr(taken, f"{name}_sealed") for name in _SEALED if name in taken.before}
    back = _Wanted(wanted, sealed, tuple(taken.before.get("units", ())), tuple(taken.after.get("units", ())))
    return _write(connection, row, back, hand=hand, answers=correction_id)


def premises_then(connection: Connection, premises_id: str, at: datetime, *, vault: Vault) -> Premises | None:
    """Return what the register said of a premises at an instant, as corrections tell; None when it did not know it yet."""
    place = load_premises(connection, [premises_id], vault=vault).get(premises_id)
    columns = tables.premises.c
    known = select(columns.created_at).where(columns.premises_id == premises_id)
    if place is None or (connection.scalar(known) or at) > at:
        return None
    key = vault.load_keys(connection, [premises_id])[premises_id]
    for row in correction_rows(connection, premises_id, since=at):
        units = (set(place.units) - set(row.after.get("units", ()))) | set(row.before.get("units", ()))
        said: dict[str, Any] = {name: row.before[name] for name in _CLEAR if name in row.before}
        if "kind" in said:
            said["kind"] = PremisesKind(said["kind"])
        for name in _SEALED:
            if name in row.before:
                sealed = getattr(row, f"{name}_sealed")
                said[name] = vault.open_text(key, Cell("premises", name, premises_id), sealed) or ""
        place = msgspec.structs.replace(place, units=tuple(sorted(units)), **said)
    return msgspec.structs.replace(place, earlier_kinds=tuple(each for each in place.earlier_kinds if each.until <= at))


class _Wanted(msgspec.Struct, frozen=True):
    """What a row is to say, and which units come and go."""

    values: Mapping[str, Any]
    sealed: Mapping[str, bytes | None]
    add: tuple[str, ...]
    remove: tuple[str, ...]


def _write(connection: Connection, row: Row[Any], wanted: _Wanted, *, hand: Hand, answers: str | None = None) -> Corrected:
    values = {name: value for name, value in wanted.values.items() if getattr(row, name) != value}
    sealed = {name: value for name, value in wanted.sealed.items() if getattr(row, name) != value}
    if not (values or sealed or wanted.add or wanted.remove):
        return Corrected(row_id=row.premises_id)
    before, after = {name: getattr(row, name) for name in values}, dict(values)
    for side, units in ((before, wanted.remove), (after, wanted.add)):
        if units:
            side["units"] = list(units)
    names = {name: name.removesuffix("_sealed") for name in sealed}
    columns, own_id = tables.premises.c, row.premises_id
    same = (columns.commune_code == row.commune_code) & (columns.premises_id == own_id)
    earlier = _earlier(row, hand.means.now) if "kind" in values else {}
    if values or sealed:
        connection.execute(update(tables.premises).where(same).values(**values, **sealed, **earlier))
    _change_units(connection, row, wanted, hand.means.now)
    mark(connection, [(row.commune_code, own_id)])  # another kind, another deadline
    change = Change(
        what="premises",
        commune_code=row.commune_code,
        subject_id=own_id,
        row_id=own_id,
        event="corrected" if answers is None else "taken_back",
        before=before,
        after=after,
        sealed={name: getattr(row, name) for name in sealed},
        digests=(
            {names[name]: digest_of_sealed(getattr(row, name)) for name in sealed},
            {names[name]: digest_of_sealed(value) for name, value in sealed.items()},
        ),
        answers=answers,
    )
    return Corrected(correction_id=keep_correction(connection, change, hand), row_id=own_id)


def _earlier(row: Row[Any], now: datetime) -> dict[str, str | None]:
    return {"earlier_kinds": written_kinds(with_earlier(read_kinds(row.earlier_kinds), PremisesKind(row.kind), until=now))}


def _sealed(connection: Connection, row: Row[Any], asked: PremisesCorrection, hand: Hand) -> dict[str, bytes | None]:
    """Return the new sealed values; of what is the same as before none, for the same text sealed again would look like a change."""
    vault, own_id = hand.means.vault, row.premises_id
    key, sealed = vault.load_keys(connection, [own_id])[own_id], {}
    for name in _SEALED:
        text, cell = getattr(asked, name), Cell("premises", name, own_id)
        if text is not UNSET and text.strip() != (vault.open_text(key, cell, getattr(row, f"{name}_sealed")) or ""):
            sealed[f"{name}_sealed"] = vault.seal(key, cell, text.strip())
    return sealed


def _change_units(connection: Connection, row: Row[Any], wanted: _Wanted, now: datetime) -> None:
    columns = tables.units.c
    if wanted.remove:
        here = (columns.commune_code == row.commune_code) & (columns.premises_id == row.premises_id)
        connection.execute(delete(tables.units).where(here, among(columns.unit, wanted.remove, connection)))
    add_units(connection, row.premises_id, wanted.add, commune_code=row.commune_code, now=now)


def _units(connection: Connection, premises_id: str) -> dict[str, str]:
    columns = tables.units.c
    rows = connection.execute(select(columns.unit_key, columns.unit).where(columns.premises_id == premises_id))
    return {row.unit_key: row.unit for row in rows}


def _lived_in(connection: Connection, premises_id: str, unit_keys: set[str], now: datetime) -> bool:
    """Tell whether anybody is registered or stays today in one of these units."""
    if not unit_keys:
        return False
    homes, stays, day = tables.residences.c, tables.stays.c, now.astimezone(VIETNAM).date().isoformat()
    lives = (homes.premises_id == premises_id, or_(homes.valid_to.is_(None), homes.valid_to >= day))
    there = (stays.premises_id == premises_id, stays.status.in_(("open", "disputed")))
    units = [*connection.scalars(select(homes.unit).where(*lives)), *connection.scalars(select(stays.unit).where(*there))]
    return any(each and normal_unit(each) in unit_keys for each in units)


def _locked(connection: Connection, premises_id: str) -> Row[Any]:
    row = locked_row(connection, tables.premises, premises_id)
    if row is None:
        raise Refused("registry.premises_unknown", "/premises_id")
    return row
