"""The words of looking after the register: how an item ends, whose it is, what shows it, which field; part of ``server/wording.py``.

Sentences of the rules are not here: they come from ``residence/errors/codes/cleaning.toml``.

>>> CLEANING_WORDS["outcome"]["accepted"]
'Right as it is'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CLEANING_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "outcome": {
        "corrected": "The data were or are being corrected",
        "accepted": "Right as it is",
        "confirmed": "The person was asked and confirms it",
        "passed_on": "Passed on to another office",
    },
    "shown_by": {
        "person": "Person",
        "household": "Household",
        "premises": "Premises",
        "residence": "Residence",
        "stay": "Stay",
        "number": "Number",
        "field": "Field",
        "unit": "Ward of before",
        "unit_today": "Ward of today",
        "unit_question": "Question about a split ward",
    },
    "fresh_field": {
        "full_name": "Full name",
        "birth": "Date of birth",
        "sex": "Sex",
        "personal_number": "Personal number",
        "residence": "Residence",
        "contact": "Contact",
    },
    "measure": {
        "correct": "Correct: no values disagree",
        "complete": "Complete: nothing is missing",
        "clean": "Clean: stands once",
        "alive": "Alive: confirmed lately",
        "card": "Seen with a card",
        "chip": "Verified by chip",
        "e_id": "Signed in with an e-ID",
    },
    "cleaning_step": {"decided": "Decided", "undone": "Taken back"},
}
