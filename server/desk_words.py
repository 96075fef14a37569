"""The words of the front desk's own pages.

- ``differing``: how a house's own list and what is declared differ.
- ``late_cause``: why a declaration came after its deadline.
- ``shown``: which guests a figure of the evening counts (``server/desk/evening.py``).

Example: ``DESK_WORDS["shown"]["in-house"]``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DESK_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "shown": {
        "arrivals": "Came or are expected this evening",
        "expected": "Declared ahead, not here yet",
        "in-house": "Declared and in the house",
        "declared": "Came this evening and declared",
        "accepted": "Came this evening, and accepted",
    },
    "late_cause": {
        "not-noticed": "Nobody noticed in time",
        "no-connection": "No network or no power here",
        "no-papers": "The guest showed papers only now",
        "authority": "The authority's system did not take it",
        "other": "Another cause",
    },
    "differing": {
        "name": "the name is written otherwise",
        "number": "another number",
        "unit": "another room",
        "arrival": "another day of arrival",
        "departure": "another day of departure",
    },
}
