"""Fields under dispute: whoever gets the value is told, until it is settled."""

from __future__ import annotations

import secrets

import msgspec
import pytest
from factories import make_person
from recording_town import Town
from typer.testing import CliRunner

from luutru.commands.registry import app
from registry import tables
from registry.disputing import Settlement, disputed_fields, raise_dispute, settle_dispute
from registry.households import add_person
from registry.release import Look, ReleasedPerson, release_persons
from registry.retention import erase_person
from residence.access.purposes import Field, Purpose
from residence.errors import Conflict, Refused


def register(town: Town) -> str:
    with town.registry.writing() as connection:
        return add_person(
            connection,
            make_person(),
            commune_code="demo-01",
            vault=town.registry.vault,
            now=town.now,
            random_bytes=secrets.token_bytes,
        )


def dispute(town: Town, person_id: str, field: Field, reason: str = "certificate says otherwise") -> str:
    how = {"by": "resident-1", "reason": reason, "now": town.now, "random_bytes": secrets.token_bytes}
    with town.registry.writing() as connection:
        return raise_dispute(connection, person_id, field, **how)


def released(town: Town, person_id: str, role: str = "clerk", purpose: Purpose = Purpose.DECLARE_GUEST) -> ReleasedPerson:
    look = Look(account_id="a-1", role=role, purpose=purpose, commune_code="demo-01")
    with town.registry.writing() as connection:
        return release_persons(
            connection, [person_id], look=look, vault=town.registry.vault, now=town.now, random_bytes=secrets.token_bytes
        )[person_id]


def test_a_value_under_dispute_comes_back_with_that_said_until_it_is_settled(town: Town) -> None:
    person_id = register(town)
    assert released(town, person_id).disputed == frozenset()
    dispute_id = dispute(town, person_id, Field.BIRTH_DATE)
    dispute(town, person_id, Field.PERSONAL_NUMBER)
    said = released(town, person_id)
    assert said.disputed == {Field.BIRTH_DATE, Field.PERSONAL_NUMBER_MASKED}
    assert said.fields[Field.BIRTH_DATE]
    with town.registry.writing() as connection:
        settle_dispute(connection, dispute_id, Settlement(outcome="upheld", by="officer-1", reason="papers seen"), now=town.now)
    assert released(town, person_id).disputed == {Field.PERSONAL_NUMBER_MASKED}
    with pytest.raises(Conflict, match=r"dispute\.settled"), town.registry.writing() as connection:
        settle_dispute(connection, dispute_id, Settlement(outcome="upheld", by="officer-2", reason="again"), now=town.now)


def test_who_may_not_see_a_field_is_not_told_that_it_is_disputed(town: Town) -> None:
    person_id = register(town)
    dispute(town, person_id, Field.OLD_NUMBER)
    assert released(town, person_id).disputed == frozenset()


def test_a_finding_that_stands_puts_the_field_it_points_at_under_dispute(town: Town) -> None:
    person_id = register(town)
    finding = {"commune_code": "demo-01", "finding_id": "f-1", "code": "person.number_of_two_persons", "severity": "warning"}
    with town.registry.writing() as connection:
        row = finding | {"pointer": "/person/personal_number", "about": [person_id], "found_at": town.now, "cleared_at": None}
        connection.execute(tables.findings.insert(), [row])
        link = {"commune_code": "demo-01", "about_id": person_id, "finding_id": "f-1"}
        connection.execute(tables.finding_links.insert(), [link])
        assert Field.PERSONAL_NUMBER in disputed_fields(connection, [person_id])[person_id]
        connection.execute(tables.findings.update().values(cleared_at=town.now))
        assert disputed_fields(connection, [person_id]) == {}


@pytest.mark.parametrize(
    ("who", "field", "reason", "code"),
    [
        ("nobody", Field.SEX, "why", "registry.person_unknown"),
        (None, Field.UNIT, "why", "dispute.field"),
        (None, Field.SEX, " ", "dispute.reason"),
    ],
)
@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_what_cannot_be_disputed_is_refused(town: Town, who: str | None, field: Field, reason: str, code: str) -> None:
    with pytest.raises(Refused, match=code.replace(".", r"\.")):
        dispute(town, who or register(town), field, reason)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_erased_person_has_no_disputes_left(town: Town) -> None:
    person_id = register(town)
    dispute(town, person_id, Field.SEX)
    with town.registry.writing() as connection:
        erase_person(connection, person_id, vault=town.registry.vault, now=town.now)
    assert town.rows(tables.disputes) == []


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_command_raises_lists_and_settles(town: Town, url: str, tmp_path) -> None:
    person_id, why = register(town), ("--by", "can-bo", "--reason", "certificate says otherwise")

    def run(*words: str) -> tuple[int, dict]:
        asked = ["disputes", *words, "--registry", url, "--vault", str(tmp_path / "vault"), "--json"]
        result = CliRunner().invoke(app, asked)
        return result.exit_code, msgspec.json.decode(result.stdout)

    status, answer = run("raise", person_id, "birth-date", *why)
    assert (status, [each["field"] for each in answer["disputes"]]) == (0, ["birth-date"])
    assert run("settle", answer["disputes"][0]["dispute_id"], "corrected", *why)[0] == 0
    assert [each["outcome"] for each in run("list", person_id)[1]["disputes"]] == ["corrected"]
    status, answer = run("raise", "nobody", "sex", *why)
    assert (status, answer["ok"], answer["problems"]) == (1, False, ["registry.person_unknown"])
