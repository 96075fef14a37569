"""Before which moment a kiosk's clock cannot be right: who raises it, how far, and how it comes down again."""

from datetime import UTC, datetime, timedelta

import pytest
from factories import EVENING, StandingClock, make_declaration
from hypothesis import given, settings
from hypothesis import strategies as st
from kiosk_parts import BOOT, KEYS, answer, make_outbox

from edge_agent.asked import Asked
from edge_agent.clock_floor import AHEAD, APART
from edge_agent.door.papers import DoorPapers
from edge_agent.event_book import EventBook
from edge_agent.event_posting import EventPost
from residence.clock import rfc3339
from residence.errors import Untrusted
from residence.wire.door_events import DoorEventsKept, sign_kept
from residence.wire.door_list import DoorListPart, DoorOrders, sign_orders, sign_part
from residence.wire.kiosk_answers import KioskAnswers, sign_answers

BUILT = EVENING.replace(month=1)
DAY, YEARS = timedelta(days=1), timedelta(days=3 * 365)
OTHER_BOOT = BOOT[:-1] + "2"
SITE = "blk-hoa-binh"


class Kiosk:
    """A kiosk's store on a clock that stands, confirmed or not."""

    def __init__(self, folder, *, now=EVENING, synced=True, boot_id=BOOT):
        self.clock, self.synced = StandingClock(now), synced
        self.outbox = make_outbox(
            folder / "kiosk.db", clock=self.clock, clock_synced=lambda: self.synced, built_at=BUILT, boot_id=boot_id
        )
        self.book = EventBook(self.outbox, random_bytes=bytes)
        about = {"kiosk_id": self.outbox.kiosk_id, "epoch": self.outbox.epoch, "signer": KEYS.kiosk}
        self.post = EventPost(self.book, **about, keyring=lambda: KEYS.keyring, jitter=lambda: 1.0)
        self.heard = {"keyring": lambda: KEYS.keyring, "heard": self.outbox.clock_floor.heard}

    def happens(self):
        self.book.append(door="", what="reader", detail="ok camera")

    def declares(self):
        return self.outbox.row(self.outbox.keep(make_declaration()).declaration_id).envelope

    def word(self, at, *, up_to):
        """The authority's word of how far it keeps our events."""
        kept = DoorEventsKept(kiosk_id=self.outbox.kiosk_id, epoch=self.outbox.epoch, up_to=up_to, at=rfc3339(at))
        return sign_kept(kept, KEYS.receipt)

    def signed(self, what, at):
        """Something signed by the authority at a moment comes by."""
        match what:
            case "a list":
                part = DoorListPart(
                    site=SITE, version=1, part=0, parts=1, issued=rfc3339(at), expires=rfc3339(at + 7 * DAY), doors=("lobby",), entries=()
                )  # fmt: skip
                DoorPapers(self.outbox.store, site=SITE, **self.heard).take("0", sign_part(part, KEYS.door_list))
            case "orders":
                orders = sign_orders(DoorOrders(site=SITE, serial=1, issued=rfc3339(at)), KEYS.door_list)
                DoorPapers(self.outbox.store, site=SITE, **self.heard).take("now", orders)
            case "answers":
                answers = KioskAnswers(kiosk_id=self.outbox.kiosk_id, at=rfc3339(at))
                asked = Asked(kiosk_id=self.outbox.kiosk_id, monotonic_ns=self.clock.monotonic_ns, **self.heard)
                asked.take(sign_answers(answers, KEYS.receipt))
            case "a receipt":
                self.outbox.settle(answer(self.declares(), accepted_at=rfc3339(at)))
            case "a word about events":
                self.post.take(self.word(at, up_to=0))


@pytest.fixture
def start(tmp_path):
    """Return how a kiosk is started on one and the same disk; the one before was switched off."""
    started = []

    def again(**changes):
        for each in started:
            each.outbox.close()
        started[:] = [Kiosk(tmp_path, **changes)]
        return started[0]

    yield again
    for each in started:
        each.outbox.close()


@pytest.mark.parametrize("what", ["a list", "orders", "answers", "a receipt", "a word about events"])
def test_whatever_the_authority_signed_raises_it_however_late_and_outlives_a_restart(start, what):
    start(now=EVENING, synced=False).signed(what, EVENING + YEARS)
    kiosk = start(now=EVENING + YEARS - timedelta(hours=1), synced=True)
    assert kiosk.outbox.floor() == EVENING + YEARS
    assert kiosk.outbox.time_state() == "unset"
    kiosk.clock.instant = EVENING + YEARS - timedelta(minutes=9)
    assert kiosk.outbox.time_state() == "synced", "two right clocks differ a little"
    kiosk.signed("orders", EVENING)
    assert kiosk.outbox.floor() == EVENING + YEARS, "what was signed before lowers nothing"


def fresh_settings(kiosk):
    kiosk.outbox.clock_floor.told_fresh(kiosk.clock.now())


@pytest.mark.parametrize("happens", [Kiosk.happens, Kiosk.declares, fresh_settings])
def test_a_wrong_clock_counts_for_a_month_and_not_for_ever(start, happens):
    kiosk = start(now=EVENING + YEARS)
    kiosk.signed("orders", EVENING)
    happens(kiosk)
    assert kiosk.outbox.floor() == EVENING + AHEAD
    kiosk.signed("answers", EVENING + AHEAD + DAY)  # a month later
    kiosk.clock.instant = EVENING + AHEAD + DAY
    assert kiosk.outbox.time_state() == "synced"


def test_the_last_event_tells_on_a_clock_without_a_battery_and_only_until_it_is_confirmed(start):
    kiosk = start(synced=False)
    kiosk.signed("orders", EVENING - 9 * DAY)
    kiosk.happens()
    kiosk.clock.instant -= 2 * DAY
    assert kiosk.outbox.time_state() == "rtc_only", "within one start, moving is another matter"
    kiosk = start(now=EVENING - DAY, synced=False, boot_id=OTHER_BOOT)
    assert kiosk.outbox.time_state() == "unset"
    assert kiosk.outbox.floor() == EVENING - 9 * DAY, "which holds nothing against anybody"
    kiosk.synced = True
    assert kiosk.outbox.time_state() == "synced"
    kiosk.happens()
    kiosk = start(now=EVENING - DAY / 2, synced=False, boot_id=BOOT)
    assert kiosk.outbox.time_state() == "rtc_only"


class TestTheWayDown:
    """A gateway's own clock was years ahead for a while, or ours was, confirmed."""

    def test_an_answer_to_what_is_younger_lowers_it(self, start):
        kiosk = start()
        kiosk.signed("a word about events", EVENING + YEARS)
        assert kiosk.outbox.time_state() == "unset"
        kiosk.happens()
        kiosk.post.take(kiosk.word(EVENING, up_to=1))
        assert (kiosk.outbox.floor(), kiosk.outbox.time_state()) == (EVENING, "synced")

    @pytest.mark.parametrize("what", ["a list", "orders", "answers"])
    def test_what_it_contradicted_raises_nothing_when_it_comes_again_or_is_read_at_a_start(self, start, what):
        kiosk = start()
        kiosk.signed(what, EVENING + YEARS)
        kiosk.happens()
        kiosk.post.take(kiosk.word(EVENING, up_to=1))
        kiosk = start(now=EVENING + DAY, boot_id=OTHER_BOOT)
        kiosk.signed(what, EVENING + YEARS)
        assert (kiosk.outbox.floor(), kiosk.outbox.time_state()) == (EVENING, "synced")
        kiosk.happens()
        kiosk.post.take(kiosk.word(EVENING + DAY, up_to=2))
        assert kiosk.outbox.floor() == EVENING + DAY, "answers to what is younger go on raising it"
        kiosk.signed("orders", EVENING + YEARS + DAY)
        assert kiosk.outbox.floor() == EVENING + YEARS + DAY

    def test_nor_does_its_answer_to_a_statement_of_ours(self, start):
        kiosk = start()
        receipt = answer(kiosk.declares(), accepted_at=rfc3339(EVENING + YEARS))
        kiosk.outbox.settle(receipt)
        kiosk.happens()
        kiosk.post.take(kiosk.word(EVENING, up_to=1))
        kiosk.outbox.settle(receipt)
        assert (kiosk.outbox.floor(), kiosk.outbox.time_state()) == (EVENING, "synced")

    def test_an_old_answer_played_again_does_not(self, start):
        kiosk = start(now=EVENING - DAY)
        envelope = kiosk.declares()
        kiosk.happens()
        receipt, word = answer(envelope, accepted_at=rfc3339(EVENING - DAY)), kiosk.word(EVENING - DAY, up_to=1)
        kiosk.signed("orders", EVENING)
        kiosk.declares()
        kiosk.happens()
        kiosk.outbox.settle(receipt)
        kiosk.post.take(word)
        kiosk.outbox.settle(receipt)
        assert kiosk.outbox.floor() == EVENING

    def test_nor_does_a_late_answer_to_what_was_sealed_before_a_right_clock_said_more(self, start):
        kiosk = start(now=EVENING)
        kiosk.signed("orders", EVENING)
        envelope = kiosk.declares()
        kiosk.clock.instant = EVENING + 3 * DAY
        kiosk.happens()
        kiosk.outbox.settle(answer(envelope, accepted_at=rfc3339(EVENING)))
        assert kiosk.outbox.floor() == EVENING + 3 * DAY

    def test_nor_does_a_receipt_of_an_earlier_life_of_this_kiosk_whatever_its_number(self, start):
        kiosk = start()
        kiosk.signed("orders", EVENING + YEARS)
        envelope = kiosk.declares()
        kiosk.outbox.settle(answer(envelope, accepted_at=rfc3339(EVENING), epoch=OTHER_BOOT, sequence=900))
        assert kiosk.outbox.floor() == EVENING + YEARS

    def test_a_confirmed_clock_that_is_ahead_is_called_confirmed_no_more_until_an_answer_agrees(self, start):
        kiosk = start(now=EVENING + DAY / 48)  # half an hour: nothing is refused for that
        kiosk.signed("orders", EVENING - DAY)
        kiosk.happens()
        kiosk.post.take(kiosk.word(EVENING, up_to=1))
        assert kiosk.outbox.time_state() == "rtc_only", "a door asks for its challenge now, and turns no pass away"
        kiosk.clock.instant = EVENING
        kiosk.happens()
        kiosk.post.take(kiosk.word(EVENING, up_to=2))
        assert kiosk.outbox.time_state() == "synced"

    def test_nobody_but_the_authority_can_say_so(self, start):
        kiosk = start()
        kiosk.signed("orders", EVENING + YEARS)
        kiosk.happens()
        forged = DoorEventsKept(kiosk_id=kiosk.outbox.kiosk_id, epoch=kiosk.outbox.epoch, up_to=1, at=rfc3339(EVENING))
        with pytest.raises(Untrusted):
            kiosk.post.take(sign_kept(forged, KEYS.kiosk))
        assert kiosk.outbox.floor() == EVENING + YEARS


STEPS = st.tuples(
    st.sampled_from(["event", "statement", "signed", "answered", "restart"]),
    st.timedeltas(timedelta(0), 40 * DAY),
    st.sampled_from([timedelta(0), timedelta(0), YEARS, -YEARS, 20 * DAY]),
    st.booleans(),
)


@given(st.lists(STEPS, max_size=14))
@settings(max_examples=12, deadline=None)
def test_whatever_our_clock_said_a_confirmed_right_one_is_believed_at_the_latest_after_the_next_answer(tmp_path_factory, steps):
    folder, true, start = tmp_path_factory.mktemp("kiosk"), datetime(2026, 7, 1, tzinfo=UTC), 1
    kiosk = Kiosk(folder, now=true)
    for what, pause, off, synced in steps:
        true += pause
        kiosk.clock.instant, kiosk.synced = true + off, synced
        match what:
            case "event":
                kiosk.happens()
            case "statement":
                kiosk.declares()
            case "signed":
                kiosk.signed("answers", true)
            case "answered":
                kiosk.signed("a receipt", true)
            case "restart":
                kiosk.outbox.close()
                start += 1
                kiosk = Kiosk(folder, now=true + off, synced=synced, boot_id=f"b0070000-0000-4000-8000-{start:012d}")
        assert kiosk.outbox.floor() <= max(true, BUILT) + AHEAD, "never further ahead than a month"
    true += APART
    kiosk.clock.instant, kiosk.synced = true, True
    kiosk.signed("a receipt", true)
    assert kiosk.outbox.time_state() == "synced"
    kiosk.outbox.close()
