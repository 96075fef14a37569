"""Plant duplicates and errors in a part of the city, and say in the truth what was planted where.

- A duplicate is a further record of a person at another household of the part, with its own reference; nothing in the records tells.
- An error changes one field of a record that is nobody's duplicate.
- ``planted`` is a column of words, ``;`` between them: ``duplicate``, ``name:plain``, ``number:old_only``, ``sex_disagrees`` ...

Example: ``with_duplicates(people, homes, plan=Plan(), chance=chance)``
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from registry.synthetic.spoiling import FIELD_ERRORS, Plan, drawn, fitting_way, spoil_birth, spoil_name, spoil_number

Row = dict[str, Any]


def with_duplicates(
    people: pl.DataFrame, homes: pl.DataFrame, *, persons: int, plan: Plan, chance: np.random.Generator
) -> pl.DataFrame:
    """Return the records with further ones of ``plan.duplicates`` of the ``persons`` among them. ``homes``: one row per household."""
    count = round(persons * plan.duplicates)
    whose = chance.choice(people.height, size=min(count, people.height), replace=False)
    where = chance.integers(0, homes.height, len(whose))
    rows = people[np.sort(whose)].to_dicts()
    ways = {each: drawn(chance, getattr(plan, each), len(rows)) for each in ("names", "numbers", "births", "phones", "addresses")}
    places, noise = homes[where].to_dicts(), chance.random((len(rows), 4))
    further = [
        _further(row, places[at], {name: each[at] for name, each in ways.items()}, noise[at].tolist())
        for at, row in enumerate(rows)
    ]
    return pl.concat([people, pl.DataFrame(further, schema=people.schema)]) if further else people


def _further(row: Row, home: Row, ways: dict[str, str], noise: list[float]) -> Row:
    """Return another record of the same person."""
    planted, ways = ["duplicate"], ways | {"names": fitting_way(row["full_name"], ways["names"])}
    made = {**row, "household": home["household"], "relation": "other", "temporary": True}
    made["full_name"] = spoil_name(row["full_name"], ways["names"], noise[0])
    made["birth"] = spoil_birth(row["birth"], ways["births"], noise[1])
    made["phone"] = {"same": row["phone"], "none": None, "other": _other_phone(row["phone"], noise[2])}[ways["phones"]]
    other_era = row["old_writing"] if row["residence_text"] == row["new_writing"] else row["new_writing"]
    made["residence_text"] = {"same": row["residence_text"], "other_era": other_era, "elsewhere": home["address_text"]}[
        ways["addresses"]
    ]
    _spoil_numbers(made, ways["numbers"], noise[3])
    planted += [
        f"{name}:{ways[field]}"
        for name, field, columns in (
            ("name", "names", ("full_name",)),
            ("number", "numbers", ("personal_number", "document_number")),
            ("birth", "births", ("birth",)),
            ("phone", "phones", ("phone",)),
            ("address", "addresses", ("residence_text",)),
        )
        if any(made[each] != row[each] for each in columns)
    ]
    made["planted"] = ";".join(planted)
    return made


def _other_phone(phone: str | None, noise: float) -> str | None:
    return f"{phone[:3]}{int(noise * 10**7):07d}" if phone else None


def _spoil_numbers(made: Row, way: str, noise: float) -> None:
    number = made["personal_number"]
    if way == "typo" and number:
        made["personal_number"] = spoil_number(number, noise)
        if made["document_number"] == number:
            made["document_number"] = made["personal_number"]
    elif way in {"old_only", "none"}:
        made |= {"personal_number": None, "document_kind": None, "document_number": None, "document_issued": None}
        if way == "old_only" and made["old_number"]:
            made |= {"document_kind": "cmnd", "document_number": made["old_number"]}
        else:
            made["old_number"] = None


def with_errors(people: pl.DataFrame, *, plan: Plan, chance: np.random.Generator) -> pl.DataFrame:
    """Return the records with single fields gone wrong."""
    people = _names_gone_wrong(people, plan=plan, chance=chance)
    each = round(people.height * plan.field_errors)
    places = np.flatnonzero((people["planted"] == "").to_numpy() & people["personal_number"].is_not_null().to_numpy())
    places = chance.permutation(places)[: each * len(FIELD_ERRORS)]
    rows = people[places].to_dicts()
    for at, row in enumerate(rows):
        kind = FIELD_ERRORS[at % len(FIELD_ERRORS)]
        before = dict(row)
        _spoil_field(row, kind, rows[at - len(FIELD_ERRORS)], chance.random())
        if row != before:
            row["planted"] = kind
    return _replaced(people, places, rows)


def _names_gone_wrong(people: pl.DataFrame, *, plan: Plan, chance: np.random.Generator) -> pl.DataFrame:
    places = chance.permutation(np.flatnonzero((people["planted"] == "").to_numpy()))[: round(people.height * plan.name_errors)]
    rows = people[places].to_dicts()
    ways, noise = drawn(chance, plan.names[1:], len(rows)), chance.random(len(rows)).tolist()
    for row, way, where in zip(rows, ways, noise, strict=True):
        fitting = fitting_way(row["full_name"], way)
        spoilt = spoil_name(row["full_name"], fitting, where)
        if spoilt != row["full_name"]:
            row |= {"full_name": spoilt, "planted": f"name:{fitting}"}
    return _replaced(people, places, rows)


def _spoil_field(row: Row, kind: str, other: Row, noise: float) -> None:
    number = row["personal_number"]
    if kind == "sex_disagrees":
        row["sex"] = "male" if row["sex"] == "female" else "female"
    elif kind == "birth_year_disagrees":
        row["birth"] = spoil_birth(row["birth"], "birth_year", noise)
    elif kind == "birth_swapped":
        row["birth"] = spoil_birth(row["birth"], "swapped", noise)
    elif kind == "number_mistyped":
        row["personal_number"] = spoil_number(number, noise)
    elif kind == "number_of_two_persons":
        row["personal_number"] = other["personal_number"]
    elif kind == "dead_but_active":
        row["status"] = "deceased"
    elif kind == "phone_of_many":
        row["phone"] = f"096300000{number[-1]}"


def _replaced(people: pl.DataFrame, places: np.ndarray[tuple[int], np.dtype[np.int64]], rows: list[Row]) -> pl.DataFrame:
    if not rows:
        return people
    changed = pl.DataFrame(rows, schema=people.schema).with_columns(row=pl.Series(places).cast(pl.UInt32))
    numbered = people.with_row_index("row")
    return numbered.update(changed, on="row", include_nulls=True).drop("row")
