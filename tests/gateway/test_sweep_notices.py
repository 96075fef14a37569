"""The sweep on a real registry: a notice first, a case later, each with its rule; sweeping again changes nothing."""

from datetime import datetime, timedelta

import authority
import pytest
from factories import StandingClock
from sqlalchemy import select

from gateway.sweep import sweep
from luutru.system import random_bytes
from registry import tables
from registry.deletions import carry_out
from registry.households import Registration, add_person, add_residences
from registry.kiosks import keep_state
from registry.retention_policy import read_policy
from residence.clock import VIETNAM
from residence.wire.state import KioskState

SEEN = datetime(2026, 7, 10, 21, 0, tzinfo=VIETNAM)
DUE = datetime(2026, 7, 10, 23, 0, tzinfo=VIETNAM)


def run(office, at):
    return sweep(office.registry, rules=office.rules, now=at, random_bytes=random_bytes)


def rows(office, table):
    with office.registry.reading() as connection:
        return connection.execute(select(tables.metadata.tables[table])).all()


@pytest.fixture
def visitor(office):
    """Somebody seen at the door at 21:00, and not declared."""
    office.clock.instant = SEEN
    person = office.person()
    kiosk = office.kiosk()
    office.intake.take([office.deliver(kiosk, office.presence(kiosk, person=person, seen_at=SEEN.isoformat()))])
    return person


def test_before_the_deadline_nothing_happens(office, visitor):
    swept = run(office, DUE - timedelta(minutes=1))
    assert (swept.premises, swept.notices, swept.cases) == (1, 0, 0)


def test_past_the_deadline_a_notice_is_sent_once_with_its_rule(office, visitor):
    assert run(office, DUE + timedelta(minutes=5)).notices == 1
    assert run(office, DUE + timedelta(minutes=5)).notices == 0
    assert run(office, DUE + timedelta(minutes=9)).notices == 0
    (notice,) = rows(office, "notices")
    assert (notice.kind, notice.rule, notice.premises_id) == ("please-declare", "seen_past_deadline", "blk-000")
    assert notice.rule_set
    assert notice.article
    assert notice.due == DUE
    assert rows(office, "cases") == []


def test_silence_makes_no_case_but_being_found_at_night_makes_one_that_names_the_notice(office, visitor):
    run(office, DUE + timedelta(minutes=5))
    assert run(office, DUE + timedelta(days=5)).cases == 0
    night = office.clock.instant = DUE + timedelta(hours=3)
    kiosk = office.kiosk()
    found = office.presence(kiosk, person=visitor, seen_at=night.isoformat(), kind="night_check")
    office.intake.take([office.deliver(kiosk, found)])
    assert run(office, DUE + timedelta(hours=24)).cases == 0  # the notice may still be answered
    later = DUE + timedelta(hours=25)
    assert run(office, later).cases == 1
    assert run(office, later).cases == 0
    assert run(office, later + timedelta(hours=1)).cases == 0
    (case,) = rows(office, "cases")
    assert (case.rule, case.state) == ("night_check", "open")
    assert case.notice_id == rows(office, "notices")[0].notice_id


def test_a_declaration_in_between_leaves_nothing_to_open(office, visitor):
    run(office, DUE + timedelta(minutes=5))
    kiosk = office.kiosk()
    declaration = office.declaration(kiosk, person=visitor, arrival=SEEN.isoformat(), planned_departure=None)
    office.clock.instant = DUE + timedelta(minutes=30)
    outcome = office.intake.take([office.deliver(kiosk, declaration)])
    assert outcome.counts["accepted"] + outcome.counts["conflicting"] == 1
    swept = run(office, DUE + timedelta(hours=30))
    assert swept.cases == 0
    assert rows(office, "cases") == []


def test_a_silent_kiosk_gives_the_benefit_of_the_doubt(office, visitor):
    with office.registry.writing() as connection:
        state = KioskState(kiosk_id="kiosk-001", session=1, online=True, at=SEEN.isoformat())
        keep_state(connection, state, now=SEEN)
        gone = KioskState(kiosk_id="kiosk-001", session=1, online=False, at=SEEN.isoformat())
        keep_state(connection, gone, now=SEEN + timedelta(minutes=10))
    assert run(office, DUE + timedelta(minutes=5)).notices == 0
    assert run(office, DUE + timedelta(hours=40)).notices == 1


def test_presences_past_their_time_are_deleted(office, visitor):
    """Not by the sweep, which leaves no report of it."""
    run(office, SEEN + timedelta(days=15))
    assert len(rows(office, "presences")) == 1
    carry_out(office.registry, read_policy(), clock=StandingClock(SEEN + timedelta(days=15)), by="test")
    assert rows(office, "presences") == []


def test_every_premises_is_swept_however_many_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr("gateway.sweep.PAGE", 2)
    office = authority.Authority(tmp_path, kiosks=20)  # at five premises
    office.clock.instant = SEEN
    for kiosk in office.fleet.kiosks[::4]:
        office.intake.take([office.deliver(kiosk, office.presence(kiosk, seen_at=SEEN.isoformat()))])
    swept = run(office, DUE + timedelta(minutes=5))
    office.close()
    assert (swept.premises, swept.notices) == (5, 5)


LAST_NIGHT = SEEN - timedelta(days=1)


def register_until(office, person, last):
    made = {"commune_code": "demo-01", "now": SEEN, "random_bytes": random_bytes}
    home = {"premises_id": office.kiosk().premises_id, "kind": "temporary", "valid_from": "2025-01-01"}
    with office.registry.writing() as connection:
        person_id = add_person(connection, person, vault=office.registry.vault, **made)
        add_residences(connection, [Registration(person_id=person_id, valid_to=last, **home)], **made)


def declare_until(office, person, departure, arrival=LAST_NIGHT):
    kiosk = office.kiosk()
    office.clock.instant = arrival
    declared = office.declaration(kiosk, person=person, arrival=arrival.isoformat(), planned_departure=departure.isoformat())
    office.intake.take([office.deliver(kiosk, declared)])


LAPSED = {
    "whose temporary residence is over": (lambda office, who: register_until(office, who, "2026-07-09"), "temporary_expired"),
    "whose stay is over": (lambda office, who: declare_until(office, who, LAST_NIGHT + timedelta(hours=14)), "overstay"),
    "of whom nothing is known": (lambda *_: None, None),
}


@pytest.mark.parametrize("name", LAPSED)
def test_who_is_still_seen_is_told_what_has_run_out_and_so_is_the_case(office, name):
    prepare, lapsed = LAPSED[name]
    person, kiosk = office.person(), office.kiosk()
    prepare(office, person)
    for at, kind in ((SEEN, "entry"), (DUE + timedelta(hours=30), "night_check")):
        office.clock.instant = at
        seen = office.presence(kiosk, person=person, seen_at=at.isoformat(), kind=kind)
        office.intake.take([office.deliver(kiosk, seen)])
        run(office, at + timedelta(hours=4))
    (notice,), (case,) = rows(office, "notices"), rows(office, "cases")
    assert (notice.rule, notice.rule_set) == (lapsed or "seen_past_deadline", "stay-2026-07-01")
    assert (case.rule, case.lapsed) == ("night_check", lapsed)
