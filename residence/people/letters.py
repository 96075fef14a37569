"""Vietnamese letters: one stored form, and the keys derived from it for comparing.

- The stored form is NFC of what the card, chip or person gave; nothing else is changed. Keys can always be rebuilt, so they are never
  stored over it (addresses-and-names section 5).
- ``match_key`` sets aside Unicode form, case, runs of spaces, look-alike quotes, zero-width characters and tone placement.
- Tone placement: ``hoà`` = ``hòa``, but ``quý`` and ``hoàn`` stay: after ``q`` and before a final letter the tone belongs on the second vowel.
- ``plain_key`` also drops accents. ``đ`` is a letter of its own and does not decompose; it is mapped by name.
- ``alias_key`` also sets ``i``/``y`` at the end of a syllable equal (Quí = Quý, Mĩ = Mỹ).

>>> match_key("Hoà  Bình") == match_key("Hòa Bình"), plain_key("Đặng")
(True, 'dang')
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Look-alikes people and fonts type for one another.
QUOTES: Final = "'’‘`´ʼʻ′ꞌ"
DASHES: Final = "-‐‑‒–—−"
_LOOK_ALIKES: Final = str.maketrans(
    {**dict.fromkeys(QUOTES, "'"), **dict.fromkeys(DASHES, "-"), "Ð": "Đ", "Ɖ": "Đ", "ð": "đ", "ɖ": "đ"}
)
# Letters with a stroke do not decompose. ƀ is written in Ê Đê and Ba Na names.
_STROKES: Final = str.maketrans({"đ": "d", "ƀ": "b", "ł": "l", "ø": "o", "ı": "i"})
_TONE: Final = "[\u0300\u0301\u0303\u0309\u0323]?"
_MARKS: Final = "\u0300-\u036f"
_VOWEL_PAIR: Final = re.compile(
    rf"(q)(u)({_TONE})([aeiy])({_TONE})(?![{_MARKS}])()"
    rf"|(?<!q)()(?=o{_TONE}[ae]|u{_TONE}y)([ou])({_TONE})([aey])({_TONE})(?![{_MARKS}])([a-z]?)",
    re.IGNORECASE,
)
_FINAL_Y: Final = re.compile(rf"(?<=[bcdghklmnprstvx])y(?={_TONE}(?![a-z{_MARKS}]))|(?<=qu)y(?={_TONE}(?![a-z{_MARKS}]))")


def stored_form(text: str) -> str:
    """Return NFC of the text and change nothing else."""
    return unicodedata.normalize("NFC", text)


def _place_tone(match: re.Match[str]) -> str:
    before, first, tone_one, second, tone_two, after = (part for part in match.groups() if part is not None)
    if tone_one and tone_two:
        return match[0]
    tone = tone_one + tone_two
    return f"{before}{first}{second}{tone}{after}" if before or after else f"{before}{first}{tone}{second}{after}"


def place_tones(text: str) -> str:
    """Return NFC text with tones of ``oa oe uy`` in the old, official style (``hoà`` -> ``hòa``; ``quý``, ``hoàn`` stay)."""
    return unicodedata.normalize("NFC", _VOWEL_PAIR.sub(_place_tone, unicodedata.normalize("NFD", text)))


def is_invisible(character: str) -> bool:
    """Tell whether a character is zero-width, a byte order mark or another format character."""
    return unicodedata.category(character) == "Cf"


def match_key(text: str) -> str:
    """Return the key that is equal for two writings of the same accented text."""
    # No format character is printable; nearly every text is, and that is much cheaper to see.
    visible = text if text.isprintable() else "".join(each for each in text if not is_invisible(each))
    folded = unicodedata.normalize("NFC", visible).translate(_LOOK_ALIKES).casefold()
    return " ".join(place_tones(folded).split())


def without_accents(text: str) -> str:
    """Return the text without tone and vowel marks; ``đ`` becomes ``d``. Case is kept."""
    bare = "".join([each for each in unicodedata.normalize("NFD", text) if not unicodedata.combining(each)])
    return bare.replace("Đ", "D").replace("Ð", "D").translate(_STROKES)


def plain_key(text: str) -> str:
    """Return the match key without accents: a candidate for equality, never a result."""
    return without_accents(match_key(text))


def alias_key(text: str) -> str:
    """Return the match key with a syllable's final ``y`` written ``i`` where both spellings are in use."""
    return unicodedata.normalize("NFC", _FINAL_Y.sub("i", unicodedata.normalize("NFD", match_key(text))))


def carries_accents(text: str) -> bool:
    """Tell whether any letter has an accent (``đ`` counts)."""
    return without_accents(text) != unicodedata.normalize("NFD", text)
