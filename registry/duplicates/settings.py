"""The settings of the search: one object for DuckDB and Spark, made of the comparisons and of what was learned.

- ``model.json`` holds for every level how often it holds for one person twice (m) and for two persons (u), the threshold, and how it was
  made. The conditions themselves are code (``comparisons.py``); a model that does not know every level is refused.
- The prior follows the size of the registry: of n persons ``expected_share`` are expected to stand a second time, among n(n-1)/2 pairs. A
  fixed prior would find more and more in a growing registry.
- A rate that was never seen in training is not zero: it is held between ``LEAST`` and one.

Example: ``settings_for(load_model(), persons=1_000_000, too_common={})``
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from registry.duplicates.blocks import TooCommon, joins
from registry.duplicates.columns import ID
from registry.duplicates.comparisons import COMPARISONS, Comparison, Level
from residence.errors import Malformed

if TYPE_CHECKING:
    from splink import SettingsCreator

LEAST: Final = 1e-9


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """How often a level holds: for one person's two records (m), for two persons' (u)."""

    m: float
    u: float


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned, and from what. ``threshold`` is in bits: two to that power says how much likelier one person is than two."""

    made: dict[str, Any]
    expected_share: float
    threshold: float
    rates: dict[str, Rates]  # by the level's code


def load_model(path: Path | None = None) -> Model:
    """Read the model of this version, or one's own; ``Malformed("duplicates.model")`` when it does not fit the comparisons."""
    text = path.read_bytes() if path else resources.files("registry.duplicates").joinpath("model.json").read_bytes()
    try:
        model = msgspec.json.decode(text, type=Model)
    except msgspec.DecodeError as error:
        raise Malformed("duplicates.model", "", str(error)) from error
    unknown = [level.code for each in COMPARISONS for level in each.levels if level.code not in model.rates]
    if unknown:
        raise Malformed("duplicates.model", "/rates", ", ".join(unknown))
    return model


def settings_for(model: Model | None, *, persons: int, too_common: TooCommon) -> SettingsCreator:
    """Return the settings for a registry of so many persons; without a model those to learn one with. ``too_common``: keys left out."""
    from splink import SettingsCreator

    share = model.expected_share if model else 0.05
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name=ID,
        probability_two_random_records_match=min(2 * share / max(persons - 1, 1), 0.5),
        comparisons=[_comparison(each, model) for each in COMPARISONS],
        blocking_rules_to_generate_predictions=[{"blocking_rule": each} for each in joins(too_common)],
        retain_matching_columns=model is not None,  # without them Splink keeps no answers either
        retain_intermediate_calculation_columns=model is not None,
        linker_uid="luutru",
    )


def _comparison(comparison: Comparison, model: Model | None) -> dict[str, Any]:
    nothing = {"sql_condition": comparison.says_nothing, "label_for_charts": "nothing to compare", "is_null_level": True}
    return {
        "output_column_name": comparison.name,
        "comparison_levels": [nothing, *(_level(each, model) for each in comparison.levels)],
    }


def _level(level: Level, model: Model | None) -> dict[str, Any]:
    made: dict[str, Any] = {"sql_condition": level.holds or "ELSE", "label_for_charts": level.code}
    if level.common_by:
        made |= {"tf_adjustment_column": level.common_by, "tf_adjustment_weight": 1.0}
    if model:
        rates = model.rates[level.code]
        made |= {"m_probability": max(rates.m, LEAST), "u_probability": max(rates.u, LEAST)}
    return made
