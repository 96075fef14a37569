r"""What kind of code was shown: a card, one of the codes people hold up by mistake, or a code meant to reconfigure the scanner.

- Only ``card-qr`` identifies anybody. Every other kind has a sentence that tells the person what to do; none is ever guessed into a card.
- ``vneid``: the app's own code can only be checked by a licensed partner; a code or address naming VNeID says so.
- ``health-card``: 15 characters (two letters and 13 digits), then hexadecimal text, also separated by pipes.
- ``vietqr``: an EMVCo payment code (``000201...``) of Vietnam or of NAPAS.
- ``scanner-setup``: a configuration code of the scanner itself. Any visitor can show one and switch the reader to another mode, so it
  is named and reported: register frames ``7E 00`` (Grow, Waveshare), ``^_^...`` (DE2120), ``_SET_CODE_...`` (GM812), SYN menus.
- Classification looks at structure only; a broken card is still a card here, and ``card_qr`` says what is broken.

>>> classify("000201010212...A000000727...5802VN6304ABCD")
'vietqr'
"""

from __future__ import annotations

import re
from typing import Final, Literal

from residence.people.letters import without_accents

PayloadKind = Literal["card-qr", "vneid", "health-card", "vietqr", "scanner-setup", "unknown"]

# The code of the sentence for every kind; all but the first are refusals.
KIND_CODES: Final[dict[PayloadKind, str]] = {
    "card-qr": "payload.card_qr",
    "vneid": "payload.vneid",
    "health-card": "payload.health_card",
    "vietqr": "payload.vietqr",
    "scanner-setup": "payload.scanner_setup",
    "unknown": "payload.unknown",
}
_SETUP: Final = re.compile(
    r"~\x00[\x07-\x0a]"  # Grow: read, write, save, heartbeat of a register
    r"|Z\x00|\x16[MTU]\r"  # M3Y-W frames; Honeywell menu and trigger
    r"|7E ?00 ?0[789A] ?0"  # the same frame typed as hexadecimal
    r"|\^_\^|%%|_?SET_CODE|_[A-Z]+(?:_[A-Z0-9]+)+\b",  # DE2120; _SET_CODE_OFF and its family
)
_HEALTH: Final = re.compile(r"[A-Z]{2}[0-9]{13}\|", re.IGNORECASE)
_HEALTH_NEW: Final = re.compile(r"[0-9]{10}\|(?:[0-9a-f]{2}){4,}\|", re.IGNORECASE)
_VNEID: Final = re.compile(r"vneid", re.IGNORECASE)
_SEXES: Final = frozenset({"nam", "nu"})
_SEPARATORS: Final = re.compile(r"[|;]|\r\n|\r|\n")
_DATE: Final = re.compile(r"[0-9]{8}\Z")


def _resembles_card(text: str) -> bool:
    """Tell whether text is a card, also a cut or damaged one: a first field of digits and one more thing a card has."""
    fields = _SEPARATORS.split(text.strip("\ufeff\r\n"))
    if len(fields) < 2:  # noqa: PLR2004 - no separator at all
        return False
    first = fields[0].strip()
    has_sex = any(without_accents(field).strip().casefold() in _SEXES for field in fields[2:6])
    if first and all(each.isnumeric() for each in first) and len(first) in range(9, 16):
        return has_sex or len(first) == 12 or len(fields) in {6, 7, 11}  # noqa: PLR2004 - a personal number
    return has_sex and any(map(_DATE.match, fields[2:]))


def classify(text: str) -> PayloadKind:
    """Return the kind of a payload's text."""
    if _SETUP.match(text):
        return "scanner-setup"
    if _HEALTH.match(text) or _HEALTH_NEW.match(text):
        return "health-card"
    if text.startswith("000201") and ("A000000727" in text or "5802VN" in text):
        return "vietqr"
    if _resembles_card(text):
        return "card-qr"
    if _VNEID.search(text):
        return "vneid"
    return "unknown"
