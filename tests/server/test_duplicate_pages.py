"""An officer decides whether two records are of one person: no name before it is asked for, both looks on record, nothing for good."""

from __future__ import annotations

import re
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st
from server_duplicates import NAMES, SAID, propose_pair
from server_eyes import settle
from server_parts import csrf_of
from server_police import add_officer, officer_named
from sqlalchemy import select

from registry import tables
from registry.disputing import raise_dispute
from registry.release import ReleasedPerson
from residence.access.purposes import Field
from server.police.side_by_side import marked, side_by_side

LIST = "/police/duplicates"


@pytest.fixture
def pair(world):
    return propose_pair(world)


@pytest.fixture
def officer(world, pair):
    return world.client("officer")


def act(client, pair, action, reason="both cards seen"):
    return client.post(f"{LIST}/{pair}", data={"csrf": csrf_of(client), "action": action, "reason": reason})


def rows(world, table):
    with world.registry.reading() as connection:
        return connection.execute(select(table)).all()


def pointers(world):
    return [each.merged_into for each in rows(world, tables.persons) if each.merged_into]


def test_pairs_wait_with_what_speaks_for_and_against_and_without_a_name(world, officer, pair):
    listing, page = officer.get(LIST).text, officer.get(f"{LIST}/{pair}").text
    assert pair[-6:] in listing
    assert "Born on the same day." in listing
    assert "What speaks against it" in page
    assert not [name for name in NAMES if name in listing + page]
    assert rows(world, tables.access_records) == []


def test_a_field_under_dispute_is_told_before_and_beside_the_values(world, officer, pair):
    with world.registry.writing() as connection:
        person_id = connection.scalar(select(tables.duplicate_pairs.c.one_id))
        said = {"by": "acc-resident", "reason": "the certificate says another day"}
        raise_dispute(connection, person_id, Field.BIRTH_DATE, now=world.clock.now(), random_bytes=secrets.token_bytes, **said)
    assert "under dispute" in officer.get(LIST).text
    assert re.search(r"under dispute</strong>\s*Date of birth", officer.get(f"{LIST}/{pair}").text)
    assert "(under dispute)" in act(officer, pair, "look").text


def test_both_records_stand_side_by_side_when_asked_for_and_each_look_is_on_record(world, officer, pair):
    page = act(officer, pair, "look").text
    assert page.count('<mark class="luutru-parts">') == 4  # two letters of the names, one digit of each masked number
    assert "•••••••••77" in page
    assert "001195000771" not in page
    looks = rows(world, tables.access_records)
    assert len({each.person_id for each in looks}) == len(looks) == 2
    assert {(each.purpose, each.about, each.account_id) for each in looks} == {("duplicate-review", pair, "acc-officer")}
    assert f"{LIST}/{pair}" in officer.get("/police/access").text


def test_one_person_is_joined_and_parted_again(world, officer, pair):
    assert "Waits for somebody else" in act(officer, pair, "same").text
    assert "waits for a second officer" in officer.get(f"{LIST}/{pair}").text
    colleague = officer_named(world, add_officer(world, "acc-colleague", "dong-nghiep"))
    act(colleague, pair, "look")
    settle(colleague, world, "granted")
    assert "One person: joined" in officer.get(LIST).text
    assert len(pointers(world)) == 1
    assert act(officer, pair, "different").status_code == 409  # somebody decided
    assert act(officer, pair, "look").status_code == 403  # what is decided is shown no more
    act(officer, pair, "undo", "twins")
    assert pointers(world) == []
    assert "Born on the same day." in officer.get(LIST).text
    steps = [(each.step, each.by, each.reason) for each in rows(world, tables.duplicate_steps)]
    assert sorted(steps) == [("same", "acc-officer", "both cards seen"), ("undone", "acc-officer", "twins")]


def test_two_persons_stay_two_and_are_not_asked_about_again(world, officer, pair):
    page = act(officer, pair, "different").text
    assert "No pair waits" in page
    assert "Two persons" in page
    assert pointers(world) == []


def test_a_pair_put_off_is_out_of_the_way_for_a_week_and_waits_all_the_same(world, officer, pair):
    page = act(officer, pair, "later", "she is away").text
    assert "No pair waits" in page
    assert "Put off" in page
    world.clock.pass_time(days=7)
    back = world.client("officer").get(LIST).text
    assert "Put off" not in back
    assert pair[-6:] in back


@pytest.mark.parametrize(
    ("action", "reason"), [("same", " "), ("later", ""), ("", "why"), ("merge-all", "why"), ("same", "x" * 501)]
)
def test_without_a_verdict_or_a_reason_nothing_is_decided(world, officer, pair, action, reason):
    assert act(officer, pair, action, reason).status_code == 403
    assert [each.state for each in rows(world, tables.duplicate_pairs)] == ["proposed"]


def test_a_pair_of_another_commune_and_one_that_does_not_exist_answer_alike(world):
    elsewhere = propose_pair(world, others_commune=True)
    officer = world.client("officer")
    assert [officer.get(f"{LIST}/{each}").status_code for each in (elsewhere, "none")] == [403, 403]
    assert [act(officer, each, "look").status_code for each in (elsewhere, "none")] == [403, 403]
    assert "No pair waits" in officer.get(LIST).text


@pytest.mark.parametrize("role", ["clerk", "operator", "resident"])
def test_nobody_but_an_officer_sees_pairs(world, pair, role):
    client = world.client(role)
    assert [client.get(path).status_code for path in (LIST, f"{LIST}/{pair}")] == [403, 403]
    assert [act(client, pair, each).status_code for each in ("look", "same")] == [403, 403]
    assert rows(world, tables.access_records) == []


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_marking_where_two_texts_part_loses_nothing_and_marks_nothing_that_is_equal(one, other):
    first, second = marked(one, other)
    assert ("".join(each.text for each in first), "".join(each.text for each in second)) == (one, other)
    assert [each.text for each in first if not each.parts] == [each.text for each in second if not each.parts]
    assert one != other or not any(each.parts for each in (*first, *second))


def test_a_missing_value_is_no_difference_and_a_doubted_one_says_so():
    one = ReleasedPerson(person_id="a", fields={Field.FULL_NAME: NAMES[0], Field.SEX: "female"}, disputed=frozenset({Field.SEX}))
    other = ReleasedPerson(person_id="b", fields={Field.FULL_NAME: NAMES[1]})
    lines = {each.field: each for each in side_by_side(one, other, SAID)}
    assert lines["sex"].standing == "one_only"
    assert lines["sex"].disputed == (True, False)
    assert lines["full-name"].standing == "different"
    assert (lines["birth-date"].standing, lines["birth-date"].said) == ("neither", ("duplicates.birth.equal",))
    assert "contact" not in lines
