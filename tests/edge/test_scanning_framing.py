"""Payloads from a serial scanner's bytes: cut anywhere, with any line end, among noise."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.scanning.framing import FAST_GAP_NS, GAP_NS, LONGEST, UNFINISHED_GAP_NS, Framer, gap_at

CARD = "001095000117||Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021".encode()
OTHER = "079188004321|023456789|Lê Ngọc Bảo Trân|09091988|Nữ|123/45 Lê Văn Sỹ, Quận 3, TP.Hồ Chí Minh|20102021".encode()
NEW_CARD = "036203012399||Vũ Đình Phước|24092003|Nam|Thôn 3, Xã Mỹ Lộc, Ninh Bình|12112025||||".encode()


def heard(*chunks: bytes, gap_ns: int = 1_000_000):
    """Feed chunks a millisecond apart, then let the line be silent; return the payloads and notes."""
    framer, now, payloads, notes = Framer(), 0, [], []
    for chunk in chunks:
        now += gap_ns
        framed = framer.feed(chunk, now_ns=now)
        payloads += framed.payloads
        notes += framed.notes
    framed = framer.rest(now_ns=now + UNFINISHED_GAP_NS)
    return payloads + list(framed.payloads), notes + list(framed.notes)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b""])
@pytest.mark.parametrize("card", [CARD, OTHER, NEW_CARD])
def test_a_card_is_whole_whatever_ends_it(card, end):
    assert heard(card + end) == ([card], [])


def test_a_line_end_delivers_a_card_at_once():
    assert Framer().feed(CARD + b"\r", now_ns=1).payloads == (CARD,)


def test_without_a_line_end_a_card_waits_for_the_gap_because_four_fields_may_follow():
    framer = Framer()

    assert framer.feed(NEW_CARD[:-4], now_ns=0).payloads == ()
    assert framer.rest(now_ns=GAP_NS - 1).payloads == ()
    assert framer.feed(b"||||", now_ns=GAP_NS - 1).payloads == ()
    assert framer.rest(now_ns=2 * GAP_NS).payloads == (NEW_CARD,)


@pytest.mark.parametrize(
    ("baud_rate", "gap_ns"), [(9_600, GAP_NS), (38_400, GAP_NS), (57_600, FAST_GAP_NS), (115_200, FAST_GAP_NS)]
)
def test_on_a_fast_line_a_shorter_silence_ends_a_whole_card(baud_rate, gap_ns):
    framer = Framer(gap_ns=gap_at(baud_rate))
    framer.feed(NEW_CARD, now_ns=0)

    assert framer.rest(now_ns=gap_ns - 1).payloads == ()
    assert framer.is_waiting
    assert framer.rest(now_ns=gap_ns).payloads == (NEW_CARD,)
    assert not framer.is_waiting


def test_on_a_fast_line_half_a_card_still_waits_for_its_other_half():
    framer = Framer(gap_ns=FAST_GAP_NS)
    framer.feed(OTHER[:30], now_ns=0)

    assert framer.rest(now_ns=UNFINISHED_GAP_NS - 1).payloads == ()
    assert framer.feed(OTHER[30:] + b"\r", now_ns=UNFINISHED_GAP_NS - 1).payloads == (OTHER,)


@given(cuts=st.lists(st.integers(0, len(CARD) + len(OTHER) + 4), max_size=12))
def test_chunks_cut_anywhere_give_the_same_cards(cuts):
    stream = CARD + b"\r\n" + OTHER + b"\r\n"
    edges = [0, *sorted(cuts), len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(edges) if end > start]

    assert heard(*chunks) == ([CARD, OTHER], [])


def test_a_carriage_return_inside_a_payload_stays_inside():
    card = CARD.replace(b"Ng\xc3\xb5", b"Ng\r\xc3\xb5")

    assert heard(card + b"\r") == ([card], [])


def test_a_payload_that_is_no_card_ends_with_the_gap():
    assert heard(b"https://example.org/vneid/session?c=3f2a\r\n") == ([b"https://example.org/vneid/session?c=3f2a"], [])


def test_two_scans_with_a_pause_are_two_payloads():
    assert heard(b"https://a.example\r", b"https://b.example\r", gap_ns=GAP_NS)[0] == [b"https://a.example", b"https://b.example"]


def test_noise_before_a_card_does_not_spoil_the_card():
    payloads, notes = heard(b"\x00\xff\x80\x00\xfe\r" + CARD + b"\r\n")

    assert payloads == [CARD]
    assert notes == ["reader.noise"]


def test_a_flood_is_dropped_up_to_the_next_gap_and_the_next_card_is_read():
    framer, notes = Framer(), []
    for step in range(100):
        framed = framer.feed(b"A" * 100, now_ns=step * 1_000_000)
        assert framed.payloads == ()
        assert len(framer._waiting) <= LONGEST
        notes += framed.notes
    framer.rest(now_ns=100_000_000 + GAP_NS)

    assert notes == ["reader.flood"]
    assert framer.feed(CARD + b"\r", now_ns=300_000_000).payloads == (CARD,)


@pytest.mark.parametrize(
    "shown",
    [b"\x02\x00\x00\x01\x00\x33\x31", b"\x03\x00\x00\x01\x00\x33\x31"],
    ids=["register written", "heartbeat"],
)
def test_a_scanners_own_reply_is_reported_and_never_a_payload(shown):
    assert heard(shown) == ([], ["reader.setup_code"])


def test_a_setup_code_is_reported_and_passed_on_for_the_screen():
    assert heard(b"_SET_CODE_OFF\r") == ([b"_SET_CODE_OFF"], ["reader.setup_code"])


def test_letters_damaged_by_the_scanners_charset_are_passed_on_with_a_note():
    damaged = "001095000117||Trần Văn An|01021995|Nam|Hà Nội|15082021".encode("cp1258", "replace")

    assert heard(damaged + b"\r") == ([damaged], ["reader.not_utf8"])


@given(st.binary(max_size=600))
def test_rubbish_never_raises_and_never_becomes_a_longer_payload(rubbish):
    payloads, _ = heard(rubbish)

    assert sum(map(len, payloads)) <= len(rubbish)
