"""``luutru bench gateway`` and ``luutru bench gateway-growth``: the gateway at a city's size, and as the city grows.

- Without options the whole city: a million persons, a thousand kiosks; preparing it takes minutes and some gigabytes of ``--folder``.
- What is being done goes to standard error, and only to a terminal; standard output is the answer.
- A part is left out with 0.

Example: ``luutru bench gateway --persons 100000 --backlog 0 --json``
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from luutru.commands.bench_report import print_json, print_table, report_of

QuickOption = Annotated[bool, typer.Option("--quick", help="Less work; the settings in the result say so.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
FolderOption = Annotated[
    Path | None,
    typer.Option(exists=True, file_okay=False, help="Where the registries are made; the system's temporary folder if not given."),
]


def measure_gateway(  # noqa: PLR0913 -- the options of one public command
    *,
    quick: QuickOption = False,
    as_json: JsonOption = False,
    persons: Annotated[int | None, typer.Option(min=1, help="Persons in the registry; 1,000,000 unless quick.")] = None,
    kiosks: Annotated[int | None, typer.Option(min=1, help="Kiosks with keys of their own; 1,000 unless quick.")] = None,
    messages: Annotated[int | None, typer.Option(min=500, help="Messages of each drained queue; 40,000 unless quick.")] = None,
    backlog: Annotated[int | None, typer.Option(min=0, help="Messages of the backlog; 100,000 unless quick.")] = None,
    peers: Annotated[int | None, typer.Option(min=0, help="Messages for Node-RED and the crashes; 20,000 unless quick.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, max=5000, help="Most declarations in one transaction; 500.")] = None,
    folder: FolderOption = None,
) -> None:
    """Measure how many declarations the gateway accepts, beside the floor of each stage and beside peers.

    Example: luutru bench gateway --quick

    Example: luutru bench gateway --persons 100000 --backlog 0
    """
    import msgspec

    from luutru.benchmarks.gateway import FULL, QUICKLY, measure

    asked = {"persons": persons, "kiosks": kiosks, "messages": messages, "backlog": backlog, "peers": peers, "batch": batch}
    plan = msgspec.structs.replace(QUICKLY if quick else FULL, **given(asked))
    with failures_said():
        result = measure(plan, folder=folder, progress=progress_said)
    print_report(report_of("gateway", result, quick=quick), as_json=as_json)


def measure_growth(
    *,
    quick: QuickOption = False,
    as_json: JsonOption = False,
    persons: Annotated[str | None, typer.Option(help="Persons, by comma; 10000,100000,1000000 unless quick.")] = None,
    batches: Annotated[str | None, typer.Option(help="Batch sizes, by comma; 1,10,100,500,2000 unless quick.")] = None,
    kiosks: Annotated[str | None, typer.Option(help="Kiosks, by comma; 10,100,1000,5000 unless quick.")] = None,
    plot: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the curves as an SVG.")] = None,
    folder: FolderOption = None,
) -> None:
    """Measure the gateway's rate, waits and memory as registry, batch and kiosks grow.

    Example: luutru bench gateway-growth --plot growth.svg

    Example: luutru bench gateway-growth --persons 1000000,10000000 --json
    """
    import msgspec

    from luutru.benchmarks.gateway_growth import FULL, QUICKLY, measure, points_of
    from luutru.benchmarks.growth_plot import draw

    asked = {"persons": numbers_of(persons), "batches": numbers_of(batches), "kiosks": numbers_of(kiosks)}
    plan = msgspec.structs.replace(QUICKLY if quick else FULL, **given(asked))
    with failures_said():
        result = measure(plan, folder=folder, progress=progress_said)
    report = report_of("gateway-growth", result, quick=quick)
    if plot is not None:
        plot.write_text(draw(points_of(report)), "utf-8")
    if not as_json:
        print_points(report.pop("figures")["points"])
        report["figures"] = {}
    print_report(report, as_json=as_json)


def print_points(points: list[dict[str, Any]]) -> None:
    """Print a table of what was measured at each size."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="points", title_justify="left")
    for column in points[0]:
        table.add_column(column, justify="left" if column == "axis" else "right")
    for each in points:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in each.values()))
    Console().print(table)


@contextmanager
def failures_said() -> Iterator[None]:
    """Say in a sentence why there is no figure: something missing on this machine, or a declaration lost."""
    from residence.errors import LuutruError

    try:
        yield
    except (LuutruError, OSError, RuntimeError) as error:
        typer.echo(f"Not measured: {error}", err=True)
        raise typer.Exit(1) from None


def numbers_of(text: str | None) -> tuple[int, ...] | None:
    """Return numbers written by comma, or None."""
    if text is None:
        return None
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"write numbers by comma, not {text!r}") from None
    if min(numbers) < 1:
        raise typer.BadParameter("each is at least 1")
    return numbers


def given(asked: dict[str, Any]) -> dict[str, Any]:
    """Return what was asked for."""
    return {name: value for name, value in asked.items() if value is not None}


def progress_said(what: str) -> None:
    """Say on a terminal what is being done."""
    if sys.stderr.isatty():
        typer.echo(f"  {what}", err=True)


def print_report(report: dict[str, Any], *, as_json: bool) -> None:
    """Print the answer."""
    if as_json:
        print_json(report)
    else:
        print_table(report)
