"""The words of deciding whether two records are of one person; part of ``server/wording.py``.

Sentences of the comparisons are not here: they come from ``residence/errors/codes/duplicates.toml``.

>>> DUPLICATE_WORDS["verdict"]["same"]
'One person'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DUPLICATE_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "pair_state": {
        "proposed": "Waits for a decision",
        "same": "One person: joined",
        "different": "Two persons",
        "withdrawn": "The search no longer finds it",
    },
    "verdict": {"same": "One person", "different": "Two persons", "later": "Decide later"},
    "verdict_means": {
        "same": "A second officer sees it first; then the second record is joined to the first. It can be taken back.",
        "different": "The pair is never proposed again. It can be taken back.",
        "later": "It is out of the way for {days} days and waits all the same.",
    },
    "standing": {"same": "Equal", "different": "Different", "one_only": "Only one record has it", "neither": "Not recorded"},
}
