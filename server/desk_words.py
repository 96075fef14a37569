"""The words of the front desk's own pages.

- ``list_state``, ``line_outcome``, ``list_field``: a list of guests, its lines, and what its columns can hold.
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
}
