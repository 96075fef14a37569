"""The words a person's own pages use: who declared, how a statement stands now, the names on a proof of a stay.

Example: ``PERSON_WORDS["declarant"]["host"]`` is ``"The lodging"``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PERSON_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "declarant": {
        "self": "The person themselves",
        "household": "The household",
        "host": "The lodging",
        "facility": "The facility",
        "transport": "Who runs the transport",
        "officer": "An officer",
    },
    "way": {
        "single": "You alone",
        "list": "On a list",
        "export": "For a file or paper",
        "api": "By a program",
        "told": "Told to another authority",
    },
    "look_heading": {
        "at": "When",
        "unit": "From where",
        "role": "Who",
        "why": "Why",
        "way": "In which way",
        "fields": "Which fields",
    },
    "now": {
        "accepted": "It stands",
        "conflicting": "It stands, in conflict with something else",
        "received": "It is being checked",
        "refused": "It was refused",
        "superseded": "Another statement took its place",
        "withdrawn": "It was withdrawn",
        "disputed": "The person says that it is wrong; it is being looked into",
    },
    "fault": {"stay": "This is not me", "unit": "Wrong room"},
    "right": {
        "copy": "A copy",
        "correction": "A correction",
        "objection": "I object to something that is done with my data",
        "restriction": "Use my data only where the law asks for it",
        "deletion": "Delete my data where the law allows",
    },
    "right_hint": {
        "objection": "Say what you object to.",
        "restriction": "From now on no house fills a form in for you.",
        "deletion": "What the law keeps is kept, and you are told why.",
    },
    "right_outcome": {"granted": "yes", "partly": "in part", "refused": "no", "withdrawn": "taken back by yourself"},
    "acted": {
        "seen": "Stays seen",
        "left": "Said that they left",
        "wrong": "Said that a stay is wrong",
    },
    "deleted": {
        "key": "The key of your data: without it nothing of it can be read",
        "fields": "Name, birth date, sex, nationality, address, document",
        "numbers": "Your numbers, and what finds you by them",
        "name-index": "What finds you by your name",
        "history": "What was recorded of you before",
        "presences": "Where a door or reader saw you",
        "passes": "Door passes and cards",
        "contacts": "Addresses for messages",
        "requests": "Your requests, disputes and locks",
    },
    "deletion_kept": {
        "stays": "That a stay took place, of somebody nobody can name",
        "receipts": "The signed receipts, which hold no name",
        "access-records": "Who looked at you, as long as such records are kept",
    },
    "own_word": {
        "own": "Your own word",
        "confirmed": "Declared by others; you said yes",
        "asked": "Declared by others",
        "asked_locked": "Declared by others though you locked that",
    },
    "proof": {
        "title": "Proof of a stay",
        "state": "State when signed",
        "place": "Place",
        "unit": "Room",
        "arrival": "Arrival",
        "departure": "Planned departure",
        "kept_at": "Kept at the kiosk",
        "received_at": "Received by the authority",
        "accepted_at": "Recorded",
        "due": "Deadline",
        "declared_by": "Declared by",
        "evidence_level": "Evidence",
        "rule": "Rule",
        "article": "Legal basis",
        "kept_until": "Kept until",
        "no_period": "until a period is set; none is known in law",
        "log": "Place in the public log",
        "signed": "The signed proof. It can be checked without a network by the page at",
    },
}
NOW_TAGS: Final[Mapping[str, str]] = {"superseded": "govuk-tag--yellow", "withdrawn": "govuk-tag--grey"}
