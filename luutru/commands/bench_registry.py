"""``luutru bench registry``: the registry at a size of your choice.

- Without options a city of 100,000 persons; ``--quick`` takes 600.
- Progress goes to standard error, and only to a terminal.

Example: ``luutru bench registry --persons 1000000 --json``
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from luutru.commands.bench_report import print_json, print_table, report_of


def measure_registry(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Less work; the settings in the result say so.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    persons: Annotated[int | None, typer.Option(min=100, help="Persons of the invented city; 100,000 unless quick.")] = None,
) -> None:
    """Measure how long a register takes to be taken over, beside a bare COPY of the same rows.

    Example: luutru bench registry --quick
    """
    from luutru.benchmarks.registry_import import FULL, QUICK, run

    def progress(what: str, done: int, of: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{what}: {done} of {of}\033[K")

    result = run(persons=persons or (QUICK if quick else FULL), progress=progress)
    report = report_of("registry", result, quick=quick)
    if as_json:
        print_json(report)
    else:
        print_table(report)
