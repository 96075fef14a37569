"""Heads, owners and absences are recorded after a register was taken over: begun, ended, never overwritten, judged by whoever asks."""

from __future__ import annotations

import json
import secrets
from datetime import date, timedelta

import pytest
from factories import EVENING, make_person
from recording_town import Town
from sqlalchemy import select
from typer.testing import CliRunner

from luutru.commands.registry import app
from registry import tables
from registry.households import Registration, add_person, add_residences
from registry.lapses import find_lapses
from registry.numbering import Means, Officer
from registry.relation_changes import Away, Begun, begin_relation, declare_absence, end_absence, end_relation, relations_to
from registry.relations import answers_for
from residence.cases.lapses import LapseChoices
from residence.errors import LuutruError
from residence.stays.duty import Duty
from residence.stays.rules import load_rule_book

BLOCK = "blk-hoa-binh"
OFFICER = Officer(account_id="can-bo", reason="the contract was shown")
FIRST, LAST = date(2026, 7, 1), date(2026, 7, 5)
MADE = {"commune_code": "demo-01", "now": EVENING, "random_bytes": secrets.token_bytes}


def live(town: Town, **person) -> str:
    with town.registry.writing() as connection:
        return add_person(connection, make_person(**person), vault=town.registry.vault, **MADE)


def do(town: Town, step, *given, **named):
    means = Means(vault=town.registry.vault, now=EVENING, random_bytes=secrets.token_bytes)
    with town.registry.writing() as connection:
        return step(connection, *given, **({"officer": OFFICER, "means": means} | named))


def owner_on(town: Town, day: date):
    duty = Duty(holder="owner", answering=("owner",))
    with town.registry.reading() as connection:
        return answers_for(connection, BLOCK, None, on=day, duty=duty)


def test_an_owner_answers_from_the_first_day_to_the_last_and_what_the_row_said_before_stays(town: Town) -> None:
    person_id = live(town)
    relation_id = do(town, begin_relation, Begun(kind="owner", subject_id=BLOCK, person_id=person_id, first=FIRST))
    assert owner_on(town, LAST + timedelta(days=1)) == ("owner", [person_id])
    do(town, end_relation, relation_id, LAST)
    assert owner_on(town, LAST) == ("owner", [person_id])
    assert owner_on(town, LAST + timedelta(days=1)) == ("occupant", [])
    (change,) = town.rows(tables.changes)
    assert (change.before, change.after, change.reason) == ({"valid_to": None}, {"valid_to": "2026-07-05"}, OFFICER.reason)


def test_a_head_of_before_stays_beside_the_new_one(town: Town) -> None:
    with town.registry.reading() as connection:
        household = connection.scalar(select(tables.households.c.household_id).limit(1))
        before = len(relations_to(connection, household))
    for number in ("001095000551", "001095000552"):
        head = live(town, personal_number=number)
        do(town, begin_relation, Begun(kind="head", subject_id=household, person_id=head, first=FIRST))
    with town.registry.reading() as connection:
        assert len(relations_to(connection, household)) == before + 2


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_cannot_be_is_refused(town: Town) -> None:
    person_id = live(town)
    begun = Begun(kind="owner", subject_id=BLOCK, person_id=person_id, first=FIRST)
    relation_id = do(town, begin_relation, begun)
    refused = {
        "relation.stands": (begin_relation, begun),
        "relation.subject_unknown": (begin_relation, Begun(kind="head", subject_id=BLOCK, person_id=person_id, first=FIRST)),
        "registry.person_unknown": (begin_relation, Begun(kind="owner", subject_id=BLOCK, person_id="nobody", first=FIRST)),
        "relation.unknown": (end_relation, "nothing", LAST),
        "relation.days": (end_relation, relation_id, FIRST - timedelta(days=1)),
    }
    for code, (step, *given) in refused.items():
        with pytest.raises(LuutruError) as refusal:
            do(town, step, *given)
        assert refusal.value.code == code
    with pytest.raises(LuutruError, match=r"relation\.reason"):
        do(town, end_relation, relation_id, LAST, officer=Officer(account_id="can-bo", reason=" "))
    do(town, end_relation, relation_id, LAST)
    with pytest.raises(LuutruError, match=r"relation\.ended"):
        do(town, end_relation, relation_id, LAST)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_absence_explains_until_it_is_over(town: Town) -> None:
    person_id = live(town)
    lodging = Registration(
        person_id=person_id, premises_id=BLOCK, kind="temporary", valid_from="2025-01-01", valid_to="2026-07-08"
    )
    with town.registry.writing() as connection:
        add_residences(connection, [lodging], **MADE)
    absence_id = do(town, declare_absence, person_id, Away(first=FIRST))
    assert found(town) == {}
    do(town, end_absence, absence_id, LAST)
    assert found(town) == {"temporary_expired": 1}


def found(town: Town) -> dict[str, int]:
    search = {"rules": load_rule_book(), "choices": LapseChoices(), "random_bytes": secrets.token_bytes}
    return find_lapses(town.registry, now=EVENING, **search).found


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_by_command(town: Town, url: str, tmp_path) -> None:
    person_id = live(town)
    ends = ["--registry", url, "--vault", str(tmp_path / "vault"), "--by", "can-bo"]

    def run(*words, who=ends):
        done = CliRunner().invoke(app, ["relations", *words, *who, "--json"])
        return done.exit_code, json.loads(done.stdout)

    why = ["--reason", "the contract"]
    _, begun = run("begin", "owner", BLOCK, person_id, "--on", "2026-07-01", *why)
    assert run("begin", "owner", BLOCK, person_id, "--on", "2026-07-01", *why)[0] == 1
    assert run("end", begun["relation_id"], "--on", "2026-07-05", *why)[0] == 0
    _, gone = run("away", person_id, "--from", "2026-07-01")
    assert run("back", gone["absence_id"], "--on", "2026-07-03", *why)[0] == 0
    _, told = run("list", BLOCK, who=ends[:-2])
    (owner,) = [each for each in told["relations"] if each["person_id"] == person_id]
    assert (owner["kind"], owner["valid_from"], owner["valid_to"], owner["named"]) == ("owner", "2026-07-01", "2026-07-05", False)
    _, away = run("list", person_id, who=ends[:-2])
    assert [(each["valid_from"], each["valid_to"]) for each in away["absences"]] == [("2026-07-01", "2026-07-03")]
