"""``luutru gateway top``: several workers in one view, a silent one said so, 80 columns, a clean end."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from datetime import timedelta

import msgspec
import pytest
from factories import EVENING
from rich.console import Console
from typer.testing import CliRunner

from luutru.commands.gateway import app
from luutru.gateway_view import draw
from luutru.system import system_clock
from registry.gateway_reports import GatewayReport, KioskLag, Spread, latest_reports, reports_since, write_report

RUNNER = CliRunner()
SPREAD = Spread(count=9, p50_ms=12.5, p99_ms=80.0, total_ms=300.0)


def make_report(worker="luutru-gateway-0123456789ab", at=EVENING, **changes):
    fields = {
        "seconds": 3.0, "connection": "connected", "shards": "0-31", "committed": 3600, "batch": SPREAD, "batch_size_p50": 480, "batch_size_max": 500,
        "stages": {"read": SPREAD, "commit": Spread(count=9, p50_ms=0.4, p99_ms=1500, total_ms=600), "collect": SPREAD}, "in_hand": 1900,
        "oldest_unacked_seconds": 0.8, "outcomes": {"accepted": 3580, "set aside key.revoked": 20}, "rss_mib": 182,
        "lags": (KioskLag(kiosk_id="kiosk-lobby-1", seconds=7200, time_state="synced"), KioskLag(kiosk_id="kiosk-b", seconds=90, time_state="rtc_only")),
    }  # fmt: skip
    return GatewayReport(worker=worker, at=at, **fields | changes)


def keep(registry, *reports):
    for each in reports:
        with registry.writing() as connection:
            write_report(connection, each, now=each.at)


def drawn(*reports, now=EVENING, width=80):
    console = Console(width=width, file=io.StringIO())
    console.print(draw(reports, now=now))
    return console.file.getvalue()


def test_the_newest_report_of_each_worker_is_its_state_and_an_hour_is_kept(office):
    old = make_report("a", EVENING - timedelta(minutes=61))
    keep(office.registry, old, make_report("a", EVENING, committed=1), make_report("b", EVENING - timedelta(minutes=59)))
    keep(office.registry, make_report("a", EVENING, committed=2))  # a clock that stood still
    with office.registry.reading() as connection:
        newest = latest_reports(connection, since=EVENING - timedelta(hours=1))
        plotted = reports_since(connection, EVENING - timedelta(hours=2))
    assert [(each.worker, each.committed) for each in newest] == [("a", 2), ("b", 3600)]
    assert newest[1] == make_report("b", EVENING - timedelta(minutes=59))
    assert [(each.worker, each.at) for each in plotted] == [("a", EVENING), ("b", EVENING - timedelta(minutes=59))]


def test_eighty_columns_show_rate_stages_outcomes_and_who_is_behind():
    view = drawn(make_report())
    assert max(map(len, view.splitlines())) <= 80
    for words in (
        "1,200",
        "12.5 ms",
        "400 µs",
        "1.5 s",
        "1,900",
        "accepted 3,580",
        "key.revoked 20",
        "kiosk-lobby-1 2 h",
        "clock rtc_only",
    ):
        assert words in view, words
    assert view.index("collect") < view.index("read") < view.index("commit")


def test_a_worker_that_went_quiet_is_silent_and_its_old_figures_are_gone():
    at = EVENING - timedelta(seconds=16)
    view = drawn(make_report("quiet", at), make_report("lively", EVENING - timedelta(seconds=15), committed=30))
    assert "silent 16.0 s" in view
    assert "1,200" not in view
    assert "10" in view


def test_no_worker_at_all_is_said():
    assert "No gateway has reported" in drawn()


def test_a_worker_that_did_nothing_shows_dashes_and_no_made_up_noughts():
    view = drawn(make_report(batch=None, stages={}, outcomes={}, lags=(), committed=0))
    assert "nothing came" in view
    assert "–" in view


def test_programs_get_every_workers_report_and_a_status(small_office):
    options = ["top", "--once", "--json", "--registry", small_office.url]
    assert RUNNER.invoke(app, options).exit_code == 1  # nobody is there
    now = system_clock().now()
    keep(small_office.registry, make_report("a", now), make_report("b", now, connection="waiting"))
    both = RUNNER.invoke(app, options)
    assert both.exit_code == 0
    workers = json.loads(both.stdout)["workers"]
    assert [(each["worker"], each["rate"], each["silent"]) for each in workers] == [("a", 1200.0, False), ("b", 1200.0, False)]
    assert (
        msgspec.convert({k: v for k, v in workers[1].items() if k not in {"rate", "silent"}}, GatewayReport).connection
        == "waiting"
    )
    keep(small_office.registry, make_report("c", now - timedelta(minutes=1)))
    assert RUNNER.invoke(app, options).exit_code == 1
    people = RUNNER.invoke(app, options[:2] + options[3:])
    assert "silent" in people.stdout


def test_waiting_ends_when_every_worker_says_anew_that_it_is_connected(small_office):
    options = ["top", "--once", "--wait", "0.1", "--registry", small_office.url]
    now = system_clock().now()
    keep(small_office.registry, make_report("a", now))
    assert RUNNER.invoke(app, options).exit_code == 1, "said before it was asked: by a process that may have ended since"
    later = now + timedelta(seconds=30)
    keep(small_office.registry, make_report("a", later), make_report("b", later, connection="waiting"))
    assert RUNNER.invoke(app, options).exit_code == 1, "one of two does not reach its broker"
    keep(small_office.registry, make_report("b", later + timedelta(seconds=1)))
    assert RUNNER.invoke(app, options).exit_code == 0
    assert RUNNER.invoke(app, ["top", "--wait", "1", "--registry", small_office.url]).exit_code == 2


def test_a_registry_without_tables_is_said_and_not_shown_as_an_empty_city(tmp_path):
    result = RUNNER.invoke(app, ["top", "--once", "--registry", f"sqlite:///{tmp_path}/none.db"])
    assert result.exit_code == 1
    assert "does not answer" in result.output


def test_json_without_an_end_is_wrong_use(small_office):
    assert RUNNER.invoke(app, ["top", "--json", "--registry", small_office.url]).exit_code == 2


@pytest.mark.parametrize("end", [signal.SIGINT])
def test_in_a_real_terminal_it_follows_the_workers_and_ctrl_c_ends_it_cleanly(small_office, end):
    keep(small_office.registry, make_report("first-worker", system_clock().now()))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "luutru", "gateway", "top", "--every", "0.2", "--registry", small_office.url]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "30"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True) as child:
        os.close(theirs)
        shown = read_until(ours, b"first-worker")
        keep(small_office.registry, make_report("second-worker", system_clock().now()))
        shown += read_until(ours, b"second-worker")
        child.send_signal(end)
        shown += read_until(ours, None)
        assert child.wait(20) == 0
    os.close(ours)
    assert b"\x1b[?1049h" in shown  # a screen of its own ...
    assert shown.rindex(b"\x1b[?1049l") > shown.rindex(b"second-worker")  # ... and the old one back
    assert b"Traceback" not in shown
    assert b"Aborted" not in shown


def read_until(terminal, words):
    """Read what is shown until ``words`` are there; None: until the other side is gone."""
    shown, until = b"", time.monotonic() + 60
    while words is None or words not in shown:
        assert time.monotonic() < until, shown
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says EIO when the other side is closed
            part = b""
        if not part:
            assert words is None, shown
            return shown
        shown += part
    return shown
