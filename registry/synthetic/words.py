"""The words invented people and places are named with, and how often each is drawn.

- A list's order says how common a word is: shares fall as 1/rank unless the file gives them.
- Texts are made by place in one long list, so that a million names are a few gathers and one join.

Example: ``words("kinh", "family")[0] == "Nguyễn"``
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Yes = NDArray[np.bool_]

PEOPLES: Final = ("kinh", "tay", "thai", "khmer", "hmong", "ede", "foreign")
PEOPLE_SHARES: Final = (0.86, 0.04, 0.03, 0.02, 0.018, 0.017, 0.015)
EDE: Final = PEOPLES.index("ede")
FOREIGN: Final = PEOPLES.index("foreign")


@cache
def _file() -> dict[str, Any]:
    return tomllib.loads(resources.files("registry.synthetic").joinpath("words.toml").read_text("utf-8"))


def words(people: str, what: str) -> tuple[str, ...]:
    """Return a list of the file; a people without one of its own has the common one."""
    return tuple(_file()[people].get(what) or _file()["kinh"][what])


@cache
def shares(people: str, what: str) -> tuple[float, ...]:
    """Return how often each word of a list is drawn; the file's shares are for its first words, the others share the rest."""
    count = len(words(people, what))
    given: Sequence[float] = _file()[people].get(f"{what}_shares", ())
    falling = [1 / (rank + 3) for rank in range(count - len(given))]
    rest = (1 - sum(given)) / sum(falling) if falling else 0
    return (*given, *(each * rest for each in falling))


def pick(chance: np.random.Generator, weights: Sequence[float], count: int) -> Whole:
    """Draw places in a list by weight."""
    edges = np.cumsum(weights)
    return np.searchsorted(edges[:-1] / edges[-1], chance.random(count), side="right")


def one_of(chance: np.random.Generator, among: int, count: int) -> Whole:
    """Draw places in a list, each as likely."""
    return chance.integers(0, among, count)


def taken(texts: Sequence[str | None], places: Whole) -> pl.Series:
    """Return the texts at these places."""
    return pl.Series(texts, dtype=pl.String).gather(places)


def joined(*parts: pl.Series | str, separator: str = " ") -> pl.Series:
    """Return the parts of each row joined; a part that is null is left out."""
    named = [
        each.alias(str(place)) if isinstance(each, pl.Series) else pl.lit(each, dtype=pl.String).alias(str(place))
        for place, each in enumerate(parts)
    ]
    frame = pl.DataFrame([each for each in named if isinstance(each, pl.Series)])
    expressions = [pl.col(each.name) if isinstance(each, pl.Series) else each for each in named]
    return frame.select(pl.concat_str(expressions, separator=separator, ignore_nulls=True).alias("text"))["text"]


def digits(values: Whole, width: int) -> pl.Series:
    """Write whole numbers with leading zeros."""
    return pl.Series(values).cast(pl.String).str.zfill(width)


def only(texts: pl.Series, where: Yes) -> pl.Series:
    """Return the texts where told, null elsewhere."""
    mask = pl.Series("mask", where)
    return pl.select(pl.when(mask).then(texts).otherwise(None).alias("text"))["text"]
