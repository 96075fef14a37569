"""The words of guided paths for whoever works on them; what the person reads stands in ``residence/paths/words.toml``.

>>> PATH_WORDS["path_step"]["take"]
'Taken by an officer'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PATH_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "path_step": {
        "begin": "Begun",
        "take": "Taken by an officer",
        "looked": "Looked up in the population database",
        "ask": "The person was asked to come",
        "came": "The person came",
        "hand_over": "Given to another office",
        "answered": "The other office answered",
        "extend": "The time was made longer",
        "register": "Settled: it stands in the register",
        "find_papers": "Settled: papers or a registration were found",
        "refuse": "Refused",
        "rest": "Rests: the person did not come",
        "withdraw": "Stopped, as the person wished",
        "resume": "Begun again",
        "late": "The due date passed",
        "recalled": "A consent was taken back",
    },
    "path_act": {
        "take": "Take this path",
        "ask": "Ask the person to come",
        "came": "The person came",
        "answered": "The other office answered",
        "register": "Settle: it stands in the register",
        "find_papers": "Settle: papers or a registration were found",
        "rest": "Let it rest: the person did not come",
        "withdraw": "Stop, as the person wishes",
        "resume": "Begin again, as the person wishes",
    },
    "path_way": {"phone": "By the person, on a phone", "desk": "At a front desk", "office": "At the commune's office"},
    "path_database": {"yes": "in the population database", "no": "not in the population database"},
}
