"""The reader of chips as the kiosk uses it: one card, one reading, given up in time; whatever a device does ends as a code."""

from __future__ import annotations

import queue

import chip_parts as chips
import msgspec
import pytest
from chip_parts import Citizen, JudgingClock, Place, pki, store_of
from factories import EVENING

from edge_agent.chip.drawing import FromBytes
from edge_agent.chip_station import MOST_REFUSED, ChipStation, Means
from edge_agent.kiosk.news import ChipFailed, ChipProgressed, ChipTaken
from luutru.system import random_bytes
from residence.credentials.chip.carried import binding
from residence.credentials.chip.claims import judge_claim
from residence.credentials.evidence import Evidence
from residence.errors import Refused

OWN, LATER = "019f4ad3-7580-7000-8000-0000000000aa", "019f4ad3-7580-7000-8000-0000000000ab"
KIOSK = "kiosk-lobby-1"


@pytest.fixture(scope="module")
def country():
    return pki.Country()


@pytest.fixture(scope="module")
def store(country):
    return store_of(country)


class Desk:
    """A station, and what it told."""

    def __init__(self, store, open_place=None, clock=None):
        self.place, self.told = Place(), queue.Queue()
        means = Means(clock=clock or JudgingClock(), draw=FromBytes(random_bytes), trust=lambda _now: store)
        self.station = ChipStation(open_place or (lambda: self.place), kiosk_id=KIOSK, means=means)

    def asks(self, own_id=OWN, can=""):
        self.station.begin(own_id, chips.READING, self.told.put, can=can)

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


def test_a_typed_number_opens_what_the_cards_own_does_not_and_nothing_else_is_tried(country, store):
    desk = Desk(store)
    card = Citizen(country).card(can="246802", mrz_key="X" * 24)
    desk.asks(can="246802")
    desk.place.lay(card)
    assert desk.hears(ChipTaken).evidence.level == 5
    assert card.is_.wrong_tokens == 0
    desk.place.take_away()
    other = Citizen(country).card(mrz_key="X" * 24)  # what was shown would open it, and was tried before
    desk.asks(can="246802")
    desk.place.lay(other)
    assert desk.hears(ChipFailed).code == "chip.not_opened"
    assert other.is_.wrong_tokens == 1


class PassingClock(JudgingClock):
    """Real time, and hours on top of it."""

    hours = 0

    def monotonic_ns(self):
        return super().monotonic_ns() + self.hours * 3600 * 10**9


def test_after_too_many_refused_numbers_no_card_is_asked_for_an_hour_whoever_comes(country, store):
    clock = PassingClock()
    desk, card = Desk(store, clock=clock), Citizen(country).card(can="654321", mrz_key="X" * 24)
    for number in range(MOST_REFUSED):
        desk.asks(can=f"{number:06}")
        desk.place.lay(card)
        assert desk.hears(ChipFailed).code == "chip.not_opened"
        desk.place.take_away()
    tried = card.is_.wrong_tokens
    desk.place.lay(card)
    desk.asks(can="000777")
    assert desk.hears(ChipFailed).code == "chip.no_more_numbers"
    assert card.is_.wrong_tokens == tried == MOST_REFUSED
    desk.place.take_away()
    desk.asks(LATER)  # what somebody shows still opens their card
    desk.place.lay(Citizen(country).card())
    assert desk.hears(ChipTaken, LATER).evidence.level == 5
    desk.place.take_away()
    clock.hours = 1
    desk.asks(can="654321")
    desk.place.lay(card)
    assert desk.hears(ChipTaken).evidence.level == 5


@pytest.mark.parametrize("typed", ["", "246802"], ids=["shown", "typed"])
@pytest.mark.parametrize("when", ["with the answer", "at once after it"])
def test_a_card_that_is_pulled_away_after_it_refused_was_still_refused(country, store, typed, when):
    desk = Desk(store)
    card = Citizen(country).card(can="654321", mrz_key="X" * 24)

    def pulled(answer):
        if answer == b"\x63\x00":
            desk.place.take_away()
        return answer

    def pulled_at_reset():
        desk.place.take_away()
        raise Refused("chip.card_gone")

    if when == "with the answer":
        honest = card.transceive
        card.transceive = lambda apdu: pulled(honest(apdu))
    else:
        card.reset = pulled_at_reset
    desk.asks(can=typed)
    desk.place.lay(card)
    assert desk.hears(ChipFailed).code == "chip.not_opened"
    assert card.is_.wrong_tokens == 1


def test_what_a_person_without_a_card_typed_about_themselves_is_counted_as_typed_whatever_visit_it_is(country, store):
    desk, card = Desk(store), Citizen(country).card(can="654321", mrz_key="X" * 24)

    def asks(number):
        person = msgspec.structs.replace(chips.PERSON, personal_number=chips.PERSON.personal_number[:6] + number, document=None)
        typed = msgspec.structs.replace(chips.READING, person=person, evidence=Evidence(level=0, source="typed"))
        desk.station.begin(OWN, typed, desk.told.put)
        desk.place.lay(card)
        return desk.hears((ChipFailed, ChipTaken))

    for number in range(MOST_REFUSED):
        assert asks(f"{number:06}").code == "chip.not_opened"
        desk.place.take_away()
    tried = card.is_.wrong_tokens
    assert asks("000777").code == "chip.no_more_numbers"
    assert card.is_.wrong_tokens == tried == MOST_REFUSED
