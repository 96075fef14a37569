"""The reader of chips as the kiosk uses it: one card, one reading, given up in time; whatever a device does ends as a code."""

from __future__ import annotations

import queue
import threading

import chip_parts as chips
import pytest
from chip_parts import Citizen, JudgingClock, pki, store_of
from factories import EVENING

from edge_agent.chip.drawing import FromBytes
from edge_agent.chip_station import ChipStation, Means
from edge_agent.kiosk.news import ChipFailed, ChipProgressed, ChipTaken
from luutru.system import random_bytes
from residence.credentials.chip.carried import binding
from residence.credentials.chip.claims import judge_claim
from residence.errors import Refused

OWN, LATER = "019f4ad3-7580-7000-8000-0000000000aa", "019f4ad3-7580-7000-8000-0000000000ab"
KIOSK = "kiosk-lobby-1"


class Place:
    """A place for cards in memory: ``lay`` and ``take_away`` are a person's hands."""

    def __init__(self):
        self.lying = None
        self.changed = threading.Condition()
        self.closed = 0

    def lay(self, card):
        with self.changed:
            self.lying = card
            self.changed.notify_all()

    def take_away(self):
        self.lay(None)

    def wait(self, seconds, *, present):
        with self.changed:
            return self.changed.wait_for(lambda: (self.lying is not None) is present, seconds)

    def card(self):
        return Held(self)

    def close(self):
        self.closed += 1


class Held:
    """The card that lies there; it ends when it is taken away."""

    def __init__(self, place):
        self.place, self.own = place, place.lying

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    @property
    def about(self):
        return getattr(self.own, "about", b"usual")

    def transceive(self, apdu):
        if self.place.lying is not self.own:
            raise Refused("chip.card_gone")
        return self.own.transceive(apdu)

    def reset(self):
        self.own.reset()


@pytest.fixture(scope="module")
def country():
    return pki.Country()


@pytest.fixture(scope="module")
def store(country):
    return store_of(country)


class Desk:
    """A station, and what it told."""

    def __init__(self, store, open_place=None):
        self.place, self.told = Place(), queue.Queue()
        means = Means(clock=JudgingClock(), draw=FromBytes(random_bytes), trust=lambda _now: store)
        self.station = ChipStation(open_place or (lambda: self.place), kiosk_id=KIOSK, means=means)

    def asks(self, own_id=OWN):
        self.station.begin(own_id, chips.READING, self.told.put)

    def hears(self, kind, own_id=OWN):
        while True:
            event = self.told.get(timeout=20)
            assert event.own_id == own_id
            if isinstance(event, kind):
                return event


def test_a_card_that_is_laid_down_is_read_judged_and_bound_to_kiosk_and_declaration(country, store):
    desk = Desk(store)
    desk.asks()
    desk.place.lay(Citizen(country).card())
    phases = [desk.hears(ChipProgressed).phase for _ in range(4)]
    assert phases == ["opening", "reading", "authenticating", "reading"]
    said = desk.hears(ChipTaken).evidence
    assert (said.level, said.source, said.reader) == (5, "card-qr", "camera:zxing")
    found = judge_claim(said, chips.PERSON, bound_to=binding(KIOSK, OWN), store=store, now=EVENING)
    assert (found.level, found.doubt) == (5, "")
    assert desk.place.closed == 1


def test_a_card_pulled_away_in_the_middle_ends_as_a_code_and_the_next_reading_begins_from_nothing(country, store):
    desk, card = Desk(store), Citizen(country).card()
    desk.asks()
    desk.place.lay(card)
    desk.hears(ChipProgressed)
    desk.place.take_away()
    ended = desk.told.get(timeout=20)
    while not isinstance(ended, (ChipFailed, ChipTaken)):
        ended = desk.told.get(timeout=20)
    if isinstance(ended, ChipFailed):  # else it was read before the hand was there
        assert ended.code == "chip.card_gone"
    desk.asks(LATER)
    card.reset()
    desk.place.lay(card)
    assert desk.hears(ChipTaken, LATER).evidence.level == 5


def test_a_card_that_breaks_off_must_leave_before_the_next_reading(country, store):
    desk = Desk(store)
    broken = Citizen(country).card()
    honest, calls = broken.transceive, iter(range(10_000))

    def breaking(apdu):
        if next(calls) == 12:
            raise Refused("chip.card_gone")
        return honest(apdu)

    broken.transceive = breaking
    desk.asks()
    desk.place.lay(broken)
    assert desk.hears(ChipFailed).code == "chip.card_gone"
    commands = next(calls)
    desk.asks(LATER)
    assert desk.told.empty()
    assert next(calls) == commands + 1  # the card that lies there is left alone
    desk.place.take_away()
    fresh = Citizen(country).card()
    desk.place.lay(fresh)
    assert desk.hears(ChipTaken, LATER).evidence.level == 5


def test_a_card_that_carries_little_slows_only_cards_of_its_kind(country, store):
    desk = Desk(store)
    commands = []
    for about, extended in ((b"odd", False), (b"usual", True), (b"odd", False), (b"usual", True)):
        card = Citizen(country).card(knows_extended=extended)
        card.about = about
        desk.asks()
        desk.place.lay(card)
        desk.hears(ChipTaken)
        desk.place.take_away()
        commands.append((about, len(card.log)))
    (_, first), (_, later) = commands[1], commands[3]
    assert later == first - 1  # the odd one between them changed nothing, and what was found out once is not asked again
    assert commands[2][1] < commands[0][1]  # what it was found to carry is remembered
    assert commands[1][1] < commands[2][1]


def test_what_is_given_up_tells_nothing_and_frees_the_reader(country, store):
    desk = Desk(store)
    desk.asks()
    desk.station.stop()
    desk.place.lay(Citizen(country).card())
    desk.asks(LATER)
    assert desk.hears(ChipTaken, LATER).evidence.level == 5
    assert desk.place.closed == 2
    desk.station.stop()


@pytest.mark.parametrize(
    ("fault", "code"), [(Refused("chip.no_reader"), "chip.no_reader"), (OSError("gone"), "chip.channel_closed")]
)
def test_a_reader_that_is_not_there_or_fails_is_told_as_a_code(store, fault, code):
    def away():
        raise fault

    desk = Desk(store, away)
    desk.asks()
    assert desk.hears(ChipFailed).code == code


def test_another_persons_card_is_opened_by_no_secret_of_this_one(country, store):
    desk = Desk(store)
    desk.asks()
    desk.place.lay(Citizen(country).card(can="654321", mrz_key="X" * 24))
    assert desk.hears(ChipFailed).code == "chip.not_opened"


def test_a_pulled_card_that_looks_broken_is_said_to_be_gone(country, store):
    desk = Desk(store)
    torn = Citizen(country).card()
    honest, calls = torn.transceive, iter(range(10_000))

    def tearing(apdu):
        if next(calls) == 12:
            desk.place.take_away()
            return b"\x90\x00"  # a reader that makes something up when the card is gone
        return honest(apdu)

    torn.transceive = tearing
    desk.asks()
    desk.place.lay(torn)
    assert desk.hears(ChipFailed).code == "chip.card_gone"
