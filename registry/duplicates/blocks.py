"""Whom to compare at all: persons who share one of a few keys, and never more than some dozens for one key.

- All pairs of a million are half a billion thousands; a pair is looked at when one of these keys is equal. Each mends another's blindness:
  a wrong number is found by name and birth, a wrong birth by name and house, a wrong name by birth and house, a year alone by all words,
  a wrong name and the wrong half of a number by year and last digits.
- A key that more than ``MOST_SHARING`` persons share brings nobody together (a hotel's telephone given for every guest, 1 January with a
  common name): work grows with the number of persons, not with its square. How many persons that leaves out is counted and reported.
- A missing part makes no key: it meets nobody.

>>> blocks_of(("001095000117", None, None, None), name=("an", "an tran"), birth=("1995", None), phone=None, house=None)[-1]
('1995', '000117')
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

MOST_SHARING: Final = 60
Key = str | tuple[str, str] | None
BLOCKS: Final = (
    *("personal", "before", "old", "document", "phone"),
    *("name_birth", "words_year", "words_house", "birth_house", "number_tail"),
)
_TAIL: Final = slice(6, 12)  # the digits of a personal number that are drawn
TooCommon = Mapping[str, Sequence[int]]


def blocks_of(
    numbers: tuple[str | None, str | None, str | None, str | None],
    *,
    name: tuple[str | None, str | None],
    birth: tuple[str | None, str | None],
    phone: str | None,
    house: str | None,
) -> tuple[Key, ...]:
    """Return a person's keys in the order of ``BLOCKS``. ``name``: given, words; ``birth``: year, either."""
    (personal, *_), (given, words), (year, either) = numbers, name, birth
    return (
        *numbers,
        phone,
        (given, either) if given and either else None,
        (words, year) if words and year else None,
        (words, house) if words and house else None,
        (either, house) if either and house else None,
        (year, personal[_TAIL]) if year and personal else None,
    )


def counting(table: str) -> str:
    """Return the query for the keys that too many share: which key, its hash, how many persons."""
    return " UNION ALL ".join(
        f"SELECT '{name}' AS name, block_{name} AS value, COUNT(*) AS persons FROM {table} "  # noqa: S608 - names of our own
        f"WHERE block_{name} IS NOT NULL GROUP BY block_{name} HAVING COUNT(*) > {MOST_SHARING}"
        for name in BLOCKS
    )


def joins(too_common: TooCommon) -> Iterable[str]:
    """Return the conditions that bring two persons together, in SQL every engine reads alike."""
    for name in BLOCKS:
        if name != "before":
            yield f"l.block_{name} = r.block_{name}{_but(name, too_common)}"
    # A number is also looked for among the numbers of before, from either side.
    yield f"l.block_personal = r.block_before{_but('personal', too_common)}"
    yield f"l.block_before = r.block_personal{_but('before', too_common)}"


def _but(name: str, too_common: TooCommon) -> str:
    values = too_common.get(name)
    return f" AND l.block_{name} NOT IN ({', '.join(map(str, values))})" if values else ""
