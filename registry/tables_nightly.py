"""What was done of a night's work: one row for each task and night, which is also the claim of whoever does it.

- state: running | done | failed | broken_off. The day is Vietnam's, on which the night's work was due; the commune is that of nobody.
- ``report`` is counts, never about one person.

Example: ``select(nightly_runs).where(nightly_runs.c.task == "cleaning", nightly_runs.c.day == "2026-07-10")``
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Table

from registry.columns import commune, document, found_by, instant, metadata, own_id, word

nightly_runs: Final = Table(
    "nightly_runs",
    metadata,
    commune(),
    own_id("task", 32),
    own_id("day", 10),  # YYYY-MM-DD
    word("state", length=16),
    instant("began_at"),
    instant("ended_at", nullable=True),
    document("report", nullable=True),
    found_by("task", "day"),
)
