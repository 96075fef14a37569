"""Text that a decoder garbled: how to tell, and how to get back the bytes the code really held.

- A QR of UTF-8 without an ECI is guessed by libzbar to be Shift-JIS, Big5 or Latin-1; about 29 % of Vietnamese payloads come out
  garbled, and in Big5 guesses even the separators vanish (measured, identity-documents section 2.6).
- ``bytes_behind`` undoes such a guess on another decoder's *text*: cp932, then big5, then latin-1, and only when the result is
  Vietnamese text with the structure of a card. Otherwise None: reject, never guess.
- ``is_garbled`` judges text as it stands: letters of other scripts, private-use or replacement characters, or UTF-8 read as
  Latin-1 or Windows-1252 (``Tráº§n``). Bytes that are garbled already inside the code are an error, never repaired.

>>> is_garbled("Tráº§n"), is_garbled("Trần")
(True, False)
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from residence.people.letters import without_accents

REPLACEMENT: Final = "\ufffd"
_GUESSES: Final = ("cp932", "big5", "latin-1")
_CARD_START: Final = re.compile(r"[0-9]{12}[|;\r\n]")
_SEXES: Final = frozenset({"nam", "nu"})


def _seen_as_windows(first: int, last: int) -> str:
    """Return a character class of bytes first..last as Latin-1 and as Windows-1252 show them."""
    latin = f"\\x{first:02x}-\\x{last:02x}"
    windows = "".join(bytes([each]).decode("cp1252", "ignore") for each in range(max(first, 0x80), min(last, 0x9F) + 1))
    return latin + re.escape(windows)


_TAIL: Final = f"[{_seen_as_windows(0x80, 0xBF)}]"
# "Ê’" is how some people write an ethnic name, so a Vietnamese capital before a quote or dash proves nothing; Ä Å Æ are no such capitals.
_UTF8_AS_WINDOWS: Final = re.compile(
    f"[\u00c4-\u00c6]{_TAIL}|[\u00c2-\u00df](?![\u2018\u2019\u2013\u2014\u00a0\u00b4]){_TAIL}|[\u00e0-\u00ef]{_TAIL}{_TAIL}|[\u00f0-\u00f4]{_TAIL}{{3}}"
)
_LETTER_LOST: Final = re.compile(r"[^\W\d_]\?|\?[^\W\d_]")


def _is_foreign(character: str) -> bool:
    category = unicodedata.category(character)
    if category in {"Co", "Cn", "Cs"} or character == REPLACEMENT:
        return True
    return category[0] == "L" and not unicodedata.name(character, "").startswith("LATIN ")


def is_garbled(text: str) -> bool:
    """Tell whether text of a Vietnamese document shows traces of a wrong character set."""
    return any(map(_is_foreign, text)) or any(trace.search(text) for trace in (_UTF8_AS_WINDOWS, _LETTER_LOST))


def looks_like_card(text: str) -> bool:
    """Tell whether text has a card's 7 or 11 fields, a sex in the fifth and no trace of a wrong character set."""
    fields = text.rstrip("\r\n\t").split("|")
    return (
        len(fields) in {7, 11}
        and _CARD_START.match(text) is not None
        and without_accents(fields[4]).casefold() in _SEXES
        and not is_garbled(text)
    )


def bytes_behind(text: str) -> bytes | None:
    """Return the UTF-8 bytes of the card behind another decoder's text, or None when no reading of it is a card."""
    if looks_like_card(text):
        return text.encode()
    for guess in _GUESSES:
        try:
            payload = text.encode(guess)
            if looks_like_card(payload.decode()):
                return payload
        except UnicodeError:
            continue
    return None
