"""Every level of keys is renewed while declarations keep coming: nothing unreadable, nothing lost, and the former keys are gone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from recording_town import Town
from rotation_parts import declarations_keep_coming, keys_of, until_settled
from sqlalchemy import Table, insert, select
from typer.testing import CliRunner

from luutru.commands.registry import app
from registry import tables
from registry.checking import check_registry
from registry.key_rotation import destroy_period, finish_subject, rotate_period, rotate_root, rotate_subject
from registry.persons import matching_persons
from registry.sealed_columns import SEALED, SEALED_BESIDES
from registry.vault import Cell
from residence.errors import Refused, Untrusted

ELSEWHERE = {
    "webhooks",
    "accounts",
}  # a house's program has a secret that is replaced another way; an account's column is never filled
AT_ONCE = timedelta(0)
LONGER_THAN_A_BATCH = timedelta(seconds=2)  # one that read the key while it was renewed seals with it until it commits


def people(town: Town) -> list[str]:
    with town.registry.reading() as connection:
        return list(connection.scalars(select(tables.persons.c.person_id).where(tables.persons.c.declaration_id.is_not(None))))


def test_every_level_is_renewed_while_declarations_keep_coming(town: Town, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    town.declare()
    first, keys = people(town)[0], keys_of(tmp_path)
    held = {row.subject_id: row for row in town.rows(tables.subject_keys)}
    sealed = next(row for row in town.rows(tables.persons) if row.person_id == first)

    with declarations_keep_coming(town, tmp_path) as kept:
        roots = rotate_root(keys)
        period = rotate_period(town.registry, keys, "demo-01", now=now)
        with town.registry.writing() as connection:
            subject = rotate_subject(connection, first, vault=town.registry.vault, now=datetime.now(UTC))

        def finish() -> None:
            with town.registry.writing() as connection:
                finish_subject(connection, first, vault=town.registry.vault, now=datetime.now(UTC), settled=LONGER_THAN_A_BATCH)

        until_settled(finish)
        until_settled(lambda: destroy_period(town.registry, keys, period.former, now=now, why="test", settled=AT_ONCE))
        second = rotate_root(keys)

    assert (period.former, period.new) == ("demo-01:2026", "demo-01:2026.2")
    assert period.renewed >= len(held)
    assert subject.renewed > 3
    assert (roots.new, second.former) == ("file-2", "file-2")
    report = check_registry(town.registry)
    assert report.problems == ()
    assert set(kept) <= {row.declaration_id for row in town.rows(tables.receipts) if row.state == "accepted"}
    with town.registry.reading() as connection:
        found = matching_persons(connection, people(town), vault=town.registry.vault)
    assert len(found) == len(people(town)) > 8
    assert {row.kek_id for row in town.rows(tables.subject_keys) if row.commune_code == "demo-01"} == {period.new}
    before = held[first]
    with pytest.raises(Untrusted, match="key_retired"):  # what a backup of before would need
        town.registry.vault.unwrap(first, before.kek_id, before.wrapped_key)
    with town.registry.reading() as connection:
        now_key = town.registry.vault.load_keys(connection, [first])[first]
    with pytest.raises(Untrusted, match="damaged"):
        town.registry.vault.open(now_key, Cell("persons", "full_name", first), sealed.full_name_sealed)


def test_what_a_slow_writer_sealed_under_the_former_key_is_sealed_anew(town: Town, tmp_path: Path) -> None:
    """Somebody took the key before it was renewed and writes after: both keys open until the former one is dropped."""
    town.declare()
    person_id, vault = people(town)[0], town.registry.vault
    with town.registry.reading() as connection:
        former = vault.load_keys(connection, [person_id])[person_id]
    now = datetime.now(UTC)
    with town.registry.writing() as connection:
        rotate_subject(connection, person_id, vault=vault, now=now)
    version = {"commune_code": "demo-01", "version_id": "v-slow", "person_id": person_id, "recorded_at": now}
    given = vault.seal(former, Cell("persons", "full_name", person_id), "Trần Văn Chậm")
    with town.registry.writing() as connection:
        columns = tables.person_versions.c
        needed = {each.name: "x" for each in columns if not each.nullable and each.name not in version}
        connection.execute(insert(tables.person_versions), [{**needed, **version, "full_name_sealed": given}])
    with town.registry.writing() as connection, pytest.raises(Refused, match="not_settled"):
        finish_subject(connection, person_id, vault=vault, now=now)
    with town.registry.writing() as connection:
        finish_subject(connection, person_id, vault=vault, now=now + timedelta(hours=1), settled=AT_ONCE)
        key = vault.load_keys(connection, [person_id])[person_id]
        row = connection.execute(select(tables.person_versions)).one()
    assert key.former == ()
    assert vault.open_text(key, Cell("persons", "full_name", person_id), row.full_name_sealed) == "Trần Văn Chậm"


def test_a_period_key_is_not_destroyed_too_early(town: Town, tmp_path: Path) -> None:
    now, keys = datetime.now(UTC), keys_of(tmp_path)
    with pytest.raises(Refused, match="period_in_use"):
        destroy_period(town.registry, keys, "demo-01:2026", now=now, why="test")
    with town.registry.writing() as slow:  # a gateway in the middle of its batch
        slow.execute(select(tables.subject_keys.c.subject_id).limit(1)).first()
        keys.begin_generation("demo-01:2026", now=datetime.now(UTC))
        later = datetime.now(UTC) + timedelta(hours=1)
        with pytest.raises(Refused, match="not_settled"):
            destroy_period(town.registry, keys, "demo-01:2026", now=later - timedelta(hours=1), why="test")
        if town.registry.engine.dialect.name == "postgresql":
            with pytest.raises(Refused, match="not_settled"):
                destroy_period(town.registry, keys, "demo-01:2026", now=later, why="test")
    assert destroy_period(town.registry, keys, "demo-01:2026", now=later, why="test") > 60
    assert keys.notes.retired()["demo-01:2026"].why == "test"
    assert check_registry(town.registry).ok


def test_the_commands_rotate_and_name_what_they_did(town: Town, tmp_path: Path) -> None:
    town.declare()
    where = ["--registry", town.registry.engine.url.render_as_string(hide_password=False), "--vault", str(tmp_path / "vault")]

    def run(*words: str) -> dict:
        return json.loads(CliRunner().invoke(app, ["keys", *words, *where, "--json"]).stdout)

    person_id = people(town)[0]
    assert run("rotate-root")["new"] == "file-2"
    assert run("rotate-period", "demo-01")["new"] == "demo-01:2026.2"
    assert run("rotate-subject", person_id)["renewed"] > 3
    assert run("finish-subject", person_id)["problems"] == ["vault.not_settled"]
    assert run("destroy", "demo-01:2026", "--why", "test")["problems"] == ["vault.not_settled"]
    told = run("list")
    assert (told["roots"], told["needed"], told["destroyed"]) == (["file-2"], ["demo-01:2026.2"], [])
    assert check_registry(town.registry).ok


def test_no_key_is_made_under_a_destroyed_name(tmp_path: Path) -> None:
    """A process whose idea of the period in force is old must not bring a destroyed key's name back to life."""
    keys = keys_of(tmp_path)
    keys.period_key("demo-01:2026", create=True)
    keys.retire("demo-01:2026", now=datetime.now(UTC), why="test")
    with pytest.raises(Untrusted, match="key_retired"):
        keys.period_key("demo-01:2026", create=True)


def test_every_sealed_column_is_on_the_list() -> None:
    def columns(table: Table) -> set[str]:
        return {each.name for each in table.columns if each.name.endswith("_sealed")}

    there = {(table.name, name) for table in tables.metadata.tables.values() for name in columns(table)}
    listed = {(table.name, f"{name}_sealed") for table, _, _, names in (*SEALED, *SEALED_BESIDES) for name in names}
    assert {pair for pair in there if pair[0] not in ELSEWHERE} == listed
