"""Numbers through time: cancelled, replaced, given to somebody else, taken back; what was said before can be told, and use is found."""

from __future__ import annotations

import json
import secrets
from datetime import date

import pytest
from factories import make_declaration, make_person
from recording_town import Town
from sqlalchemy import select
from typer.testing import CliRunner

from luutru.commands.registry import app
from registry import tables
from registry.checking import check_registry
from registry.households import add_person
from registry.numbering import Means, Officer, cancel_number, numbers_held, replace_number, take_back
from residence.errors import Conflict, Refused
from residence.people.person import PartialDate

OLD, NEW, ODD = "001095000117", "001095000999", "00109500011"
OFFICER = Officer(account_id="can-bo", reason="new card")
DAY = date(2026, 7, 1)


def means(town: Town) -> Means:
    return Means(vault=town.registry.vault, now=town.now, random_bytes=secrets.token_bytes)


def live(town: Town, number: str = OLD, **changes) -> str:
    """Put somebody into the register; returns the person's id."""
    person = make_person(personal_number=number, document=None, **changes)
    given = {"commune_code": "demo-01", "vault": town.registry.vault, "now": town.now, "random_bytes": secrets.token_bytes}
    with town.registry.writing() as connection:
        return add_person(connection, person, **given)


def number_of(town: Town, person_id: str, *, at: int = 0) -> str:
    with town.registry.reading() as connection:
        return numbers_held(connection, person_id)[at].identifier_id


def do(town: Town, step, *given, **named):
    with town.registry.writing() as connection:
        return step(connection, *given, **({"officer": OFFICER, "means": means(town)} | named))


def statuses(town: Town, person_id: str) -> list[str]:
    with town.registry.reading() as connection:
        return sorted(each.status for each in numbers_held(connection, person_id))


def declare(town: Town, number: str, **changes) -> set[str]:
    """Declare a stay with a number; returns the findings about it."""
    said = make_declaration(person=make_person(personal_number=number, document=None, **changes))
    receipt = town.record(town.say(said))[0].receipt
    return {each.code for each in receipt.findings}


def test_whoever_declares_with_a_cancelled_number_is_recorded_with_a_finding_and_taken_back_without(town: Town) -> None:
    person_id = live(town)
    done = do(town, cancel_number, number_of(town, person_id), on=DAY)
    assert "person.number_cancelled" in declare(town, OLD)
    do(town, take_back, done.event_id)
    assert statuses(town, person_id) == ["active"]
    assert "person.number_cancelled" not in declare(town, OLD, full_name="Trần Văn An")


def test_a_new_number_stands_in_place_of_the_old_and_both_find_the_person(town: Town) -> None:
    person_id = live(town)
    done = do(town, replace_number, number_of(town, person_id), NEW, on=DAY)
    assert (statuses(town, person_id), done.problems) == (["active", "replaced"], ())
    assert "person.number_cancelled" not in declare(town, NEW)
    with town.registry.reading() as connection:
        people = set(connection.scalars(select(tables.stays.c.person_id)))
        assert (
            connection.scalar(select(tables.changes.c.before).where(tables.changes.c.what == "identifiers"))["status"] == "active"
        )
    assert people == {person_id}
    assert check_registry(town.registry).problems == ()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_replacement_is_taken_back_and_the_new_number_proves_nothing_any_more(town: Town) -> None:
    person_id = live(town)
    done = do(town, replace_number, number_of(town, person_id), NEW, on=DAY)
    do(town, take_back, done.event_id)
    assert statuses(town, person_id) == ["active", "stated"]
    with pytest.raises(Conflict):
        do(town, take_back, done.event_id)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_number_given_to_somebody_else_is_theirs(town: Town) -> None:
    before = live(town)
    do(town, cancel_number, number_of(town, before), on=DAY)
    other = {"full_name": "Lê Văn Cảnh", "birth": PartialDate(value="1995-09-09", precision="day")}
    after = live(town, **other)
    findings = declare(town, OLD, **other)
    assert not findings & {"person.number_cancelled", "person.number_disagrees_with_name"}
    with town.registry.reading() as connection:
        assert set(connection.scalars(select(tables.stays.c.person_id))) == {after}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_new_number_somebody_else_has_in_force_is_written_and_told(town: Town) -> None:
    live(town, NEW, full_name="Lê Văn Cảnh")
    person_id = live(town)
    done = do(town, replace_number, number_of(town, person_id), NEW, on=DAY)
    assert [each.code for each in done.problems] == ["number.somebody_elses"]
    assert statuses(town, person_id) == ["active", "replaced"]


# what is tried -> the refusal
WRONG = {
    "a day to come": (lambda town, own: do(town, cancel_number, own, on=date(2026, 7, 11)), "number.day"),
    "no reason": (lambda town, own: do(town, cancel_number, own, on=DAY, officer=Officer(account_id="a", reason=" ")), "number.reason"),
    "no such number": (lambda town, _own: do(town, cancel_number, "nothing", on=DAY), "number.unknown"),
    "the number itself": (lambda town, own: do(town, replace_number, own, OLD, on=DAY), "number.held"),
    "no such event": (lambda town, _own: do(town, take_back, "nothing"), "number.event_unknown"),
    "twice": (lambda town, own: [do(town, cancel_number, own, on=DAY) for _ in range(2)], "number.not_in_force"),
}  # fmt: skip


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("attempt", "code"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_is_refused(town: Town, attempt, code) -> None:
    own = number_of(town, live(town))
    with pytest.raises((Refused, Conflict)) as refusal:
        attempt(town, own)
    assert refusal.value.code == code


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_by_command_and_no_number_is_shown(town: Town, url: str, tmp_path) -> None:
    person_id, where = live(town), ["--registry", url, "--vault", str(tmp_path / "vault"), "--json"]

    def run(*words: str, given: str | None = None) -> dict:
        told = CliRunner().invoke(app, ["numbers", *words, *where], input=given).stdout
        assert OLD not in told + NEW
        assert NEW not in told
        return json.loads(told)

    (own,) = run("list", person_id)["numbers"]
    said = ("--by", "can-bo", "--reason", "new card")
    odd = run("replace", own["identifier_id"], "--on", "2026-07-01", *said, given=f"{ODD}\n")
    assert (odd["ok"], odd["problems"][0]["code"]) == (False, "personal-number.malformed")
    done = run("replace", own["identifier_id"], "--on", "2026-07-01", *said, given=f"{NEW}\n")
    assert done["ok"]
    assert [each["status"] for each in run("list", person_id)["numbers"]] == ["replaced", "active"]
    assert run("take-back", done["event_id"], *said)["ok"]
    assert run("e-id", person_id, "--on", "2026-07-10", "--by", "can-bo")["ok"]
    assert not run("e-id", person_id, "--on", "2026-07-10", "--by", "can-bo")["ok"]
    assert statuses(town, person_id) == ["active", "stated"]
