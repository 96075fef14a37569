"""Each reader's driver has a quality file: every rule answered, what is done shown by a test that exists, what is not said with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from firmware_config import driver_quality
from firmware_config.driver_quality import Kept, Quality, drivers, quality_of, rules
from firmware_config.profiles import ReaderKind
from residence.errors import Malformed

ROOT = Path(__file__).resolve().parents[2]
PLAYED = {"cards", "images", "video"}  # sources that are no device


def test_every_kind_of_device_a_profile_can_name_has_one():
    kinds = set(get_args(ReaderKind))
    assert kinds - PLAYED <= set(drivers())
    assert {"pcsc", "pn532", "text", "osdp", "printer"} <= set(drivers())


@pytest.mark.parametrize("driver", drivers())
def test_what_is_said_to_be_done_is_shown_by_a_test_that_exists(driver):
    quality = quality_of(driver)
    assert list(quality.rules) == [rule.name for rule in rules()]
    for kept in quality.rules.values():
        if kept.status == "done":
            path, _, test = kept.proof.partition("::")
            assert f"def {test}(" in (ROOT / path).read_text("utf-8") if test else (ROOT / path).is_file(), kept.proof


def answers(**todo):
    return {rule.name: Kept(status=todo.get(rule.name.replace("-", "_"), "done"), proof="x", vi="x", en="x") for rule in rules()}


@pytest.mark.parametrize(
    ("todo", "tier"),
    [
        ({}, "platinum"),
        ({"tried_on_hardware": "todo"}, "gold"),
        ({"tried_on_hardware": "exempt"}, "platinum"),
        ({"simulator": "todo"}, "silver"),
        ({"hostile_input": "todo", "simulator": "todo"}, "bronze"),
        ({"comes_back": "todo"}, "none"),
    ],
)
def test_a_tier_needs_everything_of_it_and_of_those_before(todo, tier):
    assert Quality(vi="x", en="x", rules=answers(**todo)).tier == tier


@pytest.mark.parametrize("wrong", ["a rule left out", "no proof", "no reason"])
def test_a_file_with_an_unfounded_answer_is_refused(wrong, monkeypatch):
    kept = {rule.name: {"status": "done", "proof": "x"} for rule in rules()}
    if wrong == "a rule left out":
        kept.pop("simulator")
    else:
        kept["simulator"] = {"status": "done"} if wrong == "no proof" else {"status": "exempt", "en": "only in one language"}
    monkeypatch.setattr(driver_quality, "_read", lambda _: {"vi": "x", "en": "x", "rules": kept})
    with pytest.raises(Malformed, match=r"driver\.invalid_setting"):
        quality_of.__wrapped__("made up")


def test_operators_see_tiers_exemptions_and_what_is_still_to_be_done(world):
    page = world.client("operator").get("/operators/readers")
    for words in (
        "Serial scanner (GM65",
        "<strong>Gold</strong>",
        "<strong>Silver</strong>",
        "No real device was at hand.",
        "no settings of its own",
    ):
        assert words in page.text, words
    assert "/operators/readers" in world.client("operator").get("/operators/kiosks").text
    assert world.client("clerk").get("/operators/readers").status_code == 403
