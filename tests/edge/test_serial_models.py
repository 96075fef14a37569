"""The files that describe scanners: those shipped are whole and honest, and a wrong one of an installer is refused with its place."""

from __future__ import annotations

import pytest

from edge_agent.scanner_protocols.dialects import DIALECTS
from firmware_config.scanner_models import TextSetting, load_model, parse_model, shipped_models
from residence.errors import Malformed


@pytest.mark.parametrize("name", shipped_models())
def test_a_shipped_model_says_how_every_wish_is_met_or_why_it_cannot_be(name):
    model = load_model(name)
    told = {each.name for each in model.settings} | {each.name for each in model.not_possible}

    assert model.name == name
    assert told >= {"encoding", "line-end", "setup-code-lock"}
    assert "115200" in model.baud_codes
    assert all(each.source and each.why for each in model.settings)


@pytest.mark.parametrize("name", shipped_models())
def test_every_setting_can_be_written_in_the_models_protocol(name):
    model = load_model(name)
    dialect = DIALECTS[model.protocol]
    for setting in model.settings:
        assert dialect.write(setting, b"\x00")
        assert (dialect.read(setting) is None) <= (isinstance(setting, TextSetting) or model.protocol != "grow")
    for code in model.baud_codes.values():
        assert dialect.set_baud(code)


SMALL = """
name = "own"
protocol = "grow"
about = "a module of the installer's"
sources = ["its manual"]
probe_rates = [9600]
[baud_codes]
9600 = "3901"
[[settings]]
by = "register"
name = "line-end"
why = "CR LF"
source = "its manual"
address = 0x0060
value = 0x20
"""


def test_an_installers_own_file_takes_the_place_of_a_model(tmp_path):
    (tmp_path / "own.toml").write_text(SMALL, "utf-8")

    assert load_model("own.toml", folder=tmp_path).setting("line-end").address == 0x60


WRONG = {
    "a misspelt key": (SMALL.replace("value =", "valeu ="), "scanner-model.unknown_setting", "valeu"),
    "a register that does not exist": (SMALL.replace("0x0060", "70000"), "scanner-model.invalid_setting", "65535"),
    "a command in a model of registers": (
        SMALL.replace('by = "register"', 'by = "command"').replace("address = 0x0060\nvalue = 0x20", 'tag = "SCM"'),
        "scanner-model.invalid_setting",
        "not for protocol grow",
    ),
    "two commands in one": (
        SMALL.replace('by = "register"', 'by = "command"').replace("address = 0x0060\nvalue = 0x20", 'tag = "SCM.DEFALT"'),
        "scanner-model.invalid_setting",
        "regex",
    ),
    "half a baud code": (SMALL.replace('"3901"', '"39"'), "scanner-model.invalid_setting", "two hexadecimal bytes"),
    "a name twice": (SMALL + SMALL[SMALL.index("[[settings]]") :], "scanner-model.invalid_setting", "twice"),
    "no TOML": ("name = [", "scanner-model.not_toml", ""),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_refused_with_a_hint(name):
    text, code, hint = WRONG[name]
    with pytest.raises(Malformed) as caught:
        parse_model(text.encode())
    assert caught.value.code == code
    assert hint in caught.value.detail


@pytest.mark.parametrize("name", ["gm99", "missing.toml"])
def test_a_model_nobody_knows_is_refused(name, tmp_path):
    with pytest.raises(Malformed, match=r"scanner\.model_unknown"):
        load_model(name, folder=tmp_path)


def test_a_setting_the_model_has_not_is_refused_with_those_it_has():
    with pytest.raises(Malformed, match=r"scanner\.setting_unknown") as caught:
        load_model("gm65").chosen(("volume",))
    assert "line-end" in caught.value.detail
