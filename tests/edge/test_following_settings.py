"""What follows a kiosk's settings, step by step: power cuts, crashes, pins, others' settings, an authority that is away."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from configuration_parts import NOW
from factories import StandingClock

from edge_agent.configuration.fetching import Fetched
from edge_agent.configuration.following import AWAY, Following, Kiosk, Pace
from edge_agent.configuration.slots import TRIES, Slots, State
from residence.errors import Refused, Untrusted


def document(text):
    return Fetched(name=f"{text}-0123456789ab", files={"kiosk.toml": text.encode()})


def start(folder):
    """A start of the process: the folder it works by, and its slots."""
    slots = Slots(folder)
    place = slots.at_start()
    return (place / "kiosk.toml").read_text() if place else "image", slots


def test_what_crashes_each_time_is_given_up_after_its_tries_and_never_tried_again(tmp_path):
    slots = Slots(tmp_path)
    slots.put("good", {"kiosk.toml": b"good"})
    assert start(tmp_path)[0] == "good"
    Slots(tmp_path).confirm()
    Slots(tmp_path).put("bad", {"kiosk.toml": b"bad"})
    assert [start(tmp_path)[0] for _ in range(TRIES + 2)] == ["bad"] * TRIES + ["good"] * 2
    assert not Slots(tmp_path).wants("bad")
    assert Slots(tmp_path).wants("better")


def test_a_power_cut_while_writing_changes_nothing(tmp_path):
    Slots(tmp_path).put("good", {"kiosk.toml": b"good"})
    start(tmp_path)
    Slots(tmp_path).confirm()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".kiosk.toml.new").write_bytes(b"ha")
    (tmp_path / ".state.json.new").write_bytes(b"{")
    assert start(tmp_path)[0] == "good"
    (tmp_path / "state.json").write_bytes(b"\x00" * 64)  # what a memory card may leave of a file
    assert start(tmp_path)[0] == "image"


def test_on_a_disk_that_cannot_be_written_the_good_one_works_on_and_nothing_is_tried(tmp_path, monkeypatch):
    Slots(tmp_path).put("good", {"kiosk.toml": b"good"})
    start(tmp_path)
    Slots(tmp_path).confirm()
    Slots(tmp_path).put("new", {"kiosk.toml": b"new"})

    def read_only(*_):
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as broken:
        broken.setattr("edge_agent.configuration.slots.replace_file", read_only)
        assert [start(tmp_path)[0] for _ in range(3)] == ["good"] * 3
    assert start(tmp_path)[0] == "new"


class Followed:
    """A kiosk whose settings are followed by hand, one look at a time."""

    def __init__(self, folder, **more):
        self.clock = StandingClock(NOW)
        self.answer, self.is_idle, self.is_well, self.ended, self.refusal = None, True, True, 0, None
        self.slots = Slots(folder)
        self.following = Following(
            self.slots,
            fetch=self._fetch,
            kiosk=Kiosk(check=self._check, proved=lambda: self.is_well, idle=lambda: self.is_idle, end=self._end),
            clock=self.clock,
            jitter=lambda: 0.5,
            pace=Pace(every=0.01),
            **more,
        )

    def _fetch(self, _now):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def _check(self, _files):
        if self.refusal:
            raise self.refusal

    def _end(self):
        self.ended += 1

    def ask(self, answer):
        self.answer = answer
        self.following._ask()
        return self.following.health()


@pytest.fixture
def kiosk(tmp_path):
    return Followed(tmp_path)


def test_settings_for_somebody_else_are_not_even_tried_and_are_said(kiosk):
    kiosk.refusal = Refused("configuration.another_kiosk")
    assert kiosk.ask(document("x")) == "degraded:configuration.another_kiosk"
    assert not kiosk.slots.state.trying
    kiosk.refusal = None
    assert kiosk.ask(document("x")) == "ok"
    assert kiosk.slots.state.trying == "a"


def test_a_pin_holds_whatever_else_is_published(tmp_path):
    wanted = document("wanted")
    pinned = Followed(tmp_path, pin="wanted")
    pinned.ask(document("other"))
    assert not pinned.slots.state.trying
    pinned.ask(wanted)
    assert pinned.slots.state.trying_name == wanted.name


class Broken:
    """A paper whose every step fails, as on a card that dies."""

    name, steps = "broken", 0

    def ask(self):
        self.steps += 1
        raise RuntimeError("disk I/O error")

    look = ask

    def health(self):
        return "ok"


def test_a_paper_that_fails_costs_neither_the_settings_nor_the_thread(tmp_path):
    broken = Broken()
    kiosk = Followed(tmp_path, besides=(broken, broken))
    kiosk.ask(document("x"))
    assert (broken.steps, kiosk.slots.state.trying) == (2, "a")
    kiosk.slots.take_back()
    kiosk.following.start()
    end = time.monotonic() + 20
    while broken.steps < 10 and time.monotonic() < end:
        time.sleep(0.01)
    kiosk.following.stop()
    assert broken.steps >= 10, "it looked on"


def test_ended_signatures_are_an_alarm_at_once_and_an_authority_that_is_away_only_after_days(kiosk):
    assert kiosk.ask(Untrusted("configuration.ended")) == "degraded:configuration.ended"
    assert kiosk.ask(None) == "ok"
    assert kiosk.ask(Refused("configuration.unreachable")) == "ok"
    kiosk.clock.pass_time(seconds=(AWAY + timedelta(hours=1)).total_seconds())
    assert kiosk.ask(Refused("configuration.unreachable")) == "degraded:configuration.unreachable"
    assert kiosk.slots.state == State(), "whatever was heard, it works by what it has"
