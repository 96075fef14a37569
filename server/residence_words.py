"""The words pages use for temporary residence what has run out, and disputes: one table per kind of word, as in ``server/wording.py``.

Example: ``RESIDENCE_WORDS["lodging"]["to_renew"]`` is ``"Ends soon, renew"``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RESIDENCE_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "host_answer": {"confirmed": "You confirmed", "refused": "You said no"},
    "lodging": {
        "to_come": "Begins later",
        "holds": "Registered",
        "to_renew": "Ends soon, renew",
        "ended": "Registration ended",
        "moved_out": "Moved out",
    },
    "data_class": {
        "presence": "Sightings",
        "refused statement": "Bodies of refused statements",
        "dead letter": "Dead letters",
        "mark of the sweep": "Which premises are to be judged",
        "line of a guest list": "Lines of guest lists",
        "guided path": "Guided paths",
        "session": "Sessions",
        "one-time link": "One-time links",
        "audit of sign-in": "Audit of sign-in",
        "access record": "Access records",
        "message": "Messages sent",
        "token of a program": "Tokens of programs",
        "request answered once": "Requests answered once",
        "webhook": "Webhooks",
        "message to a webhook": "Messages to webhooks",
        "batch of declarations": "Batches of declarations",
        "door event": "Door events",
        "confirmed clock": "Confirmed clocks of kiosks",
        "undated declaration": "Declarations that waited for a date",
        "door pass": "Door passes",
        "door card": "Door cards",
        "kiosk call": "Calls from kiosks",
        "consent to be recalled": "Consents to be recalled at a house",
    },
    "number_kind": {"personal": "Personal number", "old": "Old number", "document": "Document"},
    "number_status": {
        "active": "In force",
        "cancelled": "Cancelled",
        "replaced": "Replaced",
        "stated": "Only stated, proves nothing",
    },
    "number_event": {
        "cancelled": "Cancelled from",
        "replaced": "Replaced from",
        "joined": "Came later, joined on",
        "taken_back": "Taken back on",
    },
    "correction": {
        "corrected": "Put right",
        "registered": "Home recorded",
        "moved": "Moved in",
        "moved_out": "Moved out",
        "ended": "Home ended",
        "taken_back": "Taken back",
    },
    "corrected": {
        "kind": "Kind of premises",
        "name": "Name of the premises",
        "address_text": "Address of the premises",
        "capacity": "Places to sleep",
        "declared_by": "Who declares there",
        "units": "Rooms",
        "premises_id": "Premises",
        "unit": "Room",
        "household_id": "Household",
        "relation": "As what in the household",
        "valid_from": "First day",
        "valid_to": "Last day",
    },
    "e_id_source": {"officer": "an officer saw it", "register": "says the register that was taken over"},
    "answering": {"household": "The household", "owner": "The owner", "manager": "The manager", "occupant": "Whoever stays"},
    "duty_holder": {
        "household": "A member of the household",
        "medical": "Medical facility",
        "tourist-lodging": "Tourist lodging",
        "other-with-lodging-function": "Another facility with lodging",
        "transport-owner-or-manager": "Owner or manager of the means of transport",
        "other-lodging-facility": "Another lodging facility",
        "guest-as-fallback": "The guest, for nobody else is named",
    },
    "correction_signature": {
        "holds": "Signature holds",
        "none": "Not signed",
        "broken": "Signature broken",
        "unchecked": "Not checked",
    },
    "dispute": {"upheld": "the value was right", "corrected": "it is corrected", "withdrawn": "withdrawn"},
    "lapse": {
        "temporary_expired": "Temporary residence over, not renewed",
        "stay_overrun": "Stay beyond its declared departure",
        "stay_too_long": "Stay as long as temporary residence",
        "permit_ended": "Permitted stay over",
        "over_capacity": "More people than places, somebody undeclared among them",
    },
    "lapse_data": {
        "valid_from": "from",
        "valid_to": "valid until",
        "from": "from",
        "to": "until",
        "capacity": "places",
        "declared": "declared",
        "undeclared": "undeclared",
        "absent": "absent",
    },
    "excuse": {
        "deceased": "no longer alive",
        "moved_out": "moved out",
        "registered_here": "registered here anew",
        "registered_elsewhere": "temporary residence elsewhere",
        "declared_here": "a newer stay here",
        "stays_elsewhere": "stays elsewhere since",
        "absent": "declared absent",
        "foreigner": "a foreigner, registered by another law",
        "newer_permit": "a newer paper was shown",
        "room_left": "there is room for all",
    },
}

RESIDENCE_TAGS: Final[Mapping[str, str]] = {
    "to_come": "govuk-tag--blue",
    "holds": "govuk-tag--green",
    "to_renew": "govuk-tag--yellow",
    "moved_out": "govuk-tag--grey",
}
