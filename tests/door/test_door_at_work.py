"""A door at work on its kiosk: passes, PINs, orders and wires in, leases and durable events out."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from door_parts import DAY, EVENING, KEYS, Kiosk, entry, listing, orders, part, token_of

from edge_agent.door.listening import DoorListening
from edge_agent.door.machine import ContactSaid, ExitAsked, Ticked
from edge_agent.door.output import BEGIN_NS
from edge_agent.door.shown import Typed
from edge_agent.readers.port import Capture, ReaderHealth
from residence.doors.words import DoorMode, DoorStatus
from residence.errors import Untrusted
from residence.wire.door_events import DoorEventBatch, DoorEventsKept, sign_events, sign_kept, verify_events, verify_kept
from residence.wire.door_list import sign_orders, sign_part

SHUT, OPEN = ContactSaid(status=DoorStatus.CLOSED), ContactSaid(status=DoorStatus.OPENED)


def test_a_pass_opens_for_its_time_and_everything_is_written_down_in_order(tmp_path):
    kiosk = Kiosk(tmp_path, papers=[listing(entry("an"))])
    kiosk.keeper.turn(SHUT)
    assert not kiosk.relay.driven
    kiosk.show("an")
    assert kiosk.relay.driven
    kiosk.keeper.turn(OPEN)
    kiosk.pass_time(1)
    kiosk.keeper.turn(SHUT)
    assert not kiosk.relay.driven
    assert kiosk.written() == [
        "granted entry",
        "lock-status unlocked",
        "door-status opened",
        "door-status closed",
        "lock-status locked",
    ]
    events = kiosk.log.waiting(100)
    assert [each.sequence for each in events] == [1, 2, 3, 4, 5]
    assert {each.time_state for each in events} == {"synced"}


def test_a_code_held_on_before_the_camera_is_one_presentation(tmp_path):
    kiosk = Kiosk(tmp_path, papers=[listing(entry("an"))])
    for _ in range(10):
        kiosk.show("an")
        kiosk.show("an")
    assert kiosk.written().count("granted entry") == 1


def test_whoever_guesses_is_counted_and_shut_out(tmp_path):
    kiosk = Kiosk(tmp_path, papers=[listing(entry("an"))])
    for number in range(6):
        kiosk.show(f"guess {number}")
    assert kiosk.written().count("denied-unknown-credential entry") == 5
    assert "lockout-max-attempts entry" in kiosk.written()
    kiosk.show("an")
    assert not kiosk.relay.driven


def test_a_pin_is_asked_for_and_belongs_to_the_pass_before_it(tmp_path):
    kiosk = Kiosk(tmp_path, papers=[listing(entry("an", pin="204966"))], least="token-and-pin")
    kiosk.show("an")
    assert kiosk.keeper.view().wants_pin
    kiosk.keeper.turn(Typed(pin="204966"))
    assert kiosk.relay.driven
    kiosk.keeper.turn(Typed(pin="204966"))
    assert kiosk.written().count("granted entry") == 1
    kiosk.pass_time(6)
    kiosk.show("an")
    kiosk.pass_time(21)
    assert not kiosk.keeper.view().wants_pin
    assert kiosk.written()[-1] == "denied-authentication-factor-timeout"


def test_with_an_unconfirmed_clock_the_challenge_on_the_screen_is_answered(tmp_path):
    kiosk = Kiosk(tmp_path, papers=[listing(entry("an"))], synced=False)
    kiosk.keeper.turn(Ticked())
    challenge = kiosk.keeper.view().challenge
    assert 100_000 <= challenge <= 999_999
    kiosk.show("an")
    assert not kiosk.relay.driven
    kiosk.keeper.turn(Ticked())
    challenge = kiosk.keeper.view().challenge
    kiosk.show("an", challenge=challenge)
    assert kiosk.relay.driven
    kiosk.keeper.turn(Ticked())
    assert kiosk.keeper.view().challenge != challenge, "an answer serves once"


def test_a_relay_of_which_nobody_can_say_what_it_does_is_a_fault_and_an_alarm_until_it_answers(tmp_path):
    kiosk = Kiosk(tmp_path)
    kiosk.pass_time(1)
    kiosk.relay.drive, answering = lambda _lease: kiosk.relay.close(), kiosk.relay.drive
    kiosk.pass_time(BEGIN_NS / 1e9 + 1.5)
    assert (kiosk.keeper.view().lock, kiosk.keeper.view().alarm) == ("unknown", "normal"), (
        "a holder that was killed is back before"
    )
    kiosk.pass_time(1.5)
    assert (kiosk.keeper.view().lock, kiosk.keeper.view().alarm) == ("lock-fault", "door-fault")
    kiosk.relay.drive = answering
    kiosk.pass_time(1)
    assert kiosk.keeper.view().alarm == "normal"
    assert kiosk.written() == ["lock-status unknown", "alarm door-fault", "alarm normal", "lock-status locked"]


def test_orders_hold_at_once(tmp_path):
    kiosk = Kiosk(tmp_path, papers=[listing(entry("an"))])
    kiosk.papers.take("now", sign_orders(orders(modes={"lobby": DoorMode.LOCK_DOWN}), KEYS.door_list))
    kiosk.show("an")
    assert not kiosk.relay.driven
    kiosk.keeper.turn(ExitAsked())
    assert kiosk.relay.driven, "nobody is held inside"
    kiosk.papers.take("now", sign_orders(orders(serial=2, modes={"lobby": DoorMode.FREE_ACCESS}), KEYS.door_list))
    kiosk.pass_time(600)
    assert kiosk.relay.driven


class TestAcrossARestart:
    def test_lists_and_orders_are_read_back_and_verified_again(self, tmp_path):
        kiosk = Kiosk(tmp_path, papers=[listing(entry("an"), entry("binh"))])
        kiosk.papers.take("now", sign_orders(orders(revoked=(entry("binh").token_hash,)), KEYS.door_list))
        kiosk.outbox.close()
        again = Kiosk(tmp_path)
        assert set(again.papers.book.entries) == {entry("an").token_hash, entry("binh").token_hash}
        assert again.papers.book.revoked == {entry("binh").token_hash}

    def test_a_list_written_by_a_thief_counts_for_nothing(self, tmp_path):
        kiosk = Kiosk(tmp_path, papers=[listing(entry("an"))])
        with pytest.raises(Untrusted):
            kiosk.papers.take("0", sign_part(part(entry("thief"), version=9), KEYS.kiosk))
        with kiosk.store.transaction() as cursor:
            forged = sign_part(part(entry("thief"), version=9), KEYS.receipt)
            cursor.execute("INSERT INTO door_papers(name, payload) VALUES('9.0', ?)", (forged,))
        kiosk.outbox.close()
        again = Kiosk(tmp_path)
        again.show("thief")
        assert not again.relay.driven
        assert again.papers.book.version == 1

    def test_half_a_newer_list_does_not_cost_the_older_one(self, tmp_path):
        kiosk = Kiosk(tmp_path, papers=[listing(entry("an"))])
        kiosk.papers.take("0", sign_part(part(entry("binh"), version=2, part=0, parts=2), KEYS.door_list))
        kiosk.outbox.close()
        again = Kiosk(tmp_path)
        assert again.papers.book.version == 1
        again.papers.take("1", sign_part(part(entry("chi"), version=2, part=1, parts=2), KEYS.door_list))
        assert set(again.papers.book.entries) == {entry("binh").token_hash, entry("chi").token_hash}
        again.outbox.close()
        assert Kiosk(tmp_path).papers.book.version == 2

    def test_anti_passback_remembers_and_nothing_is_made_up_at_the_start(self, tmp_path):
        wires = {"passback": "hard", "exit_readers": ("inside",)}
        kiosk = Kiosk(tmp_path, papers=[listing(entry("an"))], **wires)
        kiosk.keeper.turn(SHUT)
        kiosk.show("an")
        kiosk.keeper.turn(OPEN)
        before = kiosk.written()
        kiosk.outbox.close()
        again = Kiosk(tmp_path, clock=kiosk.clock, **wires)
        again.keeper.turn(OPEN)
        assert again.written() == before, "open when it starts: no opening, no forced door"
        again.clock.pass_time(seconds=5)
        again.show("an")
        assert again.written()[-1] == "denied-passback entry"
        again.show("an", reader="inside")
        assert again.relay.driven

    def test_a_switch_of_the_mains_forgives_no_wrong_pin(self, tmp_path):
        wanting = {"papers": [listing(entry("an", pin="204966"))], "least": "token-and-pin"}
        for number in range(5):
            kiosk = Kiosk(tmp_path, **wanting)
            kiosk.show("an")
            kiosk.keeper.turn(Typed(pin=f"{number}"))
            kiosk.outbox.close()
        again = Kiosk(tmp_path, **wanting)
        again.show("an")
        again.keeper.turn(Typed(pin="204966"))
        assert again.written()[-1] == "denied-lockout entry"
        assert not again.relay.driven

    def test_what_time_has_forgiven_no_restart_brings_back(self, tmp_path):
        kiosk = Kiosk(tmp_path, papers=[listing(entry("an", pin="204966"))], least="token-and-pin")
        for number in range(5):
            kiosk.show("an")
            kiosk.keeper.turn(Typed(pin=f"{number}"))
            kiosk.pass_time(seconds=20)
        kiosk.clock.pass_time(seconds=3600)
        kiosk.keeper.turn(Ticked())
        kiosk.outbox.close()
        again = Kiosk(tmp_path, clock=kiosk.clock, least="token-and-pin")
        again.show("an")
        again.keeper.turn(Typed(pin="204966"))
        assert again.relay.driven


def test_events_name_nobody_and_a_pseudonym_lasts_a_day(tmp_path):
    kiosk = Kiosk(tmp_path, papers=[listing(entry("an", end=EVENING + 5 * DAY), entry("binh", end=EVENING + 5 * DAY))])
    for wait in (10, 10, 86_400):
        kiosk.show("an")
        kiosk.clock.pass_time(seconds=wait)
    kiosk.show("an")
    kiosk.show("binh")
    first, second, third, fourth, other = [each.who for each in kiosk.log.waiting(100) if each.what == "granted"]
    assert first == second == third != fourth
    assert other != fourth
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir() if "ballast" not in path.name)
    for secret in (token_of("an"), token_of("binh")):
        assert secret not in stored
        assert secret.hex().encode() not in stored


def test_a_full_disk_keeps_the_door_deciding_and_says_how_many_events_it_cost(tmp_path):
    kiosk = Kiosk(tmp_path, papers=[listing(entry("an"))])
    pages = kiosk.store.read("PRAGMA page_count")[0][0]
    kiosk.store._pages = pages
    filler = "x" * 110
    while kiosk.log.append(door="lobby", what="reader", detail=filler):
        pass
    kiosk.show("an")
    assert kiosk.relay.driven
    kiosk.store._pages = pages + 1000
    kiosk.pass_time(6)
    lost = [each.detail for each in kiosk.log.waiting(10_000) if each.what == "events-lost"]
    assert len(lost) == 1
    assert int(lost[0]) >= 2
    numbers = [each.sequence for each in kiosk.log.waiting(10_000)]
    assert numbers == list(range(1, len(numbers) + 1))


CHILD = textwrap.dedent(
    """
    import os, sys
    sys.path[:0] = [sys.argv[2], os.path.dirname(sys.argv[2])]
    from pathlib import Path
    from door_parts import Kiosk
    kiosk = Kiosk(Path(sys.argv[1]))
    print("ready", flush=True)
    number = 0
    while True:
        kiosk.log.append(door="lobby", what="reader", detail=str(number))
        os.write(1, b"kept %d\\n" % number)
        number += 1
    """
)


def test_no_event_that_was_appended_is_lost_by_kill_9(tmp_path):
    tests, chance, said = Path(__file__).parent.parent, random.Random(53), 0
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path), str(tests)], stdout=subprocess.PIPE)
        assert child.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0.02, 0.3))
        os.kill(child.pid, signal.SIGKILL)
        said += child.stdout.read().count(b"kept")
        child.stdout.close()
        child.wait()
    kiosk = Kiosk(tmp_path)
    numbers = [each.sequence for each in kiosk.log.waiting(1_000_000)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert said <= len(numbers) <= said + 4, "at most the one in hand at each kill was not told"
    assert said > 20


class Reading:
    """A reader that reads what the test says."""

    name = "camera"

    def start(self, deliver, report):
        self.deliver, self.report = deliver, report

    def stop(self):
        pass


def test_a_reader_serves_door_and_dialogue(tmp_path):
    kiosk, reading, seen, health = Kiosk(tmp_path), Reading(), [], []
    shared = DoorListening(reading, keeper=kiosk.keeper)
    shared.start(seen.append, health.append)
    reading.report(ReaderHealth(reader="camera", state="lost", code="reader.device_lost"))
    card = Capture(payload=b"001095000117|", symbology="QRCode", reader="camera", seen_at_ns=1)
    reading.deliver(card)
    reading.deliver(Capture(payload=b"LD1:ABC", symbology="QRCode", reader="camera", seen_at_ns=2))
    assert seen == [card]
    assert kiosk.keeper._queue.qsize() == 1
    assert len(health) == 1


def test_a_door_runs_on_its_own_thread_from_wires_to_relay(tmp_path):
    kiosk = Kiosk(tmp_path, papers=[listing(entry("an"))])
    kiosk.pins.pin(27).drive_low()
    kiosk.keeper.start()
    kiosk.pins.pin(22).drive_low()
    end = time.monotonic() + 60
    while not kiosk.relay.driven and time.monotonic() < end:
        time.sleep(0.01)
    assert kiosk.relay.driven
    kiosk.keeper.stop()
    assert kiosk.written()[:2] == ["list 1", "request-to-exit"]


def test_batches_and_answers_are_believed_only_from_whom_they_say(tmp_path):
    kiosk = Kiosk(tmp_path)
    kiosk.log.append(door="lobby", what="reader", detail="lost")
    batch = DoorEventBatch(
        kiosk_id=kiosk.outbox.kiosk_id, epoch=kiosk.outbox.epoch, oldest_held=1, events=tuple(kiosk.log.waiting(60))
    )
    data = sign_events(batch, KEYS.kiosk)
    assert verify_events(data, keyring=KEYS.keyring, kiosk_id=batch.kiosk_id, at=EVENING) == batch
    for wrong in (sign_events(batch, KEYS.receipt), data[:-1] + bytes([data[-1] ^ 1])):
        with pytest.raises(Untrusted):
            verify_events(wrong, keyring=KEYS.keyring, kiosk_id=batch.kiosk_id, at=EVENING)
    kept = DoorEventsKept(kiosk_id=batch.kiosk_id, epoch=batch.epoch, up_to=1, at="2026-07-10T07:00:00Z")
    assert verify_kept(sign_kept(kept, KEYS.receipt), keyring=KEYS.keyring) == kept
    with pytest.raises(Untrusted):
        verify_kept(sign_kept(kept, KEYS.kiosk), keyring=KEYS.keyring)
