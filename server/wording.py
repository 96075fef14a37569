"""The words pages use for states, levels, rules and kinds: code word -> English sentence; the catalogue has the Vietnamese.

- One table per kind of word; a code word without an entry is shown as it is, never hidden.
- Evidence levels say what was checked and no more (architecture section 5).
- Sentences about problems and findings are not here: they come from ``residence/errors/codes``.

>>> word("state", "accepted", language="en")
'Accepted by the registry'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from residence.errors import plain_sentence
from server.authority_words import AUTHORITY_WORDS
from server.case_words import CASE_WORDS
from server.check_words import CHECK_TAGS, CHECK_WORDS
from server.chip_words import CHIP_TAGS, CHIP_WORDS
from server.cleaning_words import CLEANING_WORDS
from server.desk_words import DESK_WORDS
from server.duplicate_words import DUPLICATE_WORDS
from server.languages import Language, sentence_in, translate
from server.machine_words import MACHINE_WORDS
from server.path_words import PATH_WORDS
from server.person_words import NOW_TAGS, PERSON_WORDS
from server.procedure_words import PROCEDURE_WORDS
from server.program_words import PROGRAM_TAGS, PROGRAM_WORDS
from server.residence_words import RESIDENCE_TAGS, RESIDENCE_WORDS

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "state": {
        "kept": "Kept at the kiosk",
        "received": "Received, being checked",
        "accepted": "Accepted by the registry",
        "refused": "Refused",
        "conflicting": "In conflict, please check",
    },
    "stay": {
        "open": "Staying",
        "expected": "Expected",
        "ended": "Checked out",
        "withdrawn": "Withdrawn",
        "disputed": "In dispute",
    },
    "kind": {
        "arrival": "Arrival",
        "extension": "Extension",
        "departure": "Departure",
        "correction": "Correction",
        "withdrawal": "Withdrawal",
    },
    "rule": {
        "same_day": "Arrival before 23:00: declare before 23:00 the same day",
        "next_morning": "Arrival from 23:00 on: declare before 8:00 the next day",
        "night_before": "Arrival after midnight: declare before 8:00 the same day",
        "foreigner": "Foreign guest: declare within 12 hours",
        "foreigner_remote": "Foreign guest in a remote area: declare within 24 hours",
        "seen_past_deadline": "Seen here, and no stay was declared by the deadline",
        "night_check": "Found here at night, and no stay was declared by the deadline",
        "late_entries": "Came in late at night on two nights, still not declared after a notice",
        "evening_entries": "Came in on three evenings, still not declared after a notice",
        "notice_unanswered": "A notice was sent and nobody answered in time",
        "by_officer": "An officer made a case of a notice nobody answered in time",
        "overstay": "Seen here after the declared stay was over",
        "temporary_expired": "Seen here after the temporary residence was over",
    },
    "evidence": {
        "0": "Stated: typed or spoken, nothing was checked",
        "1": "Card text: the code on a card was read; a photo of a card would read the same",
        "2": "Chip read: the chip opened and agrees with the card",
        "3": "Not verified: the chip is signed by an issuer we do not know",
        "4": "Chip verified: signed by a trusted issuer",
        "5": "Chip present: verified, and not a copy",
        "6": "Attested: somebody compared the person with the document",
    },
    "premises": {
        "household": "Household",
        "apartment-block": "Apartment block",
        "hotel": "Hotel",
        "guest-house": "Guest house",
        "homestay": "Homestay",
        "rental-house": "Rental house",
        "dormitory": "Dormitory",
        "industrial-zone": "Industrial zone lodging",
        "medical": "Medical facility",
        "vehicle": "Means of transport",
        "other": "Other lodging",
    },
    "document": {
        "cccd-2021": "Citizen card (2021)",
        "can-cuoc-2024": "Identity card (2024)",
        "cmnd": "Old identity card (9 digits)",
        "passport": "Passport",
        "driving-licence": "Driving licence",
        "birth-certificate": "Birth certificate",
        "health-card": "Health insurance card",
        "number-notice": "Notice of personal number",
        "identity-certificate": "Identity certificate",
        "other": "Another paper",
        "none": "No papers",
    },
    "reason": {
        "tourism": "Tourism",
        "business": "Business",
        "study": "Study",
        "visit": "Visit",
        "conference": "Conference",
        "family-visit": "Visiting family",
        "charity": "Charity work",
        "international-organisation": "International organisation",
        "marriage": "Marriage",
        "consulate": "Consulate",
        "aid": "Aid work",
        "embassy": "Embassy",
        "settlement": "Settlement",
        "marketing": "Marketing",
        "press": "Press",
        "trade": "Trade",
        "visa-extension": "Visa extension",
        "medical": "Medical treatment",
        "work": "Work",
        "other": "Another reason",
    },
    "explanation": {
        "stay_here": "a declared stay here",
        "resident_here": "registered residence here",
        "stay_pending": "a declaration still on its way from a kiosk",
        "stay_elsewhere_same_premises": "a stay in another unit of these premises",
        "name_form": "the same person under another form of the name",
        "other_number": "the same person under an old number or another document",
        "child_of_declared": "a child of somebody declared or registered here",
        "ward_renamed": "registered at the same house under an older name of its ward",
        "not_yet_due": "the deadline is not over yet",
        "outage": "an outage of a kiosk or of ours while there was time to declare",
        "visitor": "a visitor who does not stay the night",
    },
    "purpose": {
        "declare-guest": "Duty of the premises: declare guests",
        "undeclared-list": "List of undeclared people",
        "stays-by-premises": "Stays by premises",
        "undeclared-case": "Work on an undeclared person's case",
        "dispute-review": "Review of a field somebody says is wrong",
        "duplicate-review": "Whether two records are of one person",
        "number-change": "Care of a person's numbers",
        "guided-path": "Help for somebody without papers",
        "hand-over": "Given to another office, as the person agreed",
        "break-glass": "A case of another commune, opened for a reason",
        "issued-order": "An order of a court or an investigation",
        "own-stays": "Own stays",
        "own-procedure": "A form of one's own, filled in from what is known",
        "procedure-file": "Work on a file somebody filed",
        "receipt-check": "Check of a receipt",
        "tell-authority": "Duty to tell another authority of the stay",
        "erase-person": "Erasure of everything that names the person",
    },
    "field": {
        "full-name": "Full name",
        "birth-date": "Date of birth",
        "sex": "Sex",
        "nationality": "Nationality",
        "personal-number": "Personal number",
        "personal-number-masked": "Personal number (last digits)",
        "old-number": "Old number",
        "document": "Document",
        "residence-text": "Address on the card",
        "contact": "Contact",
        "own-words": "Own words",
        "whereabouts": "Where somebody is declared",
    },
    "case": {
        "open": "Open",
        "claimed": "Claimed",
        "asked": "Asked, waiting for an answer",
        "closed-declared": "Closed: declared meanwhile",
        "closed-explained": "Closed: explained",
        "closed-action": "Closed: handled elsewhere",
    },
    "action": {
        "claim": "Claim the case",
        "release": "Give the case back",
        "ask": "Ask the host",
        "answer-received": "An answer came",
        "close-declared": "Close: now declared",
        "close-explained": "Close: an innocent explanation holds",
        "close-action": "Close: handled elsewhere",
        "reopen": "Open again",
        "opened": "Opened by the sweep",
        "given": "Given to somebody",
        "handed-back": "Handed back",
        "held": "Put on hold",
        "resumed": "Taken up again",
        "reminded": "The notice was sent once more",
        "promoted": "Made into a case by an officer",
        "merged": "Worked on together with another case",
        "split": "Worked on by itself again",
        "undone": "A step done with several cases was taken back",
    },
    "notice": {
        "please-declare": "Please declare",
        "please-declare-again": "Please declare, sent once more",
        "officer-asks": "An officer asks who was seen",
        "deadline-near": "Deadline near",
        "credential-ends": "A token ends soon",
        "declared-late": "Declared late",
        "thirty-days": "Thirty days reached",
        "renew-temporary-residence": "Renew temporary residence",
        "moved-out": "Said to have moved out",
        "residence-ended": "Temporary residence over: renew, or say they moved out",
        "stay-overrun": "Stay over: extend it, or check out",
        "permit-ended": "Permitted stay over",
    },
    "addressee": {"host": "Host", "facility": "Lodging facility", "person": "Person"},
    "letter": {
        "new": "Waiting",
        "retry": "Marked, the gateway tries it next",
        "settled": "Settled",
        "dismissed": "Dismissed",
    },
    "unit_question": {"open": "Waiting for a person", "decided": "Decided", "divided": "Lies in several wards"},
    "unit_decision": {"decided": "Decided", "divided": "Said to lie in several wards", "undone": "Taken back"},
    "letter_event": {"retry": "Marked to be tried again", "dismissed": "Dismissed"},
    "stage": {
        "collect": "Wait for a batch",
        "read": "Verify and open",
        "set aside": "Set aside",
        "look-ups": "Look up",
        "reconcile": "Reconcile",
        "rows": "Write rows",
        "receipts": "Number and sign receipts",
        "commit": "Commit",
        "acknowledge": "Acknowledge",
        "answer": "Send receipts",
    },
    "sex": {"male": "Male", "female": "Female"},
    "sighting": {"entry": "Seen at the door", "night_check": "Found at night", "desk": "Card shown at this desk"},
    **CASE_WORDS,
    **CHIP_WORDS,
    **CLEANING_WORDS,
    **DESK_WORDS,
    **CHECK_WORDS,
    **AUTHORITY_WORDS,
    **PATH_WORDS,
    **PERSON_WORDS,
    **PROCEDURE_WORDS,
    **RESIDENCE_WORDS,
    **PROGRAM_WORDS,
    **DUPLICATE_WORDS,
    **MACHINE_WORDS,
}

TAGS: Final[Mapping[str, str]] = {
    **CHIP_TAGS,
    **CHECK_TAGS,
    "accepted": "govuk-tag--green",
    "open": "govuk-tag--green",
    "expected": "govuk-tag--blue",
    "conflicting": "govuk-tag--yellow",
    "disputed": "govuk-tag--yellow",
    "refused": "govuk-tag--red",
    "ended": "govuk-tag--grey",
    "ok": "govuk-tag--green",
    "synced": "govuk-tag--green",
    "degraded": "govuk-tag--yellow",
    "rtc_only": "govuk-tag--yellow",
    "connected": "govuk-tag--green",
    "declared": "govuk-tag--green",
    "checked": "govuk-tag--yellow",
    "connecting": "govuk-tag--yellow",
    "waiting": "govuk-tag--red",
    "stopped": "govuk-tag--grey",
    "lost": "govuk-tag--red",
    "unset": "govuk-tag--red",
    "jumped": "govuk-tag--red",
    **NOW_TAGS,
    **RESIDENCE_TAGS,
    **PROGRAM_TAGS,
}


def word(kind: str, value: Any, *, language: Language) -> str:
    """Return the word for a value of one kind."""
    text = WORDS[kind].get(str(value))
    return translate(language, text) if text else str(value)


def choices(kind: str, *, language: Language, chosen: str = "") -> list[dict[str, Any]]:
    """Return the options of a select or radios macro."""
    return [
        {"value": value, "text": translate(language, text), "selected": value == chosen, "checked": value == chosen}
        for value, text in WORDS[kind].items()
    ]


def finding_sentence(code: str, *, language: Language) -> str:
    """Return the sentence of a finding or problem code; parameters it would need stay open."""
    return sentence_in(plain_sentence(code), language)
