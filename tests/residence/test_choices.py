"""The file of choices: what it may say, what it is told when it says something else, and what each command does by it."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from importlib import resources
from pathlib import Path

import pytest

from luutru.choices import load_choices
from residence.cases.undeclared import Patience
from residence.choices import Choices, ChoicesFile, parse_choices
from residence.clock import parse_instant
from residence.credentials.card_qr import CardPolicy
from residence.errors import Malformed, catalogue
from residence.errors.setting_files import names_in

ROOT = Path(__file__).resolve().parents[2]
NEW_LAW = resources.files("residence").joinpath("rules/stay-2026-07-01.toml").read_text("utf-8")
NEXT = NEW_LAW.replace('"stay-2026-07-01"', '"stay-2027-01-01"').replace("valid_from = 2026-07-01", "valid_from = 2027-01-01")
LATER_CUTOFF = NEXT.replace("cutoff_hour = 23", "cutoff_hour = 22")
SIX_FIELDS = "001095000117|Trần Văn An|01021995|Nam|Số 5 Láng Hạ, Đống Đa, Hà Nội|15082021"
ZONE = ["IDVNM0951234567079095123456<<7", "9512254M3512252VNM<<<<<<<<<<<2", "NGUYEN<<HOANG<MINH<KHOI<<<<<<<"]


def ids(choices):
    return [each.id for each in choices.rules.sets]


def test_an_empty_file_changes_nothing():
    assert parse_choices(b"") == Choices() == load_choices(None)
    assert Choices().patience == Patience()


GOOD = {
    "night before": ('[rules]\nafter_midnight_policy = "night_before"', lambda c: ids(c)[-1] == "stay-2026-07-01+night-before"),
    "cut-off exclusive": ("[rules]\ncutoff_inclusive = false", lambda c: ids(c)[-1] == "stay-2026-07-01+not-cutoff-inclusive"),
    "a default spelt out is no difference": ("[rules]\ncutoff_inclusive = true", lambda c: c == Choices()),
    "how short a stay may be": (
        "[rules]\nshortest_stay_minutes = 0",
        lambda c: (c.rules.shortest_stay, ids(c)) == (timedelta(0), ids(Choices())),
    ),
    "half an hour of slack": (
        "[rules]\ndeparture_slack_hours = 0.5",
        lambda c: (c.rules.departure_slack, ids(c)) == (timedelta(minutes=30), ids(Choices())),
    ),
    "no six fields": ("[qr]\naccept_six_fields = false", lambda c: c.card == CardPolicy(accept_six_fields=False)),
    "the ninth field": ("[qr.extra_mapping]\ncancelled_number = 9", lambda c: c.card.cancelled_number_in == 1),
    "other sentinels": ('[mrz]\nno_expiry_values = ["351225"]', lambda c: c.no_expiry == ("351225",)),
    "no sentinels": ("[mrz]\nno_expiry_values = []", lambda c: c.no_expiry == ()),
    "zero is never": ("[undeclared]\nunanswered_after_hours = 0", lambda c: c.patience.unanswered_after is None),
    "hours": (
        "[undeclared]\nunanswered_after_hours = 24\nnew_visit_after_hours = 12\npending_grace_hours = 1.5",
        lambda c: (
            c.patience
            == Patience(
                unanswered_after=timedelta(hours=24), new_visit_after=timedelta(hours=12), pending_grace=timedelta(minutes=90)
            )
        ),
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_choice_is_taken(name):
    text, holds = GOOD[name]
    assert holds(parse_choices(text.encode()))


BAD = {
    "no TOML": (b"[rules", "choices.not_toml", "", ""),
    "no text": (b"\xff", "choices.not_toml", "", ""),
    "a table that does not exist": (b"[rule]", "choices.unknown_setting", "/rule", "did you mean rules?"),
    "a key that does not exist": (b"[rules]\ncutof_inclusive = true", "choices.unknown_setting", "/rules/cutof_inclusive", "did you mean cutoff_inclusive?"),
    "a key in the wrong table": (b"[qr]\nextra = 1", "choices.unknown_setting", "/qr/extra", "extra"),
    "a policy nobody knows": (b'[rules]\nafter_midnight_policy = "whenever"', "choices.invalid_setting", "/rules/after_midnight_policy", "whenever"),
    "a word for a truth": (b'[qr]\naccept_six_fields = "no"', "choices.invalid_setting", "/qr/accept_six_fields", "bool"),
    "a field the card has no name for": (b"[qr.extra_mapping]\nparent = 9", "choices.unknown_setting", "/qr/extra_mapping/parent", "parent"),
    "a field before the eighth": (b"[qr.extra_mapping]\ncancelled_number = 7", "choices.invalid_setting", "/qr/extra_mapping/cancelled_number", ">= 8"),
    "a date that is none": (b'[mrz]\nno_expiry_values = ["never"]', "choices.invalid_setting", "/mrz/no_expiry_values/0", "regex"),
    "negative hours": (b"[undeclared]\npending_grace_hours = -1", "choices.invalid_setting", "/undeclared/pending_grace_hours", ">= 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_refused_with_its_place(name):
    data, code, pointer, said = BAD[name]
    with pytest.raises(Malformed) as refusal:
        parse_choices(data)
    assert (refusal.value.code, refusal.value.pointer) == (code, pointer)
    assert said in refusal.value.detail
    assert code in catalogue()


def test_a_further_rule_set_takes_over_on_its_day_and_not_before():
    rules = parse_choices(b"", extra={"2027.toml": LATER_CUTOFF.encode()}).rules
    found = [rules.rule_set_for(parse_instant(f"{day}T12:00:00+07:00")) for day in ("2026-12-31", "2027-01-01")]
    assert [(each.id, each.cutoff_hour) for each in found] == [("stay-2026-07-01", 23), ("stay-2027-01-01", 22)]


BAD_RULES = {
    "beginning on the same day": (NEXT.replace("2027-01-01\n", "2026-07-01\n", 1), "choices.rules_overlap"),
    "while an earlier one says it is valid": (NEXT.replace("valid_from = 2027", "valid_from = 2025"), "choices.rules_overlap"),
    "ending before it begins": (NEXT.replace("\narticle", "\nvalid_to = 2026-12-31\narticle", 1), "choices.rules_overlap"),
    "with an id there is": (NEXT.replace('"stay-2027-01-01"', '"stay-2026-07-01"'), "choices.rules_id_twice"),
    "with an id like a choice": (NEXT.replace('"stay-2027-01-01"', '"stay+x"'), "choices.invalid_setting"),
    "with a 24th hour": (NEXT.replace("cutoff_hour = 23", "cutoff_hour = 24"), "choices.invalid_setting"),
    "without its source": (NEXT.replace("source =", "# source ="), "choices.invalid_setting"),
    "with a word misspelt": (NEXT.replace("max_days", "max_day"), "choices.unknown_setting"),
}


@pytest.mark.parametrize("name", BAD_RULES)
def test_a_further_rule_set_is_refused(name):
    text, code = BAD_RULES[name]
    with pytest.raises(Malformed) as refusal:
        parse_choices(b"", extra={"mine.toml": text.encode()})
    assert refusal.value.code == code, refusal.value


def test_the_folder_of_further_rules_lies_beside_the_file(tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "more/next.toml").write_text(NEXT, "utf-8")
    (tmp_path / "more/notes.txt").write_text("not a rule", "utf-8")
    (tmp_path / "choices.toml").write_text('[rules]\nextra = "more"', "utf-8")
    assert ids(load_choices(tmp_path / "choices.toml"))[-1] == "stay-2027-01-01"
    (tmp_path / "choices.toml").write_text('[rules]\nextra = "less"', "utf-8")
    with pytest.raises(Malformed, match=r"choices\.unreadable"):
        load_choices(tmp_path / "choices.toml")


def test_every_choice_is_documented():
    section = (ROOT / "docs/settings.md").read_text("utf-8").partition("\n## Choices\n")[2].partition("\n## ")[0]
    assert not [name for name in names_in(ChoicesFile) if name not in section]


def asked(*arguments, stdin, choices, tmp_path):
    file = tmp_path / "choices.toml"
    file.write_text(choices, "utf-8")
    command = [sys.executable, "-m", "luutru", *arguments, "--jsonl", "--choices", str(file)]
    done = subprocess.run(command, input=stdin.encode(), capture_output=True, timeout=60, check=False)
    return json.loads(done.stdout) if done.stdout else done.stderr.decode()


DECLARATION = json.loads((ROOT / "tests/vectors/declaration/checked.json").read_text("utf-8"))["cases"][0]["input"]
COMMANDS = {
    "deadline": (
        ["deadline"],
        json.dumps({"arrival": "2026-07-11T00:10:00+07:00", "premises_kind": "hotel"}),
        '[rules]\nafter_midnight_policy = "night_before"',
        lambda found: found["due"] == "2026-07-11T08:00:00+07:00" and found["rule_set"] == "stay-2026-07-01+night-before",
    ),
    "declaration check": (
        ["declaration", "check"],
        json.dumps(DECLARATION),
        "[rules]\ncutoff_inclusive = false",
        lambda found: found["rule_set"].endswith("+not-cutoff-inclusive"),
    ),
    "card parse": (["card", "parse"], SIX_FIELDS, "[qr]\naccept_six_fields = false", lambda found: not found["ok"]),
    "mrz parse": (
        ["mrz", "parse"],
        json.dumps({"lines": ZONE}),
        '[mrz]\nno_expiry_values = ["351225"]',
        lambda found: found["fields"]["expiry"] is None and found["problems"][0]["code"] == "mrz.no_expiry",
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_answers_by_the_choices(name, tmp_path):
    arguments, line, choices, holds = COMMANDS[name]
    assert not holds(asked(*arguments, stdin=line + "\n", choices="", tmp_path=tmp_path))
    assert holds(asked(*arguments, stdin=line + "\n", choices=choices, tmp_path=tmp_path))


def test_a_wrong_file_is_wrong_use_and_names_the_setting(tmp_path):
    said = asked("deadline", stdin="", choices="[rules]\ncutof = 1", tmp_path=tmp_path)
    assert "/rules/cutof" in said
