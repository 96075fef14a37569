"""How often somebody may be wrong at a door, and for how long that is remembered. Pure; times are monotonic nanoseconds.

- The door: ``attempts`` unknown or wrong credentials within a minute shut it from outside for a while, for everybody.
- A credential: ``attempts`` wrong PINs within an hour shut this credential out, from outside, until the oldest of them is an hour old. A right
  PIN is not looked at meanwhile: whether it was right would be told by the answer.
- Only time makes wrong ones forgotten. Whoever stole a token and guesses its PIN between two right entries of its owner, or between two
  passes of their own, is counted all the same.
- Wrong PINs outlive a restart, and count from it on as if they had just been typed: the mains switch is no way to be forgiven. What is
  forgotten goes from the disk, too, or each restart would shut its owner out anew.

>>> with_one_more({}, b"a", now_ns=0)
{b'a': (0,)}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ATTEMPTS_WITHIN_NS: Final = 60_000_000_000
PINS_WITHIN_NS: Final = 3_600_000_000_000

WrongPins = dict[bytes, tuple[int, ...]]


def recent(moments: tuple[int, ...], *, within_ns: int, now_ns: int) -> tuple[int, ...]:
    """Return those that are not forgotten yet."""
    return tuple(each for each in moments if each > now_ns - within_ns)


def without_forgotten(wrong: Mapping[bytes, tuple[int, ...]], *, now_ns: int) -> WrongPins:
    """Return the wrong PINs that still count."""
    known = {each: recent(moments, within_ns=PINS_WITHIN_NS, now_ns=now_ns) for each, moments in wrong.items()}
    return {each: moments for each, moments in known.items() if moments}


def with_one_more(wrong: Mapping[bytes, tuple[int, ...]], credential: bytes, *, now_ns: int) -> WrongPins:
    """Return the wrong PINs after one more, without what is forgotten."""
    known = without_forgotten(wrong, now_ns=now_ns)
    return {**known, credential: (*known.get(credential, ()), now_ns)}


def is_shut_out(wrong: Mapping[bytes, tuple[int, ...]], credential: bytes, *, attempts: int, now_ns: int) -> bool:
    """Tell whether a credential's PIN is not to be looked at now."""
    return len(recent(wrong.get(credential, ()), within_ns=PINS_WITHIN_NS, now_ns=now_ns)) >= attempts
