"""A desktop chip reader that speaks lines of text: read on a pseudo-terminal however it misbehaves, compared with the card, believed no further."""

from __future__ import annotations

import itertools
import queue

import chip_parts as chips
import pytest
from chip_parts import JudgingClock, store_of
from factories import EVENING
from hypothesis import given, settings
from hypothesis import strategies as st
from kiosk_page_parts import LOBBY, make_profile, running_kiosk
from simulators.card import pki
from simulators.card.citizen import DETAILS, dg13
from simulators.text_reader import TextCard, TextReaderOnTerminal

from edge_agent import text_chip_station
from edge_agent.chip.text_lines import LONGEST_GROUP, LONGEST_JSON, LONGEST_LINE, Fields, Group, TextLines, Word
from edge_agent.kiosk import events as happen
from edge_agent.kiosk.chip_states import AskChip, ChipShown, LayCard
from edge_agent.kiosk.identifying import takes_worn_cards
from edge_agent.kiosk.news import ChipProgressed, ChipTaken
from edge_agent.kiosk.states import ChooseUnit, ShowCard
from edge_agent.text_chip_station import TextChipStation, commands_for
from firmware_config.text_readers import load_text_reader
from luutru.processes.kiosk_chips import chips_of
from residence.credentials.chip.carried import binding
from residence.credentials.chip.claims import judge_claim
from residence.credentials.evidence import EvidenceLevel
from residence.errors import Malformed
from residence.stays.declaration import Reason

OWN = "019f4ad3-7580-7000-8000-0000000000aa"
MODEL = load_text_reader("hn212")
QUICK = "[unknown]\nquiet_ms = 60\n"  # the shipped file's silence is longer than tests have time for
FIELDS = {
    "CCCD Number": chips.NUMBER,
    "Full Name": "NGUYỄN HOÀNG MINH KHÔI",
    "Date of Birth": "25/12/1995",
    "Gender": "Nam",
    "Date of Expiry": "25/12/2035",
}
KEY = (chips.NUMBER, "951225", "351225")
CARD = TextCard(KEY, FIELDS, dg13())
OF_SOMEBODY_ELSE = b'{\r\n"CCCD Number": "001095000117",\r\n"Full Name": "TRAN VAN AN"\r\n}\r\nSUCCESS\r\nSCAN_DONE\r\n'


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    from importlib import resources

    shipped = resources.files("firmware_config").joinpath("text_readers", "hn212.toml").read_text("utf-8")
    path = tmp_path_factory.mktemp("model") / "own.toml"
    path.write_text(shipped[: shipped.index("[unknown]")] + QUICK, "utf-8")
    return path


class Desk:
    """A station on a reader's terminal, and what it told."""

    def __init__(self, path, model_file):
        self.told = queue.Queue()
        model = load_text_reader(str(model_file))
        self.station = TextChipStation(path, model=model, baud_rate=115_200, clock=JudgingClock())

    def asks(self):
        self.station.begin(OWN, chips.READING, self.told.put)
        return self

    def ends(self):
        while isinstance(event := self.told.get(timeout=20), ChipProgressed):
            pass
        return event


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"twice": True},
        {"pongs_inside": True},
        {"pieces": 3},
        {"no_end": True},
        {"word_first": True},
        {"greeting": OF_SOMEBODY_ELSE},
        {"greeting": b"\xff\x00{\r\n[DG13_RAW_START]\r\nAAAA"},
        {"ping": True},
    ],
    ids=["well", "said twice", "pongs inside", "in pieces", "no end", "word first", "of somebody else", "noise", "pings"],
)
def test_a_card_is_read_however_the_reader_says_it(model_file, how):
    with TextReaderOnTerminal(**how) as reader:
        desk = Desk(reader.path, model_file).asks()
        reader.lay(CARD)
        told = desk.ends()
        assert isinstance(told, ChipTaken), told
        assert (told.evidence.checks["cross_check"], told.evidence.level, told.evidence.chip.findings) == ("passed", 1, ())
        assert (b"PONG" in reader.commands) is bool(how.get("ping"))
        assert [each for each in reader.commands if each != b"PONG"] == [b"CCCD:079095123456|BIRTH:951225|EXPIRY:351225"]


def test_each_expiry_that_can_be_computed_is_tried_once_and_no_other(model_file):
    commands = commands_for(chips.PERSON, MODEL)
    assert len(set(commands)) == len(commands) > 1
    with TextReaderOnTerminal(twice=True) as reader:
        desk = Desk(reader.path, model_file).asks()
        reader.lay(TextCard((chips.NUMBER, "951225", commands[-1][-6:]), FIELDS))
        assert isinstance(desk.ends(), ChipTaken)
        assert [each.decode() for each in reader.commands] == list(commands)
        reader.commands.clear()
        reader.card = TextCard(("", "", ""), FIELDS)
        assert desk.asks().ends().code == "chip.reader_refused"
        assert [each.decode() for each in reader.commands] == list(commands)


@pytest.mark.parametrize(
    ("fields", "details", "check", "findings"),
    [
        ({"CCCD Number": "079095123457"}, None, "failed", ("chip.differs_number",)),
        ({"Full Name": "NGUYỄN HOÀNG MINH KHOA"}, None, "failed", ("chip.differs_name",)),
        ({"Date of Birth": "26/12/1995"}, None, "failed", ("chip.differs_birth",)),
        ({}, {**DETAILS, 9: "Bến Tre"}, "passed", ("chip.differs_residence",)),
        ({"Gender": "M", "Date of Expiry": "soon"}, None, "passed", ()),
        ({"CCCD Number": ""}, None, "not_performed", ("chip.not_compared",)),
    ],
    ids=["number", "name", "birth", "residence", "unknown ways to write it", "no number"],
)
def test_what_it_says_is_compared_with_the_card_and_every_difference_is_a_finding(model_file, fields, details, check, findings):
    with TextReaderOnTerminal() as reader:
        desk = Desk(reader.path, model_file).asks()
        reader.lay(TextCard(KEY, {**FIELDS, **fields}, dg13(details)))
        evidence = desk.ends().evidence
    assert (evidence.checks["cross_check"], evidence.chip.findings) == (check, findings)
    found = judge_claim(evidence, chips.PERSON, bound_to=binding("k", OWN), store=store_of(pki.Country()), now=EVENING)
    assert (found.level, found.doubt) == (EvidenceLevel.CARD_TEXT, "")  # nobody believes more than the card's code
    assert (found.checks["cross_check"] == "failed") is (check == "failed")


def test_a_card_pulled_away_a_reader_without_end_and_a_line_that_is_gone_are_told_as_codes(model_file, monkeypatch):
    with TextReaderOnTerminal(pulled=True) as reader:
        desk = Desk(reader.path, model_file).asks()
        reader.lay(CARD)
        assert desk.ends().code == "chip.card_gone"
        path = reader.path
    assert Desk(path, model_file).asks().ends().code == "chip.no_reader"
    monkeypatch.setattr(text_chip_station, "PATIENCE", 0.2)
    with TextReaderOnTerminal(mute=True) as reader:
        desk = Desk(reader.path, model_file).asks()
        assert reader.asked.wait(20)
        reader.lay(CARD)
        assert desk.ends().code == "chip.too_slow"


def test_a_reading_that_is_given_up_frees_the_line_for_the_next(model_file):
    with TextReaderOnTerminal() as reader:
        desk = Desk(reader.path, model_file).asks()
        desk.station.stop()
        desk.asks()
        reader.lay(CARD)
        assert isinstance(desk.ends(), ChipTaken)


def test_what_a_reader_still_says_of_a_reading_that_was_given_up_is_not_heard_as_the_next_persons(model_file):
    with TextReaderOnTerminal(mute=True) as reader:
        desk = Desk(reader.path, model_file).asks()
        assert reader.asked.wait(20)
        reader.say("NFC_DETECTED")
        assert desk.told.get(timeout=20).phase == "opening"
        desk.station.stop()
        reader.asked.clear()
        desk.asks()
        assert not reader.asked.wait(0.4)  # a picture is read in silence
        reader.mute = False
        reader.write(OF_SOMEBODY_ELSE)
        assert reader.asked.wait(20)
        reader.lay(CARD)
        assert desk.ends().evidence.checks["cross_check"] == "passed"


@pytest.mark.parametrize(
    "rubbish",
    [b"\0" * 3000, b"A" * 200_000, b"\xff\xfe{\r\n", b'{\r\n "Full Name": "TRAN', b"[DG13_RAW_START]\r\n" + b"AAAA\r\n" * 2000, b"}\r\n" * 5000, b"[" * 4000 + b"\n", b"{\r\n" + (b"a" * 4000 + b"\r\n") * 4 + b"a" * 500 + b"}\r\n"],
    ids=["NUL", "endless line", "no UTF-8", "half a person", "block without end", "only ends", "deep", "a person without end"],
)  # fmt: skip
def test_rubbish_before_the_answer_neither_ends_nor_spoils_it(model_file, rubbish):
    with TextReaderOnTerminal(greeting=rubbish[:3000]) as reader:
        desk = Desk(reader.path, model_file).asks()
        assert reader.asked.wait(20)
        reader.write(rubbish + b"\r\nSCAN_FAIL?\r\n")
        reader.lay(CARD)
        told = desk.ends()
    assert isinstance(told, ChipTaken), told
    assert (told.evidence.checks["cross_check"], told.evidence.level) == ("passed", 1)


def test_a_reader_that_is_plugged_in_again_is_found_under_its_link(model_file, tmp_path):
    link = tmp_path / "chip0"
    desk = Desk(str(link), model_file)
    for _ in range(2):
        assert desk.asks().ends().code == "chip.no_reader"
        with TextReaderOnTerminal() as reader:
            link.symlink_to(reader.path)
            desk.asks()
            reader.lay(CARD)
            assert isinstance(desk.ends(), ChipTaken)
        link.unlink()


def profile_text(path, model):
    return f'{LOBBY}[chip]\nenabled = true\nreader = "{path}"\nmodel = "{model}"\nbaud_rate = 115200\n'


def test_at_a_kiosk_its_word_is_shown_as_what_it_is_and_declared_at_the_level_of_the_card(model_file):
    with (
        TextReaderOnTerminal() as reader,
        running_kiosk(profile_text(reader.path, model_file), chips=lambda profile: chips_of(profile, clock=JudgingClock(), keyring=lambda: None)) as kiosk,
    ):  # fmt: skip

        def does(*events):
            for event in events:
                kiosk.agent.act(event).result(5)

        kiosk.show(chips.QR)
        does(happen.PurposeChosen(purpose="stay"), happen.PersonConfirmed(fresh_id=OWN))
        assert isinstance(kiosk.screen, AskChip)
        does(happen.ChipAllowed(fresh_id=OWN))
        reader.lay(CARD)
        kiosk.wait_for(lambda: isinstance(kiosk.screen, ChipShown), seconds=20)
        assert kiosk.screen.draft.chip.level is EvidenceLevel.CHIP_READ
        does(happen.ChipNoted(), happen.UnitChosen(unit="1203"), happen.NightsChosen(nights=1))
        does(happen.ReasonChosen(reason=Reason.VISIT), happen.Confirmed(fresh_id=OWN))
        (message,) = kiosk.outbox.messages
        assert (message.evidence.level, message.evidence.chip.consent is not None) == (1, True)
        kiosk.agent.act(happen.Cancelled()).result(5)
        reader.card = TextCard(("", "", ""), FIELDS)
        kiosk.show(chips.QR)
        does(happen.PurposeChosen(purpose="stay"), happen.PersonConfirmed(fresh_id=OWN), happen.ChipAllowed(fresh_id=OWN))
        for _ in range(2):  # refused twice, and not asked a third time
            kiosk.wait_for(lambda: isinstance(kiosk.screen, LayCard) and kiosk.screen.phase == "stopped", seconds=20)
            assert kiosk.screen.problem.code == "chip.reader_refused"
            asked = len(reader.commands)
            does(happen.CanWanted(), happen.ChipAllowed(fresh_id=OWN))
        assert kiosk.screen.phase == "stopped"
        assert len(reader.commands) == asked


def test_only_what_it_can_open_is_asked_for():
    profile = make_profile(profile_text("/dev/edge/chip0", "hn212"))
    assert commands_for(chips.TRAVELLER.person, MODEL) == ()
    assert not takes_worn_cards(ShowCard(purpose="stay"), profile)
    from edge_agent.kiosk.chip_step import after_person
    from edge_agent.kiosk.draft import Draft

    screen, _ = after_person(Draft(reading=chips.TRAVELLER), OWN, profile)
    assert not isinstance(screen, (AskChip, LayCard))
    assert isinstance(after_person(Draft(reading=chips.READING), OWN, profile)[0], AskChip)
    assert isinstance(after_person(Draft(reading=chips.READING), OWN, make_profile(LOBBY))[0], ChooseUnit)


@pytest.mark.parametrize("missing", ["reader", "baud_rate"])
def test_its_device_and_rate_must_be_named_for_no_source_tells_them(missing):
    text = "\n".join(line for line in profile_text("/dev/edge/chip0", "hn212").splitlines() if not line.startswith(missing))
    with pytest.raises(Malformed, match=r"profile\.invalid_setting"):
        make_profile(text)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("[unknown]", "[unknwon]"), "scanner-model.unknown_setting"),
        (("{number}", "{name}"), "scanner-model.invalid_setting"),
        (("name =", "name"), "scanner-model.not_toml"),
        (None, "scanner.model_unknown"),
    ],
    ids=["unknown key", "command without a number", "no TOML", "no file"],
)
def test_a_model_file_that_is_not_whole_is_refused(model_file, tmp_path, change, code):
    path = tmp_path / "bad.toml"
    if change:
        path.write_text(model_file.read_text("utf-8").replace(*change), "utf-8")
    with pytest.raises(Malformed) as refused:
        load_text_reader(str(path))
    assert refused.value.code == code


CONVERSATION = (
    b'PING\r\nNFC_DETECTED\r\n{\r\n "CCCD Number": "079095123456",\nPONG\n "Extra": {"a": 1},\n "Full Name": "Kh\xc3\xb4i"\r\n}\r\n'
    b"[DG2_RAW_START]\r\n/9j/\r\n[DG2_RAW_END]\r\n[DG13_RAW_START]\r\nbQ==\r\nPONG\r\nAA==\r\n[DG13_RAW_END]\r\nSUCCESS\r\nSCAN_DONE\r\n"
)
SAID = [
    Word(kind="ping"),
    Word(kind="detected"),
    Word(kind="pong"),
    Fields(texts={"personal_number": "079095123456", "full_name": "Khôi"}),
    Word(kind="pong"),
    Group(name="DG13", raw=b"m\x00"),
    Word(kind="finished"),
    Word(kind="finished"),
]


@given(cuts=st.lists(st.integers(0, len(CONVERSATION)), max_size=20))
@settings(deadline=None, max_examples=60)
def test_wherever_the_bytes_are_cut_the_same_is_understood(cuts):
    lines, said, places = TextLines(MODEL), [], sorted({0, *cuts, len(CONVERSATION)})
    for start, end in itertools.pairwise(places):
        said += lines.take(CONVERSATION[start:end])
    assert said == SAID


pieces = st.sampled_from([*CONVERSATION.split(b"\r\n"), b"{", b"}", b"\r\n", b"\xff", b"A" * 3000, b'{"a":' * 700])


@given(parts=st.lists(st.one_of(pieces, st.binary(max_size=40)), max_size=60))
@settings(deadline=None, max_examples=80)
def test_whatever_comes_little_is_held_and_nothing_raised(parts):
    lines = TextLines(MODEL)
    for part in parts:
        for said in lines.take(part + b"\n"):
            assert not isinstance(said, Group) or (said.name == "DG13" and len(said.raw) <= LONGEST_GROUP)
        assert lines.held <= LONGEST_LINE + LONGEST_JSON + LONGEST_GROUP
    lines.flush()
    assert lines.held <= LONGEST_LINE + LONGEST_JSON  # the silence has ended what began
