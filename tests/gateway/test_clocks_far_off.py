"""A kiosk whose clock is far off: what cannot be true is held, and nobody is turned away, judged by a wrong clock, or forgotten."""

from datetime import datetime, timedelta

import authority
import msgspec
import pytest
from sqlalchemy import select

from gateway.clock_claims import ClockBounds
from gateway.dead_letters import LetterRetry
from gateway.measures import Measures
from gateway.port import Delivery
from gateway.sweep import sweep
from gateway.trust import TrustStore
from luutru.system import random_bytes
from registry import tables
from registry.letter_changes import Chosen, retry
from residence.clock import VIETNAM, rfc3339, uuid7
from residence.errors import Malformed
from residence.wire.times import Times

CODE = "intake.clock_impossible"
YEARS = timedelta(days=3 * 365)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def office(small_office):
    return small_office


def deliver(office, kiosk, away, state="synced", message=None):
    message = message or office.declaration(kiosk)
    wall = rfc3339(office.clock.now() + away)
    times = Times(boot_id=kiosk.epoch, monotonic_ns=1, wall=wall, time_state=state)
    return Delivery(topic=kiosk.topics.declarations, payload=kiosk.seal(message, now=office.clock.now(), times=times))


def one(office, outcome):
    (receipt,) = office.receipts(outcome)
    return receipt


def let_an_operator_look(office):
    """Mark what waits, and let the gateway take it up."""
    with office.registry.writing() as connection:
        retry(connection, Chosen(code=CODE), now=office.clock.now(), random_bytes=random_bytes)
    return LetterRetry(office.intake).run(office.clock.now())


BOUNDS = {
    "an hour ahead": ("synced", HOUR, False),
    "more than an hour ahead": ("synced", HOUR + SECOND, True),
    "weeks offline": ("synced", timedelta(days=-60), False),
    "a year in a drawer": ("synced", timedelta(days=-400), False),
    "longer than any outbox waits": ("synced", timedelta(days=-400) - SECOND, True),
    "three years ahead, unconfirmed": ("rtc_only", YEARS, False),
    "three years behind, unconfirmed": ("rtc_only", -YEARS, False),
    "three years ahead, and it noticed": ("jumped", YEARS, False),
    "no clock at all": ("unset", -YEARS, False),
}


@pytest.mark.parametrize(("state", "away", "held"), BOUNDS.values(), ids=BOUNDS.keys())
def test_only_a_confirmed_clock_beyond_the_bounds_is_held_every_other_is_judged_by_ours(office, state, away, held):
    receipt = one(office, office.intake.take([deliver(office, office.kiosk(), away, state)]))
    assert receipt.state == ("received" if held else "accepted")
    assert receipt.accepted_at == rfc3339(office.clock.now())
    assert office.count("quarantine") == held
    assert office.count("declarations") == (not held)


def test_the_bounds_are_settings(office):
    intake = office.make_intake(trust=TrustStore(office.registry, clock_bounds=ClockBounds(ahead=timedelta(minutes=5))))
    assert one(office, intake.take([deliver(office, office.kiosk(), timedelta(minutes=6))])).state == "received"


def test_the_signed_answer_names_the_reason_as_an_error_and_the_row_says_the_time_that_was_claimed(office):
    delivery = deliver(office, office.kiosk(), YEARS)
    receipt = one(office, office.intake.take([delivery]))
    assert [(each.code, each.severity) for each in receipt.findings] == [(CODE, "error")]
    with office.registry.reading() as connection:
        (row,) = connection.execute(select(tables.quarantine)).all()
    assert (row.code, row.detail) == (CODE, rfc3339(office.clock.now() + YEARS))


@pytest.mark.parametrize("state", ["synced", "rtc_only"])
@pytest.mark.parametrize("away", [YEARS, -YEARS], ids=["ahead", "behind"])
def test_whether_held_or_not_such_a_kiosk_is_among_the_measures(office, away, state):
    kiosk = office.kiosk()
    outcome = office.intake.take([deliver(office, kiosk, away, state), office.deliver(office.kiosk(1))])
    measures = Measures(worker="w", shards="0", monotonic_ns=office.clock.monotonic_ns)
    measures.came(outcome.counts, outcome.kept, now=office.clock.now())
    report = measures.report(office.clock.now(), connection="connected", in_hand=0, oldest_ns=None)
    assert report.clocks_ahead == (away > timedelta(0))
    assert (report.lags[0].kiosk_id == kiosk.kiosk_id) is (away < timedelta(0))
    assert report.outcomes.get(f"set aside {CODE}", 0) == (state == "synced")


@pytest.mark.parametrize("away", [YEARS, -YEARS], ids=["ahead", "behind"])
def test_tried_again_it_is_recorded_and_its_deadline_is_judged_by_when_it_came_first(office, away):
    office.intake.take([deliver(office, office.kiosk(), away)])
    office.clock.pass_time(days=2)  # long past the deadline, and nobody's fault but ours
    outcome = let_an_operator_look(office)
    receipt = one(office, outcome)
    assert outcome.counts == {"settled": 1}
    assert (receipt.state, receipt.on_time) == ("accepted", True)
    assert office.count("declarations") == 1


def test_a_late_one_stays_late_however_it_is_dated(office):
    """Came a day after the deadline; the clock says three years ahead, and "synced"."""
    kiosk = office.kiosk()
    message = office.declaration(kiosk)
    office.clock.pass_time(days=1)
    office.intake.take([deliver(office, kiosk, YEARS, message=message)])
    assert one(office, let_an_operator_look(office)).on_time is False


@pytest.mark.parametrize("away", [YEARS, -YEARS], ids=["ahead", "behind"])
def test_an_unconfirmed_clock_neither_buys_time_after_the_deadline_nor_calls_anybody_late(office, away):
    kiosk = office.kiosk()
    message = office.declaration(kiosk)
    office.clock.pass_time(days=1)
    assert one(office, office.intake.take([deliver(office, kiosk, away, "rtc_only", message=message)])).on_time is None


def test_when_it_was_our_own_clock_everything_held_is_recorded_once_that_is_right(office):
    right = office.clock.instant
    kiosk = office.kiosk()
    deliveries = [deliver(office, kiosk, timedelta(0)) for _ in range(3)]
    office.clock.instant = right + YEARS
    held = office.intake.take(deliveries)
    assert {each.state for each in office.receipts(held)} == {"received"}
    office.clock.instant = right + HOUR
    receipts = office.receipts(let_an_operator_look(office))
    assert [(each.state, each.on_time) for each in receipts] == [("accepted", True)] * 3


def test_what_is_on_record_gets_its_first_receipt_whatever_any_clock_says_by_then(office):
    recorded = office.deliver(office.kiosk())
    held = deliver(office, office.kiosk(), YEARS)
    first = office.intake.take([recorded]).receipts
    office.intake.take([held])
    second = let_an_operator_look(office).receipts
    office.clock.pass_time(days=5 * 365)
    with office.registry.reading() as connection:
        letters = len(connection.execute(select(tables.quarantine)).all())
    outcome = office.intake.take([recorded, held])
    assert outcome.receipts == [*first, *second]
    assert outcome.counts == {"replayed": 2}
    assert office.count("quarantine") == letters


def test_what_was_held_is_no_gap_in_the_kiosks_numbers(office):
    kiosk = office.kiosk()
    outcome = office.intake.take([office.deliver(kiosk), deliver(office, kiosk, YEARS), office.deliver(kiosk)])
    assert outcome.counts == {"accepted": 2, f"set aside {CODE}": 1}
    assert office.intake.take([office.deliver(kiosk)]).counts == {"accepted": 1}


def test_a_presence_is_never_held_for_its_clock(office):
    """It is to be gone in days: a quarantine would keep it."""
    kiosk = office.kiosk()
    outcome = office.intake.take([deliver(office, kiosk, YEARS, message=office.presence(kiosk))])
    assert one(office, outcome).state == "accepted"
    assert office.count("quarantine") == 0


SEEN = datetime(2026, 7, 10, 21, 0, tzinfo=VIETNAM)
DUE = datetime(2026, 7, 10, 23, 0, tzinfo=VIETNAM)


@pytest.mark.parametrize(("away", "notices"), [(YEARS, 0), (None, 1)], ids=["held for its clock", "never declared"])
def test_nobody_is_reminded_of_a_declaration_that_we_hold(tmp_path, away, notices):
    office = authority.Authority(tmp_path, now=SEEN)
    kiosk, person = office.kiosk(), office.person()
    office.intake.take([office.deliver(kiosk, office.presence(kiosk, person=person, seen_at=SEEN.isoformat()))])
    if away is not None:
        office.clock.pass_time(minutes=10)
        message = office.declaration(kiosk, person=person, arrival=SEEN.isoformat(), planned_departure=None)
        office.intake.take([deliver(office, kiosk, away, message=message)])
    swept = sweep(office.registry, rules=office.rules, now=DUE + timedelta(minutes=5), random_bytes=random_bytes)
    assert swept.notices == notices
    let_an_operator_look(office)
    later = sweep(office.registry, rules=office.rules, now=DUE + timedelta(hours=30), random_bytes=random_bytes)
    assert (later.notices, later.cases) == (0, 0)
    office.close()


def test_a_letter_that_waits_for_something_else_is_judged_by_its_coming_too(office):
    """A schema we did not know when it came in time: whoever waited for our new version is not late."""
    kiosk = office.kiosk()
    message = office.declaration(kiosk)
    delivery = office.deliver(kiosk, message)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.reading.decode_message", _unknown)
        assert one(office, office.intake.take([delivery])).state == "received"
    office.clock.pass_time(days=3)
    with office.registry.writing() as connection:
        retry(connection, Chosen(code="message.schema_unknown"), now=office.clock.now(), random_bytes=random_bytes)
    receipt = one(office, LetterRetry(office.intake).run(office.clock.now()))
    assert msgspec.structs.asdict(receipt)["on_time"] is True


def says_of(office, arrival, kind, *, away, until):
    """Let the kiosk say something of a stay by a clock that is ``away``; returns its receipt."""
    claimed = office.clock.now() + away
    changes = {
        "kind": kind,
        "about": arrival.declaration_id,
        "planned_departure": until,
        "person": arrival.person,
        "arrival": arrival.arrival,
    }
    stated = {"declaration_id": str(uuid7(claimed, random_bytes(10))), "declared_at": rfc3339(claimed)}
    message = office.declaration(office.kiosk(), **changes, **stated)
    return one(office, office.intake.take([deliver(office, office.kiosk(), away, "rtc_only", message)]))


LATER = "2026-07-15T12:00:00+07:00"
ORDERS = {  # how far off the clock is that says that the guest left, and the one that then extends the stay
    "an hour ahead, then right": (HOUR, 0 * HOUR, "accepted"),
    "a day ahead, then right": (24 * HOUR, 0 * HOUR, "accepted"),
    "before the arrival itself, then right": (-3 * HOUR, 0 * HOUR, "accepted"),
    "right, then years behind": (0 * HOUR, -YEARS, "accepted"),
    "right, then a minute that was kept offline": (0 * HOUR, -90 * SECOND, "conflicting"),
}


@pytest.mark.parametrize(("left_away", "away", "state"), ORDERS.values(), ids=ORDERS.keys())
def test_of_two_words_about_a_stay_the_later_by_our_clock_holds_or_is_told_that_it_does_not(office, left_away, away, state):
    arrival = office.declaration(office.kiosk(), arrival="2026-07-10T13:00:00+07:00")
    office.intake.take([deliver(office, office.kiosk(), 0 * HOUR, message=arrival)])
    office.clock.pass_time(minutes=2)
    assert says_of(office, arrival, "departure", away=left_away, until="2026-07-10T13:30:00+07:00").state == "accepted"
    office.clock.pass_time(minutes=1)
    receipt = says_of(office, arrival, "extension", away=away, until=LATER)
    with office.registry.reading() as connection:
        (stay,) = connection.execute(select(tables.stays)).all()
    overtaken = "stays.overtaken" in {each.code for each in receipt.findings}
    assert (receipt.state, stay.status, overtaken) == (
        state, "open" if state == "accepted" else "ended", state == "conflicting"
    )  # fmt: skip


def _unknown(_schema, _json):
    raise Malformed("message.schema_unknown")
