"""Communes, premises, units and addresses, written as before and as since 2025-07-01.

- A commune of today was made of two or three of before, in a district that is no more; the province is real, all below it is invented.
- Before: detail, ward, district, province, without type words except at numbers. Since: detail, ward with its type word, province.
- Homes: own houses of one or two households, apartment blocks, rental houses with rooms, dormitories; hotels where nobody is registered.

Example: ``draw_commune(chance, 3).code`` is ``"syn-0003"``
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from registry.synthetic.families import SHARING
from registry.synthetic.people import PROVINCES
from registry.synthetic.words import Whole, digits, joined, one_of, pick, taken, words
from residence.places.provinces import provinces

HOTELS: Final = 3
_HOME_KINDS: Final = ("household", "apartment-block", "rental-house", "dormitory")
_HOME_SHARES, _SHARING_SHARES = (0.64, 0.24, 0.12), (0.1, 0.12, 0.6, 0.18)
# Households to a premises by kind; a house of two households counts as one and a half.
_HOLDS: Final = (1.5, 96, 8, 24)
_CAPACITY: Final = (9, 440, 24, 96)


@dataclass(frozen=True, kw_only=True, slots=True)
class Commune:
    """One commune of today and what it was made of."""

    code: str
    province: int  # place in PROVINCES
    name: str
    old_names: tuple[str, ...]
    district: str


def draw_commune(chance: np.random.Generator, number: int) -> Commune:
    """Invent commune ``number``."""
    wards, districts = words("places", "wards"), words("places", "districts")
    kept = chance.permutation(len(wards))
    numbered = chance.random() < 0.2
    old = [
        f"Phường {1 + int(chance.integers(0, 20))}" if numbered else wards[each]
        for each in kept[1 : 3 + int(chance.integers(0, 2))]
    ]
    return Commune(
        code=f"syn-{number:04d}",
        province=int(chance.integers(0, len(PROVINCES))),
        name=wards[kept[0]],
        old_names=tuple(old),
        district=districts[int(chance.integers(0, len(districts)))],
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Homes:
    """Premises and units of a commune, and where each household lives: rows of ``premises``, and the unit."""

    premises: pl.DataFrame
    place: Whole
    unit: pl.Series


def draw_homes(chance: np.random.Generator, commune: Commune, form: Whole) -> Homes:
    """Give each household of a commune a home."""
    count = len(form)
    kind = np.where(form == SHARING, pick(chance, _SHARING_SHARES, count), pick(chance, _HOME_SHARES, count))
    place, ranks = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    kinds: list[Whole] = []
    for number, holds in enumerate(_HOLDS):
        mine = np.flatnonzero(kind == number)
        rank = np.arange(len(mine))
        within = (rank / holds).astype(np.int64)
        place[mine] = within + sum(map(len, kinds))
        ranks[mine] = rank - np.ceil(within * holds).astype(np.int64)
        kinds.append(np.full(int(within[-1]) + 1 if len(mine) else 0, number))
    floor, door = ranks // 8 + 1, ranks % 8 + 1
    unit = pl.DataFrame(
        {"kind": kind, "flat": joined(digits(floor, 2), digits(door, 2), separator=""), "room": pl.Series(ranks + 1)}
    )
    chosen = unit.select(
        pl.when(pl.col("kind") == 1)
        .then("flat")
        .when(pl.col("kind") > 1)
        .then(pl.concat_str([pl.lit("P"), pl.col("room").cast(pl.String)]))
        .otherwise(None)
    ).to_series()
    return Homes(premises=_premises(chance, commune, np.concatenate(kinds)), place=place, unit=chosen)


def _premises(chance: np.random.Generator, commune: Commune, kinds: Whole) -> pl.DataFrame:
    homes = len(kinds)
    count = homes + HOTELS
    detail = details(chance, count)
    old = np.resize(np.arange(len(commune.old_names)), count)
    blocks = joined("Chung cư", taken(words("places", "blocks"), one_of(chance, len(words("places", "blocks")), count)))
    hotels = joined("Khách sạn", taken(words("places", "hotels"), one_of(chance, len(words("places", "hotels")), count)))
    kind = np.r_[kinds, np.full(HOTELS, len(_HOME_KINDS))]
    frame = pl.DataFrame(
        {
            "premises_ref": joined(f"{commune.code}-N", digits(np.arange(count), 5), separator=""),
            "kind": taken((*_HOME_KINDS, "hotel"), kind),
            "detail": detail,
            "old_ward": taken(commune.old_names, old),
            "capacity": pl.Series(np.array((*_CAPACITY, 60))[kind]),
        }
    )
    named = pl.when(kind_is("apartment-block")).then(blocks).when(kind_is("hotel")).then(hotels)
    named = named.when(kind_is("rental-house")).then(pl.lit("Nhà trọ ") + pl.col("detail"))
    named = named.when(kind_is("dormitory")).then(pl.lit("Ký túc xá ") + pl.col("detail"))
    before, since = _province_names(commune.province)
    return frame.with_columns(
        commune_code=pl.lit(commune.code),
        name=named.otherwise(pl.lit("Nhà ") + pl.col("detail")),
        address_text=pl.concat_str([pl.col("detail"), pl.lit(f"Phường {commune.name}"), pl.lit(since)], separator=", "),
        old_address=pl.concat_str(["detail", "old_ward", pl.lit(commune.district), pl.lit(before)], separator=", "),
    ).drop("detail", "old_ward")


def kind_is(name: str) -> pl.Expr:
    """Tell which premises are of a kind."""
    return pl.col("kind") == name


def details(chance: np.random.Generator, count: int) -> pl.Series:
    """Draw what stands before the ward in so many addresses."""
    streets = words("places", "streets")
    street = taken(streets, one_of(chance, len(streets), count))
    number, lane, group = (pl.Series(1 + one_of(chance, upper, count)).cast(pl.String) for upper in (240, 60, 12))
    form = pick(chance, (0.4, 0.2, 0.15, 0.15, 0.1), count)
    frame = pl.DataFrame({"form": form, "street": street, "number": number, "lane": lane, "group": group})
    return frame.select(
        pl.when(pl.col("form") == 0)
        .then(pl.format("Số {} đường {}", "number", "street"))
        .when(pl.col("form") == 1)
        .then(pl.format("Số {} ngõ {} đường {}", "number", "lane", "street"))
        .when(pl.col("form") == 2)
        .then(pl.format("{}/{} hẻm {}", "number", "group", "street"))
        .when(pl.col("form") == 3)
        .then(pl.format("Tổ {} khu phố {}", "group", "lane"))
        .otherwise(pl.format("Thôn {}", "street"))
        .alias("detail")
    )["detail"]


def addresses_elsewhere(chance: np.random.Generator, count: int) -> pl.DataFrame:
    """Draw addresses anywhere in the country, each written as before (``old``) and as since (``new``)."""
    wards, districts = words("places", "wards"), words("places", "districts")
    province = one_of(chance, len(PROVINCES), count)
    names = [_province_names(each) for each in range(len(PROVINCES))]
    frame = pl.DataFrame(
        {
            "detail": details(chance, count),
            "ward": taken(wards, one_of(chance, len(wards), count)),
            "district": taken(districts, one_of(chance, len(districts), count)),
            "before": taken([before for before, _ in names], province),
            "since": taken([since for _, since in names], province),
        }
    )
    return frame.select(
        old=pl.concat_str(["detail", "ward", "district", "before"], separator=", "),
        new=pl.concat_str(["detail", pl.lit("Xã ") + pl.col("ward"), "since"], separator=", "),
    )


def _province_names(place: int) -> tuple[str, str]:
    """Return how an address names a province: before 2025-07-01, and its successor with its type word."""
    known = {each.code: each for each in provinces()}
    province = known[PROVINCES[place][1:]]
    centre = province.successor in {"Hà Nội", "Hải Phòng", "Huế", "Đà Nẵng", "Hồ Chí Minh", "Cần Thơ"}
    return province.name, f"{'Thành phố' if centre else 'Tỉnh'} {province.successor}"
