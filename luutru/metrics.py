"""What is told to Prometheus: gateways, the fleet by commune and site, what waits for an operator. Names of machines and places; no person, no room.

- Read from the registry, where every worker reports (ADR 29) and every kiosk's last sign of life lies: one place to ask, however many run, and no port
  on any of them. A silent worker is told by the age of its report, and its last figures are left out: they are no longer true.
- Whoever is muted for maintenance counts as ``state="muted"`` and in no figure an alarm rests on.
- A kiosk is counted within its site; which one it is stands on the operators' page.
- The text format is a line for each figure; that it is well made is checked by promtool in the tests.

Example: ``exposition(reports, fleets, letters, now=now)``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from registry.communes import communes
from registry.database import Registry
from registry.gateway_reports import KEPT_FOR, GatewayReport, is_silent, latest_reports
from registry.letter_lists import counts_of
from server.operators.fleet import Patience, Seen, dark_sites, fleet_of
from server.operators.fleet_view import state_of

# name -> what it is; all are gauges, for each is what stands now
HELP: Final = {
    "luutru_gateway_report_age_seconds": "Since when a gateway worker has reported nothing.",
    "luutru_gateway_connected": "1 when the worker is connected to its broker.",
    "luutru_gateway_committed_per_second": "Statements committed per second.",
    "luutru_gateway_batch_p99_seconds": "The slowest hundredth of batches, from taken in hand to answered.",
    "luutru_gateway_in_hand": "Taken from the broker and not acknowledged.",
    "luutru_gateway_oldest_unacknowledged_seconds": "The longest wait of what is in hand.",
    "luutru_gateway_receipts_not_sent": "Receipts that could not be sent.",
    "luutru_gateway_clocks_ahead": "Kiosks whose clock is ahead of the gateway's.",
    "luutru_gateway_resident_bytes": "Memory of the worker.",
    "luutru_gateway_ends_timestamp_seconds": "When a certificate or revocation list of the worker ends.",
    "luutru_kiosks": "Kiosks in service by site and state.",
    "luutru_site_dark": "Kiosks of a site that are all lost, without those muted.",
    "luutru_kiosks_deaf": "Kiosks that are online and hear no card.",
    "luutru_kiosks_withholding": "Kiosks of whose own count numbers are missing although later ones came.",
    "luutru_outbox_rows": "Statements that wait at a site's kiosks for their receipts.",
    "luutru_outbox_oldest_seconds": "Since when the oldest of them waits.",
    "luutru_kiosks_clock_doubtful": "Kiosks that do not know what time it is.",
    "luutru_dead_letters": "Messages that wait for an operator.",
}
Sample = tuple[str, Mapping[str, str], float]


def read_metrics(registry: Registry, *, now: datetime, patience: Patience) -> str:
    """Return the metrics of one registry."""
    with registry.reading() as connection:
        reports = latest_reports(connection, since=now - KEPT_FOR)
    fleets, letters = {}, {}
    for commune in communes(registry):
        with registry.reading() as connection:
            fleets[commune] = fleet_of(connection, commune, now=now, patience=patience)
            letters[commune] = sum(counts_of(connection, commune).values())
    return exposition(reports, fleets, letters, now=now)


def exposition(
    reports: Sequence[GatewayReport], fleets: Mapping[str, Sequence[Seen]], letters: Mapping[str, int], *, now: datetime
) -> str:
    """Return Prometheus' text format."""
    samples = [sample for report in reports for sample in _of_gateway(report, now)]
    samples += [sample for commune, fleet in fleets.items() for sample in _of_fleet(commune, fleet, now)]
    samples += [("luutru_dead_letters", {"commune": commune}, float(count)) for commune, count in letters.items()]
    lines = []
    for name, meaning in HELP.items():
        found = [each for each in samples if each[0] == name]
        if found:
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge", *map(_line, found)]
    return "\n".join((*lines, ""))


def _of_gateway(report: GatewayReport, now: datetime) -> Iterator[Sample]:
    worker = {"worker": report.worker}
    yield "luutru_gateway_report_age_seconds", worker, max(0.0, (now - report.at).total_seconds())
    for each in report.endings:
        yield "luutru_gateway_ends_timestamp_seconds", worker | {"name": each.name, "kind": each.kind}, each.ends.timestamp()
    if is_silent(report, now=now):
        return
    yield "luutru_gateway_connected", worker, float(report.connection == "connected")
    yield "luutru_gateway_committed_per_second", worker, report.rate
    if report.batch is not None:
        yield "luutru_gateway_batch_p99_seconds", worker, report.batch.p99_ms / 1000
    yield "luutru_gateway_in_hand", worker, float(report.in_hand)
    yield "luutru_gateway_oldest_unacknowledged_seconds", worker, report.oldest_unacked_seconds
    yield "luutru_gateway_receipts_not_sent", worker, float(report.receipts_not_sent)
    yield "luutru_gateway_clocks_ahead", worker, float(report.clocks_ahead)
    yield "luutru_gateway_resident_bytes", worker, float(report.rss_mib * 2**20)


def _of_fleet(commune: str, fleet: Sequence[Seen], now: datetime) -> Iterator[Sample]:
    serving = [each for each in fleet if each.in_service]
    for (site, state), count in sorted(Counter((each.kiosk.premises_id, state_of(each)) for each in serving).items()):
        yield "luutru_kiosks", {"commune": commune, "site": site, "state": state}, float(count)
    for site, count in dark_sites(serving).items():
        yield "luutru_site_dark", {"commune": commune, "site": site}, float(count)
    for site in sorted({each.kiosk.premises_id for each in serving}):
        yield from _of_site({"commune": commune, "site": site}, [each for each in serving if each.kiosk.premises_id == site], now)


def _of_site(where: Mapping[str, str], here: Iterable[Seen], now: datetime) -> Iterator[Sample]:
    kiosks = list(here)
    loud = [each for each in kiosks if each.alarms]  # rows are counted of all: a mute hides no declaration
    waiting = [each.kiosk.oldest_unsent_at for each in loud if each.kiosk.oldest_unsent_at is not None]
    yield "luutru_outbox_rows", where, float(sum(each.kiosk.outbox_depth or 0 for each in kiosks))
    yield "luutru_outbox_oldest_seconds", where, max(((now - each).total_seconds() for each in waiting), default=0.0)
    yield "luutru_kiosks_deaf", where, float(sum(each.deaf for each in loud))
    yield "luutru_kiosks_withholding", where, float(sum(each.withholds for each in loud))
    yield "luutru_kiosks_clock_doubtful", where, float(sum("clock" in each.health.reasons for each in loud))


def _line(sample: Sample) -> str:
    name, labels, value = sample
    told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{told}}} {value:.10g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
