"""What has run out: a grace first, every innocent explanation of its rule, and the dated rules named."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.cases.lapses import NOTICES, TRIED, Candidate, LapseChoices, end_of, judge
from residence.clock import parse_instant
from residence.stays.rules import load_rule_book

RULES = load_rule_book()
ENDED = end_of("2026-07-08")
USUAL = LapseChoices()
CASES = [(rule, excuse) for rule, excuses in TRIED.items() for excuse in excuses]


def candidate(rule, *excuses, **changes):
    known = {"row_id": "r-1", "premises_id": "rnt", "commune_code": "demo-01", "unit": None, "person_id": "p-1", "ended": ENDED}
    return Candidate(**(known | {"rule": rule, "excuses": frozenset(excuses)} | changes))


def found(each, after=timedelta(days=2), choices=USUAL):
    return judge(each, rules=RULES, now=ENDED + after, choices=choices)


def test_a_day_is_over_at_midnight_in_vietnam():
    assert end_of("2026-07-08") == parse_instant("2026-07-09T00:00:00+07:00")


@pytest.mark.parametrize("rule", TRIED)
def test_nothing_is_said_before_the_grace_is_over(rule):
    assert found(candidate(rule), timedelta(hours=23, minutes=59)) is None
    assert found(candidate(rule), timedelta(hours=24)).since == date(2026, 7, 9)
    assert found(candidate(rule), timedelta(0), LapseChoices(grace_hours=0)) is not None


@pytest.mark.parametrize(("rule", "excuse"), CASES)
def test_one_explanation_that_holds_is_enough(rule, excuse):
    assert found(candidate(rule, excuse)) is None


@given(st.sampled_from(list(TRIED)), st.sets(st.sampled_from(sorted({each for _, each in CASES}))), st.integers(0, 60 * 24))
def test_what_is_found_is_past_its_grace_and_unexplained_and_says_what_was_tried(rule, excuses, hours):
    lapse = found(candidate(rule, *excuses), timedelta(hours=hours))
    assert (lapse is not None) == (hours >= 24 and not excuses & set(TRIED[rule]))
    assert lapse is None or (lapse.tried == TRIED[rule] and lapse.rule_set and lapse.article)


LAWS = {
    "temporary_expired": ("temporary-2026-07-01", "27"),
    "stay_too_long": ("temporary-2026-07-01", "27"),
    "stay_overrun": ("stay-2021-07-01", "30"),
    "permit_ended": ("stay-2026-07-01", "47/2014"),
}


@pytest.mark.parametrize("rule", LAWS)
def test_each_names_the_rules_it_was_judged_by(rule):
    began = (
        parse_instant("2026-06-30T12:00:00+07:00") if rule.startswith("stay") else None
    )  # a stay is judged by those of its start
    lapse = found(candidate(rule, began=began))
    assert lapse.rule_set == LAWS[rule][0]
    assert LAWS[rule][1] in lapse.article


def test_a_full_house_is_told_at_once_and_to_nobody_but_the_officer():
    assert found(candidate("over_capacity", at_once=True), timedelta(0)) is not None
    assert "over_capacity" not in NOTICES
