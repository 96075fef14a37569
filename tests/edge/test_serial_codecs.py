"""What scanners and we say to each other, byte for byte: the published frames, replies among other bytes, and rubbish."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.scanner_protocols import dyscan, grow, menu
from edge_agent.scanner_protocols.dialects import DIALECTS, judge
from edge_agent.scanner_protocols.replies import Reply
from firmware_config.scanner_models import CommandSetting, RegisterSetting, TextSetting
from residence.errors import Malformed

FRAMES = json.loads((Path(__file__).parents[1] / "vectors/serial-scanner/grow-frames.json").read_text("utf-8"))
CARD = "001095000117||Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021".encode()
CUTS = {name: lambda buffer, dialect=dialect: dialect.cut(buffer, whole=False) for name, dialect in DIALECTS.items()}
REPLIES = {"grow": grow.reply_frame(b"\x60"), "dyscan": b"DE2120 SIM\x06", "menu": b"232BAD9\x06."}


def request_of(vector):
    match vector["by"]:
        case "read":
            return grow.read_register(vector["address"], vector["count"])
        case "write":
            return grow.write_register(vector["address"], bytes.fromhex(vector["data"]))
        case "save":
            return grow.save()


@pytest.mark.parametrize("vector", FRAMES["requests"], ids=lambda vector: vector["what"])
def test_our_requests_are_the_published_frames(vector):
    assert request_of(vector).hex() == vector["frame"]


@pytest.mark.parametrize("vector", FRAMES["replies"], ids=lambda vector: vector["what"])
def test_the_published_replies_are_understood(vector):
    cut = grow.cut_reply(bytes.fromhex(vector["frame"]))

    assert cut.reply == Reply(data=bytes.fromhex(vector["data"]), error=vector["error"])
    assert (cut.stray, cut.rest) == (b"", b"")


@pytest.mark.parametrize("vector", FRAMES["crc"], ids=lambda vector: vector["over"])
def test_the_crc_is_xmodem(vector):
    assert grow.crc(bytes.fromhex(vector["over"])).hex() == vector["crc"]


@pytest.mark.parametrize("protocol", DIALECTS)
def test_a_reply_among_a_card_is_found_and_the_card_is_kept(protocol):
    cut = CUTS[protocol](CARD + b"\r\n" + REPLIES[protocol] + CARD)

    assert cut.reply is not None
    assert cut.reply.error == ""
    assert (cut.stray, cut.rest) == (CARD + b"\r\n", CARD)


@pytest.mark.parametrize("protocol", DIALECTS)
def test_half_a_reply_waits_for_the_other_half(protocol):
    reply = REPLIES[protocol]
    length = len(reply.removesuffix(b"."))  # the mark after a status is not sent by all models
    for end in range(length):
        assert CUTS[protocol](reply[:end]).reply is None
    assert CUTS[protocol](reply).reply is not None


@pytest.mark.parametrize("protocol", DIALECTS)
@given(rubbish=st.binary(max_size=400))
def test_no_byte_is_lost_or_made_up_whatever_comes(protocol, rubbish):
    cut = CUTS[protocol](rubbish)

    if cut.reply is None:
        assert cut.stray + cut.rest == rubbish
    else:
        assert rubbish.startswith(cut.stray)
        assert rubbish.endswith(cut.rest)
        assert len(cut.stray) + len(cut.rest) < len(rubbish)


@given(
    data=st.binary(min_size=1, max_size=255), before=st.binary(max_size=20), byte=st.integers(0, 254), flip=st.integers(1, 255)
)
def test_a_damaged_reply_is_never_a_value(data, before, byte, flip):
    frame = bytearray(grow.reply_frame(data))
    frame[3 + byte % (len(frame) - 3)] ^= flip
    cut = grow.cut_reply(before + bytes(frame))

    assert cut.reply is None or cut.reply.error or cut.reply.data != data


def test_a_right_reply_behind_a_damaged_one_is_taken():
    damaged = grow.reply_frame(b"\x01")[:-1] + b"\x00"

    assert grow.cut_reply(damaged + grow.reply_frame(b"\x02")).reply == Reply(data=b"\x02")


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (b"\x06", Reply()),
        (b"\x15", Reply(error="scanner.command_refused")),
        (b"DE2120 V2.1\x06", Reply(data=b"DE2120 V2.1")),
    ],
)
def test_a_de2120_acknowledges_or_refuses(answer, reply):
    assert dyscan.cut_reply(answer).reply == reply


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        (b"CBRENA1\x06", Reply(data=b"CBRENA1")),  # as the user's guides print it
        (b"232BAD9\x06.", Reply(data=b"232BAD9")),
        (b"NOSUCH1\x05.", Reply(data=b"NOSUCH1", error="scanner.command_refused")),
        (b"232BAD77\x15.", Reply(data=b"232BAD77", error="scanner.command_refused")),
        (b"SUFCA2\x06;SUFBK2990D0A\x06.", Reply(data=b"SUFBK2990D0A")),
        (b"SUFCA2\x06;SUFBK2ZZ\x15.", Reply(data=b"SUFBK2ZZ", error="scanner.command_refused")),
    ],
)
def test_a_menu_scanner_repeats_the_command_with_its_status(answer, reply):
    assert menu.cut_reply(answer).reply == reply


def test_an_answer_of_several_lines_is_taken_whole_when_it_was_asked_for():
    answer = b"Product Name: x\r\nSoftware Revision: y\r\nREVINF\x06."

    assert menu.cut_reply(answer, whole=True).reply == Reply(data=answer[:-2])


LINE_END = RegisterSetting(
    name="line-end", why="-", source="-", address=0x60, mask=0x60, value=0x20, also=(0x40,), plausible=(0x60,)
)
SUFFIX = CommandSetting(name="suffix", why="-", source="-", tag="SUFBK2", data="990D0A", before="SUFCA2", readable=True)


@pytest.mark.parametrize(
    ("setting", "data", "state"),
    [
        (LINE_END, b"\x20", "right"),
        (LINE_END, b"\xbf", "right"),
        (LINE_END, b"\xdf", "right"),
        (LINE_END, b"\x60", "differs"),
        (LINE_END, b"\x9f", "implausible"),
        (SUFFIX, b"SUFBK2990D0A", "right"),
        (SUFFIX, b"sufbk2990d0a", "right"),
        (SUFFIX, b"SUFBK2", "differs"),
        (SUFFIX, None, "unreadable"),
        (TextSetting(name="lock", why="-", source="-", text="_SET_CODE_OFF"), None, "unreadable"),
    ],
)
def test_what_a_scanner_holds_is_judged(setting, data, state):
    assert judge(setting, data).state == state


@pytest.mark.parametrize(("setting", "data"), [(LINE_END, b""), (LINE_END, b"\x20\x20"), (SUFFIX, b"232BAD9")])
def test_an_answer_to_another_question_is_malformed(setting, data):
    with pytest.raises(Malformed, match=r"scanner\.reply_malformed"):
        judge(setting, data)


@given(held=st.integers(0, 255))
def test_only_the_settings_own_bits_are_changed(held):
    written = DIALECTS["grow"].write(LINE_END, bytes([held]))

    assert written[6] == held & ~0x60 & 0xFF | 0x20


def test_what_must_go_first_goes_first():
    assert DIALECTS["menu"].write(SUFFIX, b"") == b"\x16M\rSUFCA2;SUFBK2990D0A."
