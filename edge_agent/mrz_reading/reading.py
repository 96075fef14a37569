"""The machine-readable zone of one grey picture: find it, read its signs, let the check digits judge, and say what is doubtful.

- Several sizes and several groups of lines are tried; the first zone whose check digits are right and whose signs are sure ends the search.
  A zone that a few looks have left in doubt is not looked at again. The best of what was seen is returned, with its errors: it is shown,
  never accepted.
- ``problems_of`` gives the zone's own problems (``residence.credentials.mrz``), a warning for every exchanged sign, an error where the picture
  leaves a sign open, and always the warning that no check digit covers the name.
- Pure: a picture in, text out; no picture is kept. A caller with little time passes ``time_left``, asked after each look.

Example: ``read_zone(grey)``
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any, Final

import cv2
import msgspec

from edge_agent.mrz_reading.bands import Grey, find_bands, sizes_of
from edge_agent.mrz_reading.correcting import Exchange, Settled, fits, settle
from edge_agent.mrz_reading.signs import ZoneSigns, signs_of
from edge_agent.mrz_reading.zones import zones_of
from residence.credentials.mrz import NO_EXPIRY_VALUES
from residence.credentials.reading import MrzOutcome, read_mrz
from residence.errors import Problem, has_errors, problem

READER: Final = "ocr-b"
_CALM: Final = 1.3  # pixels
_DOUBTED: Final = 8  # looks at a zone that left a sign open: asking until one does not would find a wrong one in the end
SMALLEST_SIDE: Final = 32  # pixels; nothing smaller holds a zone


class SeenZone(msgspec.Struct, frozen=True, kw_only=True):
    """A zone as read: its lines top first, what was exchanged, and the places the picture leaves unsure."""

    lines: tuple[str, ...]
    exchanges: tuple[Exchange, ...] = ()
    unsure: tuple[tuple[int, int], ...] = ()


def always() -> bool:
    """Say that there is time for every look."""
    return True


def read_zone(grey: Grey, *, time_left: Callable[[], bool] = always) -> SeenZone | None:
    """Return the zone in ``grey`` (uint8, height by width), or None when none is seen."""
    best: tuple[float, Settled] | None = None
    doubted = 0
    if min(grey.shape) < SMALLEST_SIDE:
        return None
    for picture, size in _looks(grey):
        for zone in zones_of(find_bands(picture, size=size)):
            signs = signs_of(picture, zone)
            if signs is not None:
                found = settle(signs.told, signs.before)
                if fits(found.lines) and not found.unsure:
                    return _seen(found)
                doubted += fits(found.lines)
                best = max(best or (-math.inf, found), (_rank(signs, found), found), key=lambda each: each[0])
            if doubted == _DOUBTED or not time_left():
                return _best(best)
        if not time_left():
            break
    return _best(best)


def _best(best: tuple[float, Settled] | None) -> SeenZone | None:
    return None if best is None else _seen(best[1])


def _looks(grey: Grey) -> Iterator[tuple[Grey, float]]:
    """Return the picture in each size, then once more calmed: noise and a screen's grid hide lines and signs."""
    sizes = sizes_of(grey.shape)
    yield from ((grey, size) for size in sizes)
    calm: Any = cv2.GaussianBlur(grey, (0, 0), _CALM)
    yield from ((calm, size) for size in sizes)


def _seen(found: Settled) -> SeenZone:
    return SeenZone(lines=found.lines, exchanges=found.exchanges, unsure=found.unsure)


def _rank(signs: ZoneSigns, found: Settled) -> float:
    return signs.fit + fits(found.lines)


def outcome_of(seen: SeenZone, *, reader: str, today: date, no_expiry: Sequence[str] = NO_EXPIRY_VALUES) -> MrzOutcome:
    """Return what the zone says, judged on ``today``; ``ok`` only when nothing is wrong and nothing unsure."""
    outcome = read_mrz(seen.lines, reader=reader, today=today, no_expiry=no_expiry)
    problems = problems_of(seen, outcome.problems)
    ok = outcome.ok and not has_errors(problems)
    return msgspec.structs.replace(outcome, ok=ok, reading=outcome.reading if ok else None, problems=problems)


def problems_of(seen: SeenZone, parsed: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return the problems of the text and those of its reading from a picture."""
    own = [_exchange_problem(each) for each in seen.exchanges]
    rows = sorted({row for row, _ in seen.unsure})
    own += [problem("mrz.sign_unsure", f"/lines/{row}", places=_places(seen, row)) for row in rows]
    if not any(each.code == "mrz.name_unconfirmed" for each in parsed):
        own.append(problem("mrz.name_unconfirmed", f"/lines/{len(seen.lines) - 1 if len(seen.lines) > 2 else 0}"))  # noqa: PLR2004 -- TD1
    return (*parsed, *own)


def _exchange_problem(each: Exchange) -> Problem:
    code = "mrz.sign_corrected" if each.confirmed else "mrz.sign_by_place"
    return problem(code, f"/lines/{each.row}", place=each.column + 1, seen=each.seen, taken=each.taken)


def _places(seen: SeenZone, row: int) -> str:
    return ", ".join(str(column + 1) for each, column in seen.unsure if each == row)
