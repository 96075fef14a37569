"""``luutru bench register-scale``: a register of any size on PostgreSQL, its look-ups and a commune's night.

- Without options 10,000, 100,000 and 1,000,000 persons with three presences each; a size needs about 4 KB of disk for each person in ``--folder``.
- ``--persons`` may name several sizes, by comma: the growth curve, which ``--plot`` draws.

Example: ``luutru bench register-scale --persons 20000,200000 --plot register.svg --json``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from luutru.commands.bench_report import print_json, print_table, report_of


def measure_scale(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Less work; the settings in the result say so.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    persons: Annotated[
        str | None, typer.Option(help="Persons, several sizes by comma; 10000,100000,1000000 unless quick.")
    ] = None,
    presences: Annotated[int | None, typer.Option(min=1, help="Presences at the largest size; three for each person.")] = None,
    processes: Annotated[int | None, typer.Option(min=1, max=64, help="Processes that load; 2.")] = None,
    plot: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the curves as an SVG.")] = None,
    folder: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Where the databases are made; the temporary folder if not given."),
    ] = None,
) -> None:
    """Measure point look-ups and a commune's undeclared at the size of a city or a nation, beside a bare index look-up.

    Example: luutru bench register-scale --quick

    Example: luutru bench register-scale --persons 10000000 --presences 30000000 --folder /data --json
    """
    import msgspec

    from luutru.benchmarks.register_plot import draw
    from luutru.benchmarks.register_scale import FULL, QUICKLY, measure, points_of

    plan = QUICKLY if quick else FULL
    if persons is not None:
        plan = msgspec.structs.replace(plan, sizes=_sizes(persons))
    if presences is not None:
        plan = msgspec.structs.replace(plan, presences_per_person=presences / max(plan.sizes))
    if processes is not None:
        plan = msgspec.structs.replace(plan, processes=processes)

    def progress(what: str, done: int, of: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{what}: {done} of {of}\033[K")

    report = report_of("register-scale", measure(plan, folder=folder, progress=progress), quick=quick)
    if plot is not None:
        plot.write_text(draw(points_of(report)), "utf-8")
    if as_json:
        print_json(report)
    else:
        print_table(report)


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"write numbers by comma, not {text!r}", param_hint="--persons") from None
    if min(sizes) < 100:  # noqa: PLR2004 - a percentile needs that many
        raise typer.BadParameter("each is at least 100", param_hint="--persons")
    return sizes
