"""Names of people: what one may contain, and whether two writings may be one person's.

- A name is kept as given (NFC). Every comparison is on derived keys and a human decides on ``likely``.
- ``same``: equal after Unicode form, case, spaces, apostrophes and tone placement are set aside, or equal without accents where one side
  carries no accents at all (a machine-readable zone, a scanner that drops accents). Spaces are set aside wherever they stand
  (Thịnh An, Thị Nhan): machine-readable zones and forms lose and move them.
- ``likely``: equal only without accents though both sides carry accents; the same words in another order; or different only in hyphens or
  in i/y (Quí, Quý).
- ``different``: anything else. A missing middle name is different.
- Order is family, middle, given: the given name is the last word. One-word names exist.
- Ethnic-minority names hold apostrophes, hyphens and the letters ŏ ŭ č ĕ ĭ ñ; all are ordinary here.

>>> compare_names("Nguyễn Văn An", "NGUYEN VAN AN").result
'same'
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal

import msgspec

from residence.errors import Problem, problem
from residence.people.letters import DASHES, QUOTES, alias_key, carries_accents, is_invisible, match_key, plain_key

NameResult = Literal["same", "likely", "different"]
# The longest registered Vietnamese names have about 40 letters; passports carry at most 39.
LONGEST_NAME: Final = 80
_SIGNS: Final = frozenset(QUOTES + DASHES + " \u00a0.·~")
# Marks NFC leaves on their own in letters such as ơ̆ and ê̆; others (strokes, enclosing marks) are decoration.
_MARKS: Final = frozenset("\u0300\u0301\u0302\u0303\u0304\u0306\u0308\u0309\u030c\u031b\u0323\u0331")
_ADDRESS_SIGNS: Final = frozenset("°²³½…“”№") | {chr(each) for each in range(0x20, 0x7F)} - set("<>")
# Nearly every name: letters of the blocks Basic Latin to Extended-B and Extended Additional, and spaces. It has none of the errors below.
_USUAL: Final = re.compile(
    r"[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff][A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff ]*"
)


class NameComparison(msgspec.Struct, frozen=True):
    """The result and the code of the sentence that explains it."""

    result: NameResult
    why: str


def words_of(key: str) -> str:
    """Return a match key with apostrophes read as spaces, so that ``h'loan`` and ``h' loan`` are the same words."""
    return " ".join(key.replace("'", " ").split())


def _joined(key: str) -> str:
    return key.replace(" ", "")


def _equality(one: str, other: str, *, one_side_plain: bool) -> NameComparison | None:
    """Judge names whose words stand in the same order."""
    accented = words_of(match_key(one)), words_of(match_key(other))
    plain = words_of(plain_key(one)), words_of(plain_key(other))
    if accented[0] == accented[1]:
        return NameComparison("same", "name.equal")
    if _joined(accented[0]) == _joined(accented[1]):
        return NameComparison("same", "name.equal_but_spaces")
    if _joined(plain[0]) == _joined(plain[1]):
        return (
            NameComparison("same", "name.equal_one_plain")
            if one_side_plain
            else NameComparison("likely", "name.equal_but_accents")
        )
    return None


def _near(one: str, other: str, *, one_side_plain: bool) -> NameComparison | None:
    """Judge names that differ in order, hyphens or i/y."""
    key = plain_key if one_side_plain else match_key
    words = [words_of(key(each)).split() for each in (one, other)]
    if sorted(words[0]) == sorted(words[1]):
        return NameComparison("likely", "name.other_order")
    if _joined("".join(words[0])).replace("-", "") == _joined("".join(words[1])).replace("-", ""):
        return NameComparison("likely", "name.equal_but_signs")
    if words_of(alias_key(one)) == words_of(alias_key(other)):
        return NameComparison("likely", "name.equal_but_i_y")
    return None


def compare_names(one: str, other: str) -> NameComparison:
    """Compare two names, whichever way round they are given."""
    if not any(each.isalpha() for each in one) or not any(each.isalpha() for each in other):
        return NameComparison("different", "name.empty")
    one_side_plain = not (carries_accents(one) and carries_accents(other))
    return (
        _equality(one, other, one_side_plain=one_side_plain)
        or _near(one, other, one_side_plain=one_side_plain)
        or NameComparison("different", "name.different")
    )


def has_control(text: str) -> bool:
    """Tell whether the text holds control, format, unassigned, private-use or surrogate characters or line separators."""
    if text.isprintable():
        return False  # none of these categories is printable; this is nearly every text, and much cheaper
    return any(unicodedata.category(each) in {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"} for each in text)


def are_plain(texts: Sequence[str], *, longest: int) -> bool:
    """Tell at once that no text has any error of ``check_text``; False only means that each is to be looked at."""
    together = "".join(texts)
    return max(map(len, texts), default=0) <= longest and together.isprintable() and "<" not in together and ">" not in together


def check_text(text: str, pointer: str, *, longest: int) -> tuple[Problem, ...]:
    """Return the errors any text of a person can have: too long, control characters, mark-up."""
    found: list[Problem] = []
    if len(text) > longest:
        found.append(problem("text.too_long", pointer, longest=longest))
    if has_control(text):
        found.append(problem("text.control_characters", pointer))
    if "<" in text or ">" in text:
        found.append(problem("text.markup", pointer))
    return tuple(found)


@lru_cache(maxsize=4096)
def is_name_character(character: str) -> bool:
    """Tell whether a character can stand in a name: a Latin letter, a combining mark on one, or one of a few signs."""
    if character in _SIGNS or character in _MARKS:
        return True
    return character.isalpha() and unicodedata.name(character, "").startswith("LATIN ")


def is_address_character(character: str) -> bool:
    """Tell whether a character can stand in an address: what a name may hold, ASCII digits and signs, and a few more signs."""
    return character in _ADDRESS_SIGNS or is_name_character(character)


def check_name(text: str, pointer: str) -> tuple[Problem, ...]:
    """Return every error of a name; a name is never mended, only refused."""
    if len(text) <= LONGEST_NAME and _USUAL.fullmatch(text):
        return ()
    if not any(each.isalpha() for each in text):
        return (problem("name.empty", pointer),)
    found = check_text(text, pointer, longest=LONGEST_NAME)
    strange = sorted({each for each in text if not is_name_character(each) and not is_invisible(each) and each not in "<>"})
    if strange and not found:
        return (problem("name.strange_characters", pointer, characters=" ".join(strange[:5])),)
    return found
