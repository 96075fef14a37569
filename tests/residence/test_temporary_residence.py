"""Temporary residence by its dated rules: where a stay ends and it begins, how long, renewed when, ended how."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.errors import has_errors
from residence.stays.rules import load_rule_book
from residence.stays.temporary import Asked, Home, check_move_out, check_registration, check_renewal, last_possible, standing

RULES = load_rule_book().temporary_for(date(2026, 7, 10))
TODAY = date(2026, 7, 10)


def asked(first="2026-07-10", last="2027-07-09", commune="here"):
    return Asked(premises_id="rnt", commune_code=commune, first=date.fromisoformat(first), last=date.fromisoformat(last))


def home(kind="temporary", first="2025-01-01", last="2026-12-31", *, place="rnt", commune="here"):
    last = date.fromisoformat(last) if last else None
    return Home(kind=kind, premises_id=place, commune_code=commune, first=date.fromisoformat(first), last=last)


ELSEWHERE = home("permanent", last=None, place="far", commune="there")
REGISTERING = {
    "a year": (asked(), (), []),
    "two years to the day": (asked(last="2028-07-09"), (), []),
    "a day more than two years": (asked(last="2028-07-10"), (), ["residence.too_long"]),
    "thirty days": (asked(last="2026-08-08"), (), []),
    "twenty-nine days are a stay": (asked(last="2026-08-07"), (), ["residence.too_short"]),
    "ending before it begins": (asked(last="2026-07-09"), (), ["residence.days"]),
    "living for good in another commune": (asked(), (ELSEWHERE,), []),
    "living for good in this commune": (asked(), (home("permanent", last=None, place="far"),), ["residence.own_commune"]),
    "having lived for good in this commune": (asked(), (home("permanent", last="2026-07-09", place="far"),), []),
    "registered here already": (asked(), (home(),), ["residence.already_here"]),
    "registered here until yesterday": (asked(), (home(last="2026-07-09"),), []),
    "registered elsewhere, too": (asked(), (home(place="far", commune="there"),), ["residence.elsewhere"]),
}


@pytest.mark.parametrize("name", REGISTERING)
def test_registering(name):
    wanted, homes, codes = REGISTERING[name]
    assert [each.code for each in check_registration(wanted, homes, rules=RULES)] == codes


def test_who_has_another_temporary_residence_is_told_and_not_refused():
    assert not has_errors(check_registration(asked(), (home(place="far"),), rules=RULES))


RENEWING = {
    "sixteen days before": ("2026-12-15", "2028-12-31", ["residence.renew_early"]),
    "fifteen days before": ("2026-12-16", "2028-12-31", []),
    "on the last day": ("2026-12-31", "2028-12-31", []),
    "the day after": ("2027-01-01", "2028-12-31", ["residence.ended"]),
    "for more than two years more": ("2026-12-16", "2029-01-01", ["residence.too_long"]),
    "to no later day": ("2026-12-16", "2026-12-31", ["residence.days"]),
    "before it begins": ("2024-12-31", "2028-12-31", ["residence.renew_early"]),
}


@pytest.mark.parametrize("name", RENEWING)
def test_renewing(name):
    today, last, codes = RENEWING[name]
    found = check_renewal(home(), date.fromisoformat(last), today=date.fromisoformat(today), rules=RULES)
    assert [each.code for each in found] == codes


@pytest.mark.parametrize("registered", [home("permanent", last=None), home("permanent"), home(last=None)])
def test_only_a_temporary_residence_with_a_last_day_is_renewed(registered):
    assert [each.code for each in check_renewal(registered, TODAY, today=TODAY, rules=RULES)] == ["residence.not_temporary"]


MOVING_OUT = {
    "today": (home(), "2026-07-10", []),
    "last week": (home(), "2026-07-03", []),
    "tomorrow": (home(), "2026-07-11", ["residence.move_out_ahead"]),
    "before the first day": (home(), "2024-12-31", ["residence.move_out_outside"]),
    "after the last day": (home(last="2026-07-01"), "2026-07-02", ["residence.move_out_outside"]),
    "without a last day": (home(last=None), "2026-07-10", []),
    "from a permanent residence": (home("permanent", last=None), "2026-07-10", ["residence.not_temporary"]),
}


@pytest.mark.parametrize("name", MOVING_OUT)
def test_moving_out(name):
    registered, day, codes = MOVING_OUT[name]
    assert [each.code for each in check_move_out(registered, date.fromisoformat(day), today=TODAY)] == codes


STANDING = {
    "2024-12-31": "to_come",
    "2025-01-01": "holds",
    "2026-12-15": "holds",
    "2026-12-16": "to_renew",
    "2027-01-01": "ended",
}


@pytest.mark.parametrize(("day", "expected"), STANDING.items())
def test_how_it_stands(day, expected):
    assert standing(home(), today=date.fromisoformat(day), rules=RULES) == expected


LAST_DAYS = {
    ("2026-07-10", 24): "2028-07-09",
    ("2024-02-29", 24): "2026-02-28",
    ("2026-01-31", 1): "2026-02-28",
    ("2026-01-30", 1): "2026-02-28",
    ("2026-08-31", 6): "2027-02-28",
    ("2026-01-01", 24): "2027-12-31",
}


@pytest.mark.parametrize(("asked_for", "expected"), LAST_DAYS.items())
def test_the_last_day_of_so_many_months(asked_for, expected):
    assert last_possible(date.fromisoformat(asked_for[0]), months=asked_for[1]) == date.fromisoformat(expected)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 60), st.integers(1, 60))
def test_more_months_and_later_days_never_end_earlier(first, months, more):
    last = last_possible(first, months=months)
    assert last_possible(first, months=months + more) > last
    assert last_possible(first + timedelta(days=1), months=months) >= last
    assert 28 * months - 1 <= (last - first).days < 31 * months


@given(st.dates(date(2024, 12, 1), date(2027, 2, 1)), st.dates(date(2024, 12, 1), date(2029, 12, 31)))
def test_who_can_renew_can_move_out_and_nobody_renews_what_has_ended(today, last):
    registered = home()
    if not check_renewal(registered, last, today=today, rules=RULES):
        assert not check_move_out(registered, today, today=today)
        assert standing(registered, today=today, rules=RULES) == "to_renew"
        assert last > registered.last
