"""The officer's ward in figures: twelve weeks of what was declared and how, what notices solved, how cases ended; to look at, print, or take away.

- Counts of the whole commune; what is too few to say is a gap in every form alike (``residence/cases/ward_figures.py``). No map, no house, no person.
- The file says what the page says, cell by cell; an empty cell is a hidden one.

Example: ``/police/ward``, ``/police/ward/figures.csv``
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.ward_figures import ward_weeks
from residence.cases.closing import CLOSING
from residence.cases.ward_figures import LEAST, Week
from server.pages import render
from server.police.work_queue_pages import require_queues
from server.policy import Account
from server.visitor import Caller, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/ward")
Wired = Annotated[Server, Depends(server_of)]
COUNTS: Final = ("on_time", "late", "corrected", "notices", "declared_after")
PANELS: Final = (*COUNTS, "median_hours")
LEFT, RIGHT, TOP, BOTTOM = 34, 352, 12, 116  # the plotting field within 360 x 140


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One week's bar; a hidden one has no height and says so."""

    x: float
    y: float
    height: float
    value: int | None
    first_day: str


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One measure drawn."""

    name: str
    top: int
    width: float
    bars: tuple[Bar, ...]


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the weeks."""
    weeks = _weeks(server, account)
    panels = [panel(name, weeks) for name in PANELS]
    codes = [code.value for code in CLOSING if any(week.closed[code.value] != 0 for week in weeks)]
    return render(request, "police/ward.html", caller=caller, weeks=weeks, panels=panels, codes=codes, least=LEAST)


@router.get("/figures.csv")
def export(account: SignedIn, server: Wired) -> Response:
    """Give the same figures as a file."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(["week", *PANELS, *(f"closed:{code.value}" for code in CLOSING)])
    for week in _weeks(server, account):
        cells = [*(getattr(week, name) for name in PANELS), *week.closed.values()]
        table.writerow([week.first_day, *("" if each is None else each for each in cells)])
    name = f"luutru-{account.commune_code}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _weeks(server: Server, account: Account) -> list[Week]:
    require_queues(server, account)
    with server.registry.reading() as connection:
        return ward_weeks(connection, account.commune_code, now=server.clock.now())


def panel(name: str, weeks: Sequence[Week]) -> Panel:
    """Return a measure as bars on a scale from nought."""
    values = [getattr(week, name) for week in weeks]
    top = max([each for each in values if each is not None], default=0) or 1
    step = (RIGHT - LEFT) / max(len(weeks), 1)
    bars = tuple(
        _bar(week, value, x=LEFT + number * step, top=top) for number, (week, value) in enumerate(zip(weeks, values, strict=True))
    )
    return Panel(name=name, top=top, width=round(step * 0.7, 1), bars=bars)


def _bar(week: Week, value: int | None, *, x: float, top: int) -> Bar:
    height = (BOTTOM - TOP) * (value or 0) / top
    return Bar(x=round(x, 1), y=round(BOTTOM - height, 1), height=round(height, 1), value=value, first_day=week.first_day)
