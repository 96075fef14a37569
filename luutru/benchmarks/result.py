"""What every benchmark returns: our figures, the baselines taken in the same run, their ratios and the settings.

- A baseline is measured in the same run on the same machine; a ratio to a figure from elsewhere means nothing.
- Keys are those of ``docs/commands.md``; further keys may be added, none is renamed.

>>> BenchResult(figures={"kept_p50_ms": 31.0}, baselines={"decode_ms": 2.0}, ratios={"kept_to_decode": 15.5}).settings
{}
"""

from __future__ import annotations

from typing import Any

import msgspec


class BenchResult(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark's outcome. ``name`` is the benchmark's name in ``luutru bench --list``."""

    name: str = ""
    figures: dict[str, Any]
    baselines: dict[str, Any] = {}
    ratios: dict[str, Any] = {}
    settings: dict[str, Any] = {}
