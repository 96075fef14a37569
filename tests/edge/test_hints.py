"""Hints to whoever holds a card that is not read: the right one, one at a time, calm, and none in an empty lobby."""

from __future__ import annotations

import itertools
import threading
import urllib.request

import cv2
import numpy as np
import pytest
from factories import StandingClock
from hypothesis import given, settings
from hypothesis import strategies as st
from kiosk_page_parts import LOBBY, make_profile, running_kiosk, served

from edge_agent.kiosk import events as happen
from edge_agent.kiosk.states import Idle, ShowCard
from edge_agent.kiosk.texts import Texts
from edge_agent.readers import watching
from edge_agent.readers.port import Frame
from edge_agent.readers.watching import FrameReader, Guide
from edge_agent.scanning.budget import AWAKE_SHARE, IDLE_SHARE, Budget
from edge_agent.scanning.cascade import Stage, examine
from edge_agent.scanning.hint_codes import HintCode
from edge_agent.scanning.hints import HOLD_NS, Hints, is_dark
from edge_agent.scanning.locating import locate
from edge_agent.scanning.sighting import Sighting
from edge_agent.sim.frames import DIFFICULTIES, Studio
from luutru.benchmarks.card_scene import Scene, Subject, render
from luutru.benchmarks.card_set import make_still
from luutru.commands.scan_live import in_words
from luutru.processes.kiosk_readers import readers_of
from luutru.system import SystemClock
from residence.errors import Refused

MS = 1_000_000
PATIENCE = 200  # seconds for what takes one; a busy machine is no fault
ALL_HINTS = HintCode.__args__
GOOD = Sighting(
    corners=((100, 100), (235, 100), (235, 235), (100, 235)),
    version=7,
    module_px=3.0,
    tilt_degrees=5,
    saturated=0,
    contrast=0.6,
    light=0.85,
    sharpness=0.7,
    whole=True,
)


def sighting(**changes):
    return Sighting(**{name: changes.get(name, getattr(GOOD, name)) for name in Sighting.__struct_fields__})


def hints_of(glances, *, every_ms=250, dark=False):
    hints = Hints()
    return [hints.see(seen, dark=dark, now_ns=number * every_ms * MS) for number, seen in enumerate(glances)]


def shaken(grey, reach):
    """The frames of a hand that shakes by ``reach`` pixels."""
    return [np.roll(grey, (number % 2) * reach, axis=1) for number in range(6)]


# category of the measuring set, its level, how far the hand shakes, what is to be asked
FRAMES = [
    ("small", 4, 0, "closer"),
    ("glare", 4, 2, "glare"),
    ("defocus", 0, 0, "focus"),
    ("motion", 4, 30, "still"),
    ("damage", 4, 2, "cover"),
]


@pytest.mark.parametrize(("category", "level", "reach", "hint"), FRAMES, ids=[each[3] for each in FRAMES])
def test_a_second_of_unreadable_frames_gives_the_hint_that_helps(category, level, reach, hint):
    grey = make_still(21, category, level=level, number=2 if category == "motion" else 1).grey
    if category == "defocus":
        grey = cv2.GaussianBlur(grey, (0, 0), 3.3)  # worse than any level of the set: those are read

    told = hints_of([locate(examine(frame)[1]) for frame in shaken(grey, reach)])

    assert told[0] is None
    assert told[-1] == hint


def test_a_card_held_at_a_steep_angle_is_to_be_held_flat():
    rng = np.random.default_rng(4)
    scene = Scene(module_px=3.6, tilt=56, cx=640, cy=360, tilt_axis=0, damage=0.12)
    grey, _ = render(scene, Subject(scene, rng), rng)

    assert hints_of([locate(examine(grey)[1])] * 5)[-1] == "flat"


SEEN = {
    "whole": {"whole": False},
    "glare": {"saturated": 0.05},
    "light": {"light": 0.3},
    "flat": {"tilt_degrees": 60},
    "closer": {"module_px": 1.2},
    "focus": {"sharpness": 0.4},
    "cover": {},
}


@pytest.mark.parametrize("hint", SEEN)
def test_each_trouble_of_a_sighting_has_its_hint(hint):
    assert hints_of([[sighting(**SEEN[hint])]] * 5)[-1] == hint


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("hint", ALL_HINTS)
def test_every_hint_is_one_short_sentence_in_both_languages(hint, language):
    assert 10 < len(Texts(language)(f"card.guide_{hint}")) < 70


def test_a_card_on_its_way_in_gives_no_hint():
    assert hints_of([[], [sighting(sharpness=0.4)], [sighting(read=True)]]) == [None] * 3


def test_a_hint_goes_when_nothing_supports_it_any_more():
    told = hints_of([[sighting(module_px=1.2)]] * 6 + [[]] * 12)

    assert told[5] == "closer"
    assert told[-1] is None


@settings(deadline=None)
@given(
    kinds=st.lists(st.sampled_from([*SEEN, "nothing", "read"]), min_size=5, max_size=60),
    gaps=st.lists(st.integers(200, 600), min_size=60, max_size=60),
)
def test_hints_never_flicker(kinds, gaps):
    hints, now_ns, changes = Hints(), 0, []
    for kind, gap in zip(kinds, gaps, strict=False):
        before = hints.current
        seen = [] if kind == "nothing" else [sighting(read=True) if kind == "read" else sighting(**SEEN[kind])]
        if hints.see(seen, dark=False, now_ns=now_ns) != before:
            changes.append((now_ns, hints.current))
        now_ns += gap * MS

    for (begun, hint), (ended, _) in itertools.pairwise(changes):
        assert hint is None or ended - begun >= HOLD_NS


def lobby_frames(seconds, *, walker=True):
    """An empty lobby at ten frames a second; somebody walks through it."""
    studio = Studio(size=(1280, 720), seed=3)
    for number in range(int(seconds * 10)):
        grey = studio.empty(DIFFICULTIES[0], shot=number)
        if walker:
            cv2.ellipse(grey, (number * 60 % 1400 - 50, 420), (90, 260), 0, 0, 360, int(60 + number % 40), -1)
        yield grey


def test_a_lobby_where_somebody_walks_through_gives_no_hint_by_day():
    assert set(hints_of([locate(examine(grey)[1]) for grey in lobby_frames(3)], every_ms=100)) == {None}


def test_the_dark_is_only_a_reason_for_light_where_something_moves():
    night = (next(lobby_frames(1)) * 0.2).astype(np.uint8)

    assert is_dark(night)
    assert hints_of([[]] * 6, dark=True)[-1] == "light"
    assert hints_of([[]] * 6, dark=False)[-1] is None


class Played:
    """A source that plays frames as fast as they are taken, each at its time, and counts its rests.

    Its clock is the reader's: looking takes no time on it, so that every stage runs on every frame however busy this machine is.
    """

    name = "played"

    def __init__(self, greys, *, every_ms=100):
        self.greys, self.every_ms, self.rests, self.clock = list(greys), every_ms, 0, StandingClock()

    def open(self):
        self.number = 0

    def newest(self, wait_seconds):
        if self.number >= len(self.greys):
            raise Refused("reader.finished")
        self.number += 1
        self.clock.pass_time(milliseconds=self.every_ms)
        return Frame(grey=self.greys[self.number - 1], number=self.number, taken_ns=self.clock.monotonic_ns())

    def rest(self, seconds):
        self.rests += 1

    def close(self):
        pass


def play(source, *, wanted=True):
    told, captures, ended = [], [], threading.Event()
    guide = Guide(wanted=lambda: wanted, show=told.append)
    reader = FrameReader(source, clock=source.clock, guide=guide)
    reader.start(captures.append, lambda health: ended.set() if health.state == "lost" else None)
    assert ended.wait(PATIENCE)
    reader.stop()
    return told, captures


def test_the_reader_guides_until_the_card_is_read_and_then_falls_silent():
    small = make_still(21, "small", level=4, number=1).grey
    good = make_still(21, "clean", level=0, number=0)

    told, captures = play(Played([*shaken(small, 40), *shaken(small, 40), good.grey]))

    assert told[-2:] == ["closer", None]
    assert captures[-1].payload == good.payload.encode()


def test_a_card_laid_down_where_it_is_too_small_gets_its_hint_though_nothing_moves():
    told, _ = play(Played([make_still(21, "small", level=4, number=1).grey] * 12, every_ms=300))

    assert told[-1] == "closer"


def test_nothing_is_located_while_nobody_is_asked_for_a_card(monkeypatch):
    monkeypatch.setattr(watching, "locate", lambda *_, **__: 1 / 0)

    told, _ = play(Played(shaken(make_still(21, "small", level=4, number=1).grey, 40)), wanted=False)

    assert told == []


def test_in_an_empty_lobby_the_camera_rests_between_looks_and_is_guided_nowhere():
    source = Played(lobby_frames(2, walker=False))
    told, captures = play(source)

    assert set(told) == {None}
    assert captures == []
    # after the first second nothing has moved any more
    assert 8 <= source.rests <= 11


@settings(deadline=None)
@given(costs=st.lists(st.integers(0, 400), min_size=40, max_size=120), awake=st.booleans(), frame_gap=st.integers(10, 200))
def test_slow_stages_never_take_more_than_their_share_over_time(costs, awake, frame_gap):
    clock = [0]
    budget = Budget(timer_ns=lambda: clock[0], frame_ns=80)
    spent = worst = 0
    for cost in costs:
        budget.begin(awake=awake)
        while budget.time_left():
            clock[0] += cost + 1
            spent += cost + 1
            worst = max(worst, cost + 1)
        budget.end()
        clock[0] += frame_gap

    assert spent <= (AWAKE_SHARE if awake else IDLE_SHARE) * clock[0] + 80 + worst


class Moving:
    """A camera before which something always moves, thirty frames a second of a clock that the stages move on, too."""

    name = "moving"

    def __init__(self, clock, seconds):
        self.clock, self.ends_ns = clock, clock.monotonic_ns() + int(seconds * 1e9)

    def open(self):
        self.number = 0

    def newest(self, wait_seconds):
        self.clock.pass_time(seconds=1 / 30)
        if self.clock.monotonic_ns() > self.ends_ns:
            raise Refused("reader.finished")
        self.number += 1
        grey = np.full((90, 160), self.number * 50 % 200, np.uint8)
        return Frame(grey=grey, number=self.number, taken_ns=self.clock.monotonic_ns())

    def close(self):
        pass


@pytest.mark.parametrize("cost", [0.02, 0.1, 0.6])
def test_a_reading_stage_that_cannot_be_cut_off_pays_its_time_back(cost):
    clock, ran, ended = StandingClock(), [], threading.Event()
    stages = (Stage("quick", lambda _: []), Stage("slow", lambda _: ran.append(clock.pass_time(seconds=cost)) or []))
    reader = FrameReader(Moving(clock, 30), clock=clock, stages=stages)
    reader.start(lambda _: None, lambda health: ended.set() if health.state == "lost" else None)
    assert ended.wait(PATIENCE)
    reader.stop()

    assert 0.3 <= len(ran) * cost / 30 <= AWAKE_SHARE + 0.05


def test_the_card_screen_shows_the_hint_in_its_language_and_a_read_card_or_the_end_of_the_visit_takes_it_away():
    with running_kiosk(LOBBY) as kiosk, served(kiosk) as url:
        assert not kiosk.agent.wants_card()
        kiosk.agent.guide("closer")
        kiosk.agent.act(happen.Started()).result(5)
        kiosk.agent.act(happen.PurposeChosen(purpose="stay")).result(5)
        assert kiosk.agent.wants_card()
        assert kiosk.screen == ShowCard(purpose="stay"), "what was said while nobody was asked is not kept"
        kiosk.agent.guide("glare")
        kiosk.wait_for(lambda: kiosk.screen.guide == "glare")
        assert Texts("vi")("card.guide_glare") in body_of(url)
        kiosk.agent.act(happen.LanguageChosen(language="en")).result(5)
        assert Texts("en")("card.guide_glare") in body_of(url)
        kiosk.show()
        assert Texts("en")("card.guide_glare") not in body_of(url)
        kiosk.agent.act(happen.Cancelled()).result(5)
        assert isinstance(kiosk.screen, Idle)


def test_the_cameras_of_a_profile_are_given_the_kiosks_guide():
    guide = Guide(wanted=lambda: True, show=lambda _: None)
    profile = make_profile(LOBBY + '[[readers]]\nkind = "camera"\n[[readers]]\nkind = "cards"\n')

    assert [reader._guide for reader in readers_of(profile, clock=SystemClock(), guide=guide).readers] == [guide, guide]


def test_a_scan_at_a_terminal_says_each_new_hint_once_in_both_languages(capsys):
    guide = in_words("camera 0")
    for hint in ("glare", "glare", None, "glare", "still"):
        guide.show(hint)

    said = capsys.readouterr().err.splitlines()
    assert [line.startswith("camera 0: ") for line in said] == [True, True, True]
    assert Texts("vi")("card.guide_still") in said[2]
    assert Texts("en")("card.guide_still") in said[2]


def test_hints_do_not_hold_the_screen():
    with running_kiosk(LOBBY) as kiosk:
        kiosk.agent.act(happen.Started()).result(5)
        kiosk.agent.act(happen.PurposeChosen(purpose="stay")).result(5)
        for hint in ("closer", "glare", "closer"):
            kiosk.clock.pass_time(seconds=20)
            kiosk.agent.guide(hint)
        kiosk.wait_for(lambda: isinstance(kiosk.screen, Idle))


def body_of(url):
    return urllib.request.urlopen(url, timeout=5).read().decode()
