"""The words of roles, of what two people do together, and of looks that are asked about; part of ``server/wording.py``.

>>> CONTROL_WORDS["eyes_kind"]["merge"]
'Join two records of one person'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CONTROL_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "role": {
        "clerk": "Front desk clerk",
        "resident": "Resident",
        "officer": "Commune police officer",
        "operator": "Operator",
        "inspector": "Inspector",
        "authority": "Another authority",
    },
    "eyes_kind": {
        "seal-looks": "Seal the looks for a case",
        "hand-out": "Let a case leave as a file",
        "merge": "Join two records of one person",
        "bulk": "One step with many cases",
        "enter-order": "Enter an order of a court or an investigation",
        "look-rules": "Change when looks are asked about",
    },
    "look_rule": {
        "self": "A look at oneself",
        "relative": "A look at a relative",
        "neighbour": "A look at somebody of an own address",
        "one-address": "Many people of one address",
        "no-step": "Many looks without a step",
        "off-hours": "Looks at night without a step",
    },
    "look_rule_means": {
        "self": "Any look at one's own person by the officer's account.",
        "relative": "Any look at somebody of the officer's household, or whose guardian or ward the officer is, as the register knows it.",
        "neighbour": "Any look at somebody at the officer's own address, a relative's, or an address the officer has declared an interest in.",
        "one-address": "{address_people} or more people of one address within {window_days} days, no step within {step_within_hours} hours.",
        "no-step": "{idle_looks} or more looks within {window_days} days without a step within {step_within_hours} hours, and {idle_percent} % of all or more.",
        "off-hours": "{off_looks} or more looks between {off_from}:00 and {off_until}:00 within {window_days} days without a step by the morning, and {idle_percent} % of those at night or more.",
    },
    "look_setting": {
        "window_days": "Days looked at together",
        "step_within_hours": "Hours within which a step follows",
        "address_people": "People of one address without a step",
        "idle_looks": "Looks without a step",
        "idle_percent": "and that share of all, in per cent",
        "off_from": "The night begins at, hour",
        "off_until": "The night ends at, hour",
        "off_looks": "Looks at night without a step",
        "answer_days": "Days to explain",
    },
    "correction_kind": {
        "field": "A field of the register somebody said is wrong",
        "stay": "A stay somebody said is wrong",
        "right": "A request about one's own data",
    },
    "order_kind": {"court": "Order of a court", "investigation": "Order of an investigation"},
    "look_outcome": {"explained": "Explained", "handed-on": "Handed on"},
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
        "own_words": "Words on stays: yes, left, not me",
        "declaring_locks": "Locks against others' declarations",
        "paths": "Guided paths",
        "procedure_files": "Files of procedures",
        "portal_records": "Files at the public service portal",
        "population_questions": "Questions to the population database",
        "rights_requests": "Requests about one's own data",
    },
}
