"""Whom to compare at all: persons who share one of a few keys, and never more than some dozens for one key.

- All pairs of a million are half a billion thousands; a pair is looked at when one of these keys is equal. Each mends another's blindness:
  a wrong number is found by name and birth, a wrong birth by name and house, a wrong name by birth and house, a year alone by all words.
- A key that more than ``MOST_SHARING`` persons share brings nobody together (a hotel's telephone given for every guest, 1 January with a
  common name): work grows with the number of persons, not with its square. How many persons that leaves out is counted and reported.
- Keys are put together in SQL that every engine reads alike; null stays null, and null meets nobody.

>>> BLOCKS["name_birth"]
"given || '|' || either"
"""

from __future__ import annotations

from typing import Final

from registry.duplicates.columns import COLUMNS

MOST_SHARING: Final = 60
BLOCKS: Final = {
    "personal": "personal",
    "before": "personal_before",
    "old": "old",
    "document": "document",
    "phone": "phone",
    "name_birth": "given || '|' || either",
    "words_year": "words || '|' || year",
    "words_house": "words || '|' || house",
    "birth_house": "either || '|' || house",
    "number_tail": "year || '|' || substr(personal, 7, 6)",
}
# Pairs are looked for by one key at a time; a number is also looked for among the numbers of before.
JOINS: Final = (
    *(f"l.block_{name} = r.block_{name}" for name in BLOCKS if name != "before"),
    "l.block_personal = r.block_before",
    "l.block_before = r.block_personal",
)


def bounded(table: str, further: tuple[str, ...] = ()) -> str:
    """Return the query that adds to ``table`` a column for each key, null where too many share it. ``further``: columns kept besides."""
    keys = ", ".join(f"{made} AS raw_{name}" for name, made in BLOCKS.items())
    kept = ", ".join(
        f"CASE WHEN COUNT(*) OVER (PARTITION BY raw_{name}) <= {MOST_SHARING} THEN raw_{name} END AS block_{name}"
        for name in BLOCKS
    )
    return f"SELECT {', '.join((*COLUMNS, *further))}, {kept} FROM (SELECT *, {keys} FROM {table}) AS keyed"  # noqa: S608 - names of our own


def left_out(table: str, bounded_table: str) -> str:
    """Return the query that counts, for each key, the persons who have it and are brought together with nobody by it."""
    counts = ", ".join(f"COUNT({made}) AS has_{name}" for name, made in BLOCKS.items())
    kept = ", ".join(f"COUNT(block_{name}) AS kept_{name}" for name in BLOCKS)
    differences = ", ".join(f"has_{name} - kept_{name} AS {name}" for name in BLOCKS)
    return f"SELECT {differences} FROM (SELECT {counts} FROM {table}) AS a CROSS JOIN (SELECT {kept} FROM {bounded_table}) AS b"  # noqa: S608 - as above
