"""The words of what two people do together; part of ``server/wording.py``.

>>> CONTROL_WORDS["eyes_kind"]["merge"]
'Join two records of one person'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CONTROL_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "eyes_kind": {
        "seal-looks": "Seal the looks for a case",
        "hand-out": "Let a case leave as a file",
        "merge": "Join two records of one person",
        "bulk": "One step with many cases",
        "look-rules": "Change when looks are asked about",
    },
    "eyes_answer": {"granted": "Granted", "refused": "Refused", "returned": "Returned"},
    "moves": {
        "identifiers": "Numbers",
        "identifier_events": "Changes of numbers",
        "declarations": "Declarations",
        "residences": "Residences",
        "e_id_sightings": "Electronic identities seen",
        "stays": "Stays",
        "absences": "Absences",
        "disputes": "Disputes",
        "permitted_stays": "Permitted stays",
        "relations": "Relations to houses and people",
        "wards": "Guardians",
    },
}
