"""The catalogue of codes as data and by API: what each means, how to mend it, who has to act; fetched again only when it changed."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import pytest

from residence.errors import catalogue
from residence.errors.guide import entry, guide, halves, who_acts

PATH = "/api/v1/errors"


@pytest.mark.parametrize("each", guide(), ids=lambda each: each.code)
def test_every_code_says_what_to_do_and_who(each):
    for text in (each.meaning.vi, each.meaning.en, each.mend.vi, each.mend.en, each.who.vi, each.who.en):
        assert text == text.strip()
        assert text
    whole = catalogue()[each.code]["en"]
    names = re.compile(r"\{\w+\}")
    assert set(names.findall(whole)) == set(names.findall(each.meaning.en + each.mend.en))  # no value is lost where it is cut


def test_nobody_acts_on_codes_that_are_not_there():
    acts = tomllib.loads(resources.files("residence.errors").joinpath("acting.toml").read_text("utf-8"))["acts"]
    first_words = {code.partition(".")[0] for code in catalogue()}
    assert not first_words - acts.keys(), "say in residence/errors/acting.toml who acts on these"
    assert not [name for name in acts if name not in first_words and name not in catalogue()]


CUT = {
    "It is late; declare now.": ("It is late.", "Declare now."),
    "It is late. Declare now. Or later.": ("It is late.", "Declare now. Or later."),
    "It is late": ("It is late", ""),
    "Give 2.5 or more.": ("Give 2.5 or more.", ""),
}


@pytest.mark.parametrize(("sentence", "expected"), CUT.items())
def test_a_sentence_is_cut_where_it_turns_to_what_to_do(sentence, expected):
    assert halves(sentence) == expected


def test_a_whole_code_goes_before_its_first_word():
    assert (who_acts("authority.refused"), who_acts("authority.login_refused")) == ("clerk", "operator")
    assert entry("authority.no_answer").acts == "nobody"


def test_it_is_served_to_everybody_and_not_twice(world):
    client = world.client()
    first = client.get(PATH)
    assert first.status_code == 200
    assert [each["code"] for each in first.json()] == sorted(catalogue())
    assert set(first.json()[0]) == {"code", "severity", "meaning", "mend", "acts", "who"}
    tag = first.headers["etag"]
    for known in (tag, f'W/{tag}, "other"', "*"):
        again = client.get(PATH, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
    assert client.get(PATH, headers={"if-none-match": '"other"'}).status_code == 200
