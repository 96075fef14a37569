"""What still has to be put right at a desk, on both engines: refused statements of kiosks, until they are settled or said anew."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import make_declaration, make_person
from recording_town import Town

from registry import tables
from registry.desk_lists import Place, list_unsettled
from registry.said_anew import not_said_anew
from residence.stays.rules import load_rule_book

HOTEL = Place("demo-01", "htl-sao-mai")
SOMEBODY = make_person(full_name="Lê Văn Khác", personal_number="001095000995", document=None)


def say(town: Town, **changes: object) -> str:
    """Say something about the hotel a minute later and return its id."""
    town.now += timedelta(minutes=1)
    recorded = town.declare(**({"premises_id": HOTEL.premises_id, "unit": "201"} | changes))
    return recorded.declaration_id


def unsettled(town: Town) -> list:
    with town.registry.reading() as connection:
        return list_unsettled(connection, HOTEL, since=town.now - timedelta(hours=36))


def people(town: Town) -> set[str]:
    refused = [each for each in unsettled(town) if each.is_about_somebody_undeclared]
    with town.registry.reading() as connection:
        found = not_said_anew(connection, refused, place=HOTEL, vault=town.registry.vault, rules=load_rule_book())
    return set(found)


def test_a_kiosks_refused_arrival_stands_for_a_person_until_the_same_person_is_declared(town: Town) -> None:
    refused, other = say(town, unit=None), say(town, unit=None, person=SOMEBODY)
    assert people(town) == {refused, other}
    say(town)
    assert people(town) == {other}


def test_a_statement_whose_key_is_gone_counts_by_itself(town: Town) -> None:
    refused = say(town, unit=None)
    say(town)
    with town.registry.writing() as connection:
        connection.execute(tables.subject_keys.delete().where(tables.subject_keys.c.subject_id == refused))
    assert people(town) == {refused}


def test_a_resident_of_the_house_is_nobody_undeclared(town: Town) -> None:
    from registry.seed import demo_residents

    resident = demo_residents()[0]
    block = Place("demo-01", "blk-hoa-binh")
    town.declare(person=resident.person, premises_id=block.premises_id, unit=None)
    with town.registry.reading() as connection:
        (refused,) = list_unsettled(connection, block, since=town.now - timedelta(hours=36))
        found = not_said_anew(connection, [refused], place=block, vault=town.registry.vault, rules=load_rule_book())
    assert (refused.state, found) == ("refused", {})


@pytest.mark.parametrize(("right", "remain"), [("2026-07-10T14:03:00+07:00", 0), ("2036-07-11T08:00:00+07:00", 2)])
def test_a_refused_departure_is_settled_by_an_accepted_one_about_the_same_and_by_no_other(
    town: Town, right: str, remain: int
) -> None:
    arrival = say(town)
    say(town, kind="departure", about=arrival, planned_departure="2036-07-10T12:00:00+07:00")
    say(town, kind="departure", about=arrival, planned_departure=right)
    assert len(unsettled(town)) == remain


def test_a_refused_arrival_is_not_settled_by_a_correction_that_does_not_stand(town: Town) -> None:
    refused = say(town, unit=None)
    correction = make_declaration(kind="correction", about=refused, premises_id=HOTEL.premises_id, unit="201")
    assert town.record(town.say(correction))[0].receipt.state != "accepted"
    assert people(town) == {refused}
