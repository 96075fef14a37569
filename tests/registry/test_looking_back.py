"""What the register said then, and why it says otherwise now: corrections, changed rows, merges and their undoing, stays."""

from __future__ import annotations

import secrets
from datetime import date, timedelta

import msgspec
import pytest
from factories import make_declaration, make_person
from recording_town import Town
from sqlalchemy import select

from registry import tables
from registry.changing import Cause, change_row
from registry.disclosures import Span, disclosures_of
from registry.households import Registration, add_person, add_residences
from registry.looking_back import LookBack, Means, look_back
from registry.merging import merge, split
from registry.release import Look
from residence.access.purposes import Purpose
from residence.errors import Refused

OFFICER = Cause(kind="account", cause_id="officer-1", reason="lease ended")
DAY = timedelta(days=1)


def look(town: Town, person_id: str, at, purpose: Purpose = Purpose.UNDECLARED_CASE) -> LookBack:
    asked = Look(account_id="officer-1", role="officer", purpose=purpose, commune_code="demo-01", about="case-1")
    means = Means(vault=town.registry.vault, now=town.now, random_bytes=secrets.token_bytes)
    with town.registry.writing() as connection:
        return look_back(connection, person_id, at=at, look=asked, means=means)


def settle(town: Town, name: str = "Trần Văn Sổ") -> str:
    """Register somebody with a home; returns their id."""
    with town.registry.writing() as connection:
        how = {"commune_code": "demo-01", "now": town.now, "random_bytes": secrets.token_bytes}
        person_id = add_person(connection, make_person(full_name=name), vault=town.registry.vault, **how)
        home = Registration(person_id=person_id, premises_id="rnt-ngo-sau", unit="P1", kind="temporary", valid_from="2026-01-01")
        add_residences(connection, [msgspec.structs.replace(home, valid_to="2027-12-31")], **how)
    return person_id


def value(said: LookBack, about: str, row: str | None = None) -> list:
    return [
        each.get("value") or each.get("valid_to") for each in said.then if each["about"] == about and row in {None, each["row"]}
    ]


def end_home(town: Town, person_id: str) -> None:
    with town.registry.writing() as connection:
        columns = tables.residences.c
        residence_id = connection.scalar(select(columns.residence_id).where(columns.person_id == person_id))
        how = {"cause": OFFICER, "now": town.now, "random_bytes": secrets.token_bytes}
        assert change_row(connection, tables.residences, residence_id, {"valid_to": date(2026, 7, 9).isoformat()}, **how)
        assert not change_row(connection, tables.residences, residence_id, {"valid_to": "2026-07-09"}, **how)


def test_a_residence_that_was_ended_says_what_it_said_before_and_why(town: Town) -> None:
    person_id, then = settle(town), town.now
    town.now += DAY
    end_home(town, person_id)
    said = look(town, person_id, then)
    assert value(said, "residences") == ["2027-12-31"]
    (difference,) = said.differences
    assert (difference.then["valid_to"], difference.now["valid_to"]) == ("2027-12-31", "2026-07-09")
    assert [(each.cause, each.cause_id, each.reason) for each in difference.because] == [("account", "officer-1", "lease ended")]
    assert look(town, person_id, town.now).differences == []


def test_before_somebody_was_recorded_nothing_was_said_of_them(town: Town) -> None:
    before = town.now - DAY
    said = look(town, settle(town), before)
    assert (said.known, said.then) == (False, [])
    assert {each.about for each in said.differences} == {"persons", "identifiers", "residences"}


def test_a_corrected_name_is_told_with_the_statement_that_corrected_it(town: Town) -> None:
    first = make_declaration(person=make_person(full_name="Trần Văn Ân"))
    town.record(town.say(first))
    (stay,), then = town.rows(tables.stays), town.now
    town.now += DAY
    correction = make_declaration(person=make_person(full_name="Trần Văn An"), kind="correction", about=first.declaration_id)
    town.record(town.say(correction))
    said = look(town, stay.person_id, then)
    assert value(said, "persons", "full_name") == ["Trần Văn Ân"]
    name = next(each for each in said.differences if each.row == "full_name")
    assert name.now == {"value": "Trần Văn An"}
    assert [(each.cause_id, each.statement.split()[0]) for each in name.because] == [(correction.declaration_id, "correction")]


def test_who_was_merged_is_told_as_they_were_and_after_the_undoing_as_they_are(town: Town) -> None:
    stands, merged, then = settle(town), settle(town, "TRAN VAN SO"), town.now
    before = look(town, merged, then).then
    town.now += DAY
    with town.registry.writing() as connection:
        merge_id = merge(connection, merged, stands, cause=OFFICER, now=town.now, random_bytes=secrets.token_bytes)
    said = look(town, merged, then)
    assert (said.stood, said.stands) == (merged, stands)
    assert said.then == before
    assert {"merged"} == {each.what for difference in said.differences for each in difference.because}
    assert len(look(town, stands, town.now).then) > len(look(town, stands, then).then)
    town.now += DAY
    with town.registry.writing() as connection:
        split(connection, merge_id, by="officer-2", reason="twins", now=town.now)
    said = look(town, merged, then)
    assert (said.stands, said.differences) == (merged, [])
    assert [(each.what, each.reason) for each in said.since] == [("merged", "lease ended"), ("parted", "twins")]
    with pytest.raises(Refused, match=r"merge\.unknown"), town.registry.writing() as connection:
        split(connection, merge_id, by="officer-2", reason="again", now=town.now)


def test_what_statements_made_one_only_statements_part(town: Town) -> None:
    stands, merged = settle(town), settle(town, "TRAN VAN SO")
    cause = Cause(kind="declaration", cause_id="d-1")
    with town.registry.writing() as connection:
        merge_id = merge(connection, merged, stands, cause=cause, now=town.now, random_bytes=secrets.token_bytes)
    with pytest.raises(Refused, match=r"merge\.by_statements"), town.registry.writing() as connection:
        split(connection, merge_id, by="officer-1", reason="twins", now=town.now)


def test_the_look_is_on_the_record_and_a_purpose_without_names_gets_none(town: Town) -> None:
    person_id = settle(town)
    said = look(town, person_id, town.now, Purpose.STAYS_BY_PREMISES)
    assert {each["about"] for each in said.then} == {"residences"}
    look(town, person_id, town.now)
    with town.registry.reading() as connection:
        looks = disclosures_of(connection, person_id, span=Span(), now=town.now, vault=town.registry.vault).items
        assert any("full-name" in each.fields for each in looks)
    with pytest.raises(Refused, match=r"registry\.person_unknown"):
        look(town, "nobody", town.now)
