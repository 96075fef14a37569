"""Counts that may be published: small ones are left out, and so many others that no left-out one can be worked out.

- A count of nought tells of nobody and is said. One from 1 to ``least`` - 1 is not.
- Parts of a total: with what is said, knowing this file and even the total from elsewhere, nobody may work out what is not. So at least two are left out, which together make
  at least twice ``least``, the next in the table's order and not the smallest, which would tell something itself. Where that cannot be had,
  nothing is said at all. A test tries every small table.

>>> parts({"a": 2, "b": 40, "c": 7}, least=5)
Parts(total=49, counts={'a': None, 'b': None, 'c': 7})
>>> parts({"a": 2, "b": 0}, least=5)
Parts(total=None, counts={'a': None, 'b': None})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

TOGETHER: Final = 2


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """A total and its parts as they may be said; None: left out."""

    total: int | None
    counts: dict[str, int | None]


def single(count: int, *, least: int) -> int | None:
    """Return a count that is part of nothing published."""
    return None if 0 < count < least else count


def parts(counts: Mapping[str, int], *, least: int) -> Parts:
    """Return what may be said of counts that add up, in their order: it, and never a size, says which others are left out."""
    names = list(counts)
    hidden = [name for name in names if 0 < counts[name] < least]
    if not hidden:
        return Parts(total=sum(counts.values()), counts=dict(counts))
    start = names.index(hidden[0]) + 1
    for name in names[start:] + names[:start]:
        if _enough([counts[each] for each in hidden], least):
            break
        if counts[name] and name not in hidden:
            hidden.append(name)
    if not _enough([counts[each] for each in hidden], least):
        return Parts(total=None, counts=dict.fromkeys(counts))
    return Parts(total=sum(counts.values()), counts={name: None if name in hidden else count for name, count in counts.items()})


def _enough(left_out: list[int], least: int) -> bool:
    return len(left_out) >= TOGETHER and sum(left_out) >= TOGETHER * least
