"""Finding, setting and checking a scanner on a pseudo-terminal that speaks the bytes, also when things go wrong."""

from __future__ import annotations

import msgspec
import pytest
from serial_parts import CARD, CLOCK, FAST, line_to, simulated

from edge_agent.scanner_protocols import grow
from edge_agent.scanner_protocols.dialects import DIALECTS
from edge_agent.scanner_protocols.tending import Wish, configure, identify, probe, probe_any, survey, talk
from firmware_config.scanner_models import load_model
from residence.errors import Conflict, LuutruError, Refused

HASTY = 120  # milliseconds: the simulators answer at once


def model_of(kind, **changes):
    return msgspec.structs.replace(load_model(kind), reply_ms=HASTY, **changes)


RIGHT = {
    "gm65": {
        "output-to-serial": "already right",
        "continuous-reading": "read back",
        "line-end": "read back",
        "setup-code-lock": "read back",
    },
    "gm812": {"encoding": "read back", "line-end": "read back", "setup-code-lock": "sent, no answer described"},
    "de2120": {"encoding": "acknowledged", "continuous-reading": "acknowledged"},
    "honeywell": {"line-end": "read back"},
}


@pytest.mark.parametrize("kind", RIGHT)
def test_a_scanner_from_the_factory_is_set_and_read_back_and_then_sends_cards_whole(kind, tmp_path):
    with simulated(kind, tmp_path) as scanner, line_to(scanner) as line:
        done = configure(line, model_of(kind), clock=CLOCK, wish=FAST)

        assert done.outcomes == RIGHT[kind]
        assert (done.baud_rate, line.baud_rate, scanner.brain.baud_rate) == (115_200, 115_200, 115_200)
        scanner.show(CARD)
        ending = b"\r" if kind == "de2120" else b"\r\n"
        sent = line.read(5)
        while not sent.endswith(ending) and (more := line.read(5)):  # a line gives what has come, which may be a part
            sent += more
        assert sent == CARD + ending


@pytest.mark.parametrize("kind", ["gm65", "honeywell"])
def test_a_scanner_that_is_right_already_is_not_written_to(kind, tmp_path):
    with simulated(kind, tmp_path) as scanner, line_to(scanner) as line:
        configure(line, model_of(kind), clock=CLOCK, wish=FAST)
        again = configure(line, model_of(kind), clock=CLOCK, wish=FAST)

    assert not again.changed
    assert set(again.outcomes.values()) == {"already right"}


def test_what_was_set_outlives_a_power_cut(tmp_path):
    with simulated("gm65", tmp_path) as scanner:
        with line_to(scanner) as line:
            configure(line, model_of("gm65"), clock=CLOCK, wish=FAST)
        scanner.pull()
        scanner.plug_in()
        with line_to(scanner, 115_200) as line:
            held = survey(talk(line, model_of("gm65"), clock=CLOCK), model_of("gm65").chosen(None))

    assert {each.state for each in held} == {"right"}


@pytest.mark.parametrize(
    ("kind", "protocol", "rate"), [("gm812", "grow", 9_600), ("honeywell", "menu", 115_200), ("de2120", "dyscan", 115_200)]
)
def test_protocol_and_rate_are_found_without_knowing_the_model(kind, protocol, rate, tmp_path):
    with simulated(kind, tmp_path) as scanner, line_to(scanner) as line:
        found = probe_any(line, clock=CLOCK, rates=(9_600, 115_200), reply_ms=dict.fromkeys(DIALECTS, HASTY))

    assert (found.protocol, found.baud_rate) == (protocol, rate)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("gm65", {"hardware-version": "64", "software-version": "69"}),
        ("de2120", {"software-version": "DE2120 SIM 1.0"}),
        ("honeywell", {"revision": "Product Name: simulated scanner; "}),
    ],
)
def test_a_scanner_says_what_it_is(kind, said, tmp_path):
    with simulated(kind, tmp_path) as scanner, line_to(scanner) as line:
        conversation = talk(line, model_of(kind), clock=CLOCK)
        probe(conversation, model_of(kind).probe_rates)
        answers = identify(conversation, model_of(kind))

    assert answers.keys() == said.keys()
    assert all(answers[name].startswith(beginning) for name, beginning in said.items())


TROUBLE = {
    "lost replies": {"lost_replies": 1},
    "damaged replies": {"damaged_replies": 1},
    "a lost and then a damaged reply": {"lost_replies": 1, "damaged_replies": 1},
    "noise before each reply": {"before_reply": b"\x00\xff\x02\x00\x80"},
    "bytes at the pace of the line": {"paced": True},
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_on_the_line_is_got_over(name, tmp_path):
    patient = msgspec.structs.replace(load_model("gm65"), reply_ms=100)
    with simulated("gm65", tmp_path, **TROUBLE[name]) as scanner, line_to(scanner) as line:
        assert configure(line, patient, clock=CLOCK, wish=FAST).outcomes == RIGHT["gm65"]


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        ({"deaf": True}, "scanner.no_answer"),
        ({"lost_replies": 1000}, "scanner.no_answer"),
        ({"damaged_replies": 1000}, "scanner.no_answer"),  # no rate gives a whole answer
    ],
    ids=str,
)
def test_a_scanner_that_never_answers_rightly_is_given_up_with_a_code(behaviour, code, tmp_path):
    with simulated("gm65", tmp_path, **behaviour) as scanner, line_to(scanner) as line, pytest.raises(LuutruError) as caught:
        configure(line, model_of("gm65", probe_rates=(9_600,)), clock=CLOCK, wish=Wish(baud_rate=9_600))
    assert caught.value.code == code


def test_a_late_reply_is_not_taken_for_the_answer_to_the_next_question(tmp_path):
    slow = msgspec.structs.replace(load_model("gm65"), reply_ms=200)
    with simulated("gm65", tmp_path, reply_after=0.3) as scanner, line_to(scanner) as line:
        conversation = talk(line, slow, clock=CLOCK)
        for address in (0x000D, 0x0060):
            with pytest.raises(Refused, match=r"scanner\.no_answer"):
                conversation.ask(grow.read_register(address), tries=1)
        assert not conversation.was_interrupted


def test_a_card_shown_while_the_scanner_is_asked_is_handed_back(tmp_path):
    with simulated("gm65", tmp_path, before_reply=CARD + b"\r\n") as scanner, line_to(scanner) as line:
        conversation = talk(line, model_of("gm65"), clock=CLOCK)
        survey(conversation, model_of("gm65").chosen(("output-to-serial",)))

        assert conversation.take_stray() == CARD + b"\r\n"


@pytest.mark.parametrize(
    ("kind", "believed", "registers"),
    [
        ("gm812", "gm65", {0x000D: 0x02}),  # GBK there would be an output that a GM65 has not
        ("gm65", "gm812", {}),  # and the GM65's A0 is no encoding
    ],
)
def test_a_model_whose_registers_mean_something_else_is_refused_and_nothing_is_written(kind, believed, registers, tmp_path):
    with simulated(kind, tmp_path) as scanner, line_to(scanner) as line:
        scanner.brain.registers.update(registers)
        before = dict(scanner.brain.registers)
        with pytest.raises(Conflict, match=r"scanner\.model_differs"):
            configure(line, model_of(believed), clock=CLOCK, wish=FAST)

        assert scanner.brain.registers == before


class Stubborn(dict):
    """Registers of which one cannot be changed."""

    def update(self, changes):
        super().update({address: value for address, value in changes.items() if address != 0x0060})


def test_a_setting_that_is_taken_and_not_kept_is_found_by_reading_back(tmp_path):
    with simulated("gm65", tmp_path) as scanner, line_to(scanner) as line:
        scanner.brain.registers = Stubborn(scanner.brain.registers)
        with pytest.raises(Conflict, match=r"scanner\.readback_differs") as caught:
            configure(line, model_of("gm65"), clock=CLOCK, wish=FAST)

    assert caught.value.pointer == "/line-end"


def test_settings_the_sources_disagree_about_are_written_only_when_named(tmp_path):
    with simulated("gm65", tmp_path) as scanner, line_to(scanner) as line:
        configure(line, model_of("gm65"), clock=CLOCK, wish=FAST)
        assert 0x00BC not in scanner.brain.registers
        configure(line, model_of("gm65"), clock=CLOCK, wish=Wish(baud_rate=115_200, settings=("raw-bytes",)))
        assert scanner.brain.registers[0x00BC] == 0x08


def test_a_pulled_cable_ends_the_conversation_with_the_readers_code(tmp_path):
    with simulated("gm65", tmp_path) as scanner, line_to(scanner) as line:
        scanner.pull()
        with pytest.raises(Refused, match=r"reader\.device_lost"):
            configure(line, model_of("gm65"), clock=CLOCK, wish=FAST)


def test_after_the_lock_a_setup_code_changes_nothing(tmp_path):
    for kind, changes in (("gm65", {0x0060: 0x60}), ("gm812", {0x000E: 0x04})):
        folder = tmp_path / kind
        folder.mkdir()
        with simulated(kind, folder) as scanner, line_to(scanner) as line:
            configure(line, model_of(kind), clock=CLOCK, wish=FAST)
            before = dict(scanner.brain.registers)
            scanner.show_setup_code(changes)

            assert scanner.brain.registers == before
            assert line.read(5) == b"_SET_CODE_ON\r\n"
