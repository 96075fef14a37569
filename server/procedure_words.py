"""The words of procedures around a stay: their names, fields, sources, papers, states and steps, and what the portal says.

Example: ``PROCEDURE_WORDS["procedure_source"]["register"]``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PROCEDURE_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "procedure": {
        "temporary-residence": "Register a temporary residence",
        "temporary-residence-extension": "Extend a temporary residence",
        "absence": "Declare an absence",
        "confirmation": "Have my residence confirmed",
        "move-out": "Say that I moved out",
    },
    "procedure_hint": {
        "temporary-residence": "If you live here for 30 days or longer. The answer is a notice, not a card.",
        "temporary-residence-extension": "Within the 15 days before it ends.",
        "absence": "Ask your commune police first whether you have to: a short absence needs nothing.",
        "confirmation": "You get a confirmation of where you live.",
        "move-out": "The registration at this place ends.",
    },
    "procedure_field": {
        "authority": "To",
        "full_name": "Full name",
        "birth_date": "Date of birth",
        "sex": "Sex",
        "personal_number": "Personal number",
        "phone": "Telephone",
        "head": "Head of the household",
        "place": "Place",
        "first": "From the day",
        "last": "To and including",
        "reason": "Reason",
        "destination": "Where to",
    },
    "procedure_source": {
        "register": "from the register",
        "chip": "from the chip of the card",
        "account": "from the account",
        "population": "from the population database",
        "card": "from the text of the card",
        "declared": "from what was declared before",
        "typed": "written in here",
    },
    "procedure_document": {"dwelling-proof": "Proof that you may live there"},
    "procedure_state": {
        "filed": "Filed",
        "in_hand": "An officer works on it",
        "supplement": "Something is missing",
        "done": "Done",
        "refused": "Refused",
        "withdrawn": "Taken back by the person",
    },
    "procedure_step": {
        "file": "Filed",
        "take": "Taken in hand",
        "supplement": "Asked for what is missing",
        "supply": "Brought what was missing",
        "done": "Done",
        "refuse": "Refused",
        "withdraw": "Taken back by the person",
    },
    "procedure_do": {
        "take": "Take it in hand",
        "supplement": "Ask for what is missing",
        "done": "It is done",
        "refuse": "Refuse it",
    },
    "population_question": {
        "due": "It is asked next.",
        "sending": "It is being asked.",
        "silent": "It has not answered. It is asked again by itself.",
        "answered": "It has answered.",
        "nobody": "It has nobody of this number.",
        "refused": "It does not answer this question.",
        "nothing": "It was not asked: the file was over before.",
    },
    "portal_record": {
        "due": "It is sent next.",
        "sending": "It is on its way.",
        "silent": "The portal has not answered. It is asked again by itself; nothing is sent twice.",
        "received": "The portal has it.",
        "refused": "The portal did not take it.",
        "ended": "The portal has finished with it.",
        "nothing": "It was not sent: it was over before.",
    },
    "portal_state": {
        "received": "Received by the portal",
        "in_hand": "Worked on",
        "supplement": "Something is missing",
        "done": "Done",
        "refused": "Refused",
    },
    "procedure_paper": {
        "beside": "The office reads the Vietnamese words; those of your language stand beside them.",
        "draft": "Laid out from the form's fields as far as they are known; not the form itself.",
        "code": "Procedure",
        "article": "Legal basis",
        "file": "File",
        "state": "State",
        "filed": "Filed on",
        "due": "Answer due by",
        "slip": "The signed slip of the last step, checked by luutru receipt verify",
        "signature": "Signature",
    },
}
