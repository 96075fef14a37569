"""Who is registered where, from when to when: households with their heads, permanent and temporary residence, moves and absences.

- Temporary residence lasts at most two years; some have run out. Two in a hundred permanent households moved within the city and keep
  the earlier residence, ended the day before; a tenth of these was not ended (planted ``residence_overlaps``).
- Two in a hundred adults are absent for a time; a child under age has the head as guardian. Nobody is registered before birth.
- Planted at households: ``household_no_head``, ``household_two_heads``, on the record it shows at.

Example: ``people, households = households_of(people, homes, plan=Plan(), chance=chance)``
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from registry.synthetic.families import GROWN, TODAY_NUMBER
from registry.synthetic.people import days
from registry.synthetic.spoiling import Plan
from registry.synthetic.words import Whole, Yes, digits, joined, one_of, only

_LONGEST: Final = 730
_MOVED, _NOT_ENDED, _ABSENT = 0.02, 0.1, 0.02


def households_of(
    people: pl.DataFrame, homes: pl.DataFrame, *, plan: Plan, chance: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the people (some heads gone wrong) and their households."""
    roll = chance.random(homes.height)
    trouble = homes.select(
        "household", no_head=pl.Series(roll < plan.household_errors), two_heads=pl.Series(roll > 1 - plan.household_errors)
    )
    people = people.join(trouble, on="household", how="left", maintain_order="left")
    lost = pl.col("no_head") & (pl.col("relation") == "head")
    second = pl.col("two_heads") & (pl.col("relation") == "spouse")
    people = people.with_columns(
        relation=pl.when(lost).then(pl.lit("other")).when(second).then(pl.lit("head")).otherwise("relation"),
        planted=pl.when(lost)
        .then(_also("household_no_head"))
        .when(second)
        .then(_also("household_two_heads"))
        .otherwise("planted"),
    ).drop("no_head", "two_heads")
    heads = people.filter(pl.col("relation") == "head").group_by("household").agg(pl.col("record_ref").first().alias("head_ref"))
    formed = TODAY_NUMBER - 30 - one_of(chance, 9000, homes.height)
    households = (
        homes.with_columns(
            household_ref=joined(homes["commune_code"], digits(np.arange(homes.height), 6), separator="-H"),
            formed_on=days(formed),
        )
        .join(heads, on="household", how="left", maintain_order="left")
        .select("household_ref", "commune_code", "premises_ref", "unit", "head_ref", "formed_on")
    )
    return people, households


def _also(word: str) -> pl.Expr:
    return pl.when(pl.col("planted") == "").then(pl.lit(word)).otherwise(pl.col("planted") + pl.lit(f";{word}"))


def residences_of(people: pl.DataFrame, homes: pl.DataFrame, *, chance: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the people (with overlaps planted) and their residences."""
    household = people["household"].to_numpy()
    temporary, born = people["temporary"].to_numpy(), _born_by(people)
    begun, ended = _dates(people, household, temporary, households=homes.height, chance=chance)
    absent = ~temporary & (people["age"].to_numpy() >= GROWN) & (chance.random(people.height) < _ABSENT)
    away = TODAY_NUMBER - one_of(chance, 400, people.height)
    now = pl.DataFrame(
        {
            "record_ref": people["record_ref"],
            "household_ref": joined(homes["commune_code"], digits(np.arange(homes.height), 6), separator="-H").gather(household),
            "relation": people["relation"],
            "kind": pl.Series(("permanent", "temporary")).gather(temporary.astype(np.int64)),
            "valid_from": days(begun),
            "valid_to": only(days(ended), temporary),
            "absent_from": only(days(away), absent),
            "absent_to": only(days(away + 30 + one_of(chance, 300, people.height)), absent),
        }
    )
    now = now.with_columns(homes[household].select("commune_code", "premises_ref", "unit").get_columns())
    now = now.with_columns(guardian_ref=_guardians(people))
    moved = np.flatnonzero((chance.random(homes.height) < _MOVED)[household] & ~temporary & (begun > born + 400))
    open_ = chance.random(len(moved)) < _NOT_ENDED
    came_from = homes[one_of(chance, homes.height, homes.height)][household[moved]]
    earlier = now[moved].with_columns(
        came_from.select("commune_code", "premises_ref", "unit").get_columns(),
    )
    earlier = earlier.with_columns(
        household_ref=pl.lit(None, dtype=pl.String),
        relation=pl.lit(None, dtype=pl.String),
        valid_from=days(np.maximum(begun[moved] - 300 - one_of(chance, 4000, len(moved)), born[moved])),
        valid_to=only(days(begun[moved] - 1), ~open_),
        absent_from=pl.lit(None, dtype=pl.String),
        absent_to=pl.lit(None, dtype=pl.String),
        guardian_ref=pl.lit(None, dtype=pl.String),
    )
    overlapping = np.zeros(people.height, dtype=np.bool_)
    overlapping[moved[open_]] = True
    planted = pl.when(pl.Series(overlapping)).then(_also("residence_overlaps")).otherwise("planted")
    order = np.argsort(np.r_[np.arange(people.height) * 2 + 1, moved * 2], kind="stable")
    return people.with_columns(planted=planted), pl.concat([now, earlier])[order]


def _guardians(people: pl.DataFrame) -> pl.Series:
    """Return who answers for each child under age: the first head of the household."""
    heads = people.filter(pl.col("relation") == "head").group_by("household").agg(pl.col("record_ref").first().alias("guardian"))
    child = (pl.col("relation") == "child") & (pl.col("age") < GROWN)
    with_heads = people.join(heads, on="household", how="left", maintain_order="left")
    return with_heads.select(pl.when(child).then("guardian").otherwise(None)).to_series()


def _born_by(people: pl.DataFrame) -> Whole:
    """Return a day everybody was born by."""
    return np.minimum(TODAY_NUMBER - (people["age"].to_numpy() * 365.25).astype(np.int64) + 1, TODAY_NUMBER)


def _dates(
    people: pl.DataFrame, household: Whole, temporary: Yes, *, households: int, chance: np.random.Generator
) -> tuple[Whole, Whole]:
    """Return when each residence began and, for temporary ones, ends: a household together, nobody before birth."""
    together = TODAY_NUMBER - 60 - one_of(chance, 9000, households)
    recently = TODAY_NUMBER - 5 - one_of(chance, 800, people.height)
    begun = np.maximum(np.where(temporary, recently, together[household]), _born_by(people))
    return begun, begun + 180 + one_of(chance, _LONGEST - 180, people.height)
