"""An evening lasts until its last arrival is due, by the dated rules."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.clock import VIETNAM
from residence.stays.deadlines import deadline
from residence.stays.evening import evening_ends, evening_of
from residence.stays.rules import load_rule_book

RULES = load_rule_book()


@pytest.mark.parametrize(
    ("local", "day"),
    [
        ("2026-07-10T14:00", "2026-07-10"),
        ("2026-07-10T23:59", "2026-07-10"),
        ("2026-07-11T02:30", "2026-07-10"),
        ("2026-07-11T07:59", "2026-07-10"),
        ("2026-07-11T08:00", "2026-07-11"),
        ("2026-07-01T03:00", "2026-06-30"),
    ],
)
def test_the_night_belongs_to_the_evening_before_it(local, day):
    assert evening_of(datetime.fromisoformat(local).replace(tzinfo=VIETNAM), RULES) == date.fromisoformat(day)


def test_a_later_morning_hour_of_the_rules_makes_the_evening_longer():
    rules = RULES.with_choices(late_deadline_hour=10)
    assert evening_of(datetime(2026, 7, 11, 9, 30, tzinfo=VIETNAM), rules) == date(2026, 7, 10)


@given(st.integers(0, 8 * 365 * 24 * 60).map(lambda minutes: datetime(2022, 1, 1, tzinfo=VIETNAM) + timedelta(minutes=minutes)))
def test_whoever_comes_before_midnight_is_due_before_the_evening_ends_or_at_its_end(moment):
    day = evening_of(moment, RULES)
    if moment.date() == day:
        due = deadline(moment, premises_kind="hotel", person="citizen", rules=RULES).due
        assert due <= evening_ends(day, RULES)
