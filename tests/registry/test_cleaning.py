"""What cleaning finds, on real rows of both engines: each rule at somebody it must find and somebody it must leave alone."""

from __future__ import annotations

import secrets
from datetime import timedelta

import msgspec
import pytest
from cleaning_parts import COMMUNE, FOUND, LATER, LINES, fill
from factories import make_person
from recording_town import make_town
from sqlalchemy import update
from typer.testing import CliRunner

from luutru.commands.registry import app
from registry import tables
from registry.changing import Cause
from registry.cleaning.freshness import last_confirmed
from registry.cleaning.listing import decisions_of, waiting_by_rule
from registry.merging import merge, split
from registry.persons import Stamp, identifier_row, search_by_number
from registry.retention import erase_person
from residence.cleaning.rules import RULES
from residence.errors import Conflict, Refused
from residence.stays.known import KnownNumber


@pytest.fixture
def register(seeded, url, tmp_path):
    made = make_town(url, tmp_path / "vault")
    yield fill(made.registry, tmp_path)
    made.registry.close()


only_sqlite = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


def only_ours(found):
    """Without what is found among the sixty residents of the invented commune, who are not this file's."""
    ours = {name for names in FOUND.values() for each in names for name in each.split(",")}
    kept = {rule: [each for each in whom if set(each.split(",")) <= ours] for rule, whom in found.items()}
    return {rule: whom for rule, whom in kept.items() if whom}


def test_every_rule_finds_whom_it_must_and_leaves_the_others_alone(register):
    register.run()
    assert only_ours(register.found()) == FOUND
    elsewhere = {"person_two_numbers", "stale", "ward_abolished", "ward_decision_withdrawn"}  # in files of their own
    assert set(FOUND) | elsewhere == set(RULES)


def test_an_item_says_whose_it_is_until_when_and_shows_ids_and_no_value(register):
    register.run(due_days={"number_shared": 3})
    (item,) = register.items("number_shared")
    assert (item.owner, item.state, item.due - LATER < timedelta(days=3)) == ("officer", "open", True)
    assert dict.fromkeys(kind for kind, _ in item.evidence) == {"person": None}
    with register.registry.reading() as connection:
        kept = repr([connection.execute(table.select()).all() for table in (tables.cleaning_items, tables.cleaning_steps)])
        counted = {each.rule: each.waiting for each in waiting_by_rule(connection, COMMUNE, now=register.now)}
    for value in ("001060000101", "912000101", "Trần", "1960-02-01", "1885-03-01"):
        assert value not in kept
    assert counted["number_shared"] == 1


@only_sqlite
def test_a_second_run_finds_nothing_new_and_judges_only_what_changed(register):
    first = register.run()
    register.now += timedelta(days=1)
    again = register.run(whole=False)
    assert (again.new, again.back, again.cleared) == ({}, {}, {})
    assert again.judged == {"household": 0, "premises": 0, "person": 0}
    register.change(tables.persons, "dead", status="living")
    third = register.run(whole=False)
    assert (third.judged["person"], third.cleared["dead_but_active"]) == (1, 1)
    assert first.new["dead_but_active"] == 1
    assert [each.state for each in register.items("dead_but_active", "cleared")] == ["cleared"]


@only_sqlite
def test_who_was_merged_is_found_no_more_and_the_one_who_stands_is_judged_anew(register):
    register.run()
    register.now += timedelta(days=1)
    register.run(whole=False)
    register.now += timedelta(days=1)
    head = register.id_of("head")
    register.change(tables.identifiers, "same-number", person_id=head)
    register.change(tables.persons, "same-number", merged_into=head)
    report = register.run(whole=False)
    assert report.judged["person"] == 1
    assert register.items("number_shared", "cleared")
    assert "number_shared" not in only_ours(register.found())


def test_what_was_ended_and_what_ends_by_its_days_is_judged_by_the_next_run(register):
    register.run()
    register.now += timedelta(days=1)
    heads = {each.subject_id: each.relation_id for each in register.rows(tables.relations) if each.kind == "head"}
    first, third = (register.id_of(each) for each in ("h-1", "h-3"))
    register.correct(tables.relations, heads[first], valid_to=(register.now - timedelta(days=2)).date().isoformat())
    register.correct(tables.relations, heads[third], valid_to=(register.now + timedelta(days=3)).date().isoformat())
    assert register.run(whole=False).new == {"household_no_head": 1}
    register.now += timedelta(days=2)
    assert register.run(whole=False).new == {}
    register.now += timedelta(days=2)
    assert register.run(whole=False).new == {"household_no_head": 1}
    assert {each.subject_id for each in register.items("household_no_head")} >= {first, third}


@only_sqlite
def test_a_residence_that_is_given_another_end_is_judged_by_the_next_run_with_its_premises(register):
    register.run()
    register.now += timedelta(days=1)
    homes = [each for each in register.rows(tables.residences) if each.person_id == register.id_of("child")]
    crowded = {each.subject_id for each in register.items("premises_over_capacity")}
    gone = [each for each in register.rows(tables.residences) if each.premises_id in crowded or each in homes]
    for each in gone:
        register.correct(tables.residences, each.residence_id, valid_to="2020-12-31")
    report = register.run(whole=False)
    assert (report.cleared["premises_over_capacity"], report.cleared["residences_overlap"]) == (1, 1)


@only_sqlite
def test_after_an_undone_merge_the_one_who_stood_for_both_is_judged_too(register):
    head, other = (register.id_of(each) for each in ("head", "sex"))
    means = {"cause": Cause(kind="account", cause_id="officer-1"), "now": register.now, "random_bytes": secrets.token_bytes}
    with register.registry.writing() as connection:
        merge_id = merge(connection, other, head, **means)
    register.run()
    assert any(each.subject_id == head for each in register.items("person_two_numbers"))
    register.now += timedelta(days=1)
    with register.registry.writing() as connection:
        split(connection, merge_id, by="officer-2", reason="not the same", now=register.now)
    assert register.run(whole=False).cleared["person_two_numbers"] == 1


@only_sqlite
@pytest.mark.parametrize("page", [1, 2, 500])
def test_the_size_of_a_page_changes_nothing(register, page):
    register.run(page=page)
    assert only_ours(register.found()) == FOUND


@only_sqlite
def test_a_run_that_was_broken_off_goes_on_where_it_was(register):
    register.run()
    with register.registry.writing() as connection:
        middle = sorted(own_id for own_id, name in register.names.items() if name in LINES)[4]
        connection.execute(
            update(tables.cleaning_passes).where(tables.cleaning_passes.c.subject == "person").values(after=middle, ended_at=None)
        )
    report = register.run()
    after = [each.person_id for each in _people(register) if each.person_id > middle]
    assert report.judged["person"] == len(after)
    assert only_ours(register.found()) == FOUND


def _people(register):
    with register.registry.reading() as connection:
        return connection.execute(tables.persons.select()).all()


def test_a_decision_settles_what_was_looked_at_and_is_kept_with_who_and_why(register):
    register.run()
    looked_at = register.look("premises_over_capacity")
    done = register.settle("premises_over_capacity", "accepted", looked_at.token)
    assert (done.items, register.items("premises_over_capacity")) == (len(looked_at.item_ids), [])
    with register.registry.reading() as connection:
        (decided,) = decisions_of(connection, COMMUNE)
    assert (decided.by, decided.reason, decided.outcome, decided.standing) == (
        "officer-1",
        "asked at the door",
        "accepted",
        done.items,
    )
    assert register.take_back(done.batch_id).items == done.items
    assert sorted(each.item_id for each in register.items("premises_over_capacity")) == sorted(looked_at.item_ids)
    with register.registry.reading() as connection:
        assert {(each.step, each.by, each.standing) for each in decisions_of(connection, COMMUNE)} == {
            ("decided", "officer-1", 0),
            ("undone", "officer-2", 0),
        }
    with pytest.raises(Conflict, match=r"cleaning\.not_standing"):
        register.take_back(done.batch_id)


def number_too(register, name, value):
    """Give somebody one more number in force."""
    own_id, vault = register.id_of(name), register.registry.vault
    with register.registry.writing() as connection:
        row = identifier_row(
            KnownNumber(kind="personal", value=value), own_id, key=vault.load_keys(connection, [own_id])[own_id],
            identifier_id="one-more", stamp=Stamp(COMMUNE, register.now, None), vault=vault,
        )  # fmt: skip
        connection.execute(tables.identifiers.insert(), row)


@only_sqlite
def test_a_decided_item_stays_decided_until_the_data_behind_it_change(register):
    register.run()
    register.settle("number_shared", "accepted")
    register.run()
    assert register.items("number_shared") == []
    register.change(tables.persons, "head", status="deceased")  # changed, but not what the item rests on
    register.run()
    assert register.items("number_shared") == []
    number_too(register, "phone", LINES["head"][3])
    report = register.run()
    assert report.back["number_shared"] == 1
    assert [len(each.evidence) for each in register.items("number_shared")] == [3]
    assert "phone" in register.found()["person_two_numbers"]


@only_sqlite
def test_a_decision_that_looked_at_something_else_is_refused_and_changes_nothing(register):
    register.run()
    token = register.look("number_against_sex").token
    for error, code, act in (
        (Conflict, "changed_meanwhile", lambda: register.settle("number_against_sex", "accepted", "0" * 32)),
        (Refused, "outcome", lambda: register.settle("number_against_sex", "confirmed", token)),
        (Refused, "reason", lambda: register.settle("number_against_sex", "accepted", token, words=" ")),
        (Refused, "nothing_chosen", lambda: register.look("number_against_sex", item_ids=("no-such-item",))),
        (Refused, "too_many", lambda: register.look("number_against_sex", most=201)),
        (Refused, "unknown_decision", lambda: register.take_back("no-such-batch")),
    ):
        with pytest.raises(error, match=rf"cleaning\.{code}"):
            act()
    done = register.settle("number_against_sex", "accepted", token)
    with pytest.raises(Refused, match=r"cleaning\.unknown_decision"):
        register.take_back(done.batch_id, commune="demo-02")


@only_sqlite
def test_data_grown_old_are_asked_for_again_and_an_answer_makes_them_fresh(register):
    register.now += timedelta(days=731)
    register.run()
    child = register.id_of("child")
    (item,) = [each for each in register.items("stale") if each.subject_id == child]
    assert [row_id for kind, row_id in item.evidence if kind == "field"] == ["contact", "residence"]
    done = register.settle("stale", "confirmed")
    with register.registry.reading() as connection:
        fresh = last_confirmed(connection, [child])[child]
    assert (fresh["residence"].by, fresh["residence"].at) == ("officer-1", register.now)
    assert fresh["birth"].by == "register"
    register.run()
    assert register.items("stale") == []
    register.take_back(done.batch_id)
    with register.registry.reading() as connection:
        assert last_confirmed(connection, [child])[child]["residence"].by == "register"
    assert len(register.items("stale")) == done.items


@only_sqlite
def test_a_card_that_is_read_confirms_name_birth_sex_and_number(url, tmp_path):
    town = make_town(url, tmp_path / "vault")
    person = make_person()
    town.declare(person=person)
    with town.registry.reading() as connection:
        (own_id,) = search_by_number(connection, "personal", person.personal_number, vault=town.registry.vault)
        fields = last_confirmed(connection, [own_id])[own_id]
    assert {field for field, each in fields.items() if each.by == "card"} <= {"full_name", "birth", "sex", "personal_number"}
    assert "contact" not in fields
    town.registry.close()


@only_sqlite
def test_who_is_erased_takes_their_items_along(register):
    register.run()
    head = register.id_of("head")
    with register.registry.writing() as connection:
        erase_person(connection, head, vault=register.registry.vault, now=register.now)
    left = register.found()
    assert all("head" not in whom.split(",") for names in left.values() for whom in names)
    with register.registry.reading() as connection:
        (row,) = connection.execute(tables.persons.select().where(tables.persons.c.person_id == head)).all()
    assert row.contact_index is None
    register.run()
    assert "number_shared" not in only_ours(register.found())


@only_sqlite
def test_the_command_runs_lists_previews_decides_and_takes_back(register, url, tmp_path):
    def call(*words):
        ends = ["--registry", url, "--vault", str(tmp_path / "vault"), "--json"]
        result = CliRunner().invoke(app, ["cleaning", *words, *ends])
        return result.exit_code, msgspec.json.decode(result.stdout)

    status, ran = call("run", "--whole")
    assert (status, ran["new"]["number_against_sex"]) == (0, 1)
    status, shown = call("list", "--commune", COMMUNE, "--rule", "number_against_sex")
    (item,) = shown["items"]
    assert (status, item["severity"], bool(item["message"]["vi"])) == (0, "warning", True)
    words = ("decide", "number_against_sex", "corrected", "--commune", COMMUNE, "--by", "officer-1", "--reason", "asked")
    status, seen = call(*words)
    assert (status, seen["preview"]["item_ids"]) == (0, [item["item_id"]])
    status, done = call(*words, "--token", seen["preview"]["token"])
    assert (status, done["done"]["items"]) == (0, 1)
    assert call(*words)[1]["problems"] == ["cleaning.nothing_chosen"]
    back = call("undo", done["done"]["batch_id"], "--commune", COMMUNE, "--by", "officer-1", "--reason", "wrong")
    assert (back[0], back[1]["done"]["items"]) == (0, 1)
