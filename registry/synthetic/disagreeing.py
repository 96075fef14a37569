"""Further errors planted in a part of the city, for whoever looks after a register: what ``planting.py`` leaves out. The truth is kept apart.

- At records: a person with only an old number, an age nobody reaches, a child hardly younger than the head of the household.
- At premises: an owner left out, fewer places to sleep than people (everywhere else the capacity is made to fit). Their truth is a frame of its own: premises_ref, planted.
- Only records with nothing else planted are taken; the city itself is drawn as before.

Example: ``part, places = with_disagreements(part, share=0.004, chance=chance)``
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from registry.synthetic.city import Part

_PAPERS = ("document_kind", "document_number", "document_issued", "personal_number")


def with_disagreements(part: Part, *, share: float, chance: np.random.Generator) -> tuple[Part, pl.DataFrame]:
    """Return the part with so large a share of records and premises gone wrong in each way, and the premises' truth."""
    records = part.records.join(part.truth.select("record_ref", "planted"), on="record_ref", how="left", maintain_order="left")
    heads = part.households.select("household_ref", "head_ref")
    homes = part.residences.filter(pl.col("relation") == "child").select("record_ref", "household_ref")
    births = records.select(head_ref="record_ref", head_year=pl.col("birth").str.slice(0, 4).cast(pl.Int64, strict=False))
    children = homes.join(heads, on="household_ref").join(births, on="head_ref").drop_nulls().unique("record_ref")
    records = records.join(children.select("record_ref", "head_year"), on="record_ref", how="left", maintain_order="left")
    untouched = pl.col("planted") == ""
    count = max(2, round(records.height * share))
    old = _drawn(records, untouched & pl.col("personal_number").is_not_null() & pl.col("old_number").is_not_null(), count, chance)
    aged = (
        _drawn(records, untouched & (pl.col("birth").str.len_chars() == 10) & pl.col("head_year").is_null(), count, chance) - old
    )
    young = _drawn(
        records, untouched & pl.col("head_year").is_not_null() & (pl.col("birth").str.len_chars() == 10), count, chance
    )
    young -= old | aged
    ref = pl.col("record_ref")
    records = records.with_columns(
        *(pl.when(ref.is_in(sorted(old))).then(None).otherwise(pl.col(each)).alias(each) for each in _PAPERS),
        birth=pl.when(ref.is_in(sorted(aged)))
        .then(pl.lit("1888-01-15"))
        .when(ref.is_in(sorted(young)))
        .then((pl.col("head_year") + 5).cast(pl.String) + pl.lit("-06-15"))
        .otherwise(pl.col("birth")),
    )
    planted = (
        pl.when(ref.is_in(sorted(old)))
        .then(pl.lit("old_number_unlinked"))
        .when(ref.is_in(sorted(aged)))
        .then(pl.lit("age_implausible"))
        .when(ref.is_in(sorted(young)))
        .then(pl.lit("family_implausible"))
        .otherwise(pl.col("planted"))
    )
    premises, places = _at_premises(part, count, chance)
    return replace(
        part, records=records.select(part.records.columns), premises=premises, truth=part.truth.with_columns(planted=planted)
    ), places


def _drawn(frame: pl.DataFrame, where: pl.Expr, count: int, chance: np.random.Generator, *, ref: str = "record_ref") -> set[str]:
    fitting = frame.filter(where)[ref].to_list()
    return set(chance.choice(np.array(fitting, dtype=object), size=min(count, len(fitting)), replace=False)) if fitting else set()


def _at_premises(part: Part, count: int, chance: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    lived = part.residences.group_by("premises_ref").len("people")
    frame = part.premises.join(lived, on="premises_ref", how="left", maintain_order="left")
    ownerless = _drawn(frame, pl.col("owner_ref").is_not_null(), count, chance, ref="premises_ref")
    crowded = (
        _drawn(frame, (pl.col("people") > 2) & pl.col("capacity").is_not_null(), count, chance, ref="premises_ref") - ownerless
    )
    ref = pl.col("premises_ref")
    premises = frame.with_columns(
        owner_ref=pl.when(ref.is_in(sorted(ownerless))).then(None).otherwise(pl.col("owner_ref")),
        capacity=pl.when(ref.is_in(sorted(crowded))).then(1).otherwise(pl.max_horizontal("capacity", "people")),
    ).select(part.premises.columns)
    planted = [(each, "premises_no_owner") for each in sorted(ownerless)] + [
        (each, "premises_over_capacity") for each in sorted(crowded)
    ]
    return premises, pl.DataFrame(planted, schema=["premises_ref", "planted"], orient="row")
