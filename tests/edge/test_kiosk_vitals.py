"""What a kiosk says of its parts: whether it hears cards, its disk, its settings; and that nothing of a person is in it."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest
from factories import EVENING
from kiosk_page_parts import CARD, DESK, LOBBY, capture_of, make_profile
from kiosk_parts import make_outbox

from edge_agent import vitals
from edge_agent.hearing import Hearing
from edge_agent.kiosk import states as screens
from edge_agent.life_sign import life_sign
from edge_agent.line import Line
from edge_agent.session_count import Session
from edge_agent.vitals import Disk, Vitals, disk_of
from luutru.processes.kiosk_vitals import settings_hash
from residence.wire.state import MAX_STATE_BYTES, decode_kiosk_state


class Silent:
    """A reader that says of itself that it is well; what it sees is up to the test."""

    name = "scanner"

    def start(self, deliver, report):
        self.deliver = deliver

    def stop(self):
        pass


def at(visit, screen):
    return SimpleNamespace(visit=visit, state=SimpleNamespace(screen=screen))


ASKED, IDLE = screens.ShowCard(purpose="stay"), screens.Idle()


@pytest.fixture
def heard():
    reader, passed = Silent(), []
    hearing = Hearing(lambda: EVENING)
    (ear,) = hearing.at([reader])
    ear.start(passed.append, lambda _: None)
    return hearing, reader, passed


def visits(hearing, count, *, first=1):
    for number in range(first, first + count):
        hearing.watch(at(number, IDLE))
        hearing.watch(at(number, ASKED))
    hearing.watch(at(first + count, IDLE))


def test_visits_in_which_no_card_was_read_are_counted_in_a_row(heard):
    hearing, _, _ = heard
    visits(hearing, 3)
    assert (hearing.unread, hearing.read_at) == (3, None)


def test_one_reading_ends_the_row_and_goes_on_to_the_dialogue(heard):
    hearing, reader, passed = heard
    visits(hearing, 3)
    reader.deliver(capture_of(CARD))
    assert (hearing.unread, hearing.read_at, len(passed)) == (0, EVENING, 1)
    hearing.watch(at(5, ASKED))
    reader.deliver(capture_of(CARD))
    visits(hearing, 0, first=6)
    assert hearing.unread == 0


def test_visits_that_ask_for_no_card_prove_nothing(heard):
    hearing, _, _ = heard
    for number in range(9):
        hearing.watch(at(number, IDLE))
        hearing.watch(at(number, screens.NothingDue(why="resident")))
    assert hearing.unread == 0


DISKS = {
    "room enough": (2000, False, Disk(state="ok", free_mib=2000)),
    "little room": (63, False, Disk(state="low", free_mib=63)),
    "the outbox takes no more": (2000, True, Disk(state="full", free_mib=2000)),
}


@pytest.mark.parametrize("case", DISKS)
def test_a_disk_is_named_by_the_worst_that_is_so(case, tmp_path, monkeypatch):
    free, full, disk = DISKS[case]
    room = SimpleNamespace(f_bavail=free << 8, f_frsize=4096)
    monkeypatch.setattr(vitals.os, "statvfs", lambda _: room)
    assert disk_of(tmp_path / "kiosk.db", full=full) == disk


def test_a_disk_that_is_gone_is_said_to_be(tmp_path):
    assert disk_of(tmp_path / "gone" / "kiosk.db", full=False).state == "lost"


def test_settings_have_one_name_wherever_they_lie_and_another_once_changed(tmp_path):
    here, there = (msgspec.structs.replace(make_profile(LOBBY), folder=each) for each in ("/a", "/b"))
    assert settings_hash(here) == settings_hash(there) != settings_hash(make_profile(DESK))


def test_the_sign_of_life_carries_every_part_and_stays_small(tmp_path):
    outbox = make_outbox(tmp_path / "outbox.db")
    line = Line(host="h", port=1, site="s", kiosk_id="kiosk-lobby-1", ca_file="", certificate_file="", key_file="")
    said = Vitals(
        readers={f"reader-{number}": "ok" for number in range(30)}, doors={"lobby": "door-open-too-long:unlocked"},
        disk=Disk(state="low", free_mib=12), profile="0123456789ab", read_at="2026-07-10T07:00:00Z", unread=4,
    )  # fmt: skip
    sent = life_sign(outbox, line, session=Session(number=1), online=True, vitals=said)
    outbox.close()
    assert len(sent) < MAX_STATE_BYTES
    state = decode_kiosk_state(sent)
    assert (state.readers, state.doors, state.profile, state.read_at, state.unread) == (
        said.readers, said.doors, said.profile, said.read_at, said.unread,
    )  # fmt: skip
    assert (state.disk, state.disk_free_mib) == ("low", 12)
