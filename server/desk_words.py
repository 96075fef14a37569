"""The words of the front desk's own pages.

- ``list_state``, ``line_outcome``, ``list_field``: a list of guests, its lines, and what its columns can hold.
- ``paper``: what stands on receipts and lists of a day (``server/papers.py``).
- ``differing``: how a house's own list and what is declared differ.
- ``open_kind``, ``open_why``: what stood open when an evening was signed off, and why (``residence/stays/signing_off.py``).
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
        "in-conflict": "Came this evening, and in dispute",
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
    "open_kind": {
        "not-declared": "On the list and not declared",
        "not-in-house": "Declared and not on the list",
        "differs": "Declared otherwise than on the list",
        "undeclared": "Seen or refused, still to be declared",
        "to-mend": "Statements still to be put right",
    },
    "open_why": {
        "papers-awaited": "Papers are awaited",
        "not-here-yet": "Is not here yet",
        "has-left": "Has left, not said yet",
        "same-person": "The same person, written otherwise",
        "list-wrong": "The list is wrong",
        "declaration-wrong": "The declaration is wrong and is being corrected",
        "refuses": "Refuses to show papers",
        "authority": "Waits for the authority",
        "other": "Another reason",
    },
    "list_state": {
        "given": "Columns to be said",
        "checking": "Being checked",
        "checked": "Checked, not declared",
        "declaring": "Being declared",
        "declared": "Through",
    },
    "line_outcome": {
        "accepted": "Accepted",
        "conflicting": "In conflict, please check",
        "refused": "Refused, to be corrected",
        "ignored": "Passed over",
    },
    "list_field": {
        "full_name": "Full name",
        "birth": "Date of birth",
        "sex": "Sex",
        "nationality": "Nationality",
        "document_kind": "Document shown",
        "document_name": "Name of the document",
        "identity_number": "Number of the document or personal number",
        "document_number": "Number of another document",
        "passport_number": "Number of the passport",
        "residence_text": "Home address",
        "commune": "Home: ward or commune",
        "district": "Home: district",
        "province": "Home: province",
        "unit": "Room or apartment",
        "arrival": "Arrival",
        "planned_departure": "Planned departure",
        "left_on": "Day the guest left",
        "reason": "Reason for the stay",
        "reason_text": "Reason in own words",
        "permitted_stay_until": "Permitted stay ends on",
        "note": "Note",
    },
    "paper": {
        "receipt": "Receipt",
        "receipts": "Receipts of a stay",
        "own": "My receipts",
        "day": "Statements of the day",
        "place": "Place",
        "name": "Full name",
        "erased": "Name erased",
        "disputed": "under dispute",
        "room": "Room or apartment",
        "arrival": "Arrival",
        "departure": "Planned departure",
        "recorded": "Recorded",
        "kept": "Kept at the kiosk",
        "due": "Deadline",
        "in_time": "In time?",
        "yes": "Yes, declared in time",
        "no": "No, declared late",
        "unsure": "Not certain: the kiosk's clock was unsure",
        "rule": "Rule",
        "log": "Place in the public log",
        "reasons": "To check",
        "signed": "The signed receipt. Anybody can check its code at",
        "verify": "or the square code offline, with the authority's keyring: luutru receipt verify",
        "as_then": "As it was then: from the statements and their signed receipts, which never change.",
        "until": "Statements recorded before",
        "counts": "Statements",
        "close": "Day closed",
        "list": "List",
        "line": "Line",
        "nothing": "Nothing was stated on this day.",
        "more": "Only the first 2,000 statements are shown.",
    },
}
