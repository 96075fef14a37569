"""What disagrees in one person's data, as cases; shares whose interval holds them; choices that replace the built-in days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.choices import parse_choices
from residence.cleaning.judging import (
    LivedAt,
    against_number,
    is_age_implausible,
    is_parent_too_young,
    overlapping,
    stale_fields,
)
from residence.cleaning.rules import RULES, CleaningChoices, due_on
from residence.cleaning.shares import share_of
from residence.errors import Malformed, catalogue
from residence.people.person import PartialDate

TODAY = date(2026, 7, 10)
CHOICES = CleaningChoices()


def born(value: str) -> PartialDate:
    return PartialDate(value=value, precision={4: "year", 7: "month", 10: "day"}[len(value)])


def test_every_rule_has_a_sentence_in_both_languages_and_ends_somehow():
    for rule in RULES.values():
        assert set(catalogue()[rule.code]) == {"severity", "vi", "en"}
        assert len(rule.outcomes) > 1


@pytest.mark.parametrize(
    ("number", "sex", "birth", "found"),
    [
        ("001095000117", "male", "1995-02-01", set()),
        ("001095000117", "female", "1995-02-01", {"number_against_sex"}),
        ("001095000117", "male", "1996", {"number_against_birth"}),
        ("001195000117", "male", "1994-12-31", {"number_against_sex", "number_against_birth"}),
        ("001095000117", None, None, set()),
        ("not a number", "male", "1995", set()),
    ],
)
def test_a_number_disagrees_with_the_sex_and_the_year_its_digits_do_not_say(number, sex, birth, found):
    assert against_number(number, sex=sex, birth=born(birth) if birth else None) == found


@pytest.mark.parametrize(
    ("birth", "implausible"),
    [("1911", False), ("1910-12-31", True), ("2026-07-10", False), ("2026-07-11", True), ("2026-08", True), (None, False)],
)
def test_an_age_is_implausible_beyond_the_oldest_and_before_birth(birth, implausible):
    assert is_age_implausible(born(birth) if birth else None, today=TODAY, choices=CHOICES) is implausible


@pytest.mark.parametrize(
    ("parent", "child", "implausible"),
    [("1980", "1992-01-01", False), ("1980-12-31", "1991", True), ("1991", "1980", True), (None, "1980", False)],
)
def test_a_parent_is_years_older_than_a_child(parent, child, implausible):
    assert is_parent_too_young(born(parent) if parent else None, born(child), CHOICES) is implausible


def home(own_id, kind="permanent", place="p-1", unit="", span=("2020-01-01", None)):
    return LivedAt(own_id, kind, place, unit, *span)


@pytest.mark.parametrize(
    ("homes", "found"),
    [
        ([home("a"), home("b", place="p-2")], ("a", "b")),
        ([home("a"), home("b", place="p-2", kind="temporary")], ()),
        ([home("a"), home("b")], ()),
        ([home("a"), home("b", unit="2")], ("a", "b")),
        ([home("a", span=("2020-01-01", "2020-12-31")), home("b", place="p-2", span=("2021-01-01", None))], ()),
        ([home("a", span=("2020-01-01", "2021-01-01")), home("b", place="p-2", span=("2021-01-01", None))], ("a", "b")),
    ],
)
def test_two_homes_of_one_kind_at_a_time_disagree(homes, found):
    assert overlapping(homes) == overlapping(homes[::-1]) == found


def test_a_field_is_stale_after_the_communes_own_time():
    now = datetime(2026, 7, 10, tzinfo=UTC)
    confirmed = {"residence": now - timedelta(days=40), "birth": now - timedelta(days=40)}
    assert stale_fields(confirmed, now=now, choices=CHOICES) == ()
    assert stale_fields(confirmed, now=now, choices=CleaningChoices(fresh_days={"residence": 30})) == ("residence",)


def test_a_commune_chooses_days_ages_and_kinds_in_the_file_of_choices():
    chosen = parse_choices(b'[cleaning]\noldest_age = 110\nowned_kinds = ["hotel"]\n[cleaning.due_days]\nstale = 7\n').cleaning
    assert (chosen.oldest_age, [each.value for each in chosen.owned_kinds]) == (110, ["hotel"])
    assert due_on(RULES["stale"], TODAY, chosen) == date(2026, 7, 17)
    for wrong in (b"[cleaning]\noldest = 1\n", b"[cleaning.due_days]\nzebra = 1\n", b"[cleaning]\nphone_homes = 1\n"):
        with pytest.raises(Malformed, match=r"choices\."):
            parse_choices(wrong)


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_shares_interval_holds_it_and_narrows_with_more(part, whole):
    part = min(part, whole)
    once, often = share_of(part, whole), share_of(part * 100, whole * 100)
    assert 0 <= once.low <= once.share <= once.high <= 1
    assert often.high - often.low <= once.high - once.low


def test_of_nothing_there_is_no_share():
    assert (share_of(0, 0).share, share_of(0, 0).low, share_of(0, 0).high) == (None, 0.0, 1.0)
