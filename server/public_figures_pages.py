"""Figures for everybody: who looks for what, how cases end, how long corrections take, how far two views agree, whether it was up.

- No sign-in, nobody counted. What is shown was worked out once, at night (``registry/public_figures.py``); a page reads it and no more.
- The same as JSON and CSV, each with an ETag and an hour in any cache; ``schema.json`` says what each field means (JSON Schema).

Example: ``/transparency``, ``/transparency/figures.json?commune=demo-01``
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.communes import communes
from registry.public_figures import months_of
from residence.cases.public_figures import Agreed, MonthFigures, Spread
from server.pages import render
from server.visitor import Caller
from server.wiring import Server, server_of

router = APIRouter(prefix="/transparency")
Wired = Annotated[Server, Depends(server_of)]
AT_MOST: Final = 500  # communes offered to choose from
HEAD: Final = ("commune", "month", "least", "figure", "of", "value", "least_likely", "most_likely")
Line = tuple[str, str, object, object, object]  # figure, of what, value, and where it is an estimate its interval


@router.get("")
def show(request: Request, caller: Caller, server: Wired, commune: str = "") -> Response:
    """Show the months of a commune, the last one in full."""
    known = [each for _, each in zip(range(AT_MOST), communes(server.registry), strict=False)]
    chosen = commune if commune in known else next(iter(known), "")
    months = _months(server, chosen)
    return render(request, "public_figures.html", caller=caller, communes=known, chosen=chosen, months=months)


@router.get("/figures.json")
def as_json(request: Request, server: Wired, commune: str = "") -> Response:
    """Give the months as JSON."""
    return _file(request, msgspec.json.encode(_months(server, _chosen(server, commune))), "application/json")


@router.get("/figures.csv")
def as_csv(request: Request, server: Wired, commune: str = "") -> Response:
    """Give the months as a table: one line a figure; an empty value is one that is not said."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(HEAD)
    for month in _months(server, _chosen(server, commune)):
        for line in lines_of(month):
            table.writerow([month.commune_code, month.month, month.least, *("" if each is None else each for each in line)])
    return _file(request, text.getvalue().encode(), "text/csv; charset=utf-8")


@router.get("/schema.json")
def schema(request: Request) -> Response:
    """Give the JSON Schema of ``figures.json``."""
    return _file(request, msgspec.json.encode(msgspec.json.schema(list[MonthFigures])), "application/schema+json")


def lines_of(month: MonthFigures) -> Iterator[Line]:
    """Return a month as lines."""
    for name, table in (("looks", month.looks), ("closed", month.closed)):
        yield name, "total", table.total, None, None
        yield from ((name, of, count, None, None) for of, count in table.counts.items())
    for kind, settled in month.corrections.items():
        yield from _settled(kind, settled)
    yield from _agreed("total", month.agreement)
    for code, agreed in month.agreement_by_code.items():
        yield from _agreed(code, agreed)
    yield "uptime_percent", "total", month.uptime_percent, None, None


def _settled(kind: str, settled: Spread) -> Iterator[Line]:
    yield "corrections", kind, settled.count, None, None
    yield "corrections_median_hours", kind, settled.median_hours, None, None


def _agreed(of: str, agreed: Agreed) -> Iterator[Line]:
    yield "agreement_pairs", of, agreed.pairs, None, None
    for name, found in (("agreement_raw", agreed.raw), ("agreement_kappa", agreed.kappa)):
        yield (name, of, found.value, found.least, found.most) if found else (name, of, None, None, None)


def _chosen(server: Server, commune: str) -> str:
    return commune or next(communes(server.registry), "")


def _months(server: Server, commune_code: str) -> list[MonthFigures]:
    with server.registry.reading() as connection:
        return months_of(connection, commune_code)


def _file(request: Request, content: bytes, kind: str) -> Response:
    tag = f'"{sha256(content).hexdigest()[:32]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    return Response(content, media_type=kind, headers={"etag": tag})
