"""Keys two writings of one person's name may share, from the strongest to the weakest.

- ``accented``: words in order; tone placement, Unicode form, case, apostrophes and hyphens set aside (Hoà = Hòa, H' Loan = H'Loan).
- ``plain``: the same without accents, spaces and i/y (Đặng = DANG, Thịnh An = Thị Nhan, Quí = Quý): machine-readable zones and careless typing.
- ``words``: plain words sorted, for names written given name first. ``ends``: first and last word, for a middle name left out (``word_count`` differs) or another.
- ``initials``: all words but the last by their first letter (N. V. An). ``given``: the last word. A one-word name is all of these.
- ``has_accents`` tells whether a difference in accents says anything: a side without any says nothing.
- All but ``accented`` are ASCII where Vietnamese and the languages of the highlands are, so that every engine counts the same letters.
- Syllables are few and come again and again: each is worked out once.

>>> name_keys("H' Loan Niê Kdăm").plain == name_keys("H LOAN NIE KDAM").plain
True
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from residence.people.letters import alias_key, match_key, plain_key

_SYLLABLES: Final = 1 << 16
_BETWEEN_WORDS: Final = str.maketrans({"'": " ", "-": " ", ".": " ", "·": " ", "~": " "})


class NameKeys(NamedTuple):
    """Every key of one name."""

    accented: str
    plain: str
    words: str
    ends: str
    initials: str
    given: str
    word_count: int
    has_accents: bool


def name_keys(full_name: str) -> NameKeys | None:
    """Return the keys of a name; None when it has no letter at all."""
    parts = [part for word in full_name.split() for part in _parts(word)]
    if not parts:
        return None
    plain = [each for _, each in parts]
    accented = " ".join([each for each, _ in parts])
    return NameKeys(
        accented=accented,
        plain="".join(plain),
        words=" ".join(sorted(plain)),
        ends=f"{plain[0]} {plain[-1]}",
        initials=f"{''.join([each[0] for each in plain[:-1]])} {plain[-1]}",
        given=plain[-1],
        word_count=len(plain),
        has_accents=not accented.isascii(),
    )


@lru_cache(maxsize=_SYLLABLES)
def _parts(word: str) -> tuple[tuple[str, str], ...]:
    """Return what one word between spaces consists of, each part with and without accents."""
    key = match_key(word).translate(_BETWEEN_WORDS).split()
    return tuple((each, plain_key(alias_key(each))) for each in key if any(letter.isalnum() for letter in each))
