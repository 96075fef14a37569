"""What ``luutru gateway top`` draws: every worker in one table, then each worker's stages, outcomes and slowest kiosks.

- It fits 80 columns. Workers come first, so that a low terminal cuts off details and never a worker.
- A worker that has reported nothing for a while is called silent, and its last figures are left out: they are no longer true.
- What was not measured is a dash, never a nought.

Example: ``console.print(draw(reports, now=clock.now()))``
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from registry.gateway_reports import GatewayReport, Spread, is_silent

STAGES: Final = ("collect", "read", "set aside", "look-ups", "reconcile", "rows", "receipts", "commit", "acknowledge", "answer")
SHOWN_KIOSKS: Final = 5
NOTHING: Final = "–"
SECOND_MS: Final = 1000


def draw(reports: Sequence[GatewayReport], *, now: datetime) -> RenderableType:
    """Return the whole view."""
    if not reports:
        return Text("No gateway has reported within the last hour.", style="yellow")
    return Group(_workers(reports, now), *(_details(each) for each in reports if not is_silent(each, now=now)))


def _table(*columns: str, title: str | None = None) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False, padding=(0, 1, 0, 0)
    )
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number == 0 else "right", no_wrap=number > 0, overflow="fold")
    return table


def _workers(reports: Sequence[GatewayReport], now: datetime) -> Table:
    table = _table("worker", "state", "msg/s", "p99", "oldest", "unsent")
    for each in reports:
        name = Text(each.worker)
        if is_silent(each, now=now):
            table.add_row(name, Text(f"silent {_age((now - each.at).total_seconds())}", style="bold red"), *[NOTHING] * 4)
            continue
        well = each.connection == "connected"
        table.add_row(
            name,
            Text(each.connection, style="green" if well else "yellow"),
            f"{each.rate:,.0f}",
            _duration(each.batch.p99_ms if each.batch else None),
            _age(each.oldest_unacked_seconds),
            Text(f"{each.receipts_not_sent:,}", style="red" if each.receipts_not_sent else ""),
        )
    return table


def _details(report: GatewayReport) -> RenderableType:
    head = Text.assemble(
        (report.worker, "bold"),
        f"  batches of {report.batch_size_p50}, at most {report.batch_size_max} · {report.in_hand:,} in hand · {report.rss_mib or NOTHING} MiB"
        f" · shards {report.shards}",
    )
    return Group(head, _stages(report), *(Padding(line, (0, 0, 0, 2)) for line in _lines(report)), Text(""))


def _stages(report: GatewayReport) -> Table:
    table = _table("  stage", "p50", "p99", "of the time")
    known = [name for name in STAGES if name in report.stages]
    for name in [*known, *sorted(report.stages.keys() - set(STAGES))]:
        spread: Spread = report.stages[name]
        share = spread.total_ms / 10 / report.seconds if report.seconds else 0.0
        table.add_row(f"  {name}", _duration(spread.p50_ms), _duration(spread.p99_ms), f"{share:.0f} %")
    return table


def _lines(report: GatewayReport) -> Iterator[Text]:
    counts = " · ".join(f"{name} {count:,}" for name, count in report.outcomes.items())
    yield Text(counts or "nothing came")
    worst = [each for each in report.lags[:SHOWN_KIOSKS] if each.seconds >= 1]
    if worst:
        yield Text(
            "behind: "
            + " · ".join(
                f"{each.kiosk_id} {_age(each.seconds)}" + ("" if each.time_state == "synced" else f" (clock {each.time_state})")
                for each in worst
            )
        )
    if report.clocks_ahead:
        yield Text(f"{report.clocks_ahead} kiosk clocks are ahead of ours by more than an hour", style="yellow")


def _duration(milliseconds: float | None) -> str:
    if milliseconds is None:
        return NOTHING
    if milliseconds < 1:
        return f"{milliseconds * 1000:.0f} µs"
    return f"{milliseconds:.1f} ms" if milliseconds < SECOND_MS else _age(milliseconds / SECOND_MS)


def _age(seconds: float) -> str:
    """Write a length of time in at most six signs.

    >>> [_age(each) for each in (0.04, 7.26, 75, 4000, 200000)]
    ['0.0 s', '7.3 s', '1 min', '1 h', '2 d']
    """
    for size, word in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:,.0f} {word}"
    return f"{seconds:.1f} s"
