"""Second views of closed cases: which are drawn, by what chance, who may see them again, and what two views come to.

- Drawn at night by stratum: how a case was closed, and by whom, in one commune. In each stratum the same share is drawn; the part of a case that
  is left over is drawn by chance, so every closure has the same chance and a rare one is not drawn each time.
- The draw follows from its seed, the share and the closures alone: whoever has these draws the same again.
- Whoever sees it again never had to do with the case, is not the closer under another account, and has no interest in it.
- Two who say the same settle it. Else a third sees it, who is told neither. Only then somebody learns that there was a difference.

>>> drawn([Closure(event_id="e", case_id="c", code="visitor", closed_by="a")], seed=bytes(32), percent=100)[0].event_id
'e'
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Final

import msgspec

from residence.cases.closing import ClosingCode

CANNOT_TELL: Final = "cannot-tell"
_FIRST_LINE: Final = "luutru-draw-row/1"
SAYABLE: Final = (*(each.value for each in ClosingCode), CANNOT_TELL)


class Closure(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One closing step of an officer."""

    event_id: str
    case_id: str
    code: str
    closed_by: str


class Result(StrEnum):
    """What the views of one closure come to."""

    WAITS = "waits"
    SAME = "same"  # the second view says what the closer said
    UPHELD = "upheld"  # the third says what the closer said
    OTHERWISE = "otherwise"  # two see it otherwise than the closer: somebody looks into it


def drawn(closures: Iterable[Closure], *, seed: bytes, percent: int) -> list[Closure]:
    """Return the closures drawn, in their order. ``seed``: 32 bytes; ``percent``: 0 to 100 of each stratum."""
    strata: defaultdict[tuple[str, str], list[Closure]] = defaultdict(list)
    for each in closures:
        strata[each.code, each.closed_by].append(each)
    chosen: list[Closure] = []
    for stratum, members in strata.items():
        whole, rest = divmod(len(members) * percent, 100)
        more = _chance(seed, "rest", *stratum) % 100 < rest
        shuffled = sorted(members, key=lambda each: (_chance(seed, "order", each.event_id), each.event_id))
        chosen += shuffled[: whole + more]
    return sorted(chosen)


def chosen_by_chance(among: Sequence[str], *, seed: bytes, about: str, load: Mapping[str, int]) -> str | None:
    """Return who is asked: of those with the fewest second views waiting, one by chance; None where there is nobody."""
    if not among:
        return None
    fewest = min(load.get(each, 0) for each in among)
    return min((each for each in among if load.get(each, 0) == fewest), key=lambda each: _chance(seed, "who", about, each))


def result_of(closed: str, *, second: str | None, third: str | None) -> Result:
    """Return what the views come to; None: not said yet."""
    if second == closed:
        return Result.SAME
    if second is None or third is None:
        return Result.WAITS
    return Result.UPHELD if third == closed else Result.OTHERWISE


def draw_text(
    closures: Sequence[Closure], chosen: Sequence[Closure], *, seed: bytes, percent: int, salt: str, where: str
) -> bytes:
    """Return the text a draw is committed to by: the seed, all closures there were to draw from, and which were drawn."""
    lines = [
        _FIRST_LINE,
        f"salt {salt}",
        f"commune {where}",
        f"seed {seed.hex()}",
        f"percent {percent}",
        *(f"closure {each.event_id} {each.case_id} {each.code} {each.closed_by}" for each in closures),
        *(f"drawn {each.event_id}" for each in chosen),
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def draw_holds(text: bytes) -> bool:
    """Tell whether what a text says was drawn is what its seed draws from its closures."""
    try:
        lines = [line.split(" ") for line in text.decode().splitlines()]
        (first,), (_, salt), (_, where), (_, seed), (_, percent), *rest = lines
        closures = [
            Closure(event_id=words[1], case_id=words[2], code=words[3], closed_by=words[4])
            for words in rest
            if words[0] == "closure"
        ]
        drawn_with, share = bytes.fromhex(seed), int(percent)
    except (ValueError, IndexError):
        return False
    chosen = drawn(closures, seed=drawn_with, percent=share)
    again = draw_text(closures, chosen, seed=drawn_with, percent=share, salt=salt, where=where)
    return first == _FIRST_LINE and again == text


def _chance(seed: bytes, *about: str) -> int:
    return int.from_bytes(sha256(seed + "\x00".join(("luutru draw", *about)).encode()).digest()[:8], "big")
