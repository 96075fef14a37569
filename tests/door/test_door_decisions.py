"""Who is let in, who is not, and why: the decision alone, without a network."""

import msgspec
import pytest
from door_parts import DAY, EVENING, KEYS, MORNING_OFF, OFFICE, SITE, Doorway, book, entry, orders, part, token_of
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.door.deciding import Calendar, is_free, without_entry
from edge_agent.door.lists import DoorBook
from edge_agent.door.presenting import looks_like_pass, presented_by
from residence.doors.words import AccessEvent, DoorMode
from residence.errors import LuutruError, Malformed, Untrusted
from residence.wire import door_list
from residence.wire.door_list import accept_orders, accept_part, sign_orders, sign_part, split_list, token_hash
from residence.wire.door_pass import sign_pass
from residence.wire.keyring import Keyring

SAMPLE_CARD = "001095000117|012345678|Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"
HIDDEN = AccessEvent.DENIED_UNKNOWN_CREDENTIAL
CALENDAR = Calendar(schedules=(OFFICE, MORNING_OFF), holidays=("2026-09-02",))
REVOKED = orders(revoked=(entry("an").token_hash,))
LOCKED = orders(modes={"lobby": DoorMode.LOCK_DOWN})


def hours(**parts):
    return EVENING.replace(**parts)


CASES = {
    "a stay's token opens its door": (Doorway(book(entry("an"))), "granted"),
    "an unknown token does not": (Doorway(book(entry("binh"))), "denied-unknown-credential"),
    "a revoked token does not": (Doorway(book(entry("an"), orders=REVOKED)), "denied-credential-disabled"),
    "no list, nobody": (Doorway(DoorBook()), "denied-unknown-credential"),
    "another door of the house": (Doorway(book(entry("an", doors=2))), "denied-point-no-access-rights"),
    "a door the list does not name": (Doorway(book(entry("an", doors=7)), name="roof"), "denied-point-no-access-rights"),
    "before the stay": (Doorway(book(entry("an", start=EVENING + DAY))), "denied-credential-not-yet-active"),
    "at the end of the stay": (Doorway(book(entry("an", end=EVENING))), "denied-credential-expired"),
    "a list that is over still counts for its grace": (
        Doorway(book(entry("an", end=EVENING + 20 * DAY)), now=EVENING + 8 * DAY),
        "granted",
    ),
    "and then no more": (
        Doorway(book(entry("an", end=EVENING + 20 * DAY)), now=EVENING + 10 * DAY),
        "denied-authentication-unavailable",
    ),
    "lock-down": (Doorway(book(entry("an"), orders=LOCKED)), "denied-deny-all"),
    "lock-down, staff for emergencies": (Doorway(book(entry("an", flags=door_list.OVERRIDE), orders=LOCKED)), "granted"),
    "within the schedule": (Doorway(book(entry("an")), schedule="office", calendar=CALENDAR), "granted"),
    "after it": (
        Doorway(book(entry("an")), schedule="office", calendar=CALENDAR, now=hours(hour=11)),
        "denied-out-of-time-range",
    ),
    "after it, staff": (
        Doorway(book(entry("an", flags=door_list.ANY_TIME)), schedule="office", calendar=CALENDAR, now=hours(hour=11)),
        "granted",
    ),
    "a holiday is no weekday": (
        Doorway(
            book(entry("an", end=EVENING + 99 * DAY), expires="2026-12-01T00:00:00Z"),
            schedule="office",
            calendar=CALENDAR,
            now=EVENING.replace(month=9, day=2),
        ),
        "denied-out-of-time-range",
    ),
    "a holiday has hours of its own": (
        Doorway(
            book(entry("an", end=EVENING + 99 * DAY), expires="2026-12-01T00:00:00Z"),
            schedule="office",
            calendar=CALENDAR,
            now=EVENING.replace(month=9, day=2, hour=2, minute=30),
        ),
        "granted",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_token_is_judged_by_list_door_window_mode_and_schedule(name):
    doorway, said = CASES[name]
    decision = doorway.show("an")
    assert (decision.said, decision.opens) == (said, said == "granted")


@pytest.mark.parametrize("name", [name for name, (doorway, _) in CASES.items() if doorway.book.find(entry("an").token_hash)])
def test_nobody_on_the_list_is_ever_held_inside(name):
    assert CASES[name][0].show("an", side="exit").opens


@pytest.mark.parametrize("state", ["unset", "jumped"])
def test_a_clock_that_cannot_be_believed_holds_nobody_out_but_whose_stay_was_surely_over(state):
    doorway = Doorway(
        book(entry("an", start=EVENING + 3 * DAY), entry("binh", end=EVENING - 40 * DAY)), schedule="office", calendar=CALENDAR
    )
    doorway.moment = msgspec.structs.replace(doorway.moment, time_state=state, wall=EVENING.replace(year=2031, hour=20))
    assert doorway.show("an").opens
    assert doorway.show("binh").said is AccessEvent.DENIED_CREDENTIAL_EXPIRED


class TestPins:
    def test_a_door_that_wants_a_pin_asks_for_it_and_opens_by_it(self):
        doorway = Doorway(book(entry("an", pin="204966")), least="token-and-pin")
        assert doorway.show("an").said is AccessEvent.VERIFICATION_REQUIRED
        assert doorway.show("an", pin="204966").opens

    def test_a_wrong_pin_does_not_and_neither_does_any_pin_where_none_was_set(self):
        doorway = Doorway(book(entry("an", pin="204966"), entry("binh")), least="token-and-pin")
        wrong = AccessEvent.DENIED_INCORRECT_AUTHENTICATION_FACTOR
        assert doorway.show("an", pin="204960").said is wrong
        assert doorway.show("binh", pin="").said is AccessEvent.VERIFICATION_REQUIRED
        assert doorway.show("binh", pin="1234").said is wrong

    def test_a_duress_pin_opens_with_the_same_answer_and_is_told_apart_only_in_the_record(self):
        held = book(entry("an", pin="204969"))
        calm, threatened = (Doorway(held, least="token-and-pin").show("an", pin=pin) for pin in ("204969", "204960"))
        assert (calm.said, calm.opens, calm.extended) == (threatened.said, threatened.opens, threatened.extended)
        assert (calm.besides, threatened.besides) == ((), (AccessEvent.DURESS,))

    def test_a_credential_can_want_its_pin_at_every_door(self):
        assert (
            Doorway(book(entry("an", flags=door_list.PIN_ALWAYS, pin="1357"))).show("an").said
            is AccessEvent.VERIFICATION_REQUIRED
        )

    def test_guessing_locks_the_reader_for_everybody_outside_and_nobody_inside(self):
        doorway = Doorway(book(entry("an")))
        said = [doorway.show(f"guess {number}") for number in range(5)]
        assert said[-1].besides == (AccessEvent.LOCKOUT_MAX_ATTEMPTS,)
        assert doorway.show("an").said is AccessEvent.DENIED_LOCKOUT
        assert doorway.show("an", side="exit").opens
        doorway.pass_time(seconds=61)
        assert doorway.show("an").opens

    @pytest.mark.parametrize("between", [("an", "204966"), ("binh", "")], ids=["its owner's right ones", "passes of their own"])
    def test_a_stolen_token_is_not_guessable_between(self, between):
        doorway = Doorway(book(entry("an", flags=door_list.PIN_ALWAYS, pin="204966"), entry("binh")))
        for number in range(5):
            assert doorway.show("an", pin=f"{number}").said is AccessEvent.DENIED_INCORRECT_AUTHENTICATION_FACTOR
            doorway.pass_time(minutes=2)
            name, pin = between
            assert doorway.show(name, pin=pin).opens is (name == "binh" or number < 4)
            doorway.pass_time(minutes=2)
        assert doorway.show("an", pin="204966").said is AccessEvent.DENIED_LOCKOUT, "a right one is not told apart meanwhile"
        assert doorway.show("binh").opens, "nobody else is shut out"
        assert doorway.show("an", side="exit").opens, "nor is anybody held inside"
        doorway.pass_time(minutes=41)
        assert doorway.show("an", pin="204966").opens, "one was forgotten"
        assert doorway.show("an", pin="0").besides == (AccessEvent.LOCKOUT_MAX_ATTEMPTS,), "and one only"

    def test_numbers_are_not_guessable_between_passes_of_ones_own(self):
        doorway = Doorway(book(entry("an")))
        for number in range(4):
            assert doorway.show(f"guess {number}").said is HIDDEN
            assert doorway.show("an").opens
        assert doorway.show("guess 4").besides == (AccessEvent.LOCKOUT_MAX_ATTEMPTS,)

    def test_attempts_far_apart_do_not_add_up(self):
        doorway = Doorway(book(entry("an")))
        for number in range(12):
            assert doorway.show(f"guess {number}").said is HIDDEN
            doorway.pass_time(seconds=16)


class TestAntiPassback:
    def doorway(self, mode, **changes):
        return Doorway(book(entry("an", **changes), entry("binh")), passback=mode, exit_readers=("inside",), forgive_minutes=240)

    def test_soft_says_so_and_opens(self):
        doorway = self.doorway("soft")
        assert doorway.show("an").besides == ()
        again = doorway.show("an")
        assert (again.opens, again.besides) == (True, (AccessEvent.PASSBACK_DETECTED,))

    def test_hard_refuses_until_they_went_out_or_were_forgiven_by_time(self):
        doorway = self.doorway("hard")
        assert doorway.show("an").opens
        assert doorway.show("an").said is AccessEvent.DENIED_PASSBACK
        assert doorway.show("binh").opens
        assert doorway.show("an", side="exit").opens
        assert doorway.show("an").opens
        doorway.pass_time(minutes=241)
        assert doorway.show("an").opens

    def test_going_out_twice_is_never_refused(self):
        doorway = self.doorway("hard")
        assert all(doorway.show("an", side="exit").opens for _ in range(3))

    def test_an_operator_forgives_everybody(self):
        doorway = self.doorway("hard")
        assert doorway.show("an").opens
        doorway.book = doorway.book.with_orders(orders(forgiven=1))
        assert doorway.show("an").opens
        assert doorway.show("an").said is AccessEvent.DENIED_PASSBACK

    def test_who_was_let_in_and_did_not_go_is_not_inside(self):
        doorway = self.doorway("hard")
        doorway.memory = without_entry(doorway.memory, doorway.show("an").credential)
        assert doorway.show("an").opens

    def test_staff_may_be_exempt(self):
        doorway = self.doorway("hard", flags=door_list.NO_PASSBACK)
        assert all(doorway.show("an").opens for _ in range(3))


class TestTwoPersons:
    def test_two_together_open_and_one_alone_does_not(self):
        doorway = Doorway(book(entry("an"), entry("binh")), two_person=True)
        assert doorway.show("an").said is AccessEvent.AUTHORIZATION_DELAYED
        assert doorway.show("an").said is AccessEvent.DENIED_NO_ACCOMPANIMENT
        second = doorway.show("binh")
        assert (second.opens, second.besides) == (True, (AccessEvent.ACCOMPANIMENT_BY,))

    def test_the_first_does_not_wait_for_ever(self):
        doorway = Doorway(book(entry("an"), entry("binh")), two_person=True)
        doorway.show("an")
        doorway.pass_time(seconds=21)
        assert doorway.show("binh").said is AccessEvent.AUTHORIZATION_DELAYED

    def test_a_stranger_is_no_second_person(self):
        doorway = Doorway(book(entry("an")), two_person=True)
        doorway.show("an")
        assert doorway.show("nobody").said is HIDDEN


class TestFreeTimes:
    def test_a_door_is_free_by_its_schedule_and_not_after_it(self):
        doorway = Doorway(book(entry("an")), free_schedule="office", calendar=CALENDAR)
        assert is_free(doorway.situation)
        doorway.pass_time(hours=4)
        assert not is_free(doorway.situation)

    def test_with_first_card_only_once_somebody_has_come_that_day(self):
        doorway = Doorway(book(entry("an", end=EVENING + 5 * DAY)), free_schedule="office", first_card=True, calendar=CALENDAR)
        assert not is_free(doorway.situation)
        doorway.show("nobody")
        assert not is_free(doorway.situation)
        doorway.show("an")
        assert is_free(doorway.situation)
        doorway.pass_time(days=3)  # Monday
        assert not is_free(doorway.situation)

    def test_a_clock_that_cannot_be_believed_frees_no_door(self):
        doorway = Doorway(book(entry("an")), free_schedule="office", calendar=CALENDAR)
        doorway.moment = msgspec.structs.replace(doorway.moment, time_state="jumped")
        assert not is_free(doorway.situation)


def test_only_a_person_who_needs_it_gets_longer():
    held = book(entry("an", flags=door_list.EXTENDED), entry("binh"))
    assert [Doorway(held).show(name).extended for name in ("an", "binh")] == [True, False]


class TestPasses:
    moment = Doorway(book()).moment

    def shown(self, text, **changes):
        challenge = changes.pop("challenge", 0)
        moment = msgspec.structs.replace(self.moment, **changes)
        return presented_by(text.encode(), keyring=KEYS.keyring, moment=moment, challenge=challenge)

    def test_a_pass_of_this_moment_is_a_credential(self):
        shown = self.shown(sign_pass(token_of("an"), KEYS.door_pass, now=EVENING))
        assert (shown.token, shown.flaw) == (token_of("an"), None)

    @pytest.mark.parametrize("seconds", [46, 3600, -16])
    def test_a_photo_of_one_is_not(self, seconds):
        text = sign_pass(token_of("an"), KEYS.door_pass, now=EVENING)
        at = self.moment.wall.fromtimestamp(EVENING.timestamp() + seconds, tz=EVENING.tzinfo)
        assert self.shown(text, wall=at).flaw is AccessEvent.DENIED_AUTHENTICATION_FACTOR_TIMEOUT

    @pytest.mark.parametrize("state", ["unset", "rtc_only", "jumped"])
    def test_by_an_unconfirmed_clock_only_the_answer_to_the_challenge_counts(self, state):
        plain, answering = (sign_pass(token_of("an"), KEYS.door_pass, now=EVENING, challenge=each) for each in (0, 482913))
        assert self.shown(plain, time_state=state).flaw is AccessEvent.DENIED_AUTHENTICATION_FACTOR_ERROR
        assert self.shown(plain, time_state=state, challenge=482913).flaw is AccessEvent.DENIED_AUTHENTICATION_FACTOR_ERROR
        assert self.shown(answering, time_state=state, challenge=482913).flaw is None

    def test_a_pass_by_another_key_of_the_authority_is_none(self):
        for signer in (KEYS.receipt, KEYS.door_list, KEYS.kiosk):
            assert self.shown(sign_pass(token_of("an"), signer, now=EVENING)) is None

    @given(text=st.text(max_size=80))
    @settings(deadline=None)
    def test_nothing_else_is_one(self, text):
        assert presented_by(f"LD1:{text}".encode(), keyring=KEYS.keyring, moment=self.moment) is None

    def test_the_code_of_an_identity_card_never_opens(self):
        card = SAMPLE_CARD.encode()
        assert not looks_like_pass(card)
        assert presented_by(card, keyring=KEYS.keyring, moment=self.moment) is None
        listed = msgspec.structs.replace(entry("an"), token_hash=token_hash(card, "pass"))
        assert book(listed).find(token_hash(card, "pass")), "even on a list"
        assert presented_by(card, keyring=KEYS.keyring, moment=self.moment) is None

    def test_a_token_read_in_one_way_serves_in_no_other(self):
        assert token_hash(token_of("an"), "nfc") != token_hash(token_of("an"), "pass")


class TestLists:
    def test_a_list_is_taken_only_from_the_authority_and_only_for_this_site(self):
        good = sign_part(part(entry("an")), KEYS.door_list)
        assert accept_part(good, keyring=KEYS.keyring, site=SITE).entries == (entry("an"),)
        for signer in (KEYS.kiosk, KEYS.receipt, KEYS.door_pass):
            with pytest.raises(Untrusted):
                accept_part(sign_part(part(), signer), keyring=KEYS.keyring, site=SITE)
        with pytest.raises(Untrusted):
            accept_part(good, keyring=KEYS.keyring, site="blk-other")
        with pytest.raises(LuutruError):
            accept_orders(good, keyring=KEYS.keyring, site=SITE)

    def test_a_revoked_key_signs_no_list_of_whatever_date(self):
        entries = [
            msgspec.structs.replace(each, revoked_at="2030-01-01T00:00:00Z") if each.use == "door-list" else each
            for each in KEYS.keyring.entries
        ]
        with pytest.raises(Untrusted):
            accept_part(sign_part(part(), KEYS.door_list), keyring=Keyring(entries), site=SITE)

    @given(place=st.integers(0, 400), bit=st.integers(0, 7))
    @settings(deadline=None)
    def test_one_changed_bit_is_noticed(self, place, bit):
        data = bytearray(sign_orders(orders(revoked=(b"x" * 32,)), KEYS.door_list))
        data[place % len(data)] ^= 1 << bit
        with pytest.raises(LuutruError):
            accept_orders(bytes(data), keyring=KEYS.keyring, site=SITE)

    def test_a_version_counts_when_all_of_it_is_there_and_never_gives_way_to_an_older_one(self):
        names = [f"guest {number}" for number in range(200)]
        cut = split_list([entry(name) for name in names])
        parts = [part(*each, version=5, part=place, parts=len(cut)) for place, each in enumerate(cut)]
        held = book(entry("an"))
        for each in parts[:-1]:
            held = held.with_part(each)
            assert held.version == 1
        held = held.with_part(parts[-1])
        assert (held.version, len(held.entries)) == (5, 200)
        assert held.with_part(part(entry("an"), version=4)) is held

    def test_a_part_of_300_stays_fits_what_a_broker_takes(self):
        full = split_list([entry(f"guest {number}", flags=63, pin="123456") for number in range(300)])
        sizes = [len(sign_part(part(*each, part=n, parts=len(full)), KEYS.door_list)) for n, each in enumerate(full)]
        assert max(sizes) < door_list.MAX_BYTES

    def test_no_list_is_longer_than_what_travels(self):
        with pytest.raises(Malformed):
            split_list([entry("an")] * (door_list.ENTRIES_A_PART * door_list.MOST_PARTS + 1))

    def test_old_orders_do_not_undo_newer_ones(self):
        held = book(entry("an"), orders=orders(serial=4, modes={"lobby": DoorMode.LOCK_DOWN}))
        assert held.with_orders(orders(serial=4)).mode("lobby") is DoorMode.LOCK_DOWN
        assert held.with_orders(orders(serial=5)).mode("lobby") is DoorMode.NORMAL
