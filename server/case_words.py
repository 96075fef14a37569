"""The words of an officer's case: closing codes, urgency and its reasons, clocks, and what a case rests on; part of ``server/wording.py``.

- A reason has one place, ``{at}``: the moment it speaks of.

>>> CASE_WORDS["why"]["in_turn"].format(at="23:00")
'It is to be decided by 23:00.'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from server.control_words import CONTROL_WORDS

CASE_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    **CONTROL_WORDS,
    "closing": {
        "declared": "Declared after all",
        "visitor": "A visitor who did not stay the night; nobody's fault",
        "moved-on": "Had left before anybody asked",
        "registered": "Declared or resident all along; nobody's fault",
        "somebody-else": "Somebody else's card; nobody's fault",
        "no-duty": "Nothing had to be declared; nobody's fault",
        "our-mistake": "A mistake of a kiosk or of this system; nobody's fault",
        "other-explanation": "Another innocent explanation; nobody's fault",
        "advised": "Was told how to declare",
        "procedure": "Handed to the administrative procedure",
        "referred": "Referred to another office",
    },
    "urgency": {"4": "Now", "3": "Soon", "2": "In turn", "1": "Waiting", "0": "Done"},
    "why": {
        "evidence_ends": "What was seen is deleted on {at}; after that nobody can check this case.",
        "answer_overdue": "The answer was due on {at} and has not come.",
        "answer_awaited": "An answer may come until {at}.",
        "decide_overdue": "It should have been decided by {at}.",
        "night_check_last_night": "Found at night within the last day; whoever it is may be there tonight.",
        "decide_soon": "It is to be decided by {at}.",
        "in_turn": "It is to be decided by {at}.",
        "closed": "It is closed.",
    },
    "case_clock": {
        "declare": "Deadline to declare",
        "answer": "Answer expected by",
        "decide": "To be decided by",
        "evidence": "What was seen is deleted on",
    },
    "meaning": {"law": "by law", "retention": "by the rules of deletion", "commune": "the commune's own time"},
    "signature": {
        "held": "signature verified",
        "failed": "the signature does not hold",
        "none": "not signed: entered at a desk",
    },
    "answer": {
        "declared": "the stay was declared",
        "decided": "a case was decided",
        "visitor": "the host says: a visitor",
        "left": "the host says: has left",
        "will_declare": "the host says: will be declared",
        "lives_here": "the host says: lives here or is declared",
        "nobody_known": "the host says: knows nobody like that",
        "renewed": "the temporary residence was renewed",
        "moved_out": "the person moved out",
        "settled": "it was settled meanwhile",
    },
    "reply": {
        "visitor": "A visitor, does not stay the night",
        "left": "Stayed, and has left",
        "will_declare": "Stays; I will declare",
        "lives_here": "Lives here, or is declared already",
        "nobody_known": "I know nobody like that",
    },
    "visit": {
        "nobody-there": "Nobody was there",
        "visitor": "A visitor who does not stay the night",
        "stays-undeclared": "Stays there; was told how to declare",
        "declared-shown": "Showed a receipt: declared",
        "lives-here": "Lives there",
        "moved-on": "Has left",
        "not-let-in": "Was not let in, or got no answer",
        "wrong-place": "The room or house is not as recorded",
    },
    "ward_figure": {
        "on_time": "Declared on time",
        "late": "Declared late",
        "corrected": "Corrected",
        "notices": "Notices sent",
        "declared_after": "Notices that led to a declaration",
        "median_hours": "Hours from opening to closing a case, median",
    },
    "related": {
        "same_person_here": "the same person at these premises before",
        "same_unit": "the same room",
        "same_place": "the same premises",
    },
    "message_state": {
        "waiting": "waiting to be sent",
        "sending": "being sent",
        "sent": "sent",
        "no_address": "no address known",
        "needless": "no longer needed",
        "failed": "could not be sent",
    },
    "message_to": {
        "premises": "the premises",
        "person": "the person",
        "seen": "whoever was seen, if they gave an address",
    },
    "rule_short": {
        "night_check": "Night check",
        "late_entries": "Late at night, twice",
        "evening_entries": "Three evenings",
        "notice_unanswered": "Notice not answered",
        "seen_past_deadline": "Past the deadline",
        "by_officer": "By an officer",
    },
    "urgency_name": {"NOW": "Now", "SOON": "Soon", "IN_TURN": "In turn", "WAITING": "Waiting"},
    "whose": {"mine": "Mine", "nobody": "Nobody's", "others": "Somebody else's"},
    "outage": {"kiosk_offline": "A kiosk was cut off", "gateway_down": "The authority's gateway was away"},
}
