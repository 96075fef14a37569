"""Whom an incident concerns: by account, by kiosk, by commune; ids, and by when the authority is told."""

from __future__ import annotations

import json
import stat

import pytest
from factories import EVENING, make_person
from log_parts import LogOf
from recording_town import make_town
from seeded_town import put_seeded_sqlite
from typer.testing import CliRunner

from luutru.commands.registry import app
from registry import affected, tables
from registry.accounts import KnownAccount, add_account
from registry.kiosks import Enrolment, enrol_kiosk
from residence.access import incidents
from residence.clock import parse_instant

OFFICER = KnownAccount(
    account_id="acc-officer", commune_code="demo-01", sign_in_name="can-bo", role="officer", areas=(), created_at=EVENING
)
KIOSK = Enrolment(kiosk_id="kiosk-lobby-1", premises_id="blk-hoa-binh", commune_code="demo-01", profile="lobby")
SINCE, DETECTED = "2020-01-01T00:00:00+07:00", "2026-07-11T08:00:00+07:00"


@pytest.fixture
def town(tmp_path):
    town = make_town(put_seeded_sqlite(tmp_path), tmp_path / "vault")
    with town.registry.writing() as connection:
        add_account(connection, OFFICER)
        enrol_kiosk(connection, KIOSK, keys=[], now=EVENING)
    yield town
    town.registry.close()


@pytest.fixture
def asked(town, tmp_path):
    def asked(*words, status=0, told=True):
        options = ["--since", SINCE, "--detected", DETECTED, "--to", str(tmp_path / "incident.jsonl"), "--json"]
        options += ["--registry", str(town.registry.engine.url), "--vault", str(tmp_path / "vault")]
        result = CliRunner().invoke(app, ["affected", *words, *options])
        assert result.exit_code == status, result.output
        return json.loads(result.stdout) if told else None

    return asked


def written(tmp_path):
    path = tmp_path / "incident.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_an_accounts_looks_name_whom_it_saw_and_by_which_fields(town, asked, tmp_path, monkeypatch):
    monkeypatch.setattr(affected, "PAGE", 2)  # several pages
    log = LogOf(town.registry, tmp_path)
    log.look("per-1", "per-2", "per-3")
    log.look("per-2")
    answer = asked("--account", "can-bo")
    assert (answer["persons"], answer["fields"], answer["persons_told_too"]) == (3, ["full-name"], False)
    assert answer["authority_by"] == "2026-07-14T08:00:00+07:00"
    incident, *persons = written(tmp_path)
    assert incident["by"] == {"account": "can-bo"}
    assert [(each["person_id"], each["times"]) for each in persons] == [("per-1", 1), ("per-2", 2), ("per-3", 1)]
    assert "file" not in incident


def test_a_kiosks_declarations_name_whom_they_are_about(town, asked, tmp_path, monkeypatch):
    monkeypatch.setattr(affected, "PAGE", 2)
    numbers = ("001095000117", "001095000218", "001095000319")
    for number in (*numbers, numbers[0]):
        town.declare(person=make_person(personal_number=number, document=None))
    town.declare(person=make_person(personal_number=numbers[1]))  # refused: the card's number is another
    told = {row.person_id for row in town.rows(tables.declarations) if row.person_id}
    answer = asked("--kiosk", "kiosk-lobby-1")
    assert (answer["persons"], answer["declarations_of_nobody_known"], answer["fields"]) == (3, 1, "all")
    assert answer["persons_told_too"]
    assert {each["person_id"]: each["times"] for each in written(tmp_path)[1:]}.keys() == told


def test_a_commune_is_everybody_in_it_and_a_file_is_never_written_over(town, asked, tmp_path):
    answer = asked("--commune", "demo-01")
    assert answer["persons"] == sum(row.commune_code == "demo-01" for row in town.rows(tables.persons)) > 0
    before = (tmp_path / "incident.jsonl").read_bytes()
    options = ["--since", SINCE, "--detected", DETECTED, "--to", str(tmp_path / "incident.jsonl")]
    assert CliRunner().invoke(app, ["affected", "--commune", "demo-01", *options]).exit_code == 2
    options[-1] = str(tmp_path / "nowhere" / "incident.jsonl")
    assert CliRunner().invoke(app, ["affected", "--commune", "demo-01", *options]).exit_code == 2
    assert (tmp_path / "incident.jsonl").read_bytes() == before
    assert not any(name.encode() in before for name in ("Nguyễn", "001203"))


REFUSED = {
    "nobody's account": ("--account", "nobody", "account.unknown"),
    "nobody's kiosk": ("--kiosk", "nobody", "kiosk.unknown"),
}


@pytest.mark.parametrize(("option", "name", "code"), REFUSED.values(), ids=REFUSED)
def test_who_is_not_known_is_said_and_nothing_is_written(asked, tmp_path, option, name, code):
    assert asked(option, name, status=1)["problems"] == [code]
    assert not (tmp_path / "incident.jsonl").exists()


def test_persons_are_told_where_a_place_was_seen():
    assert incidents.persons_are_told(None)
    assert incidents.persons_are_told(["full-name", "whereabouts"])
    assert not incidents.persons_are_told(["full-name", "birth-date"])
    assert incidents.due(parse_instant(DETECTED)) == parse_instant("2026-07-14T08:00:00+07:00")
