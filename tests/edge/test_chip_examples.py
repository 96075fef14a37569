"""The worked examples of the standard, replayed: our commands are its commands byte for byte, our keys its keys."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from edge_agent.chip.apdu import Channel, Command
from edge_agent.chip.bac import run_bac
from edge_agent.chip.pace import mrz_secret, run_pace
from residence.credentials.chip import tlv
from residence.credentials.chip.security_infos import parse_security_infos
from residence.credentials.chip.suites import PASSWORD, Suite
from residence.errors import LuutruError

EXAMPLES = tomllib.loads((Path(__file__).parents[1] / "vectors" / "chip" / "icao-9303-11.toml").read_text("utf-8"))
PACE = {each["name"]: each for each in EXAMPLES["pace"]}


class ExampleCard:
    """Answers what the example's chip answered, and only to what the example's reader sent."""

    def __init__(self, exchanges):
        self.exchanges = [(bytes.fromhex(sent), bytes.fromhex(answer)) for sent, answer in exchanges]

    def transceive(self, apdu):
        sent, answer = self.exchanges.pop(0)
        assert apdu.hex() == sent.hex()
        return answer


class ExampleDraw:
    def __init__(self, *, scalars=(), takes=()):
        self.scalars, self.takes = [int(each, 16) for each in scalars], [bytes.fromhex(each) for each in takes]

    def take(self, count):
        value = self.takes.pop(0)
        assert len(value) == count
        return value

    def scalar(self, order):
        return self.scalars.pop(0)


def channel_to(card):
    return Channel(card, monotonic_ns=lambda: 0, deadline_ns=1)


def test_bac_and_secure_messaging_are_those_of_appendix_d():
    example = EXAMPLES["bac"]
    card = ExampleCard(example["exchanges"])
    channel = channel_to(card)

    run_bac(channel, example["mrz_key"], ExampleDraw(takes=[example["own_challenge"], example["own_share"]]))
    guard = channel._guard
    assert guard.keys.encryption.hex().upper() == example["session_encryption"]
    assert guard.keys.authentication.hex().upper() == example["session_authentication"]

    assert channel.send(Command(ins=0xA4, p1=2, p2=0x0C, data=bytes.fromhex("011E"))).is_ok
    head = channel.send(Command(ins=0xB0, le=4)).data
    rest = channel.send(Command(ins=0xB0, p2=4, le=0x12)).data
    assert (head + rest).hex().upper() == example["ef_com"]
    assert not card.exchanges


@pytest.mark.parametrize("name", PACE)
def test_pace_is_that_of_the_appendices(name, monkeypatch):
    example = PACE[name]
    info = parse_security_infos(tlv.encode(0x31, bytes.fromhex(example["info"]))).pace_choices[0]
    # the examples leave the parameter out of MSE:Set AT; ours always sends it, for some chips refuse without
    oid = tlv.encode(0x80, tlv.encode_object_id(info.oid)).hex()
    card = ExampleCard([[f"0022C1A412{oid}8301018401{info.parameter:02x}", "9000"], *example["exchanges"]])
    channel = channel_to(card)
    if "password_key" in example:
        derive = Suite.derive
        key = bytes.fromhex(example["password_key"])
        monkeypatch.setattr(Suite, "derive", lambda suite, secret, at: key if at == PASSWORD else derive(suite, secret, at))

    outcome = run_pace(
        channel, info, mrz_secret(example.get("mrz_key", "")), ExampleDraw(scalars=example["scalars"], takes=example["takes"])
    )

    assert channel._guard.keys.encryption.hex().upper() == example["encryption"]
    assert channel._guard.keys.authentication.hex().upper() == example["authentication"]
    assert outcome.proof.hex().upper() == example.get("proof", "")
    assert not card.exchanges


@pytest.mark.parametrize("name", [name for name, example in PACE.items() if "mrz_key" in example])
def test_one_wrong_bit_in_any_answer_of_the_chip_opens_nothing(name):
    example = PACE[name]
    info = parse_security_infos(tlv.encode(0x31, bytes.fromhex(example["info"]))).pace_choices[0]
    for index in range(len(example["exchanges"])):
        card = LenientCard([["", "9000"], *example["exchanges"]], spoil=index + 1)
        channel = channel_to(card)
        with pytest.raises(LuutruError):
            run_pace(channel, info, mrz_secret(example["mrz_key"]), ExampleDraw(scalars=example["scalars"]))
        assert not channel.is_protected


class LenientCard(ExampleCard):
    """Answers whatever it is asked, with one bit of one answer changed."""

    def __init__(self, exchanges, *, spoil):
        super().__init__(exchanges)
        self.spoil, self.asked = spoil, 0

    def transceive(self, apdu):
        _, answer = self.exchanges.pop(0)
        at, self.asked = self.asked, self.asked + 1
        if at != self.spoil:
            return answer
        middle = len(answer) - 3
        return answer[:middle] + bytes([answer[middle] ^ 1]) + answer[middle + 1 :]
