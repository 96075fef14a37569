"""``luutru bench scanner``: the whole table of readers in one run, with options of its own.

- Without options the full set: 12 stills at every level, 40 clips, every reader that is installed. ``--quick`` shrinks what no
  option names.
- Progress goes to standard error, and only to a terminal.
- The photos' texts are neither printed nor kept.

Example: ``luutru bench scanner --readers ours,pyzbar --clips 0 --sheet missed.png``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from luutru.commands.bench_report import machine_line, print_json, report_of

if TYPE_CHECKING:
    from luutru.benchmarks.scanner import Announce, Measured, Plan

_TABLE_WIDTH = 150  # when nobody's terminal says otherwise


def measure_scanner(  # noqa: PLR0913 -- the options of one public command
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Less work; the settings in the result say so.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The set of stills and clips; each seed another of the same kind.")
    ] = None,
    readers: Annotated[
        str | None,
        typer.Option(help="Which readers beside ours, by comma: pyzbar, opencv, opencv-aruco, zxing, zxing-2x, tapirscan."),
    ] = None,
    stills: Annotated[int | None, typer.Option(min=0, help="Stills of each category and level; 12 unless quick.")] = None,
    clips: Annotated[int | None, typer.Option(min=0, help="Clips; 40 unless quick.")] = None,
    codefree: Annotated[int, typer.Option(min=0, help="Read at least so many frames without a code.")] = 0,
    photos: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="A folder whose sub-folders hold photos and a truth.tsv: read them too."),
    ] = None,
    sheet: Annotated[Path | None, typer.Option(help="Write a PNG of the frames that ours did not read, and why.")] = None,
) -> None:
    """Measure how many card-like frames and clips each reader reads, and how fast.

    Example: luutru bench scanner --quick

    Example: luutru bench scanner --stills 0 --clips 0 --photos photos/
    """
    from luutru.benchmarks.scanner import FULL, QUICKLY, measure, result_of
    from residence.errors import Malformed

    asked = {"seed": seed, "stills_per_level": stills, "clips": clips, "readers": _names(readers)}
    plan = _changed(
        QUICKLY if quick else FULL, asked | {"codefree": codefree, "photos": photos, "keep_missed": sheet is not None}
    )
    try:
        with _progress() as announce:
            measured = measure(plan, announce=announce)
    except Malformed as error:  # of the photos
        raise typer.BadParameter(f"{error}", param_hint="--photos") from None
    report = report_of("scanner", result_of(measured), quick=quick)
    if as_json:
        print_json(report)
    else:
        _print(measured, report)
    if sheet is not None:
        _write_sheet(measured, sheet)


def _names(readers: str | None) -> tuple[str, ...] | None:
    from luutru.benchmarks.scanner_readers import NAMES

    names = tuple(name.strip() for name in readers.split(",") if name.strip()) if readers is not None else None
    for name in names or ():
        if name not in NAMES:
            raise typer.BadParameter(f"no reader is called {name!r}; there are: {', '.join(NAMES)}", param_hint="--readers")
    return names


def _changed(plan: Plan, asked: dict[str, Any]) -> Plan:
    import msgspec

    return msgspec.structs.replace(plan, **{key: value for key, value in asked.items() if value is not None})


@contextmanager
def _progress() -> Iterator[Announce]:
    """Show how far it is; drawn by this thread alone, so that no reader's time holds another's."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True, auto_refresh=False) as bar:

        def announce(what: str, count: int) -> Any:
            task = bar.add_task(what, total=count, visible=count > 0)

            def advance() -> None:
                bar.advance(task)
                bar.refresh()

            return advance

        yield announce


def _print(measured: Measured, report: dict[str, Any]) -> None:
    from rich.console import Console

    from luutru.benchmarks.scanner_table import print_tables

    console = Console() if sys.stdout.isatty() else Console(width=_TABLE_WIDTH)
    print_tables(measured, console)
    settings = report["settings"]
    console.print(
        ", ".join(f"{key} {settings[key]}" for key in ("seed", "stills_per_level", "levels", "clips", "quick")), style="dim"
    )
    console.print(machine_line(report), style="dim")


def _write_sheet(measured: Measured, path: Path) -> None:
    from luutru.benchmarks.scanner_sheet import draw_missed
    from residence.errors import Refused

    try:
        draw_missed(measured.missed, seed=measured.plan.seed).save(path, "PNG")
    except (OSError, Refused) as error:  # no place to write, or no font to write with
        typer.echo(f"cannot write {path}: {error}", err=True)
        raise typer.Exit(1) from None
