"""Somebody is seen, and declares: before the deadline, after a notice, after a case, or without papers. Nothing may stand against them."""

from datetime import timedelta

import factories
import msgspec
import pytest
from sighting_parts import DUE, EVENING, declare, find_in_the_night, rows, run, see

from luutru.system import random_bytes
from registry import cases
from registry.cases import CaseStep
from registry.deletions import carry_out
from registry.retention_policy import read_policy
from residence.access.purposes import Purpose
from residence.cases.closing import ClosingCode
from residence.cases.transitions import CaseAction

SEEN_BEFORE = {
    "an hour before": EVENING - timedelta(hours=1),
    "at noon": EVENING.replace(hour=12),
    "in the morning, more than twelve hours before": EVENING.replace(hour=7),
    "in the night before": EVENING.replace(hour=1),
}


@pytest.mark.parametrize("seen", SEEN_BEFORE.values(), ids=SEEN_BEFORE.keys())
def test_who_is_seen_and_declares_before_the_deadline_gets_no_notice_and_no_case(office, seen):
    person = office.person()
    see(office, person, seen)
    assert len(rows(office, "presences")) == 1
    declare(office, person, EVENING, received=EVENING + timedelta(minutes=1))
    assert rows(office, "presences") == []
    for later in (timedelta(0), timedelta(hours=9), timedelta(hours=26)):
        swept = run(office, DUE + later)
        assert (swept.notices, swept.cases) == (0, 0)


def test_a_declaration_answers_the_notice_and_closes_the_case_nobody_claimed(office):
    person = office.person()
    see(office, person, EVENING)
    find_in_the_night(office, person)
    assert [case.state for case in rows(office, "cases")] == ["open"]
    declare(office, person, EVENING, received=DUE + timedelta(hours=26))
    assert all(notice.answered_at for notice in rows(office, "notices"))
    assert [case.state for case in rows(office, "cases")] == ["closed-declared"]
    assert [event.action for event in sorted(rows(office, "case_events"), key=lambda each: each.at)] == [
        "opened",
        "close-declared",
    ]
    swept = run(office, DUE + timedelta(hours=60))
    assert (swept.notices, swept.cases) == (0, 0)


def test_a_claimed_case_stays_the_officers_and_only_its_notice_is_answered(office):
    person = office.person()
    see(office, person, EVENING)
    find_in_the_night(office, person)
    (case,) = rows(office, "cases")
    with office.registry.writing() as connection:
        claim = CaseStep(action=CaseAction.CLAIM, by="officer", purpose=Purpose.UNDECLARED_CASE)
        cases.act(connection, case.case_id, claim, now=DUE + timedelta(hours=25), random_bytes=random_bytes)
    declare(office, person, EVENING, received=DUE + timedelta(hours=26))
    assert [each.state for each in rows(office, "cases")] == ["claimed"]
    assert all(notice.answered_at for notice in rows(office, "notices"))


def test_somebody_else_declaring_settles_nothing(office):
    see(office, office.person(), EVENING)
    run(office, DUE)
    declare(office, office.person(), EVENING, received=DUE + timedelta(minutes=5))
    assert [notice.answered_at for notice in rows(office, "notices")] == [None]


def test_who_declared_without_papers_and_is_seen_afterwards_is_known(office):
    person = msgspec.structs.replace(office.person(), personal_number=None, document=None)
    declare(office, person, EVENING, received=EVENING + timedelta(minutes=1))
    see(office, person, EVENING + timedelta(minutes=30))
    assert rows(office, "presences") == []


@pytest.mark.parametrize("planned", [None, "2036-07-12T12:00:00+07:00"])
def test_no_stay_explains_who_is_seen_after_thirty_days_until_they_declare_anew(office, planned):
    person, later = office.person(), EVENING + timedelta(days=30, hours=1)
    declare(office, person, EVENING, received=EVENING, planned_departure=planned)
    see(office, person, EVENING + timedelta(days=29))
    assert rows(office, "presences") == []
    see(office, person, later)
    assert run(office, DUE + timedelta(days=30)).notices == 1
    declare(office, person, later, received=DUE + timedelta(days=30, minutes=5))
    assert rows(office, "presences") == []
    assert all(notice.answered_at for notice in rows(office, "notices"))


def test_a_namesake_with_another_number_is_somebody_else(office):
    person = office.person()
    declare(office, person, EVENING, received=EVENING + timedelta(minutes=1))
    other = msgspec.structs.replace(factories.make_person(), full_name=person.full_name, birth=person.birth)
    see(office, other, EVENING + timedelta(minutes=30))
    assert len(rows(office, "presences")) == 1


@pytest.mark.parametrize("year", [1970, 2099])
def test_a_kiosk_whose_clock_says_any_year_cannot_keep_a_presence_longer(office, year):
    see(office, office.person(), EVENING.replace(year=year), received=EVENING)
    assert run(office, EVENING + timedelta(days=13)).notices == 0
    assert deleted(office, EVENING + timedelta(days=14) - timedelta(seconds=1)) == {}
    assert deleted(office, EVENING + timedelta(days=14)) == {"presence": 1}


def deleted(office, at):
    report = carry_out(office.registry, read_policy(), clock=factories.StandingClock(at), by="test")
    return {each.name: each.rows for each in report.deleted if each.rows}


DECLARED_AT = {"a second before": (-1, True), "at the instant": (0, False), "a second after": (1, False)}


@pytest.mark.parametrize(("seconds", "on_time"), DECLARED_AT.values(), ids=DECLARED_AT.keys())
def test_on_time_means_before_the_deadline_as_the_sweep_says_it(office, seconds, on_time):
    receipt = declare(office, office.person(), EVENING, received=DUE + timedelta(seconds=seconds))
    assert receipt.on_time is on_time


def test_a_case_an_officer_closed_is_not_opened_again_by_the_next_sweep(office):
    person = office.person()
    see(office, person, EVENING)
    find_in_the_night(office, person)
    (case,) = rows(office, "cases")
    with office.registry.writing() as connection:
        claim = CaseStep(action=CaseAction.CLAIM, by="officer", purpose=Purpose.UNDECLARED_CASE)
        close = CaseStep(action=CaseAction.CLOSE_EXPLAINED, by="officer", code=ClosingCode.MOVED_ON)
        for step in (claim, close):
            cases.act(connection, case.case_id, step, now=DUE + timedelta(hours=25), random_bytes=random_bytes)
    swept = run(office, DUE + timedelta(hours=26))
    assert (swept.notices, swept.cases) == (0, 0)
    assert [each.state for each in rows(office, "cases")] == ["closed-explained"]
    assert all(notice.answered_at for notice in rows(office, "notices"))
