"""Opening the simulated card: every mapping, cipher and standard group; wrong secrets open nothing and are counted by the card."""

from __future__ import annotations

import pytest
from simulators.card.card import APPLICATION, Personality, SimulatedCard

from edge_agent.chip.apdu import Channel, Command
from edge_agent.chip.bac import run_bac
from edge_agent.chip.drawing import FromBytes
from edge_agent.chip.files import CARD_ACCESS, EF_COM, Link, read_file
from edge_agent.chip.pace import can_secret, mrz_secret, proof_fits, run_pace
from luutru.system import random_bytes
from residence.credentials.chip.groups import STANDARD, DhGroup
from residence.credentials.chip.security_infos import PaceInfo
from residence.credentials.chip.suites import BY_ID
from residence.errors import LuutruError, Refused

DRAW = FromBytes(random_bytes)
KEY = "095123456795122543512252"
COM = bytes.fromhex("60145F0104303130365F36063034303030305C026175")


def way(mapping, parameter, cipher):
    is_ec = not isinstance(STANDARD[parameter], DhGroup)
    number = {("GM", False): 1, ("GM", True): 2, ("IM", False): 3, ("IM", True): 4, ("CAM", True): 6}[mapping, is_ec]
    return PaceInfo(
        oid=f"0.4.0.127.0.7.2.2.4.{number}.{cipher}", mapping=mapping, is_ec=is_ec, suite=BY_ID[cipher], parameter=parameter
    )


def has_encoding(parameter):
    group = STANDARD[parameter]
    return isinstance(group, DhGroup) or group.prime % 4 == 3


WAYS = [
    *(way("GM", 12, cipher) for cipher in BY_ID),
    *(way("GM", parameter, 2 + parameter % 3) for parameter in STANDARD),
    *(way("IM", parameter, 1 + parameter % 4) for parameter in STANDARD if has_encoding(parameter)),
    *(way("CAM", parameter, 2 + parameter % 3) for parameter in STANDARD if parameter >= 8),
]


def card_and_channel(**personality):
    card = SimulatedCard(Personality(files={0x011E: COM}, mrz_key=KEY, mapping_private=987654321, **personality))
    return card, Channel(card, monotonic_ns=lambda: 0, deadline_ns=1)


def enter_application(channel):
    return channel.send(Command(ins=0xA4, p1=4, p2=0x0C, data=APPLICATION))


@pytest.mark.parametrize("info", WAYS, ids=lambda info: f"{info.name}-{STANDARD[info.parameter].name}")
def test_pace_opens_the_card_and_files_can_be_read(info):
    card, channel = card_and_channel(pace=(info,))
    outcome = run_pace(channel, info, can_secret("123456"), DRAW)

    assert enter_application(channel).is_ok
    assert read_file(channel, EF_COM, Link()) == COM
    assert all(raw[0] & 0x0C == 0x0C for raw in card.log[-3:])  # nothing goes out unprotected
    if info.mapping == "CAM":
        group = STANDARD[info.parameter]
        assert proof_fits(outcome, group.encode(group.power(group.generator, 987654321)))
        assert not proof_fits(outcome, group.encode(group.power(group.generator, 987654322)))


@pytest.mark.parametrize("secret", [can_secret("123457"), mrz_secret(KEY.replace("0", "1"))], ids=["CAN", "MRZ"])
def test_a_wrong_secret_is_a_refusal_that_the_card_counts_once(secret):
    info = way("GM", 13, 2)
    card, channel = card_and_channel(pace=(info,))

    with pytest.raises(Refused, match=r"chip\.wrong_key"):
        run_pace(channel, info, secret, DRAW)
    assert card.is_.wrong_tokens == 1
    assert not channel.is_protected


def test_the_key_of_the_zone_opens_with_pace_and_with_bac():
    info = way("GM", 13, 4)
    _, channel = card_and_channel(pace=(info,))
    run_pace(channel, info, mrz_secret(KEY), DRAW)
    assert channel.is_protected

    _, channel = card_and_channel()
    assert enter_application(channel).is_ok
    run_bac(channel, KEY, DRAW)
    assert read_file(channel, EF_COM, Link()) == COM

    card, channel = card_and_channel()
    enter_application(channel)
    with pytest.raises(Refused, match=r"chip\.wrong_key"):
        run_bac(channel, KEY.replace("3", "4"), DRAW)
    assert card.is_.wrong_keys == 1


def test_a_file_that_is_not_there_is_none_and_the_master_files_come_before_the_application():
    _, channel = card_and_channel(master={0x011C: bytes.fromhex("31003100")})
    assert read_file(channel, CARD_ACCESS, Link()) == bytes.fromhex("3100")
    _, channel = card_and_channel()
    assert read_file(channel, CARD_ACCESS, Link()) is None


@pytest.mark.parametrize("spoil", range(4))
def test_an_answer_that_breaks_the_channel_ends_it_for_good(spoil):
    info = way("GM", 12, 2)
    card, channel = card_and_channel(pace=(info,))
    run_pace(channel, info, can_secret("123456"), DRAW)
    honest = card.transceive

    def transceive(raw):
        answer = honest(raw)
        return [answer[:5] + bytes([answer[5] ^ 4]) + answer[6:], answer[-2:], b"", answer[:-2] + b"\x6a\x82"][spoil]

    card.transceive = transceive
    with pytest.raises(LuutruError) as broken:
        enter_application(channel)
    assert broken.value.code in {"chip.sm_broken", "chip.sm_padding"}
    sent = len(card.log)
    with pytest.raises(Refused, match=r"chip\.channel_closed"):
        enter_application(channel)
    assert len(card.log) == sent


@pytest.mark.parametrize(
    ("quirks", "pieces"),
    [
        ({}, 1),
        ({"answers_at_most": 223}, 5),
        ({"answers_at_most": 160}, 7),
        ({"answers_at_most": 160, "says_of_length": 0x6B00}, 7),
        ({"answers_at_most": 160, "says_of_length": 0x6CA0}, 7),
        ({"answers_at_most": 256, "says_of_length": 0x6C00}, 5),
        ({"knows_short_names": False}, 1),
    ],
    ids=["extended", "short", "shorter", "6B00", "6CXX", "6C00", "selecting"],
)
def test_the_size_of_pieces_goes_down_a_ladder_and_is_remembered(quirks, pieces):
    info = way("GM", 12, 2)
    card, channel = card_and_channel(pace=(info,), **quirks)
    card.is_.files[0x0102] = bytes.fromhex("758203E8") + bytes(1000)
    run_pace(channel, info, can_secret("123456"), DRAW)
    enter_application(channel)
    from edge_agent.chip.files import data_group

    link = Link()
    assert len(read_file(channel, data_group(2), link)) == 1004
    before = len(card.log)
    assert len(read_file(channel, data_group(2), link)) == 1004
    assert len(card.log) - before == 1 + pieces + (not link.short_names)
