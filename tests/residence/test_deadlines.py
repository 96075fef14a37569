"""By when a stay must be declared, on both sides of every change and open question."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.clock import VIETNAM, parse_instant, rfc3339
from residence.errors import LuutruError
from residence.stays.deadlines import deadline
from residence.stays.rules import load_rule_book

RULES = load_rule_book()
CASES = json.loads((Path(__file__).parents[1] / "vectors/deadline/edge-cases.json").read_text("utf-8"))["cases"]
ANSWERABLE = [case for case in CASES if "problem" not in case["expect"]]
moments = st.datetimes(datetime(2021, 7, 2), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone


@pytest.mark.parametrize("case", ANSWERABLE, ids=lambda case: case["name"])
def test_worked_edge_case(case):
    asked = case["input"]
    limit = deadline(
        parse_instant(asked["arrival"]),
        premises_kind=asked["premises_kind"],
        person=asked["person"],
        remote_area=asked["remote_area"],
        rules=RULES.with_choices(**case.get("choices", {})),
    )
    assert {"due": rfc3339(limit.due), "rule": limit.rule, "rule_set": limit.rule_set} == case["expect"]
    assert ("33" if asked["person"] == "foreigner" else "30") in limit.article


@given(moments)
def test_a_citizen_always_has_between_nothing_and_a_day(arrival):
    limit = deadline(arrival, premises_kind="hotel", person="citizen", rules=RULES)
    assert timedelta(0) < limit.due - arrival <= timedelta(hours=23)
    assert limit.due.astimezone(VIETNAM).hour in {8, 23}


@given(moments, st.booleans())
def test_a_foreigner_has_the_same_hours_at_any_hour(arrival, remote):
    limit = deadline(arrival, premises_kind="hotel", person="foreigner", remote_area=remote, rules=RULES)
    assert limit.due - arrival == timedelta(hours=24 if remote else 12)


@given(moments, st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3)))
def test_who_comes_later_is_never_due_earlier(arrival, wait):
    first, later = (
        deadline(each, premises_kind="hotel", person="citizen", rules=RULES).due for each in (arrival, arrival + wait)
    )
    assert first <= later


def test_the_limit_itself_is_late_and_the_second_before_is_not():
    limit = deadline(parse_instant("2026-07-10T14:00:00+07:00"), premises_kind="hotel", person="citizen", rules=RULES)
    assert limit.is_late(limit.due)
    assert not limit.is_late(limit.due - timedelta(seconds=1))


def test_an_unknown_kind_of_premises_is_not_judged():
    with pytest.raises((ValueError, LuutruError)):
        deadline(parse_instant("2026-07-10T14:00:00+07:00"), premises_kind="castle", person="citizen", rules=RULES)
