"""``luutru bench``: run one measurement and print our figure, the baseline's and the ratio, all from the same run.

- A benchmark exits 0 when it measured, whatever it measured; 2 when its name is unknown.
- ``--quick`` shrinks the work for the test command; the result's ``settings`` then say so.
- ``machine`` says what it ran on, because a figure without it means nothing.

Example: ``luutru bench checkin --quick --json``
"""

from __future__ import annotations

import importlib
import logging
import platform
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from luutru.logs import configure_logs

app = typer.Typer()

# name -> (module with ``run(*, quick)``, what it measures)
BENCHMARKS: Final[dict[str, tuple[str, str]]] = {
    "checkin": ("luutru.benchmarks.checkin", "card in the frame until kept; declarations per second until receipted"),
    "mrz": ("luutru.benchmarks.mrz", "machine-readable zones read from pictures, and how fast, beside passporteye and fastmrz"),
    "scanner": ("luutru.benchmarks.scanner", "card-like frames read, and how fast, beside pyzbar"),
    "serial": ("luutru.benchmarks.serial_line", "last byte of a card on a serial line until it is delivered"),
}


def machine() -> dict[str, Any]:
    """Return what the figures were measured on: processor, cores, memory, system, Python."""
    processor = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.machine()
    )
    memory = next((int(line.split()[1]) // 1024 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    import multiprocessing

    return {
        "processor": processor,
        "cores": multiprocessing.cpu_count(),
        "memory_mib": memory,
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="Which benchmark; see --list.")] = "",
    *,
    list_: Annotated[bool, typer.Option("--list", help="List the benchmarks and what each measures.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Less work; the settings in the result say so.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure something and print our figure beside its baseline.

    Example: luutru bench checkin --quick
    """
    if list_ or not name:
        for each, (_, summary) in BENCHMARKS.items():
            typer.echo(f"{each:12} {summary}")
        return
    if name not in BENCHMARKS:
        typer.echo(f"No benchmark is called {name!r}. There are: {', '.join(BENCHMARKS)}", err=True)
        raise typer.Exit(2)
    configure_logs(level=logging.WARNING)  # standard output is the answer
    result = importlib.import_module(BENCHMARKS[name][0]).run(quick=quick)
    report = {
        "name": name,
        "figures": result.figures,
        "baselines": result.baselines,
        "ratios": result.ratios,
        "machine": machine(),
        "settings": {**result.settings, "quick": quick},
    }
    if as_json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        return
    _print_table(report)


def _print_table(report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(title=f"luutru bench {report['name']}", title_justify="left")
    for column in ("kind", "name", "value"):
        table.add_column(column, justify="right" if column == "value" else "left")
    for kind in ("figures", "baselines", "ratios", "settings"):
        for key, value in report[kind].items():
            table.add_row(kind, key, f"{value:,.3f}" if isinstance(value, float) else str(value))
    console.print(table)
    console.print(", ".join(f"{key} {value}" for key, value in report["machine"].items()), style="dim")
