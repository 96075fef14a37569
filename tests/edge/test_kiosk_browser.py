"""The kiosk's browser is kept up: a real Chromium is killed and stopped; the files that shut it in say what they should."""

from __future__ import annotations

import json
import os
import signal
import time

import httpx
import pytest
from factories import StandingClock
from kiosk_page_parts import LOBBY, make_profile, running_kiosk, served
from typer.testing import CliRunner

from edge_agent.browser.holding import holding_page
from edge_agent.browser.watching import LONGEST_PAUSE, BrowserWatch
from luutru.commands.kiosk import app
from luutru.demo.broker import free_port
from luutru.processes.kiosk_browser import page_silence, starter

HEADLESS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run")


class Process:
    """A process that ends when the test says so."""

    def __init__(self):
        self.pid, self.returncode = 2**22 + 1, None  # no process has this number

    def poll(self):
        return self.returncode

    def wait(self):
        return self.returncode


class Watched:
    """A watch over made-up browsers on a standing clock."""

    def __init__(self):
        self.clock, self.started, self.silence, self.began_at = StandingClock(), [], 0.0, {}
        self.watch = BrowserWatch(start=self.start, page_silence=lambda: self.silence, monotonic_ns=self.clock.monotonic_ns)

    def start(self):
        self.started.append(Process())
        return self.started[-1]

    def now(self):
        return self.clock.monotonic_ns() / 1e9

    def turn(self, seconds=1.0):
        self.clock.pass_time(seconds=seconds)
        self.watch.turn()


@pytest.mark.parametrize("silence", [0.0, float("inf")], ids=["its page lived", "it never showed the page"])
def test_however_often_it_dies_it_is_back_in_less_than_twenty_seconds(silence):
    watched = Watched()
    watched.silence = silence
    watched.turn()
    watched.turn()
    for _ in range(8):
        before = len(watched.started)
        watched.started[-1].returncode = -9
        waited = 0
        while len(watched.started) == before:
            watched.turn()
            waited += 1
        assert waited <= LONGEST_PAUSE + 1 < 20


def test_a_silent_page_is_judged_only_while_the_agent_answers():
    watched = Watched()
    watched.turn()
    watched.silence = None  # the agent is away
    for _ in range(60):
        watched.turn()
    assert len(watched.started) == 1
    watched.silence = float("inf")  # it is back, and the page is not
    seconds = 0
    while len(watched.started) == 1:
        watched.turn()
        seconds += 1
    assert seconds < 20


def test_a_page_that_gives_signs_of_life_is_left_alone():
    watched = Watched()
    for _ in range(100):
        watched.silence = 4.0
        watched.turn()
    assert len(watched.started) == 1


def first_page_after(watched, needed, *, within=400):
    """Let every browser take that long to its first page; return after how many browsers it is there."""
    for _ in range(within):
        began = watched.began_at.get(len(watched.started), watched.now())
        watched.began_at[len(watched.started)] = began
        age = watched.now() - began
        watched.silence = float("inf") if not watched.started or age < needed else 0.0
        if watched.silence == 0.0 and watched.watch.pid is not None:
            watched.turn()
            return len(watched.started)
        watched.turn()
    return None


@pytest.mark.parametrize(("needed", "browsers"), [(3, 1), (20, 2), (45, 3), (90, 4), (200, None)])
def test_a_slow_machines_browser_is_given_twice_the_time_each_time_it_was_ended_too_early(needed, browsers):
    watched = Watched()
    assert first_page_after(watched, needed) == browsers
    assert watched.watch.in_good_hope is (browsers is not None), "else the compositor is started anew"


def test_once_a_page_lived_the_next_browser_is_given_twice_what_it_took_and_a_hung_page_twelve_seconds():
    watched = Watched()
    first_page_after(watched, 20)
    watched.silence, waited = float("inf"), 0
    while watched.watch.pid is not None:
        watched.turn()
        waited += 1
    assert waited <= 13, "a page that lived is judged as ever"
    before = len(watched.started)
    assert first_page_after(watched, 20) == before + 1, "its successor is not ended before it is there"


def test_the_waiting_page_speaks_every_language_and_asks_for_nothing_else():
    page = holding_page("http://127.0.0.1:8800", ("vi", "ru"))
    assert 'lang="vi"' in page
    assert 'lang="ru"' in page
    assert page.count("http://") == 1


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "kiosk.toml").write_text(LOBBY, "utf-8")
    return tmp_path


def test_the_files_let_one_page_in_and_nobody_out(folder):
    done = CliRunner().invoke(app, ["screen", str(folder / "kiosk.toml"), str(folder / "image")])
    assert done.exit_code == 0, done.output
    policy = json.loads((folder / "image/etc/chromium/policies/managed/luutru.json").read_text("utf-8"))
    assert policy["URLBlocklist"] == ["*"]
    assert policy["URLAllowlist"] == ["http://127.0.0.1:8800", "file:///run/luutru-screen/holding.html"]
    assert policy["DeveloperToolsAvailability"] == 2
    sway = (folder / "image/etc/luutru/sway.conf").read_text("utf-8")
    assert "fullscreen enable" in sway
    assert "include /etc/luutru/sway-shut-keys.conf" in sway
    bound = [
        line
        for line in (folder / "image/etc/luutru/sway-shut-keys.conf").read_text("utf-8").splitlines()
        if line.startswith("bindsym")
    ]
    assert all(line.endswith(" nop") for line in bound), "nothing is done on any key"
    assert {
        f"bindsym {chord} nop" for chord in ("Ctrl+t", "Ctrl+Shift+N", "Ctrl+Mod1+Delete", "Mod1+F4", "Mod4+Return", "F12")
    } <= set(bound)
    assert not [line for line in bound if line.split()[1] in {"Tab", "Return", "a", "1", "Shift+A", "Shift+Tab"}], (
        "the page needs them"
    )
    assert "exec /usr/bin/luutru kiosk browser /etc/luutru/kiosk.toml" in sway


def test_a_chromium_begun_too_early_a_killed_and_a_hung_one_come_to_the_page(tmp_path):
    """The clock is the test's: what is waited for is the browser, not the seconds."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running_kiosk() as kiosk:
        watch = BrowserWatch(
            start=starter(make_profile(LOBBY, port=port), program="chromium", folder=tmp_path, flags=HEADLESS),
            page_silence=lambda: page_silence(url),
            monotonic_ns=kiosk.clock.monotonic_ns,
        )

        def until_it_shows_the_page(other_than):
            end = time.monotonic() + 180
            while watch.pid in {None, other_than} or page_silence(url) != 0.0:
                assert time.monotonic() < end, "the page does not come"
                if watch.pid is None:
                    kiosk.clock.pass_time(seconds=1)
                watch.turn()
                time.sleep(0.1)
            return watch.pid

        try:
            watch.turn()  # nobody answers yet: it begins on the waiting page, and goes on to the page by itself
            with served(kiosk, port=port):
                first = until_it_shows_the_page(None)
                os.kill(first, signal.SIGKILL)
                os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
                kiosk.clock.pass_time(seconds=1)
                watch.turn()
                second = until_it_shows_the_page(first)
                os.killpg(second, signal.SIGSTOP)
                kiosk.clock.pass_time(seconds=13)
                watch.turn()
                assert watch.pid is None
                assert until_it_shows_the_page(second) not in {first, second}
        finally:
            watch.stop()


def test_a_waiting_page_that_asks_is_no_page_that_lives():
    with running_kiosk() as kiosk, served(kiosk) as url:
        answer = httpx.get(f"{url}/alive", headers={"Sec-Fetch-Site": "cross-site"})
        assert (answer.status_code, answer.headers["Cross-Origin-Resource-Policy"]) == (204, "cross-origin")
        assert page_silence(url) == float("inf")
        assert httpx.get(f"{url}/alive", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 204
        assert page_silence(url) == 0.0
        assert httpx.get(f"{url}/health").headers["Cross-Origin-Resource-Policy"] == "same-origin"
