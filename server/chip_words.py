"""The words of a chip's evidence: its checks, how each came out, and what was found; part of ``server/wording.py``.

- Each check is said as what it means for an officer, never as a protocol's name alone.
- A check that failed is a reason to look; one that is missing never is, and the words keep the two apart.
- Findings travel as codes; where a sentence needs to name two sources, they are the declaration and the chip.

>>> chip_finding("chip.differs_number", language="en")
'The personal number of the declaration is not that of the chip.'
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from residence.errors import catalogue, sentence
from server.languages import Language, sentence_in, translate

CHIP_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "chip_check": {
        "pace": "Opened with the card's number (PACE)",
        "bac": "Opened the old way, with the printed lines (BAC)",
        "passive": "What the chip says is exactly what was signed",
        "issuer": "Signed by an issuer we trust",
        "revocation": "The issuer has not revoked that signature",
        "chip_auth": "The chip holds its key, so it is no copy (Chip Authentication)",
        "active_auth": "The chip signed our question, so it is no copy (Active Authentication)",
        "cross_check": "The chip names the person who was declared",
        "number_agrees": "The number agrees with sex and year of birth",
        "check_digits": "The check digits of the printed lines are right",
    },
    "chip_outcome": {
        "passed": "Passed",
        "failed": "Failed",
        "not_performed": "Not checked",
        "not_supported": "This chip cannot",
        "stale": "List out of date",
    },
    "chip_judged_by": {"gateway": "On arrival", "server": "When an officer opened it"},
    "chip_level": {
        "0": "Stated",
        "1": "Card text",
        "2": "Chip read",
        "3": "Chip signed, issuer unknown",
        "4": "Chip verified",
        "5": "Chip present",
        "6": "Attested",
    },
    "chip_source": {"one": "the declaration", "other": "the chip"},
}
CHIP_TAGS: Final[Mapping[str, str]] = {
    "passed": "govuk-tag--green",
    "failed": "govuk-tag--red",
    "not_performed": "govuk-tag--grey",
    "not_supported": "govuk-tag--grey",
    "stale": "govuk-tag--yellow",
}
_UNKNOWN: Final = dict.fromkeys(("country", "signer", "document", "id", "offered"), "?")


def chip_finding(code: str, *, language: Language) -> str:
    """Return the sentence of a finding about a chip."""
    if code not in catalogue():
        return code
    named = {key: translate(language, text) for key, text in CHIP_WORDS["chip_source"].items()}
    return sentence_in(sentence(code, **named, **_UNKNOWN), language)
