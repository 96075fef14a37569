"""Learn the rates of every level from persons whose truth is known, and choose a threshold on others.

- m (one person's two records) is counted on pairs that are known to be one person; u (two persons) on random pairs of persons that stand
  once. Both are Splink's own estimates; nothing is guessed from the pairs a search would bring together.
- What never occurred in training still occurs: m is at least ``LEAST_M``, u at least what half a pair of the sample would be.
- ``ASSUMED`` stands in for what an invented city says too little about, and says so in ``made``.
- The threshold is the lowest score at which precision is still what is aimed at, on a city the rates were not learned from.

Example: ``scripts/train_duplicates.py`` makes ``model.json``
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from registry.duplicates.comparisons import COMPARISONS
from registry.duplicates.pairing import Pair, linker_of, load
from registry.duplicates.settings import Model, Rates, settings_for

if TYPE_CHECKING:
    import pyarrow as pa
    from splink import DuckDBAPI, Linker

ENTITY: Final = "entity"
LEAST_M: Final = 2e-3
EXPECTED_SHARE: Final = 0.05
# Passports are renewed under a new number; a personal number is replaced in few cases. An invented city has too few of either.
ASSUMED: Final = {"duplicates.document.equal": 0.6, "duplicates.document.different": 0.4, "duplicates.personal.reissued": 0.01}


def rates_of_one(api: DuckDBAPI, batches: Iterable[pa.Table]) -> dict[str, float]:
    """Return m by level, from rows whose column ``entity`` tells who is one person."""
    linker = _untrained(api, "known", batches)
    linker.training.estimate_m_from_label_column(ENTITY)
    return _learned(linker, "m_probability")


def rates_of_two(api: DuckDBAPI, batches: Iterable[pa.Table], *, pairs: float, seed: int) -> dict[str, float]:
    """Return u by level, from random pairs of rows of which no two are one person."""
    linker = _untrained(api, "single", batches)
    linker.training.estimate_u_using_random_sampling(max_pairs=pairs, seed=seed, min_count_per_level=None)
    return _learned(linker, "u_probability")


def model_of(one: dict[str, float], two: dict[str, float], *, pairs: float, made: dict[str, Any]) -> Model:
    """Put both together; the threshold is still to be chosen, so that everything is returned by a search."""
    rates = {}
    for level in (level for comparison in COMPARISONS for level in comparison.levels):
        m = ASSUMED.get(level.code) or max(one.get(level.code, 0.0), LEAST_M)
        rates[level.code] = Rates(m=_short(m), u=_short(max(two.get(level.code, 0.0), 0.5 / pairs)))
    return Model(made=made, expected_share=EXPECTED_SHARE, threshold=-10.0, rates=rates)


def threshold_for(pairs: Sequence[Pair], truth: frozenset[tuple[str, str]], *, precision: float) -> float:
    """Return the lowest score at which this share of the pairs at or above it is true. ``pairs``: the strongest first."""
    right, lowest = 0, pairs[0].bits
    for count, pair in enumerate(pairs, 1):
        right += (pair.one, pair.other) in truth
        more_alike = count < len(pairs) and pairs[count].bits == pair.bits
        if not more_alike and right / count >= precision:
            lowest = pair.bits
    return lowest


def _untrained(api: DuckDBAPI, table: str, batches: Iterable[pa.Table]) -> Linker:
    persons = load(api, table, batches)
    return linker_of(api, table, settings_for(None, persons=persons, too_common={}))


def _learned(linker: Linker, which: str) -> dict[str, float]:
    levels = [level for each in linker.misc.save_model_to_json()["comparisons"] for level in each["comparison_levels"]]
    return {each["label_for_charts"]: each[which] for each in levels if isinstance(each.get(which), float)}


def _short(rate: float) -> float:
    return float(f"{rate:.4g}")
