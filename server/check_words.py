"""The words of a house's check: what was tried, how it went, and what to do when it did not go well.

Example: ``CHECK_WORDS["tried"]["record"]``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CHECK_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "tried": {
        "record": "A guest is checked and recorded",
        "receipt": "The receipt is signed and can be verified",
        "paper": "Receipts as PDF are signed",
        "kiosk": "The kiosks of this house",
        "gateway": "The authority takes in what kiosks send",
        "address": "An e-mail address for what is urgent",
        "channel": "Text messages and pushes before a deadline",
        "authority": "The connection to other authorities",
        "untold": "Stays that no other authority is told of",
        "waiting": "Stays that wait for you before another authority is told",
        "token": "A token of your hotel software",
    },
    "mend": {
        "record": "Nobody can be declared now. Tell the operator.",
        "receipt": "Receipts are signed with a key nobody knows. Tell the operator.",
        "paper": "PDFs go out unsigned, or soon will. Tell the operator; the code on them holds all the same.",
        "kiosk": "No kiosk stands here, or it is not well: look at its power and network.",
        "gateway": "What kiosks keep is sent later. Tell the operator if it lasts.",
        "address": "Give one under Messages, and confirm it from the mailbox.",
        "channel": "Ask the operator for a channel, or tell them that this one does not work.",
        "authority": "Stays here are told to no other authority until an operator sets it up or the connection is back.",
        "untold": "Tell the operator: a stay must not be left out.",
        "waiting": "Open the stays on tonight's page: each says what is wrong.",
        "token": "Ask the operator for a new token before this one ends.",
    },
    "ending": {"certificate": "Certificate", "revocation list": "Revocation list"},
    "tried_state": {"passed": "works", "look": "please look", "failed": "does not work", "left_out": "not set up"},
}
CHECK_TAGS: Final[Mapping[str, str]] = {
    "tried-passed": "govuk-tag--green",
    "tried-look": "govuk-tag--yellow",
    "tried-failed": "govuk-tag--red",
    "tried-left_out": "govuk-tag--yellow",
}
