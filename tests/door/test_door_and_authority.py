"""Doors and the authority: lists from accepted stays, orders, passes on phones, and events that come back."""

from datetime import timedelta
from functools import partial

import authority
import msgspec
import pytest
from door_parts import EVENING, KEYS, Kiosk, entry, listing
from factories import StandingClock, make_id

from edge_agent.door.papers import DoorPapers
from edge_agent.event_posting import EventPost
from edge_agent.store import open_store
from gateway.door_events import DoorEvents
from gateway.door_lists import RENEW, DoorLists, renewed
from gateway.port import Delivery
from luutru.system import random_bytes
from registry import kiosks
from registry.database import Registry
from registry.deletions import carry_out
from registry.door_events import recent_events, record_events
from registry.door_passes import add_link, pass_on_phone, set_pass, settle_passes, spend_link
from registry.doors import add_door, doors_of, forgive, order_mode, sites
from registry.retention import erase_person
from registry.retention_policy import read_policy
from registry.stays import stays_at
from residence.clock import rfc3339
from residence.doors.words import DoorMode
from residence.errors import Conflict, LuutruError, Malformed, Refused
from residence.wire.door_events import DoorEvent, DoorEventBatch, sign_events
from residence.wire.door_list import PIN_ALWAYS, pin_hash, token_hash
from residence.wire.keyring import AUTHORITY, KeyEntry, Keyring
from residence.wire.topics import kiosk_topics

SECOND = timedelta(seconds=2)


class Wire:
    """A broker's retained messages, and whether it can be reached."""

    def __init__(self):
        self.retained, self.sent, self.connected = {}, 0, True

    def publish(self, topic, payload, *, retain=False):
        if self.connected:
            self.retained[topic] = payload
            self.sent += 1
        return self.connected

    def flush(self):
        pass


class House:
    """An authority with a premises that has a door, and a kiosk there that reads what is retained for it."""

    def __init__(self, folder):
        self.office = authority.Authority(folder)
        self.kiosk = self.office.kiosk()
        self.place = self.kiosk.premises_id
        self.registry: Registry = self.office.registry
        self.wire, self.now = Wire(), self.office.clock.now()
        key = KeyEntry(
            key_id="throwaway-door-list",
            use="door-list",
            owner=AUTHORITY,
            public_key=KEYS.door_list.public_key,
            valid_from=rfc3339(authority.ENROLLED),
        )
        with self.registry.writing() as connection:
            kiosks.add_key(connection, key, commune_code="demo-01")
            add_door(connection, self.place, "lobby", commune_code="demo-01", now=self.now)
        self.ring = Keyring((*self.office.keyring.entries, key))
        self.lists = self.new_lists()
        self.papers = DoorPapers(open_store(folder / "papers.db"), keyring=lambda: self.ring, site=self.place)

    def new_lists(self):
        return DoorLists(self.registry, self.office.intake.trust, signer=KEYS.door_list, random_bytes=random_bytes)

    def declare(self, **changes):
        self.office.intake.take([self.office.deliver(self.kiosk, self.office.declaration(self.kiosk, **changes))])
        with self.registry.reading() as connection:
            return stays_at(connection, self.place)[0]

    def leave(self, stay):
        with self.registry.writing() as connection:
            from sqlalchemy import update

            from registry import tables

            columns = tables.stays.c
            connection.execute(
                update(tables.stays).where(columns.stay_id == stay.stay_id).values(status="ended", ended_at=self.now)
            )

    def look(self, later=SECOND):
        """Let the gateway look, and the kiosk read what is retained for it."""
        self.now += later
        sent = self.lists.look(self.wire, self.now)
        prefix = kiosk_topics(self.place, self.kiosk.kiosk_id).papers
        for topic, payload in self.wire.retained.items():
            if topic.startswith(prefix):
                self.papers.take(topic.removeprefix(prefix), payload)
        return sent

    def change(self, what, *arguments, **named):
        with self.registry.writing() as connection:
            return what(connection, *arguments, **named)


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.office.close()


def test_an_accepted_stay_is_on_the_signed_list_and_one_that_ended_is_revoked_at_once(house):
    house.look()
    assert house.papers.book.entries == {}
    stay = house.declare()
    house.look()
    (listed,) = house.papers.book.entries.values()
    assert house.papers.book.admits(listed, "lobby")
    house.leave(stay)
    house.look()
    assert house.papers.book.entries == {}
    assert house.papers.book.revoked == {listed.token_hash}


def test_a_list_that_is_published_counts_by_its_version_like_one_from_the_broker_and_only_when_it_is_whole(house):
    signed = []
    for _ in range(3):
        house.declare()
        house.now += SECOND
        (site,) = house.change(sites)
        signed.append(renewed(house.registry, site, signer=KEYS.door_list, random_bytes=random_bytes, now=house.now).signed["0"])
    first, second, third = signed
    take = partial(house.papers.take_whole, doors=["lobby"])
    assert take([second])
    version = house.papers.book.version
    assert [take([second]), take([first])] == [False, False], "never backwards"
    house.papers.take("0", third)
    assert (house.papers.book.version, take([second])) == (version + 1, False), "the broker was faster"
    assert house.look() == 2
    assert house.papers.book.version == version + 1, "and the gateway says the same of the number it did not take itself"
    book = house.papers.book
    for parts, doors in (([third, third], ["lobby"]), ([second, third], ["lobby"]), ([third], ["garage"])):
        with pytest.raises(Malformed, match=r"door\.list_malformed"):
            house.papers.take_whole(parts, doors=doors)
    with pytest.raises(LuutruError):
        take([third[:-1] + bytes([third[-1] ^ 1])])
    assert house.papers.book is book


def test_nothing_is_signed_or_sent_while_nothing_changes_and_everything_again_after_a_restart(house):
    house.declare()
    assert house.look() == 2, "both kiosks of the premises"
    version = house.papers.book.version
    assert [house.look() for _ in range(3)] == [0, 0, 0]
    house.lists = house.new_lists()
    assert house.look() == 2
    assert house.papers.book.version == version, "a restart makes no new version"


def test_a_list_is_renewed_long_before_it_is_over(house):
    house.declare()
    house.look()
    first = house.papers.book
    house.look(RENEW)
    assert house.papers.book.version == first.version + 1
    assert house.papers.book.expires > first.expires


def test_what_was_signed_by_a_clock_far_ahead_is_signed_anew_when_it_is_right(house):
    house.declare()
    house.look(timedelta(days=1000))
    ahead = house.papers.book
    house.look(-timedelta(days=1000))
    assert house.papers.book.version == ahead.version + 1
    assert house.papers.book.expires < ahead.expires
    assert house.papers.book.orders.serial == ahead.orders.serial + 1
    assert house.look() == 0


def test_what_could_not_be_sent_is_sent_later(house):
    house.declare()
    house.wire.connected = False
    assert house.look() == 0
    house.wire.connected = True
    assert house.look() == 2


def test_orders_of_mode_and_forgiveness_travel_without_a_new_list(house):
    house.look()
    version = house.papers.book.version
    house.change(order_mode, house.place, "lobby", DoorMode.LOCK_DOWN, now=house.now)
    house.change(forgive, house.place)
    house.look()
    book = house.papers.book
    assert (book.mode("lobby"), book.forgiven, book.version) == (DoorMode.LOCK_DOWN, 1, version)


def test_doors_are_known_by_name_and_keep_their_place(house):
    garage = house.change(add_door, house.place, "garage", commune_code="demo-01", now=house.now)
    assert garage.place == 1
    with pytest.raises(Conflict):
        house.change(add_door, house.place, "garage", commune_code="demo-01", now=house.now)
    with pytest.raises(Refused):
        house.change(order_mode, house.place, "roof", DoorMode.NORMAL, now=house.now)
    with house.registry.reading() as connection:
        assert [each.door for each in doors_of(connection, [house.place])] == ["lobby", "garage"]


class TestPasses:
    def held(self, house, phone="phone-1"):
        with house.registry.reading() as connection:
            return pass_on_phone(connection, phone, vault=house.registry.vault, now=house.now)

    def test_a_link_takes_the_pass_to_one_phone_once(self, house):
        stay = house.declare()
        house.look()
        house.change(add_link, stay.stay_id, "secret", now=house.now)
        assert self.held(house) is None
        house.change(spend_link, "secret", phone="phone-1", now=house.now)
        assert token_hash(self.held(house).token, "pass") in house.papers.book.entries
        with pytest.raises(Refused):
            house.change(spend_link, "secret", phone="phone-2", now=house.now)

    def test_a_newer_link_takes_it_from_the_phone_before(self, house):
        stay = house.declare()
        house.look()
        for secret, phone in (("one", "phone-1"), ("two", "phone-2")):
            house.change(add_link, stay.stay_id, secret, now=house.now)
            house.change(spend_link, secret, phone=phone, now=house.now)
        assert self.held(house, "phone-1") is None
        assert self.held(house, "phone-2") is not None

    def test_a_link_ends_soon_and_a_pass_with_its_stay(self, house):
        stay = house.declare()
        house.look()
        house.change(add_link, stay.stay_id, "late", now=house.now - timedelta(hours=2))
        with pytest.raises(Refused):
            house.change(spend_link, "late", phone="phone-1", now=house.now)
        house.change(add_link, stay.stay_id, "secret", now=house.now)
        house.change(spend_link, "secret", phone="phone-1", now=house.now)
        house.leave(stay)
        house.look()
        assert self.held(house) is None
        with pytest.raises(Refused):
            house.change(add_link, stay.stay_id, "again", now=house.now)

    def test_a_pin_belongs_to_its_token_and_stands_nowhere(self, house):
        stay = house.declare()
        house.look()
        house.change(add_link, stay.stay_id, "secret", now=house.now)
        house.change(spend_link, "secret", phone="phone-1", now=house.now)
        house.change(set_pass, stay.stay_id, vault=house.registry.vault, pin="204966")
        house.look()
        (listed,) = house.papers.book.entries.values()
        token = self.held(house).token
        assert listed.pin_hash == pin_hash(token, "204966")
        assert listed.duress_hash == pin_hash(token, "204967")
        assert listed.flags & PIN_ALWAYS

    def test_who_is_erased_has_no_pass_any_more(self, house):
        stay = house.declare()
        house.look()
        house.change(erase_person, stay.person_id, vault=house.registry.vault, now=house.now)
        house.look()
        assert house.papers.book.entries == {}

    def test_looking_twice_gives_one_pass(self, house):
        house.declare()
        give = {"vault": house.registry.vault, "now": house.now, "random_bytes": random_bytes}
        assert [house.change(settle_passes, house.place, **give) for _ in range(2)] == [1, 0]


def event(number, **changes):
    usual = DoorEvent(number, make_id(), number * 1000, rfc3339(EVENING), "synced", "lobby", "granted", "entry", "")
    return msgspec.structs.replace(usual, **changes)


class TestEvents:
    def batch(self, *numbers, oldest=None, epoch="e1"):
        return DoorEventBatch(
            kiosk_id="kiosk-1", epoch=epoch, oldest_held=oldest or numbers[0], events=tuple(map(event, numbers))
        )

    def record(self, house, *numbers, **named):
        return house.change(record_events, self.batch(*numbers, **named), commune_code="demo-01", now=house.now)

    def test_they_are_kept_once_in_order_and_without_a_gap(self, house):
        assert self.record(house, 1, 2, 3) == 3
        assert self.record(house, 2, 3, 4, oldest=1) == 4
        assert self.record(house, 7, 8, oldest=5) == 4, "what is missing is still at the kiosk"
        assert self.record(house, 5, 6, 7) == 7
        assert self.record(house, 1, 2, epoch="e2") == 2
        with house.registry.reading() as connection:
            found = [(each.epoch, each.sequence) for each in recent_events(connection)]
        assert sorted(found) == [("e1", number) for number in range(1, 8)] + [("e2", 1), ("e2", 2)]

    def test_a_registry_restored_from_a_backup_goes_on_where_the_kiosk_is(self, house):
        assert self.record(house, 1, 2) == 2
        assert self.record(house, 50, 51, oldest=50) == 51

    def test_they_go_after_thirty_days_and_the_mark_stays(self, house):
        self.record(house, 1, 2)
        a_month_on = StandingClock(house.now + timedelta(days=30))
        report = carry_out(house.registry, read_policy(), clock=a_month_on, by="test")
        assert {each.name: each.rows for each in report.deleted}["door event"] == 2
        assert self.record(house, 1, 2, 3) == 3

    def test_only_the_kiosk_of_the_topic_is_believed(self, house):
        events = DoorEvents(house.registry, signer=house.office.fleet.receipt_key)
        trust = house.office.intake.trust.current(house.now)
        topic = kiosk_topics(house.place, house.kiosk.kiosk_id).events
        batch = msgspec.structs.replace(self.batch(1), kiosk_id=house.kiosk.kiosk_id)
        other = house.office.kiosk(1)
        good = sign_events(batch, house.kiosk.signer)
        assert events.hear(Delivery(topic=topic, payload=good), trust, house.now)
        wrong = [
            (topic, sign_events(batch, other.signer)),
            (kiosk_topics(other.premises_id, other.kiosk_id).events, good),
            (topic, b"\xff" + good),
            ("luutru/1/00/x/y/e", good),
        ]
        assert not any(events.hear(Delivery(topic=to, payload=data), trust, house.now) for to, data in wrong)

    def test_a_kiosk_lets_go_of_what_is_kept_and_of_nothing_else_however_much_is_lost(self, house, tmp_path):
        kiosk = Kiosk(tmp_path / "kiosk")
        for number in range(200):
            kiosk.log.append(door="lobby", what="reader", detail=str(number))
        entry_of_kiosk = next(each for each in KEYS.keyring.entries if each.use == "kiosk-sign")
        post = EventPost(
            kiosk.log,
            kiosk_id=house.kiosk.kiosk_id,
            epoch=kiosk.outbox.epoch,
            signer=house.kiosk.signer,
            keyring=lambda: house.office.keyring,
            jitter=lambda: 1.0,
        )
        assert entry_of_kiosk.owner != house.kiosk.kiosk_id
        events = DoorEvents(house.registry, signer=house.office.fleet.receipt_key)
        trust, topics = house.office.intake.trust.current(house.now), kiosk_topics(house.place, house.kiosk.kiosk_id)
        at, turns = 0.0, 0
        while kiosk.log.depth():
            at, turns = at + 301.0, turns + 1
            data = post.due(at=at)
            if turns % 3 == 1:
                continue  # lost on the way up
            assert events.hear(Delivery(topic=topics.events, payload=data), trust, house.now)
            events.write(house.wire, house.now)
            if turns % 3 == 2:
                continue  # the answer is lost on the way down
            post.take(house.wire.retained[f"{topics.papers}kept"])
            assert turns < 40
        with house.registry.reading() as connection:
            assert [each.detail for each in recent_events(connection, limit=1000)] == [str(number) for number in range(200)]


def test_a_hundred_thousand_events_wait_without_loss_and_leave_room_for_declarations(tmp_path):
    kiosk = Kiosk(tmp_path, papers=[listing(entry("an"))])
    row = ("b0070000-0000-4000-8000-000000000001", 1, rfc3339(EVENING), "synced", "lobby", "granted", "entry", "0123456789abcdef")
    with kiosk.store.transaction() as cursor:
        cursor.executemany(
            "INSERT INTO door_events VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)", ((number, *row) for number in range(1, 100_001))
        )
        cursor.execute("INSERT INTO facts(name, value) VALUES('door_sequence', '100000')")
    assert kiosk.log.append(door="lobby", what="granted")
    assert kiosk.log.depth() == 100_001
    assert [each.sequence for each in kiosk.log.waiting(2, after=99_999)] == [100_000, 100_001]
    assert kiosk.store.path.stat().st_size < 24 * 1024 * 1024, "of 256"
    kiosk.log.kept(100_000, at=EVENING)
    assert [each.sequence for each in kiosk.log.waiting(10)] == [100_001]
