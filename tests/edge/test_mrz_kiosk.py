"""A passport before the kiosk's camera: from frames to a reading of level 1, only where the profile asks for it, never at the codes' expense."""

from __future__ import annotations

import queue

import cv2
import numpy as np
import pytest
import segno
from factories import StandingClock, make_id
from kiosk_page_parts import CARD, LOBBY, capture_of, make_profile, moment

from edge_agent.kiosk.dialogue import begin, step
from edge_agent.kiosk.events import CardSeen, LanguageChosen, PurposeChosen, Started
from edge_agent.kiosk.showing import shown
from edge_agent.kiosk.states import ConfirmPerson, Moment
from edge_agent.kiosk.view import Health, View
from edge_agent.mrz_reading import watching as zone_watching
from edge_agent.mrz_reading.reading import SeenZone
from edge_agent.mrz_reading.watching import ZoneWatch
from edge_agent.readers.frames import PictureFolder
from edge_agent.readers.watching import FrameReader
from firmware_config.profiles import parse_profile
from luutru.benchmarks.mrz_set import make_zone_still
from luutru.processes.kiosk_readers import readers_of
from luutru.system import SystemClock
from residence.credentials.evidence import EvidenceLevel

PATIENCE = 20
MS = 1_000_000


@pytest.fixture(scope="module")
def passport():
    return make_zone_still(1, "clean", level=1, number=0)


@pytest.fixture
def folder(tmp_path, passport):
    cv2.imwrite(str(tmp_path / "passport.png"), passport.grey)
    return tmp_path


def profile_with(folder, extra):
    return parse_profile(LOBBY + f'[[readers]]\nkind = "images"\nsource = "{folder}"\n{extra}', folder=folder)


def test_a_passport_before_the_camera_becomes_a_reading_of_level_1(folder, passport):
    profile, clock = profile_with(folder, "mrz = true\n"), SystemClock()
    (reader,) = readers_of(profile, clock=clock).readers
    captures = queue.Queue()
    reader.start(captures.put, lambda _: None)
    capture = captures.get(timeout=PATIENCE)
    reader.stop()

    assert (capture.kind, capture.symbology, capture.reader) == ("mrz", "OCR-B", "pictures:ocr-b")
    assert capture.payload.decode() == "\n".join(passport.lines)
    now = Moment(wall=clock.now(), monotonic_ns=clock.monotonic_ns())
    state, _ = step(begin(profile, now), CardSeen(capture=capture, fresh_id=make_id()), profile=profile, now=now)
    reading = state.screen.draft.reading if isinstance(state.screen, ConfirmPerson) else state.screen.reading
    assert reading.evidence.level == EvidenceLevel.CARD_TEXT
    assert (reading.evidence.source, reading.evidence.reader) == ("mrz", "pictures:ocr-b")
    assert reading.person.name_quality == "mrz"
    assert reading.person.document.number == passport.lines[1][:9]


def test_without_the_setting_no_zone_is_searched_for(folder, monkeypatch):
    asked = []
    monkeypatch.setattr(zone_watching, "read_zone", lambda grey, **_: asked.append(grey))
    captures, health = queue.Queue(), queue.Queue()
    (reader,) = readers_of(profile_with(folder, ""), clock=SystemClock()).readers
    reader.start(captures.put, health.put)
    assert health.get(timeout=PATIENCE).state == "ok"
    reader.stop()
    assert captures.empty()
    assert not asked


def test_a_zone_held_still_is_delivered_once_and_a_code_goes_first(tmp_path, passport):
    modules = np.array([list(row) for row in segno.make("https://example.org", micro=False).matrix], np.uint8)
    code = np.kron(np.where(modules == 1, 20, 235).astype(np.uint8), np.ones((6, 6), np.uint8))
    with_code = passport.grey.copy()
    with_code[20 : 20 + code.shape[0] + 48, 20 : 20 + code.shape[1] + 48] = 235
    with_code[44 : 44 + code.shape[0], 44 : 44 + code.shape[1]] = code
    for name, grey in (("1", with_code), ("2", passport.grey), ("3", passport.grey)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), grey)
    clock = SystemClock()
    watch = ZoneWatch(clock=clock, every_ns=1)
    reader = FrameReader(PictureFolder(tmp_path, clock=clock, hold_seconds=1.0, looping=False), clock=clock, zones=watch)
    captures, health = queue.Queue(), queue.Queue()
    reader.start(captures.put, health.put)
    while health.get(timeout=PATIENCE).code != "reader.finished":
        pass
    reader.stop()
    assert [captures.get_nowait().kind for _ in range(captures.qsize())] == ["qr", "mrz"]


def test_the_search_takes_its_turn_and_no_more_than_a_quarter_of_the_time(monkeypatch):
    clock, asked = StandingClock(), []

    def slow(_grey, **_):
        asked.append(clock.monotonic_ns())
        clock.pass_time(seconds=0.5)

    monkeypatch.setattr(zone_watching, "read_zone", slow)
    watch = ZoneWatch(clock=clock, every_ns=700 * MS)
    for _ in range(45):
        watch.look(np.zeros((48, 64), np.uint8))
        clock.pass_time(seconds=0.1)
    pauses = np.diff(asked) / MS
    assert len(asked) == 3
    assert all(pause >= 2000 for pause in pauses)


def test_a_search_that_takes_long_is_told_to_stop(monkeypatch):
    clock, answers = StandingClock(), []

    def searching(_grey, *, time_left):
        answers.append(time_left())
        clock.pass_time(seconds=0.6)
        answers.append(time_left())

    monkeypatch.setattr(zone_watching, "read_zone", searching)
    ZoneWatch(clock=clock).look(np.zeros((48, 64), np.uint8))
    assert answers == [True, False]


@pytest.mark.parametrize("unsure", [((0, 4),), ()], ids=["a doubtful sign", "an impossible date"])
def test_what_is_not_accepted_is_not_delivered(monkeypatch, unsure):
    lines = ("P<UTOOSTER<<LINA<BO<<<<<<<<<<<<<<<<<<<<<<<<<", "X0S8217632UTO8108153F3207040<<<<<<<<<<<<<<06")
    if not unsure:
        lines = (lines[0], lines[1].replace("8108153", "8113153"))
    monkeypatch.setattr(zone_watching, "read_zone", lambda _, **__: SeenZone(lines=lines, unsure=unsure))
    assert ZoneWatch(clock=SystemClock()).look(np.zeros((48, 64), np.uint8)) is None


ZONE = "P<UTOOSTER<<LINA<BO<<<<<<<<<<<<<<<<<<<<<<<<<\nX0S8217632UTO8108153F3207040<<<<<<<<<<<<<<06"
SAID = {
    "a zone": (ZONE, "mrz", "machine-readable lines", True),
    "a card's code": (CARD, "qr", "the card's code", False),
}


@pytest.mark.parametrize("case", SAID)
def test_the_person_is_told_where_the_name_was_read_and_asked_to_compare_it_when_no_check_digit_covers_it(case):
    text, kind, source, compared = SAID[case]
    profile, now = make_profile(), moment(StandingClock())
    state = begin(profile, now)
    seen = CardSeen(capture=capture_of(text, kind=kind), fresh_id=make_id())
    for event in (Started(), LanguageChosen(language="en"), PurposeChosen(purpose="stay"), seen):
        state, _ = step(state, event, profile=profile, now=now)
    health = Health(connection="up", depth=0, oldest_unsent_at=None, full=False, readers=())
    screen = shown(View(state=state, version=1, visit=1, health=health, seconds_left=None), profile=profile, now=now.wall)[
        "screen"
    ]
    assert source in screen["source"]
    assert ("compare every letter" in screen["compare"]) is compared
