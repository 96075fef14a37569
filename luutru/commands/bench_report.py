"""How a benchmark's outcome is printed: one JSON object for programs, a table for people, and the machine it ran on.

- ``machine`` says what it ran on, because a figure without it means nothing.
- The keys are those of the public contract; a value of null was not measured.

Example: ``print_table(report_of("checkin", result, quick=True))``
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from luutru.benchmarks.result import BenchResult


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


def report_of(name: str, result: BenchResult, *, quick: bool) -> dict[str, Any]:
    """Return the object of the public contract."""
    return {
        "name": name,
        "figures": result.figures,
        "baselines": result.baselines,
        "ratios": result.ratios,
        "machine": machine(),
        "settings": {**result.settings, "quick": quick},
    }


def print_json(report: dict[str, Any]) -> None:
    """Print one JSON object."""
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")


def print_table(report: dict[str, Any]) -> None:
    """Print one table of everything."""
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
    console.print(machine_line(report), style="dim")


def machine_line(report: dict[str, Any]) -> str:
    """Return the machine in one line."""
    return ", ".join(f"{key} {value}" for key, value in report["machine"].items())
