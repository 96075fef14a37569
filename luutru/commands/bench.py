"""``luutru bench``: run one measurement and print our figure, the baseline's and the ratio, all from the same run.

- A benchmark exits 0 when it measured, whatever it measured; 2 when its name is unknown.
- ``--quick`` shrinks the work for the test command; the result's ``settings`` then say so.
- Each benchmark is a command of its own. Most have only ``--quick`` and ``--json``; one with further options has a module in
  ``luutru/commands/`` that names them (``OWN_OPTIONS``). What it measures with is imported when it runs.

Example: ``luutru bench checkin --quick --json``
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import Annotated, Final

import typer

from luutru.commands.bench_gateway import measure_gateway, measure_growth
from luutru.commands.bench_registry import measure_registry
from luutru.commands.bench_report import print_json, print_table, report_of
from luutru.commands.bench_restore import measure_restore
from luutru.commands.bench_scale import measure_scale
from luutru.commands.bench_scanner import measure_scanner
from luutru.logs import configure_logs

app = typer.Typer(invoke_without_command=True)

# name -> (module with ``run(*, quick)``, what it measures)
BENCHMARKS: Final[dict[str, tuple[str, str]]] = {
    "checkin": ("luutru.benchmarks.checkin", "card in the frame until kept; declarations per second until receipted"),
    "chip": (
        "luutru.benchmarks.chip",
        "a whole reading of a chip: the host's processor, commands, time in the air; beside OpenSSL's curves",
    ),
    "cleaning": (
        "luutru.benchmarks.cleaning",
        "what disagrees in a register: precision and recall of each rule on an invented city whose errors are known",
    ),
    "door": ("luutru.benchmarks.door", "the text of a pass until the relay is told, and until the event is on the disk"),
    "duplicates": (
        "luutru.benchmarks.duplicates",
        "persons who stand in the registry twice: found, wrongly proposed, time and memory, beside two plain ways",
    ),
    "fishing": (
        "luutru.benchmarks.fishing",
        "which planted looks the rules ask officers about, and what they ask in vain, beside asking whoever looked most",
    ),
    "front-desk": (
        "luutru.benchmarks.front_desk",
        "200 desks at work, batches of hotel software, a list of 10,000 guests, beside recording the same statements",
    ),
    "gateway": ("luutru.benchmarks.gateway", "declarations accepted per second, beside the floor of each stage and beside peers"),
    "gateway-growth": (
        "luutru.benchmarks.gateway_growth",
        "the gateway's rate, waits and memory as registry, batch and kiosks grow",
    ),
    "kiosk": (
        "luutru.benchmarks.kiosk",
        "a kiosk's memory, its start until ready, its processor while nobody comes, and its door",
    ),
    "log": (
        "luutru.benchmarks.log",
        "looks committed to and published in the log, the size of a person's proof, and checking it",
    ),
    "mrz": ("luutru.benchmarks.mrz", "machine-readable zones read from pictures, and how fast, beside passporteye and fastmrz"),
    "registry": ("luutru.benchmarks.registry_import", "a register of any size taken over, beside a bare COPY of the same rows"),
    "register-scale": (
        "luutru.benchmarks.register_scale",
        "point look-ups and a commune's undeclared in a register of any size, beside a bare index look-up",
    ),
    "restore": (
        "luutru.benchmarks.restore",
        "a register lost while it records: what is missing, and how long until it takes writes again; beside copying the files",
    ),
    "review": (
        "luutru.benchmarks.review",
        "an officer's queue of a thousand cases until it is on the screen, and each key until it is answered, beside an empty queue",
    ),
    "scanner": ("luutru.benchmarks.scanner", "card-like frames, clips and photos read, and how fast, beside the usual readers"),
    "undeclared": (
        "luutru.benchmarks.undeclared",
        "undeclared occupants told from innocent ones, on an invented neighbourhood whose truth is known, beside comparing lists",
    ),
    "serial": ("luutru.benchmarks.serial_line", "last byte of a card on a serial line until it is delivered"),
}
OWN_OPTIONS: Final[dict[str, Callable[..., None]]] = {
    "gateway": measure_gateway,
    "gateway-growth": measure_growth,
    "register-scale": measure_scale,
    "registry": measure_registry,
    "restore": measure_restore,
    "scanner": measure_scanner,
}


@app.callback()
def bench(
    context: typer.Context,
    *,
    list_: Annotated[bool, typer.Option("--list", help="List the benchmarks and what each measures.")] = False,
) -> None:
    """Measure something and print our figure beside its baseline.

    Example: luutru bench checkin --quick
    """
    configure_logs(level=logging.WARNING)  # standard output is the answer
    if list_ or context.invoked_subcommand is None:
        for each, (_, summary) in BENCHMARKS.items():
            typer.echo(f"{each:15} {summary}")
        raise typer.Exit


def _with_usual_options(name: str) -> Callable[..., None]:
    def measure(
        *,
        quick: Annotated[bool, typer.Option("--quick", help="Less work; the settings in the result say so.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        report = report_of(name, importlib.import_module(BENCHMARKS[name][0]).run(quick=quick), quick=quick)
        if as_json:
            print_json(report)
        else:
            print_table(report)

    return measure


def _help(name: str, summary: str) -> str | None:
    """Return the help of a benchmark without options of its own; one with them has its own help."""
    return None if name in OWN_OPTIONS else f"Measure: {summary}.\n\nExample: luutru bench {name} --quick"


for _name, (_, _summary) in BENCHMARKS.items():
    app.command(_name, help=_help(_name, _summary))(OWN_OPTIONS.get(_name) or _with_usual_options(_name))
