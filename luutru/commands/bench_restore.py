"""``luutru bench restore``: a register of any size lost and brought back.

- A register of a million persons needs 12 GB of disk in ``--folder``: the cluster, its repository, and what is restored beside it.

Example: ``luutru bench restore --persons 1000000 --folder /data --json``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from luutru.commands.bench_report import print_json, print_table, report_of


def measure_restore(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Less work; the settings in the result say so.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    engine: Annotated[
        Literal["postgresql", "sqlite"], typer.Option(help="By pgBackRest, or a file followed by its log.")
    ] = "postgresql",
    persons: Annotated[int | None, typer.Option(min=100, help="How many persons; 1000000 unless quick.")] = None,
    seconds: Annotated[float | None, typer.Option(min=1, help="Seconds of recording before the loss; 20 unless quick.")] = None,
    processes: Annotated[int | None, typer.Option(min=1, max=64, help="Processes that load; 2.")] = None,
    folder: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Where everything is made; the temporary folder if not given."),
    ] = None,
) -> None:
    """Measure what the loss of a registry's machine costs: what is missing after the restore, and how long it takes.

    Example: luutru bench restore --quick

    Example: luutru bench restore --persons 1000000 --folder /data --json

    Example: luutru bench restore --engine sqlite --quick
    """
    import msgspec

    from luutru.benchmarks import restore, restore_sqlite

    plan = restore.QUICKLY if quick else restore.Plan()
    measure = restore_sqlite.measure if engine == "sqlite" else restore.measure
    given = {"engine": engine, "persons": persons, "seconds": seconds, "processes": processes}
    plan = msgspec.structs.replace(plan, **{name: value for name, value in given.items() if value is not None})

    def progress(what: str, done: int, of: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{what}: {done} of {of}\033[K")

    report = report_of("restore", measure(plan, folder=folder, progress=progress), quick=quick)
    if as_json:
        print_json(report)
    else:
        print_table(report)
