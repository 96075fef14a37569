"""The machine-readable zone of one grey picture: find it, read its signs, let the check digits judge, and say what is doubtful.

- Several sizes and several groups of lines are tried; the first zone whose check digits are right and whose signs are sure ends the search.
  What one look is sure of must stay so in the mean of all looks at the zone, or asking again would find a wrong one in the end. A zone that a few
  looks have left in doubt is given up, and so is a picture with very many lines that hold no signs. The best of what was seen is returned, with its errors: it is shown,
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

import msgspec
import numpy as np

from edge_agent.mrz_reading.bands import Grey, find_bands
from edge_agent.mrz_reading.correcting import Exchange, Settled, disputed, fits, settle
from edge_agent.mrz_reading.looks import Empty, looks_of
from edge_agent.mrz_reading.signs import ZoneSigns, signs_of
from edge_agent.mrz_reading.zones import zones_of
from residence.credentials.mrz import NO_EXPIRY_VALUES
from residence.credentials.reading import MrzOutcome, read_mrz
from residence.errors import Problem, has_errors, problem

READER: Final = "ocr-b"
_DOUBTED: Final = 8  # looks at a zone that left a sign open
_TRIED: Final = 110  # groups of lines; a picture with more is of something else
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
    doubted: list[ZoneSigns] = []
    for signs in _signs_in(grey, time_left):
        if signs is not None:
            found = settle(signs.told, signs.before)
            if fits(found.lines):
                doubted.append(signs)
                found = disputed(found, _together(doubted))
                if not found.unsure:
                    return _seen(found)
            best = max(best or (-math.inf, found), (_rank(signs, found), found), key=lambda each: each[0])
        if len(doubted) == _DOUBTED:
            break
    return None if best is None else _seen(best[1])


def _signs_in(grey: Grey, time_left: Callable[[], bool]) -> Iterator[ZoneSigns | None]:
    """Return what stands in each group of lines, look after look, while there is time; None where no signs do."""
    empty, tried = Empty(), 0
    for look in looks_of(grey) if min(grey.shape) >= SMALLEST_SIDE else ():
        for zone in zones_of(find_bands(look.seek, size=look.size)):
            if empty.holds(zone, look):
                continue
            signs = signs_of(look.picture, zone)
            if signs is None:
                empty.add(zone, look)
            yield signs
            tried += 1
            if tried == _TRIED or not time_left():
                return
        if not time_left():
            return


def _together(looks: list[ZoneSigns]) -> Any:
    """Return the mean of what stood there before, over all looks at a zone of the last one's form."""
    return np.mean([each.before for each in looks if each.before.shape == looks[-1].before.shape], 0)


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
