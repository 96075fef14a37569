"""A city in parts of some communes each: what a register would hold, and apart from it the truth.

- A part has at most 48,000 persons in communes of about 16,000; a duplicate stands in the same part as its person.
- ``premises``: premises_ref, kind, capacity, commune_code, name, address_text, old_address, units (``;`` between), owner_ref.
- ``households``: household_ref, commune_code, premises_ref, unit, head_ref, formed_on.
- ``records``: one row for each person as registered once: record_ref, commune_code, full_name, birth (YYYY-MM-DD or YYYY), sex,
  nationality, personal_number, old_number, document_*, phone, residence_text, permitted_until, status.
- ``residences``: one row for each record and home: record_ref, household_ref, premises_ref, unit, relation, kind, valid_from,
  valid_to, absent_from, absent_to, guardian_ref. Who moved has two.
- ``truth``: record_ref, person_ref (equal for records of one person), planted.

Example: ``next(city(500, chance)).truth.filter(pl.col("planted").str.contains("duplicate")).height == 25``
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from registry.synthetic.families import OTHERS, RELATIONS, SHARING, TODAY, Families, draw_families
from registry.synthetic.people import Numbers, birth_texts, full_names, with_papers
from registry.synthetic.places import addresses_elsewhere, draw_commune, draw_homes
from registry.synthetic.planting import with_duplicates, with_errors
from registry.synthetic.residing import households_of, residences_of
from registry.synthetic.spoiling import Plan
from registry.synthetic.words import Whole, digits, joined

PERSONS_PER_COMMUNE: Final = 16_000
PERSONS_PER_PART: Final = 3 * PERSONS_PER_COMMUNE
_RECORD: Final = (
    "record_ref", "commune_code", "full_name", "birth", "sex", "nationality", "personal_number", "old_number", "document_kind",
    "document_number", "document_issued", "phone", "residence_text", "permitted_until", "status",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Some communes; the module says what each frame holds."""

    premises: pl.DataFrame
    households: pl.DataFrame
    records: pl.DataFrame
    residences: pl.DataFrame
    truth: pl.DataFrame

    def residents(self) -> pl.DataFrame:
        """Return records and residences in one list, as a register's export has them."""
        return self.residences.drop("commune_code").join(self.records, on="record_ref", how="left", maintain_order="left")


def city(persons: int, chance: np.random.Generator, *, plan: Plan | None = None) -> Iterator[Part]:
    """Draw a city of so many persons, part by part."""
    numbers, communes = Numbers(), 0
    for start in range(0, persons, PERSONS_PER_PART):
        count = min(PERSONS_PER_PART, persons - start)
        sizes = [min(PERSONS_PER_COMMUNE, count - each) for each in range(0, count, PERSONS_PER_COMMUNE)]
        yield _part(sizes, chance, numbers=numbers, first=(start, communes), plan=plan or Plan())
        communes += len(sizes)


def _part(sizes: list[int], chance: np.random.Generator, *, numbers: Numbers, first: tuple[int, int], plan: Plan) -> Part:
    """Draw one part. ``first``: how many persons and communes came before it."""
    drawn = [_commune(size, chance, numbers=numbers, number=first[1] + at) for at, size in enumerate(sizes)]
    starts = np.cumsum([0, *(homes.height for _, homes, _ in drawn)])
    homes = pl.concat([each for _, each, _ in drawn]).with_row_index("household").with_columns(pl.col("household").cast(pl.Int64))
    people = pl.concat(
        [
            each.with_columns(household=pl.col("household") + int(start))
            for (each, _, _), start in zip(drawn, starts[:-1], strict=True)
        ]
    )
    people = people.with_columns(person_ref=joined("true-", digits(first[0] + np.arange(people.height), 9), separator=""))
    people = with_duplicates(people, homes, persons=people.height, plan=plan, chance=chance)
    people = with_errors(people, plan=plan, chance=chance).sort("household", maintain_order=True)
    people = people.join(homes.select("household", "commune_code"), on="household", how="left", maintain_order="left")
    people = people.with_columns(record_ref=_references(people["commune_code"]))
    premises = pl.concat([each for _, _, each in drawn])
    people, households = households_of(people, homes, plan=plan, chance=chance)
    people, residences = residences_of(people, homes, chance=chance)
    return Part(
        premises=_with_owners(premises, households, homes),
        households=households,
        records=people.select(_RECORD),
        residences=residences,
        truth=people.select("record_ref", "person_ref", "planted"),
    )


def _commune(
    size: int, chance: np.random.Generator, *, numbers: Numbers, number: int
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return people (with ``household`` counted in the commune), homes (one row per household) and premises."""
    commune = draw_commune(chance, number)
    families = _first(draw_families(chance, max(2, size // 2)), size)
    form = families.form[: int(families.household[-1]) + 1]
    homes = draw_homes(chance, commune, form)
    where = homes.premises[homes.place].select("premises_ref", "kind", "address_text", "old_address", "commune_code")
    lived = where.with_columns(unit=homes.unit, sharing=pl.Series(form == SHARING))
    papers = with_papers(chance, families, home=np.full(families.members, commune.province), numbers=numbers)
    people = pl.DataFrame(
        {
            "household": families.household,
            "relation": pl.Series(RELATIONS).gather(families.place),
            "full_name": full_names(chance, families),
            "birth": birth_texts(families, chance),
            "sex": pl.Series(("male", "female")).gather(families.female.astype(np.int64)),
            "age": families.ages,
        }
    ).with_columns(papers.get_columns())
    return _with_addresses(people, lived, families, chance), lived, homes.premises


def _first(families: Families, size: int) -> Families:
    """Return the first members; the last household may lose some."""
    cut = {name: getattr(families, name)[:size] for name in ("household", "place", "female", "born", "people", "family")}
    return Families(form=families.form, **cut)


def _with_addresses(people: pl.DataFrame, homes: pl.DataFrame, families: Families, chance: np.random.Generator) -> pl.DataFrame:
    """Add what the card says of the residence: written as of its issue, at home or, for who came from elsewhere, there."""
    count = people.height
    home = homes[families.household]
    before = people["document_issued"].fill_null(TODAY.isoformat()) < "2025-07-01"
    rented = home["kind"].is_in(["rental-house", "dormitory"]).to_numpy()
    from_elsewhere = (families.place >= OTHERS.start) | home["sharing"].to_numpy() | (rented & (chance.random(count) < 0.4))
    elsewhere = addresses_elsewhere(chance, count)
    away = pl.Series(from_elsewhere)
    frame = pl.select(
        old_writing=pl.when(away).then(elsewhere["old"]).otherwise(home["old_address"]),
        new_writing=pl.when(away).then(elsewhere["new"]).otherwise(home["address_text"]),
    )
    return people.with_columns(frame.get_columns()).with_columns(
        residence_text=pl.when(before).then("old_writing").otherwise("new_writing"),
        temporary=away,
        status=pl.lit("living"),
        planted=pl.lit(""),
    )


def _references(communes: pl.Series) -> pl.Series:
    """Return a reference for each record, counted within its commune."""
    within = pl.DataFrame({"commune": communes}).select(pl.int_range(pl.len()).over("commune")).to_series()
    serial: Whole = within.to_numpy()
    return joined(communes, digits(serial, 6), separator="-P")


def _with_owners(premises: pl.DataFrame, households: pl.DataFrame, homes: pl.DataFrame) -> pl.DataFrame:
    """Add the units lived in, and as owner of a house or rental house the head of its first household."""
    lived = homes.group_by("premises_ref").agg(pl.col("unit").drop_nulls().unique().sort().str.join(";").alias("units"))
    heads = households.group_by("premises_ref").agg(pl.col("head_ref").drop_nulls().first().alias("owner_ref"))
    joined_ = premises.join(lived, on="premises_ref", how="left").join(heads, on="premises_ref", how="left")
    owned = pl.col("kind").is_in(["household", "rental-house"])
    units = pl.when(pl.col("units") == "").then(None).otherwise(pl.col("units"))
    return joined_.with_columns(owner_ref=pl.when(owned).then("owner_ref").otherwise(None), units=units).sort("premises_ref")
