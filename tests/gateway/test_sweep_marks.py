"""The sweep looks only where something changed or the clock has come, and misses nobody by it."""

from __future__ import annotations

import random
from datetime import timedelta

import authority
import pytest
from factories import StandingClock
from sighting_parts import DUE, EVENING, declare, find_in_the_night, rows, run, see
from sqlalchemy import select

from gateway.sweep import sweep
from luutru.system import random_bytes
from registry import tables
from registry.cases import CaseStep, act
from registry.correcting import Hand
from registry.database import connect
from registry.deletions import carry_out
from registry.kiosks import keep_state
from registry.notices import answer_notice, waiting_notices
from registry.numbering import Means, Officer
from registry.premises_changes import correct_premises
from registry.retention_policy import read_policy
from registry.sweep_marks import Look, due_communes, due_marks, look_again, mark
from residence.access.purposes import Purpose
from residence.cases.closing import ClosingCode
from residence.cases.transitions import CaseAction
from residence.errors import LuutruError
from residence.places.premises import PremisesKind
from residence.places.premises_corrections import PremisesCorrection
from residence.wire.state import KioskState

COMMUNE = "demo-01"
STEPS = 70


def everything(office, at, registry=None):
    return sweep(registry or office.registry, rules=office.rules, now=at, random_bytes=random_bytes, everything=True)


def everything_in_a_copy(office, at):
    """What judging everything would find: in a copy, or the look at everything would itself renew the marks."""
    copy = office.folder / "copy.db"
    copy.unlink(missing_ok=True)
    raw = office.registry.engine.raw_connection()
    raw.cursor().execute("VACUUM INTO ?", (str(copy),))
    raw.close()
    registry = connect(f"sqlite:///{copy}", vault=office.registry.vault)
    try:
        return everything(office, at, registry)
    finally:
        registry.close()


class Life:
    """What may happen around some premises, one thing after the other, by a seed; often nothing but that time passes."""

    def __init__(self, office, seed):
        self.office, self.draw, self.now = office, random.Random(seed), EVENING
        self.kiosks = office.fleet.kiosks[::4]  # one at each premises
        self.people = [(office.person(), each) for each in self.kiosks for _ in range(2)]
        self.session = 0

    def go_on(self):
        self.now += timedelta(minutes=self.draw.choice((10, 120, 300, 720)))
        weighed = {
            self.nothing_happens: 6,
            self.is_seen: 5,
            self.is_found: 5,
            self.declares: 2,
            self.host_answers: 1,
            self.case_closes: 3,
            self.kiosk_goes: 2,
            self.place_is_another: 1,
            self.old_rows_go: 1,
        }
        self.draw.choices(list(weighed), weights=list(weighed.values()))[0]()

    def nothing_happens(self):
        pass

    def is_seen(self, kind="entry"):
        person, kiosk = self.draw.choice(self.people)
        self.office.clock.instant = self.now
        seen = self.office.presence(kiosk, person=person, seen_at=self.now.isoformat(), kind=kind)
        self.office.intake.take([self.office.deliver(kiosk, seen)])

    def is_found(self):
        self.is_seen(kind="night_check")

    def declares(self):
        person, kiosk = self.draw.choice(self.people)
        leaves = self.now + timedelta(hours=self.draw.choice((10, 60)))
        self.office.clock.instant = self.now
        stated = {"arrival": self.now.isoformat(), "planned_departure": leaves.isoformat()}
        self.office.intake.take([self.office.deliver(kiosk, self.office.declaration(kiosk, person=person, **stated))])

    def host_answers(self):
        with self.office.registry.writing() as connection:
            for notice in waiting_notices(connection, [self.draw.choice(self.kiosks).premises_id])[:1]:
                answer_notice(connection, COMMUNE, notice.notice_id, answer="visitor", now=self.now)

    def case_closes(self):
        steps = (
            CaseStep(action=CaseAction.CLAIM, by="o", purpose=Purpose.UNDECLARED_CASE),
            CaseStep(action=CaseAction.CLOSE_EXPLAINED, by="o", code=ClosingCode.VISITOR),
        )
        with self.office.registry.writing() as connection:
            open_ones = select(tables.cases.c.case_id).where(tables.cases.c.state == "open").order_by(tables.cases.c.case_id)
            for case_id in connection.scalars(open_ones.limit(1)).all():
                for step in steps:
                    act(connection, case_id, step, now=self.now, random_bytes=random_bytes)

    def kiosk_goes(self):
        self.session += 1
        state = KioskState(
            kiosk_id=self.draw.choice(self.kiosks).kiosk_id,
            session=self.session,
            online=self.draw.random() < 0.5,
            at=self.now.isoformat(),
        )
        with self.office.registry.writing() as connection:
            keep_state(connection, state, now=self.now)

    def place_is_another(self):
        kind = self.draw.choice((PremisesKind.HOTEL, PremisesKind.APARTMENT_BLOCK))
        own_id = self.draw.choice(self.kiosks).premises_id
        means = Means(vault=self.office.registry.vault, now=self.now, random_bytes=random_bytes)
        hand = Hand(officer=Officer(account_id="o", reason="the licence was read"), means=means, signer=None)
        with self.office.registry.writing() as connection:
            asked = PremisesCorrection(kind=kind)
            latest = tables.corrections.c
            of_place = select(latest.correction_id).where(latest.subject_id == own_id).order_by(latest.correction_id.desc())
            expected = connection.scalar(of_place.limit(1))
            correct_premises(connection, own_id, asked, hand=hand, expected=expected)

    def old_rows_go(self):
        carry_out(self.office.registry, read_policy(), clock=StandingClock(self.now), by="test", night=self.now.isoformat()[:16])


@pytest.mark.parametrize("seed", [5, 8])
def test_after_any_sequence_of_changes_a_round_finds_what_judging_everything_finds(tmp_path, seed):
    office = authority.Authority(tmp_path, kiosks=20)  # at five premises
    life, done = Life(office, seed), {"notices": 0, "cases": 0}
    for _ in range(STEPS):
        life.go_on()
        swept = run(office, life.now)
        whole = everything_in_a_copy(office, life.now)
        assert (whole.missed, whole.failed, swept.failed) == (0, 0, 0)
        done["notices"] += swept.notices
        done["cases"] += swept.cases
    office.close()
    assert min(done.values()) > 1  # there was something to miss


def test_a_round_judges_what_changed_and_whose_clock_has_come_and_nothing_else(office):
    see(office, office.person(), EVENING)
    assert run(office, EVENING + timedelta(minutes=1)).premises == 1
    assert run(office, DUE - timedelta(minutes=1)).premises == 0  # nothing changed, nothing is due
    assert run(office, DUE).notices == 1
    assert run(office, DUE + timedelta(minutes=1)).premises == 1  # a notice went out: when will it have had its time
    assert run(office, DUE + timedelta(minutes=2)).premises == 0
    see(office, office.person(), DUE + timedelta(minutes=3))
    assert run(office, DUE + timedelta(minutes=4)).premises == 1


def test_what_changes_while_a_look_is_taken_is_looked_at_again(office):
    place = (COMMUNE, "blk-000")
    with office.registry.writing() as connection:
        mark(connection, [place])
        (read,) = due_marks(connection, COMMUNE, now=DUE, after="", limit=10)
        mark(connection, [place])  # somebody is seen
        look_again(connection, COMMUNE, [Look(read, DUE + timedelta(hours=2))], now=DUE)
        (again,) = due_marks(connection, COMMUNE, now=DUE, after="", limit=10)
        look_again(connection, COMMUNE, [Look(again, DUE + timedelta(hours=2))], now=DUE)
        assert due_communes(connection, DUE) == []
        assert due_communes(connection, DUE + timedelta(hours=2)) == [COMMUNE]


def test_a_mark_that_was_forgotten_is_found_by_a_look_at_everything_and_said(small_office):
    see(small_office, small_office.person(), EVENING)
    with small_office.registry.writing() as connection:
        connection.execute(tables.sweep_marks.delete())
    assert run(small_office, DUE).notices == 0
    whole = everything(small_office, DUE)
    assert (whole.notices, whole.missed) == (1, 1)


def test_a_premises_nobody_is_left_at_loses_its_mark_with_the_night(small_office):
    person = small_office.person()
    see(small_office, person, EVENING)
    run(small_office, EVENING)
    declare(small_office, person, EVENING, received=EVENING + timedelta(hours=1))
    run(small_office, EVENING + timedelta(hours=2))
    assert [each.due_at for each in rows(small_office, "sweep_marks")] == [None]
    night = StandingClock(EVENING + timedelta(days=2))
    carry_out(small_office.registry, read_policy(), clock=night, by="test", night="2026-07-12")
    assert rows(small_office, "sweep_marks") == []


def test_a_premises_that_fails_stays_marked_and_keeps_nobody_waiting(small_office, monkeypatch):
    see(small_office, small_office.person(), EVENING)

    def fails(*_args, **_parts):
        raise LuutruError("x", "")

    with monkeypatch.context() as patch:
        patch.setattr("gateway.sweep_steps.explain_kept", fails)
        assert run(small_office, DUE).failed == 1
    assert run(small_office, DUE + timedelta(minutes=1)).notices == 1


def test_a_case_keeps_why_it_is_one(small_office):
    person = small_office.person()
    see(small_office, person, EVENING)
    find_in_the_night(small_office, person)
    (case,) = rows(small_office, "cases")
    assert (case.rule, case.rule_set) == ("night_check", "stay-2026-07-01")
    assert case.article
    assert len(case.presence_ids) == 2
    assert "resident_here" in case.explanations_tried
