"""What time alone brings: a stay near its longest length, a temporary residence near its end; each reminded of once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from gateway.reminders import remind
from luutru.system import random_bytes
from registry import tables
from registry.households import Registration, add_person, add_residences

NOW = datetime(2026, 8, 20, 3, 0, tzinfo=UTC)


def run(office, at=NOW):
    return remind(office.registry, rules=office.rules, now=at, random_bytes=random_bytes)


def notices(office):
    with office.registry.reading() as connection:
        return connection.execute(select(tables.notices).order_by(tables.notices.c.created_at)).all()


def stay(office, arrival, *, received=None, **changes):
    kiosk = office.kiosk()
    office.clock.instant = received or arrival
    declared = office.declaration(kiosk, arrival=arrival.isoformat(), **{"planned_departure": None, **changes})
    office.intake.take([office.deliver(kiosk, declared)])


DAYS_AGO = {28: 1, 27: 1, 40: 1, 26: 0, 91: 0}


@pytest.mark.parametrize(("days", "expected"), DAYS_AGO.items(), ids=[f"begun {each} days ago" for each in DAYS_AGO])
def test_a_stay_is_reminded_of_three_days_before_its_thirtieth(office, days, expected):
    stay(office, NOW - timedelta(days=days))
    assert run(office) == expected


def test_a_stay_is_reminded_of_once_and_its_host_is_told(office):
    stay(office, NOW - timedelta(days=28))
    assert [run(office), run(office), run(office, NOW + timedelta(days=1))] == [1, 0, 0]
    (notice,) = notices(office)
    assert (notice.kind, notice.addressee) == ("thirty-days", "host")
    assert notice.due.date() == (NOW + timedelta(days=2)).date() - timedelta(days=1)  # midnight in Vietnam, seven hours ahead


def register(office, valid_to, *, kind="temporary"):
    commune = "demo-01"
    with office.registry.writing() as connection:
        made = {"commune_code": commune, "now": NOW, "random_bytes": random_bytes}
        person_id = add_person(connection, office.person(), vault=office.registry.vault, **made)
        home = Registration(
            person_id=person_id, premises_id=office.kiosk().premises_id, kind=kind, valid_from="2025-01-01", valid_to=valid_to
        )
        add_residences(connection, [home], **made)


LAST_DAYS = {"2026-08-20": 1, "2026-09-04": 1, "2026-09-05": 0, "2026-08-19": 0}


@pytest.mark.parametrize(("last", "expected"), LAST_DAYS.items())
def test_a_temporary_residence_is_reminded_of_in_its_last_fifteen_days(office, last, expected):
    register(office, last)
    assert run(office) == expected


def test_a_residence_that_was_renewed_is_reminded_of_again_at_its_new_end(office):
    register(office, "2026-08-25")
    assert run(office) == 1
    with office.registry.writing() as connection:
        connection.execute(tables.residences.update().values(valid_to=date(2028, 8, 25).isoformat()))
    assert run(office) == 0
    assert run(office, NOW + timedelta(days=731)) == 1
    assert [each.addressee for each in notices(office)] == ["person", "person"]


def test_more_than_a_page_is_reminded_of(small_office, monkeypatch):
    monkeypatch.setattr("gateway.reminders.PAGE", 2)
    for _ in range(5):
        register(small_office, "2026-08-25")
    assert run(small_office) == 5
