"""The kiosk's six catalogues: nothing missing, nothing that cannot be filled in, every problem said in words of its language."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import get_args

import pytest

from edge_agent.kiosk.texts import Texts, forms_of, lang_tag
from firmware_config.profiles import Language
from residence.clock import VIETNAM
from residence.errors import catalogue, problem

LANGUAGES = get_args(Language)
OTHERS = [each for each in LANGUAGES if each not in {"vi", "en"}]
KIOSK = Path(__file__).parents[2] / "edge_agent" / "kiosk"
# What a person can be told of a card, of what was typed, of a stay: these areas' codes, and those of the kiosk itself.
TOLD = ("card.", "payload.", "mrz.", "text.", "name.", "document.", "person.", "personal-number.", "old-number.", "declaration.", "stays.", "printer.", "receipt.code", "outbox.disk_full")  # fmt: skip
FRIDAY = datetime(2026, 7, 10, 9, 5, tzinfo=VIETNAM)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_in_every_language_and_takes_the_same_values(language):
    model, said = forms_of("vi"), forms_of(language)
    assert {key for key in said if not key.startswith("problem.")} == model.keys()
    for key, forms in said.items():
        assert all(form.strip() for form in forms), key
        wanted = sorted(set(re.findall(r"{(\w+)", " ".join(model[key])))) if key in model else []
        for form in forms:
            assert sorted(set(re.findall(r"{(\w+)", form))) == wanted, key


def test_every_key_that_stands_in_a_template_or_in_the_code_is_in_the_catalogue():
    keys = forms_of("vi").keys()
    used = set()
    for path in (*KIOSK.rglob("*.html"), *KIOSK.glob("*.py")):
        used |= set(re.findall(r"""\b(?:t|t\.many|own|texts|texts\.many)\("([a-z][\w.-]*\w)"[,)]""", path.read_text("utf-8")))
    assert len(used) > 60
    assert used - keys == set()


@pytest.mark.parametrize("language", OTHERS)
def test_every_problem_a_person_can_meet_is_said_in_words_of_the_language(language):
    texts = Texts(language)
    known = forms_of(language)
    own = {code for path in KIOSK.glob("*.py") for code in re.findall(r'"(kiosk\.\w+)"', path.read_text("utf-8"))}
    for code in {*(own & catalogue().keys()), *(each for each in catalogue() if each.startswith(TOLD))} - {"kiosk.finding_other"}:
        assert f"problem.{code}" in known or f"problem.{code.partition('.')[0]}" in known, code
    assert texts.problem(problem("card.field_count", found=5)) == known["problem.card"][0]
    assert texts.about_code("stays.of-a-newer-registry") == known["problem.stays"][0]
    assert texts.about_code("newer.code") == known["problem.other"][0]


def test_a_key_nobody_translated_is_an_error_and_never_shown():
    with pytest.raises(KeyError):
        Texts("ko")("nobody.wrote.this")
    with pytest.raises(KeyError):
        Texts("ko").many("nobody.wrote.this", 2)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("vi", ["đêm", "đêm", "đêm"]),
        ("en", ["night", "nights", "nights"]),
        ("zh", ["晚", "晚", "晚"]),
        ("ko", ["박", "박", "박"]),
        ("ja", ["泊", "泊", "泊"]),
        ("ru", ["ночь", "ночи", "ночей"]),
    ],
)
def test_nights_are_counted_as_the_language_counts(language, words):
    assert [Texts(language).many("nights.word", count) for count in (1, 3, 7)] == words


@pytest.mark.parametrize(
    ("language", "day", "clock"),
    [
        ("vi", "Thứ Sáu, 10/7/2026", "09:05 ngày 10/7"),
        ("en", "Friday 10/7/2026", "09:05 on 10/7"),
        ("zh", "2026年7月10日 星期五", "7月10日 09:05"),
        ("ko", "2026년 7월 10일 금요일", "7월 10일 09:05"),
        ("ja", "2026年7月10日（金曜日）", "7月10日 09:05"),
        ("ru", "пятница, 10.7.2026", "09:05, 10.7"),
    ],
)
def test_a_day_is_written_the_way_the_language_writes_it(language, day, clock):
    texts = Texts(language)
    assert texts.day(FRIDAY) == day.replace("10.7", "10.07")
    assert texts.clock(FRIDAY) == clock.replace("10.7", "10.07")


def test_han_characters_are_drawn_in_the_shapes_of_their_language():
    assert [lang_tag(each) for each in LANGUAGES] == ["vi", "en", "zh-Hans", "ko", "ja", "ru"]
