"""A chip is handed in by the person who wants to get in: whatever it says ends in a refusal with a code, soon, and never in a higher level."""

from __future__ import annotations

from datetime import date

import pytest
from fuzz import chip_files
from hypothesis import given, settings
from hypothesis import strategies as st
from simulators.card import citizen
from simulators.card.card import Personality, SimulatedCard

from edge_agent.chip.apdu import MOST_ANSWERS, Channel, Command, decode_answer
from edge_agent.chip.files import EF_COM, LARGEST_FILE, Link, read_file
from edge_agent.chip.session import DEADLINE_NS, ChipReader, Opening
from residence.credentials.chip import tlv
from residence.credentials.chip.access_keys import expiry_candidates, key_of_lines, mrz_keys_of
from residence.credentials.chip.dg13 import parse_dg13
from residence.credentials.chip.groups import STANDARD, DhGroup
from residence.credentials.chip.lds import parse_dg2, parse_dg11, parse_dg12
from residence.errors import LuutruError, Malformed, Refused, Untrusted, catalogue

SEEDS = {path.stem: path.read_bytes() for path in sorted(chip_files.CORPUS.glob("*.bin"))}
NAMES = sorted(chip_files.parsers())


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(range(len(NAMES))), st.binary(max_size=300))
def test_bytes_of_any_kind_are_only_refused(parser, data):
    chip_files.judge(bytes([parser]) + data)


TREES = st.recursive(
    st.builds(tlv.encode, st.sampled_from([0x02, 0x04, 0x0C, 0x5F0E, 0x81]), st.binary(max_size=40)),
    lambda inner: st.builds(
        lambda tag, parts: tlv.encode(tag, b"".join(parts)),
        st.sampled_from([0x30, 0x31, 0xA0, 0x7F61]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=20,
)


@settings(max_examples=40, deadline=None)
@given(TREES, st.sampled_from([0x61, 0x6D, 0x6E, 0x75, 0x77, 0x30, 0x31]), st.sampled_from(range(len(NAMES))))
def test_trees_of_any_kind_are_only_refused_and_come_back_as_written(tree, tag, parser):
    raw = tlv.encode(tag, tree)
    assert tlv.read_node(raw).raw == raw
    assert tlv.check_tree(raw) >= 2
    chip_files.judge(bytes([parser]) + raw)


@pytest.mark.parametrize("levels", [23, 30, 3_000])
def test_nesting_ends_somewhere(levels):
    raw = b""
    for _ in range(levels):
        raw = tlv.encode(0x30, raw)
    if levels < tlv.DEEPEST:
        assert tlv.check_tree(raw) == levels
    else:
        with pytest.raises(Malformed):
            tlv.check_tree(raw)


class Chip:
    """A chip that answers whatever it likes to READ BINARY."""

    def __init__(self, answers):
        self.answers, self.asked = answers, 0

    def transceive(self, raw):
        self.asked += 1
        return self.answers(self.asked, raw)


def channel_to(card, *, now=lambda: 0):
    return Channel(card, monotonic_ns=now, deadline_ns=DEADLINE_NS)


HOSTILE = {
    "declares four gigabytes": lambda _at, _raw: bytes.fromhex("6084FFFFFFFF0000") + b"\x90\x00",
    "declares more than a file may have": lambda _at, _raw: bytes.fromhex("60830080000000") + b"\0\x90\x00",
    "indefinite length": lambda _at, _raw: bytes.fromhex("6080010203040506") + b"\x90\x00",
    "never gives more": lambda at, _raw: (bytes.fromhex("6082100001020304") if at == 1 else b"") + b"\x90\x00",
    "gives more than asked": lambda _at, _raw: bytes(300) + b"\x90\x00",
    "one byte at a time and then nothing": lambda at, _raw: (b"\x60" if at == 1 else b"") + b"\x90\x00",
    "an answer without a status": lambda _at, _raw: b"\x90",
    "always the wrong length": lambda _at, _raw: b"\x6c\x05",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_ends_in_a_refusal_after_a_few_commands(kind):
    card = Chip(HOSTILE[kind])
    with pytest.raises(LuutruError) as refused:
        read_file(channel_to(card), EF_COM, Link())
    assert refused.value.code in catalogue()
    assert card.asked < 8


def test_crumbs_are_taken_only_for_so_long():
    card = Chip(lambda at, _raw: (bytes.fromhex("60827F0001020304") if at == 1 else b"\0") + b"\x90\x00")
    with pytest.raises(Refused, match=r"chip\.too_slow"):
        read_file(channel_to(card), EF_COM, Link())
    assert card.asked < MOST_ANSWERS
    assert LARGEST_FILE < 1 << 15


def test_an_answer_in_pieces_without_end_is_given_up():
    card = Chip(lambda _at, _raw: bytes(64) + b"\x61\x40")
    with pytest.raises(Refused, match=r"chip\.too_slow"):
        channel_to(card).send(Command(ins=0xB0, le=8))
    assert card.asked <= 65_536 // 64 + 2


def test_a_slow_card_is_given_up_when_its_time_is_over():
    clock = iter(range(0, 10**12, 10**9))
    card = SimulatedCard(Personality(files={0x011E: b"\x60\x00"}))

    class Clock:
        def monotonic_ns(self):
            return next(clock)

    reader = ChipReader(card, draw=None, clock=Clock())

    def send_for_ever():
        while True:
            reader.channel.send(Command(ins=0xB0, le=1))

    with pytest.raises(Refused, match=r"chip\.too_slow"):
        send_for_ever()
    assert len(card.log) <= 31


@pytest.mark.parametrize("garbage", [b"", b"\x90", b"\x61\x10", b"\x6f\x00", bytes(40), b"\xff" * 300], ids=len)
def test_garbage_to_every_command_opens_nothing(garbage):
    reader = ChipReader(Chip(lambda _at, _raw: garbage), draw=None, clock=type("Clock", (), {"monotonic_ns": lambda _: 0})())
    with pytest.raises(LuutruError):
        reader.read(Opening(can="123456", mrz_keys=("0" * 24,)))
    assert not reader.channel.is_protected


def test_points_and_numbers_that_are_none_are_refused_before_they_are_used():
    for group in STANDARD.values():
        size = (group.field_bits + 7) // 8
        bad = [b"", b"\x04", bytes(2 * size + 1), b"\x04" + b"\xff" * (2 * size), b"\x04" + bytes(2 * size - 1) + b"\x01"]
        if isinstance(group, DhGroup):
            bad = [b"\x00", b"\x01", (group.prime - 1).to_bytes(size, "big"), group.prime.to_bytes(size, "big"), b"\x02"]
        for each in bad:
            with pytest.raises(Untrusted, match=r"chip\.bad_point"):
                group.decode(each)


def test_statuses_are_read_and_an_empty_answer_is_none():
    assert decode_answer(b"\x01\x90\x00").status == 0x9000
    with pytest.raises(Malformed):
        decode_answer(b"")


def test_details_are_read_in_both_wrappings_with_any_string_tag_and_long_lengths():
    long_text = "Thôn " * 60
    details = {1: citizen.NUMBER, 9: long_text, 77: "unknown"}
    for wrapped in (False, True):
        for tag in (0x0C, 0x13, 0x1E, 0x04):
            found = parse_dg13(citizen.dg13(details, in_set=wrapped, string_tag=tag))
            assert found.texts == {"personal_number": citizen.NUMBER, "residence": long_text.strip()}
            assert found.parents == ("Nguyễn Văn Ba", "Lê Thị Bốn")
            assert list(found.others) == [77]


def test_other_groups_say_what_they_hold_and_pictures_only_their_header():
    assert parse_dg11(SEEDS["DG11"]).texts == {"full_name": ("NGUYEN  AN",), "birth": ("19950101",)}
    assert parse_dg12(SEEDS["DG12"]).texts == {"authority": ("TEST",), "issued": ("20240815",)}
    assert [(each.kind, each.size > 2_000) for each in parse_dg2(citizen.dg2(2_000))] == [("JPEG", True)]


@pytest.mark.parametrize(
    ("birth", "issued", "days"),
    [
        (date(1995, 12, 25), date(2021, 8, 15), ["2035-12-25", "2055-12-25"]),
        (date(1995, 12, 25), date(2020, 1, 1), ["2035-12-25", "2020-12-25", "2055-12-25"]),
        (date(1960, 2, 29), date(2019, 6, 1), ["2020-02-29"]),
        (date(1950, 1, 1), date(2021, 8, 15), []),
    ],
)
def test_the_days_a_card_may_run_to_are_few_and_the_likeliest_comes_first(birth, issued, days):
    if issued == date(2020, 1, 1):
        birth = date(1995, 12, 25)
    assert [each.isoformat() for each in expiry_candidates(birth, issued)] == days


def test_the_key_of_a_printed_zone_is_the_computed_one():
    key = key_of_lines(citizen.MRZ)
    assert key == citizen.MRZ_KEY
    assert mrz_keys_of(citizen.NUMBER, date(1995, 12, 25), date(2024, 8, 15))[0] == key
