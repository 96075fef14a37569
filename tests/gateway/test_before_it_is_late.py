"""A lodging hears of somebody undeclared while there is time: in steps, once each, and not of visitors or of who was declared meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import select, update

from gateway.escalating import warn
from luutru.system import random_bytes
from registry import tables
from registry.notices import Notice, answer_notice, send_notice
from registry.presences import sightings
from residence.cases.notices import NoticeKind

SEEN = datetime(2026, 7, 10, 8, 0, tzinfo=UTC)  # 15:00 in Vietnam: due at 23:00, 16:00 UTC
DUE = datetime(2026, 7, 10, 16, 0, tzinfo=UTC)


def run(office, minutes_before):
    return warn(office.registry, rules=office.rules, now=DUE - timedelta(minutes=minutes_before), random_bytes=random_bytes)


@pytest.fixture
def house(small_office):
    """A hotel with a kiosk, at which somebody was seen in the afternoon."""
    office = small_office
    kiosk = office.kiosk()
    with office.registry.writing() as connection:
        mine = tables.premises.c.premises_id == kiosk.premises_id
        connection.execute(update(tables.premises).where(mine).values(kind="hotel"))
    office.clock.instant = SEEN
    office.seen = office.presence(kiosk, seen_at="2026-07-10T15:00:00+07:00")
    office.intake.take([office.deliver(kiosk, office.seen)])
    return office


def rows(office, table):
    with office.registry.reading() as connection:
        return connection.execute(select(table)).all()


def test_a_house_is_told_once_a_step_and_never_after_the_deadline(house):
    told = {minutes: run(house, minutes) for minutes in (180, 121, 119, 60, 44, 10, 0, -30)}
    assert told == {180: 0, 121: 0, 119: 1, 60: 0, 44: 1, 10: 0, 0: 0, -30: 0}
    notices = rows(house, tables.notices)
    assert {(each.kind, each.addressee, each.due) for each in notices} == {("deadline-near", "facility", DUE)}
    messages = rows(house, tables.messages)
    assert [(each.recipient, each.subject_id) for each in messages] == [("premises", house.seen.premises_id)] * 2


def test_nobody_is_told_of_a_visitor_or_of_who_was_declared(house):
    with house.registry.writing() as connection:
        (seen,) = sightings(connection, [house.seen.premises_id], since=SEEN - timedelta(hours=1))
        notice_id = send_notice(connection, about(seen), now=SEEN, random_bytes=random_bytes)
        answer_notice(connection, "demo-01", notice_id, answer="visitor", now=SEEN)
    assert run(house, 60) == 0


def test_a_refused_arrival_is_somebody_undeclared_until_it_is_said_anew(house):
    kiosk = house.kiosk()
    house.intake.take(
        [house.deliver(kiosk, house.declaration(kiosk, person=house.seen.person, arrival="2026-07-10T15:00:00+07:00"))]
    )
    assert run(house, 119) == 0  # declared: the sighting is gone
    other = msgspec.structs.replace(house.person(), full_name="Ng", birth=None, personal_number=None, document=None, sex=None)
    refused = house.declaration(kiosk, arrival="2026-07-10T15:00:00+07:00", person=other, unit=None, reason=None)
    house.intake.take([house.deliver(kiosk, refused)])
    assert [each.state for each in rows(house, tables.declarations)] == ["accepted", "refused"]
    assert run(house, 119) == 1


def test_a_home_is_not_written_to_before_its_deadline(house):
    with house.registry.writing() as connection:
        connection.execute(update(tables.premises).values(kind="household"))
    assert run(house, 60) == 0


def about(seen):
    return Notice(
        kind=NoticeKind.PLEASE_DECLARE, about=seen.presence_id, who=seen.who, premises_id=seen.premises_id, commune_code="demo-01",
        addressee="facility", due=DUE, rule_set="stay-2026-07-01",
    )  # fmt: skip
