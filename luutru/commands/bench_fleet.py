"""``luutru bench fleet``: a city's kiosks at one broker.

- Without options it grows, 500, 1,000, 2,500 and 5,000 kiosks, which takes about half an hour on two cores; the figures are the largest one's.
- Each kiosk is a connection: the limit of open files is raised as far as the system lets us, and the rest is said in a sentence.

Example: ``luutru bench fleet --kiosks 5000 --json``
"""

from __future__ import annotations

from typing import Annotated

import typer

from luutru.commands.bench_gateway import (
    FolderOption,
    JsonOption,
    QuickOption,
    failures_said,
    given,
    numbers_of,
    print_points,
    print_report,
    progress_said,
)
from luutru.commands.bench_report import report_of


def measure_fleet(
    *,
    quick: QuickOption = False,
    as_json: JsonOption = False,
    kiosks: Annotated[str | None, typer.Option(help="Kiosks, by comma; 500,1000,2500,5000 unless quick.")] = None,
    spread: Annotated[
        float | None, typer.Option(min=0.0, help="Seconds over which kiosks come back after a power cut; 30.")
    ] = None,
    declarations: Annotated[int | None, typer.Option(min=1, help="Declarations of each kiosk in the evening; 2.")] = None,
    evening: Annotated[float | None, typer.Option(min=0.0, help="Seconds the evening lasts; 60.")] = None,
    processes: Annotated[int | None, typer.Option(min=1, max=64, help="Processes that play kiosks; 2.")] = None,
    folder: FolderOption = None,
) -> None:
    """Measure a fleet: coming back after a power cut, an evening's declarations, alarms by site.

    Example: luutru bench fleet --quick

    Example: luutru bench fleet --kiosks 5000 --spread 60 --json
    """
    import msgspec

    from luutru.benchmarks.fleet_storm import FULL, QUICKLY, measure

    asked = {
        "kiosks": numbers_of(kiosks),
        "spread": spread,
        "declarations": declarations,
        "evening": evening,
        "processes": processes,
    }
    plan = msgspec.structs.replace(QUICKLY if quick else FULL, **given(asked))
    with failures_said():
        result = measure(plan, folder=folder, progress=progress_said)
    report = report_of("fleet", result, quick=quick)
    if not as_json:
        print_points([{"axis": "kiosks", **each} for each in report["figures"].pop("points")])
    print_report(report, as_json=as_json)
