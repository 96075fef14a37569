"""``luutru registry scoreboard``: count the four words and coverage by commune, keep the day, export without small cells, draw.

- Without options today is counted, kept and printed, as whoever runs the registry may see it. ``--export`` and ``--plot`` write what may be
  published: small cells, and what they would follow from, are hidden.

Example: ``luutru registry scoreboard --export csv --to scoreboard.csv``
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from luutru.commands.registry_corrections import day_of

if TYPE_CHECKING:
    from registry.database import Registry
    from residence.cleaning.scoreboard import Cell, Measure


def scoreboard(  # noqa: PLR0913 - options of a command line
    *,
    registry: Annotated[
        str, typer.Option("--registry", envvar="LUUTRU_REGISTRY", help="Address of the registry.")
    ] = "sqlite:///registry.db",
    vault: Annotated[
        Path, typer.Option("--vault", envvar="LUUTRU_VAULT", help="Directory with the keys of the registry's sealed fields.")
    ] = Path("vault"),
    export: Annotated[str | None, typer.Option("--export", help="csv or parquet: every kept day, into --to.")] = None,
    plot: Annotated[str | None, typer.Option("--plot", help="Draw this commune's days as SVG, into --to; * for all.")] = None,
    to: Annotated[Path | None, typer.Option("--to", help="The file to write.")] = None,
    since: Annotated[str, typer.Option("--since", help="From this day on, YYYY-MM-DD.")] = "",
    least: Annotated[int, typer.Option("--least", min=2, max=100, help="Cells of fewer persons are hidden.")] = 5,
    lacking: Annotated[
        str | None, typer.Option("--lacking", help="List ids of persons a measure does not count, of --commune: whom to reach.")
    ] = None,
    commune: Annotated[str, typer.Option("--commune", help="With --lacking: of which commune.")] = "",
    after: Annotated[str, typer.Option("--after", help="With --lacking: go on after this id.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Count today and keep it; or export, or draw, what was kept.

    Example: luutru registry scoreboard --export parquet --to scoreboard.parquet
    """
    from luutru.system import system_clock
    from registry.scoreboard.counting import keep_day, kept_days
    from residence.cleaning.scoreboard import published

    _check(export, plot, to, since)
    measure = _measure(lacking, commune) if lacking is not None else None  # wrong use ends here, before a vault is opened
    opened = _open(registry, vault)
    try:
        if measure is not None:
            _list(opened, measure, commune, after, json=json)
            return
        if to is None or not (export or plot):
            cells: Sequence[Cell] = keep_day(opened, now=system_clock().now())
        else:
            with opened.reading() as connection:
                cells = published(kept_days(connection, since=since), least=least)
            _write(cells, to, export=export, plot=plot)
    finally:
        opened.close()
    answer = {"ok": True, "cells": [_told(each) for each in cells], "hidden": sum(each.hidden for each in cells)}
    if json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    elif to is None:
        _print(answer)


def _check(export: str | None, plot: str | None, to: Path | None, since: str) -> None:
    if since:
        day_of(since, "--since")
    if export not in {None, "csv", "parquet"} or (export and plot):
        raise typer.BadParameter("csv or parquet, and not together with --plot", param_hint="--export")
    if (export or plot) and to is None:
        raise typer.BadParameter("say where", param_hint="--to")


def _open(registry: str, vault: Path) -> Registry:
    from luutru.opening import open_registry

    return open_registry(registry, vault)


def _measure(name: str, commune: str) -> Measure:
    from residence.cleaning.scoreboard import MEASURES

    asked = next((each for each in MEASURES if each == name), None)
    if asked is None or not commune:
        raise typer.BadParameter(f"one of {', '.join(MEASURES)}, with --commune", param_hint="--lacking")
    return asked


def _list(registry: Registry, measure: Measure, commune: str, after: str, *, json: bool) -> None:
    from luutru.system import system_clock
    from registry.scoreboard.counting import without
    from residence.clock import VIETNAM

    today = system_clock().now().astimezone(VIETNAM).date()
    with registry.reading() as connection:
        people = without(connection, measure, commune_code=commune, today=today, after=after)
    typer.echo(msgspec.json.encode({"ok": True, "persons": people}).decode() if json else "\n".join(people))


def _write(cells: Sequence[Cell], to: Path, *, export: str | None, plot: str | None) -> None:
    if plot is not None:
        from luutru.scoreboard_plot import draw

        if not any(each.commune_code == plot for each in cells):
            raise typer.BadParameter("no day of this commune is kept; count first, without options", param_hint="--plot")
        to.write_text(draw(cells, commune_code=plot), "utf-8")
        return
    import polars as pl

    from registry.table_files import WRITERS

    if not cells:
        raise typer.BadParameter("no such day is kept; count first, without options", param_hint="--export")
    writer = WRITERS[export or "csv"](to)
    writer.write(pl.DataFrame([_told(each) for each in cells], infer_schema_length=None))
    writer.close()


def _told(cell: Cell) -> dict[str, Any]:
    from residence.cleaning.shares import share_of

    share = share_of(cell.part, cell.whole)
    said = {"commune_code": cell.commune_code, "day": cell.day, "measure": cell.measure, "hidden": cell.hidden}
    figures = {"part": cell.part, "whole": cell.whole, "share": share.share, "low": share.low, "high": share.high}
    return said | (dict.fromkeys(figures) if cell.hidden else figures)


def _print(answer: dict[str, Any]) -> None:
    from residence.cleaning.scoreboard import AGAINST

    for each in answer["cells"]:
        share = (
            "–" if each["share"] is None else f"{100 * each['share']:.1f} % ({100 * each['low']:.1f}–{100 * each['high']:.1f})"
        )
        typer.echo(f"{each['commune_code']:16} {each['measure']:9} {each['part']:>9,} / {each['whole']:>9,}  {share}")
    if answer["cells"] and not any(each["measure"] in AGAINST for each in answer["cells"]):
        typer.echo(
            f"{', '.join(AGAINST)}: not counted, for nobody has gone through the register yet: luutru registry cleaning run --whole"
        )
