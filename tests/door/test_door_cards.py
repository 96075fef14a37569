"""Cards at the door: numbers and tokens, what each may open, keypad, lamps, lids; and how a reader comes to its key."""

import random

import msgspec
import pytest
from door_parts import KEYS, Doorway, Kiosk, book, entry, listing, token_of
from factories import EVENING, StandingClock
from hypothesis import given, settings
from hypothesis import strategies as st
from osdp_parts import CARD, INSTALLING, KEY

from edge_agent.door.card_readers import KEYS_NS, CardReaders
from edge_agent.door.deciding import Presented, decide
from edge_agent.door.presenting import presented_card
from edge_agent.door.shown import Carded
from edge_agent.event_keeper import EventKeeper, Look
from edge_agent.osdp.commissioning import commission
from edge_agent.osdp.keys import load_key, write_new
from edge_agent.osdp.words import CardSaid, InputsSaid, KeysSaid, LinkSaid, TamperSaid
from edge_agent.sim.osdp_reader import SimulatedReader
from firmware_config.door_readers import DoorReaderSection, check_door_readers
from residence.doors.cards import CardNumber, card_number, parse_card
from residence.doors.words import AccessEvent, DoorAlarm, DoorStatus
from residence.errors import LuutruError, Malformed, Refused, Untrusted
from residence.wire.door_list import DoorCredential, pin_hash, token_hash
from residence.wire.reader_permit import PermitFor, check_permit, sign_permit

NUMBER = parse_card("wiegand:26:05181cc0")
TOKEN = card_number("raw", 128, token_of("an"))


def on_list(card: CardNumber, *, pin: str = "", **changes) -> DoorCredential:
    kind = "nfc" if card.is_token else "card"
    made = msgspec.structs.replace(entry("an", **changes), token_hash=token_hash(card.token, kind))
    return msgspec.structs.replace(made, pin_hash=pin_hash(card.token, pin), flags=32) if pin else made


class TestNumbers:
    @given(st.sampled_from(["raw", "wiegand"]), st.integers(1, 512), st.randoms(use_true_random=False))
    @settings(deadline=None)
    def test_bits_and_format_come_back_as_they_were(self, form, bits, chance):
        data = (chance.getrandbits(bits) << (-bits % 8)).to_bytes(-(-bits // 8), "big")
        assert parse_card(card_number(form, bits, data).text) == card_number(form, bits, data)

    @given(st.integers(0, 255), st.integers(0, 65535))
    @settings(deadline=None)
    def test_the_26_bit_format_is_read_where_both_parities_hold_and_nowhere_else(self, facility, card):
        middle = facility << 16 | card
        first, last = (middle >> 12).bit_count() % 2, 1 - (middle & 0xFFF).bit_count() % 2
        value = first << 25 | middle << 1 | last
        number = card_number("wiegand", 26, (value << 6).to_bytes(4, "big"))
        assert number.number == f"facility {facility}, card {card}"
        wrong = card_number("wiegand", 26, ((value ^ 1 << 25) << 6).to_bytes(4, "big"))
        assert wrong.number == ""

    def test_one_number_in_two_formats_is_two_cards(self):
        same_bytes = [card_number("wiegand", 26, CARD), card_number("wiegand", 28, CARD), card_number("raw", 26, CARD)]
        assert len({presented_card(each).token for each in same_bytes}) == 3

    @pytest.mark.parametrize(
        "text", ["", "26:05181cc0", "hid:26:05181cc0", "wiegand:26:05181c", "wiegand:26:05181cc1", "raw:0:", "raw:x:00"]
    )
    def test_what_is_no_card_is_said_to_be_none(self, text):
        with pytest.raises(Malformed, match=r"door\.card_malformed"):
            parse_card(text)


STRENGTHS = {
    "a number where numbers are enough": (NUMBER, "card-number", "", AccessEvent.GRANTED),
    "a number where a token is wanted": (NUMBER, "token", "", AccessEvent.DENIED_POINT_NO_ACCESS_RIGHTS),
    "a number with a PIN where a token is wanted": (NUMBER, "token", "2049", AccessEvent.DENIED_POINT_NO_ACCESS_RIGHTS),
    "a token where numbers are enough": (TOKEN, "card-number", "", AccessEvent.GRANTED),
    "a token where a token is wanted": (TOKEN, "token", "", AccessEvent.GRANTED),
    "a token where a PIN is wanted, too": (TOKEN, "token-and-pin", "", AccessEvent.VERIFICATION_REQUIRED),
    "a token with its PIN": (TOKEN, "token-and-pin", "2049", AccessEvent.GRANTED),
}


@pytest.mark.parametrize(("card", "least", "pin", "said"), STRENGTHS.values(), ids=STRENGTHS)
def test_a_door_takes_what_is_strong_enough_for_it(card, least, pin, said):
    door = Doorway(book(on_list(card, pin=pin)), least=least)
    presented = msgspec.structs.replace(presented_card(card), pin=pin)
    assert decide(presented, door.situation).said is said
    assert decide(msgspec.structs.replace(presented, side="exit"), door.situation).opens, "out, everybody"


def test_the_text_of_a_card_is_never_taken_for_a_pass_nor_a_pass_for_a_card():
    door = Doorway(book(entry("an")), least="card-number")
    for kind in ("nfc", "card"):
        said = decide(Presented(token=token_of("an"), kind=kind), door.situation).said
        assert said is AccessEvent.DENIED_UNKNOWN_CREDENTIAL


class TestAtTheReader:
    SECTION = DoorReaderSection(name="outside", device="/dev/null", contact_input=0, exit_input=1)

    @pytest.fixture
    def kiosk(self, tmp_path):
        return Kiosk(tmp_path, papers=[listing(on_list(TOKEN, pin="2049"))], clock=StandingClock(), contact_pin=None)

    @pytest.fixture
    def readers(self, kiosk):
        kiosk.look = lambda: Look(monotonic_ns=kiosk.clock.monotonic_ns(), time_state="synced")
        made = CardReaders(
            "/dev/null",
            [self.SECTION],
            keys={"outside": KEY},
            keeper=kiosk.keeper,
            log=kiosk.log,
            clock=kiosk.clock,
            hear=EventKeeper(kiosk.log, look=kiosk.look).hear,
        )
        made._report = lambda health: kiosk.signalled.append((health.state, health.code))
        return made

    def heard(self, kiosk, readers, *said):
        """Let the readers hear, and the door's thread do what it would do."""
        for each in said:
            readers.hear(each)
        while not kiosk.keeper._queue.empty():
            kiosk.keeper.turn(kiosk.keeper._queue.get())

    def test_card_then_pin_on_the_keypad_open_and_the_reader_shows_it(self, kiosk, readers):
        card = CardSaid(reader="outside", format="raw", bits=128, data=TOKEN.data)
        self.heard(kiosk, readers, card)
        assert kiosk.signalled == [("outside", "wait")]
        self.heard(kiosk, readers, KeysSaid(reader="outside", keys="99*20"), KeysSaid(reader="outside", keys="49#"))
        assert kiosk.signalled[1:] == [("outside", "granted")]
        assert kiosk.relay.driven

    def test_keys_that_were_left_are_forgotten(self, kiosk, readers):
        card = CardSaid(reader="outside", format="raw", bits=128, data=TOKEN.data)
        self.heard(kiosk, readers, KeysSaid(reader="outside", keys="20"))
        kiosk.clock.pass_time(seconds=KEYS_NS / 1e9)
        self.heard(kiosk, readers, card, KeysSaid(reader="outside", keys="49#"))
        assert kiosk.signalled[-1] == ("outside", "denied")

    def test_what_the_list_does_not_know_is_refused_and_counted(self, kiosk, readers):
        for number in range(5):
            said = CardSaid(reader="outside", format="wiegand", bits=26, data=bytes([number, 0, 0, 0]))
            self.heard(kiosk, readers, said)
        assert kiosk.signalled == [("outside", "denied")] * 5
        assert kiosk.written()[-1].startswith("lockout-max-attempts")

    def test_bits_that_do_not_fit_are_nobody(self, kiosk, readers):
        self.heard(kiosk, readers, CardSaid(reader="outside", format="wiegand", bits=26, data=b"\x01"))
        assert kiosk.written() == []

    def test_two_lids_and_the_loop_are_one_alarm_until_all_are_shut(self, kiosk, readers):
        def alarm():
            return kiosk.keeper.view().alarm

        self.heard(kiosk, readers, TamperSaid(reader="outside", tamper=True, power=False))
        assert alarm() is DoorAlarm.TAMPER
        self.heard(kiosk, readers, LinkSaid(reader="outside", state="lost"))
        assert alarm() is DoorAlarm.TAMPER, "whoever pulls the cable does not end the alarm"
        self.heard(kiosk, readers, TamperSaid(reader="outside", tamper=False, power=False))
        assert alarm() is DoorAlarm.NORMAL

    def test_lid_and_mains_of_a_reader_are_written_down_when_they_change_and_only_then(self, kiosk, readers):
        for tamper, power in ((False, False), (False, True), (True, True), (True, True), (False, False)):
            self.heard(kiosk, readers, TamperSaid(reader="outside", tamper=tamper, power=power))
        assert [each for each in kiosk.written() if each.startswith("reader")] == [
            "reader power-lost outside",
            "reader opened outside",
            "reader closed outside",
            "reader power-back outside",
        ]

    def test_the_boards_inputs_are_contact_and_exit_button_and_unknown_once_it_is_lost(self, kiosk, readers):
        def status():
            return kiosk.keeper.view().status

        self.heard(kiosk, readers, LinkSaid(reader="outside", state="secure"), InputsSaid(reader="outside", on=(False, True)))
        assert (status(), kiosk.relay.driven) == (DoorStatus.CLOSED, False), "a button that was down before asked nobody"
        self.heard(
            kiosk, readers, InputsSaid(reader="outside", on=(False, False)), InputsSaid(reader="outside", on=(False, True))
        )
        assert kiosk.relay.driven
        self.heard(kiosk, readers, LinkSaid(reader="outside", state="lost"))
        assert status() is DoorStatus.UNKNOWN
        assert [each for each in kiosk.written() if each.startswith("reader")] == [
            "reader ok outside",
            "reader lost outside osdp.reader_lost",
        ]
        assert [each for each in kiosk.signalled if each[0] in {"ok", "lost"}] == [("ok", ""), ("lost", "osdp.reader_lost")]

    def test_the_same_card_held_on_is_one(self, kiosk, readers):
        for _ in range(3):
            kiosk.keeper.turn(Carded(card=TOKEN, reader="outside"))
        assert kiosk.written() == ["verification-required entry"]


WRONG = {
    "no door": ([DoorReaderSection(name="a", device="/dev/x")], 0, "/door_readers"),
    "one name twice": (
        [DoorReaderSection(name="a", device="/dev/x"), DoorReaderSection(name="a", device="/dev/y")],
        1,
        "/door_readers/1/name",
    ),
    "one address twice": (
        [DoorReaderSection(name="a", device="/dev/x"), DoorReaderSection(name="b", device="/dev/x")],
        1,
        "/door_readers/1/address",
    ),
    "two rates on one line": (
        [DoorReaderSection(name="a", device="/dev/x"), DoorReaderSection(name="b", device="/dev/x", address=1, baud_rate=19200)],
        1,
        "/door_readers/1/baud_rate",
    ),
}


@pytest.mark.parametrize(("sections", "doors", "pointer"), WRONG.values(), ids=WRONG)
def test_readers_that_cannot_work_are_refused(sections, doors, pointer):
    with pytest.raises(Malformed) as refused:
        check_door_readers(sections, doors=doors)
    assert refused.value.pointer == pointer


class TestKeys:
    @pytest.mark.parametrize("text", ["", "00" * 16, "303132333435363738393a3b3c3d3e3f", "ab" * 15, "x" * 32])
    def test_default_keys_and_what_is_no_key_are_refused(self, tmp_path, text):
        path = tmp_path / "outside.osdp"
        path.write_text(text)
        path.chmod(0o600)
        with pytest.raises(Malformed, match=r"osdp\.key_malformed"):
            load_key(path)

    def test_a_key_others_may_read_is_refused_and_a_missing_one_said(self, tmp_path):
        path = tmp_path / "outside.osdp"
        with pytest.raises(Refused, match=r"osdp\.key_missing"):
            load_key(path)
        path.write_text(KEY.hex())
        path.chmod(0o640)
        with pytest.raises(Malformed, match=r"osdp\.key_malformed"):
            load_key(path)

    def test_a_reader_in_install_mode_gets_a_new_key_that_is_kept_once_proved(self, tmp_path):
        link, path = tmp_path / "rs485", tmp_path / "outside.osdp"
        section = DoorReaderSection(name="outside", device=str(link), address=5)
        with SimulatedReader(link, address=5, **INSTALLING) as reader:
            commission(section, path, random_bytes=random.Random(5).randbytes, seconds=20)
            assert load_key(path) == reader.key
            assert path.stat().st_mode & 0o777 == 0o600
            # the power failed between "the reader has it" and "it is ours": the next run finds out
            path.unlink()
            write_new(path, reader.key)
            commission(section, path, random_bytes=lambda _count: pytest.fail("no other key is drawn"), seconds=20)
            assert load_key(path) == reader.key

    def test_a_reader_that_is_not_in_install_mode_gets_none(self, tmp_path):
        link, path = tmp_path / "rs485", tmp_path / "outside.osdp"
        section = DoorReaderSection(name="outside", device=str(link), address=5)
        with SimulatedReader(link, address=5, key=KEY), pytest.raises(Refused, match=r"osdp\.not_installing"):
            commission(section, path, random_bytes=random.Random(5).randbytes, seconds=1.5)
        assert list(tmp_path.glob("*.osdp*")) == []


class TestPermits:
    WANTED = PermitFor(site="blk-hoa-binh", kiosk_id="kiosk-lobby-1", reader="outside", challenge=bytes(8))

    def test_a_permit_serves_for_what_it_says(self):
        text = sign_permit(self.WANTED, KEYS.door_list, now=EVENING)
        check_permit(text, wanted=self.WANTED, keyring=KEYS.keyring)

    @pytest.mark.parametrize("other", [{"site": "x"}, {"kiosk_id": "x"}, {"reader": "x"}, {"challenge": bytes([1] * 8)}], ids=str)
    def test_and_for_nothing_else(self, other):
        text = sign_permit(msgspec.structs.replace(self.WANTED, **other), KEYS.door_list, now=EVENING)
        with pytest.raises(Untrusted, match=r"door\.permit_other"):
            check_permit(text, wanted=self.WANTED, keyring=KEYS.keyring)

    def test_nobody_else_can_sign_one(self):
        with pytest.raises(Untrusted):
            check_permit(sign_permit(self.WANTED, KEYS.door_pass, now=EVENING), wanted=self.WANTED, keyring=KEYS.keyring)

    @settings(max_examples=40)
    @given(st.text(max_size=80).map(lambda text: "LR1:" + text))
    def test_no_text_does_more_than_be_refused(self, text):
        with pytest.raises(LuutruError):
            check_permit(text, wanted=self.WANTED, keyring=KEYS.keyring)
