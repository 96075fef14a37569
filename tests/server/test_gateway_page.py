"""How the gateways fare, for operators: each worker now and over an hour, drawn and as a table; no other commune's kiosk."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from factories import EVENING
from server_operators import SPREAD, fill

from registry.gateway_reports import PlottedReport, Spread
from server.operators.gateway_plot import BOTTOM, TOP, draw, hours_of


def test_every_worker_is_shown_and_one_that_went_quiet_is_silent(world):
    fill(world)
    page = world.client("operator").get("/operators/gateway").text
    lively, quiet = page.index("luutru-gateway-aaaa"), page.index("luutru-gateway-bbbb")
    assert "Connected" in page[lively:quiet]
    assert "<strong>600</strong><span>messages a second" in page[lively:quiet]
    assert "Silent" not in page[lively:quiet]
    assert "Silent" in page[quiet:]
    assert "13:40" in page[quiet:]  # its last report, in Vietnam's time


def test_the_drawing_and_its_table_say_the_same_and_a_gap_is_a_gap(world):
    fill(world)
    page = world.client("operator").get("/operators/gateway").text
    assert page.count('role="img"') == 6
    first = page[page.index("<svg") : page.index("</svg>")]
    assert len(re.findall("<polyline", first)) == 2  # ten minutes are missing in between
    table = page[page.index("<tbody", page.index("The hour as a table")) :]
    table = table[: table.index("</tbody>")]
    assert len(re.findall("<tr", table)) == 30
    assert table.count("no report") == 5
    assert len(re.findall("<circle", first)) == 25


def test_kiosks_of_other_communes_are_not_named(world):
    fill(world)
    page = world.client("operator").get("/operators/gateway").text
    assert page.count("kiosk-lobby-1") == 1
    assert "10 min" in page
    assert "Battery clock only" in page
    assert "kiosk-elsewhere" not in page


def test_without_any_report_the_page_says_so(world):
    page = world.client("operator").get("/operators/gateway").text
    assert "No gateway has reported within the last hour." in page


@pytest.mark.parametrize("role", ["clerk", "officer", "resident"])
def test_nobody_else_watches_gateways(world, role):
    assert world.client(role).get("/operators/gateway").status_code == 403


def test_the_polled_part_is_the_live_part_alone(world):
    fill(world)
    part = world.client("operator").get("/operators/gateway", headers={"hx-request": "true"}).text
    assert "<svg" in part
    assert "<html" not in part


def test_a_step_keeps_the_worst_moment_and_the_rate_of_all_its_time():
    def plotted(seconds_ago, **changes):
        fields = {"seconds": 3.0, "committed": 300, "batch": SPREAD, "oldest_unacked_seconds": 0.1, **changes}
        return PlottedReport(worker="w", at=EVENING - timedelta(seconds=seconds_ago), **fields)

    slow = Spread(count=1, p50_ms=1, p99_ms=4000, total_ms=1)
    hours = hours_of(
        [plotted(9), plotted(6, batch=slow, committed=0), plotted(0, seconds=6.0, batch=None, oldest_unacked_seconds=7)],
        now=EVENING,
    )
    last = hours["w"].steps[-1]
    assert (last.rate, last.p99_ms, last.oldest_seconds) == (50.0, 4000, 7)
    assert all(each.rate is None for each in hours["w"].steps[:-1])


@pytest.mark.parametrize("values", [[0.0, 0.0], [None, 5.0, None], [1e-9, 1e9], [None] * 30, [3.0]])
def test_a_line_stays_inside_its_field(values):
    line = draw(values)
    assert all(TOP <= y <= BOTTOM for _, y in line.dots)
    assert len(line.dots) == sum(each is not None for each in values)
