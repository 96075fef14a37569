"""The tables of ``luutru bench scanner`` for people: shares per category, each reader's speed and faults, clips, photos.

- A cell of the category table is the share read in percent and the mean milliseconds of a frame there.
- A reader whose library is missing stands in the table of readers as not installed, never with a figure.
- Where other threads worked while a reader was timed, a line says so: its times are then too low.
- ``time to pyzbar`` is the mean time divided by pyzbar's in this run, as in ``--json``: below 1 is faster.

Example: ``print_tables(measure(QUICKLY), Console())``
"""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table

from luutru.benchmarks.card_set import CATEGORIES, LEVELS
from luutru.benchmarks.scanner import Measured
from luutru.benchmarks.scanner_clips import CLIP_SECONDS
from luutru.benchmarks.scanner_tally import Tally, ratio

_NONE: Final = "–"
_OTHER_THREADS: Final = 1.1  # processor time of the process to that of the measuring thread


def print_tables(measured: Measured, console: Console) -> None:
    """Print what was measured, and nothing of what was not."""
    if any(tally.codes or tally.codefree for tally in measured.stills.values()):
        console.print(category_table(measured))
        console.print(reader_table(measured))
    elif measured.not_installed:
        console.print(f"not installed: {', '.join(measured.not_installed)}")
    if threaded := _threaded(measured):
        console.print(f"Times too low: {', '.join(threaded)} had other threads at work.")
    if measured.plan.clips:
        console.print(clip_table(measured))
    if measured.plan.photos:
        console.print(photo_table(measured))


def category_table(measured: Measured) -> Table:
    """Return the table of categories: share read and mean time of each reader."""
    table = _table("frames: % read · mean ms", "category", list(measured.stills))
    for category in CATEGORIES:
        table.add_row(category, *(_cell(tally, category) for tally in measured.stills.values()))
    table.add_section()
    table.add_row("all", *(_cell(tally, None) for tally in measured.stills.values()))
    return table


def reader_table(measured: Measured) -> Table:
    """Return the table of readers: what each read, its faults and its speed."""
    columns = [
        "% read",
        "wrong texts",
        "code-free read",
        "mean ms",
        "median 720p",
        "p95 720p",
        "time to pyzbar",
        "process/thread",
    ]
    table = _table("readers", "reader", columns)
    pyzbar = measured.stills["pyzbar"].mean_ms() if "pyzbar" in measured.stills else None
    for name, tally in measured.stills.items():
        speed = tally.speed()
        table.add_row(
            name,
            _percent(tally.share()),
            str(tally.wrong),
            f"{tally.codefree_read} of {tally.codefree}",
            *(_number(speed[key]) for key in ("mean_ms", "median_ms_720p", "p95_ms_720p")),
            _number(ratio(tally.mean_ms(), pyzbar)),
            _number(speed["process_to_thread_time"]),
        )
    for name in measured.not_installed:
        table.add_row(name, "not installed")
    return table


def clip_table(measured: Measured) -> Table:
    """Return the table of clips: read within one and two seconds, and within two of each severity."""
    severities = [f"severity {each}" for each in range(LEVELS)]
    title = f"{measured.plan.clips} clips, newest frame only; severities: read in {CLIP_SECONDS:g} s"
    table = _table(title, "reader", ["in 1 s", f"in {CLIP_SECONDS:g} s", *severities, "wrong texts"])
    for name, tally in measured.clips.items():
        by_severity = (str(tally.within(CLIP_SECONDS, severity)) for severity in range(LEVELS))
        table.add_row(name, str(tally.within(1.0)), str(tally.within(CLIP_SECONDS)), *by_severity, str(tally.wrong))
    return table


def photo_table(measured: Measured) -> Table:
    """Return the table of photos: share read in each folder."""
    folders = sorted({folder for tally in measured.photos.values() for folder in tally.codes})
    counts = next(iter(measured.photos.values())).codes
    heads = [f"{folder} ({counts[folder]})" for folder in folders]
    table = _table("photos: % read", "reader", [*heads, f"all ({counts.total()})", "other texts", "mean ms", "median ms"])
    for name, tally in measured.photos.items():
        shares = (_percent(tally.share(folder)) for folder in [*folders, None])
        table.add_row(name, *shares, str(tally.wrong), _number(tally.mean_ms()), _number(tally.median_ms()))
    return table


def _threaded(measured: Measured) -> list[str]:
    """Return the readers for which the process worked clearly longer than the thread that was timed."""
    shares = {name: tally.speed()["process_to_thread_time"] for name, tally in measured.stills.items()}
    return [name for name, share in shares.items() if share is not None and share > _OTHER_THREADS]


def _table(title: str, first: str, columns: list[str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _cell(tally: Tally, category: str | None) -> str:
    return f"{_percent(tally.share(category))} · {_number(tally.mean_ms(category))}"


def _percent(share: float | None) -> str:
    return _NONE if share is None else f"{share:.1%}".removesuffix("%")


def _number(value: float | None) -> str:
    return _NONE if value is None else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
