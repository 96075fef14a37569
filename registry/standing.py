"""Where premises stand: the unit a premises was recorded under, and the units of a day it may lie in.

- A premises keeps the code it was recorded with; which unit that was, the day of recording says.
- Through a split there are several, until a person has decided the street or settlement (``registry/unit_questions.py``).
- Addresses are opened for the machine's own comparison inside one transaction, as names are in ``registry/persons.py``; nobody sees them.

Example: ``standings(connection, ["hsh-1"], table, day="2026-07-10", vault=vault)["hsh-1"].today``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, select

from registry import tables
from registry.asking import among
from registry.unit_questions import Question, question_id_of, questions_by_id
from registry.vault import Cell, Vault
from residence.clock import VIETNAM
from residence.people.letters import plain_key
from residence.places.address_parsing import AddressParts, parse_address
from residence.places.addresses import bare_key
from residence.places.locating import house_of, place_of, same_house, street_of
from residence.places.units import Unit, UnitTable, day_after


class Standing(NamedTuple):
    """One premises. ``today``: codes of the units it may lie in."""

    code: str
    unit: Unit | None
    today: frozenset[str]
    name: str
    parts: AddressParts


def standings(
    connection: Connection, premises_ids: Iterable[str], table: UnitTable, *, day: str, vault: Vault
) -> dict[str, Standing]:
    """Return where these premises stand on a day; unknown ones are left out."""
    columns = tables.premises.c
    shown = (columns.premises_id, columns.commune_code, columns.created_at, columns.name_sealed, columns.address_text_sealed)
    rows = connection.execute(select(*shown).where(among(columns.premises_id, sorted(set(premises_ids)), connection))).all()
    keys = vault.load_keys(connection, [row.premises_id for row in rows])
    opened: dict[str, tuple[str, Unit | None, str, AddressParts]] = {}
    for row in rows:
        key, own_id = keys[row.premises_id], row.premises_id
        name = vault.open(key, Cell("premises", "name", own_id), row.name_sealed).decode()
        text = vault.open_text(key, Cell("premises", "address_text", own_id), row.address_text_sealed) or ""
        unit = table.meant(row.commune_code, row.created_at.astimezone(VIETNAM).date().isoformat())
        opened[own_id] = (row.commune_code, unit, name, parse_address(text))
    asked = (question_id_of(unit, place_of(parts)[0]) for _, unit, _, parts in opened.values() if unit is not None)
    questions = questions_by_id(connection, asked)
    return {
        own_id: Standing(code, unit, _today(unit, parts, table, day=day, questions=questions, code=code), name, parts)
        for own_id, (code, unit, name, parts) in opened.items()
    }


def _today(
    unit: Unit | None, parts: AddressParts, table: UnitTable, *, day: str, questions: Mapping[str, Question], code: str
) -> frozenset[str]:
    if unit is None:
        return frozenset({code})
    candidates = settled(unit, place_of(parts)[0], table, day=day, questions=questions)
    return frozenset(each.code for each in candidates)


def settled(unit: Unit, place_key: str, table: UnitTable, *, day: str, questions: Mapping[str, Question]) -> tuple[Unit, ...]:
    """Return the units of a day in which a place of a unit may lie, with what a person decided about it."""
    question = questions.get(question_id_of(unit, place_key))
    if question is not None and question.choice is not None and unit.valid_to is not None:
        return table.candidates(question.choice, at=day_after(unit.valid_to), on=day)
    return table.candidates(unit.code, at=unit.valid_from, on=day)


def one_place(one: Standing, other: Standing) -> bool:
    """Tell whether two premises are one house whose ward was called otherwise."""
    if not one.today & other.today or not _named_otherwise(one, other):
        return False
    if house_of(one.parts) is not None or house_of(other.parts) is not None:
        return same_house(one.parts, other.parts)
    # Without a number the premises' own names must agree as well: a settlement is not one house.
    same_street = bool(street_of(one.parts)) and street_of(one.parts) == street_of(other.parts)
    same_hamlet = bool(one.parts.hamlets) and place_of(one.parts) == place_of(other.parts)
    return (same_street or same_hamlet) and plain_key(one.name) == plain_key(other.name)


def _named_otherwise(one: Standing, other: Standing) -> bool:
    """Tell whether the two are of units of other names, by their codes or in their addresses."""
    units = (one.unit.key if one.unit else one.code) != (other.unit.key if other.unit else other.code)
    return units or _written(one.parts) != _written(other.parts)


def _written(parts: AddressParts) -> tuple[str, ...]:
    names = (parts.commune, parts.district, parts.province, *parts.unplaced)
    return tuple(plain_key(bare_key(each)) for each in names if each)
