"""A backup made while others write comes back the same, and anything that is not the same is noticed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from factories import make_declaration
from hypothesis import given, settings
from hypothesis import strategies as st
from loaded_register import rows_of
from recording_town import Town
from sqlalchemy import delete, select, update
from typer.testing import CliRunner

from luutru.commands.registry import app
from registry import tables
from registry.backups import MANIFEST, back_up, prove, read_manifest, restore
from registry.bulk import write_rows
from registry.checking import check_registry
from registry.database import connect, open_engine
from registry.digests import differences, digest_all, digest_table
from residence.errors import Conflict, Malformed, Refused, Untrusted


def address_of(town: Town) -> str:
    return town.registry.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def place(town: Town, tmp_path: Path, empty_url: Callable[[str], str]) -> str:
    """Where a backup is brought back: empty, of the town's engine."""
    return empty_url("sqlite") if town.registry.engine.dialect.name == "sqlite" else empty_url("postgresql")


def lived_in(town: Town) -> Town:
    said = make_declaration()
    town.record(town.say(said), town.say(make_declaration(unit=None)))
    town.record(town.say(make_declaration(person=said.person, kind="correction", about=said.declaration_id)))
    town.see()
    return town


def test_what_comes_back_is_the_same_and_opens(town: Town, place: str, tmp_path: Path) -> None:
    made = back_up(address_of(lived_in(town)), tmp_path / "backup", vault=town.registry.vault, now=town.now)
    assert made.tables["declarations"].rows == 3
    assert made.period_keys == ("demo-01:2026",)
    assert restore(tmp_path / "backup", place, vault=town.registry.vault) == made
    with pytest.raises(
        Refused, match="place_not_empty"
    ):  # and the backup itself is as it was: it would be refused for that before
        restore(tmp_path / "backup", place, vault=town.registry.vault)
    brought_back = connect(place, vault=town.registry.vault)
    with brought_back.reading() as connection, town.registry.reading() as before:
        assert digest_all(connection) == digest_all(before)
    report = check_registry(brought_back)
    brought_back.close()
    assert report.ok
    assert report.opened > 0


def test_what_is_written_meanwhile_is_not_in_it(town: Town, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest and the copy are of one moment, whatever others commit between the two."""
    from registry import backups

    digest = backups.digest_all

    def digest_late(connection):
        town.declare()
        return digest(connection)

    monkeypatch.setattr(backups, "digest_all", digest_late)
    made = back_up(address_of(town), tmp_path / "backup", vault=town.registry.vault, now=town.now)
    monkeypatch.undo()
    assert made.tables["declarations"].rows == 0
    assert len(town.rows(tables.declarations)) == 1
    assert restore(tmp_path / "backup", place, vault=town.registry.vault).tables == made.tables


# what is done to one restored row -> the table that gives it away
HARMS = {
    "a row is lost": lambda: delete(tables.receipts),
    "a value is changed": lambda: update(tables.stays).values(reason="x"),
    "a sealed value is changed": lambda: update(tables.persons).values(full_name_sealed=b"x"),
}
GIVEN_AWAY = {"a row is lost": "receipts", "a value is changed": "stays", "a sealed value is changed": "persons"}


@pytest.mark.parametrize("harm", HARMS)
def test_whatever_is_not_the_same_is_noticed(town: Town, tmp_path: Path, harm: str) -> None:
    made = back_up(address_of(lived_in(town)), tmp_path / "backup", vault=town.registry.vault, now=town.now)
    prove(town.registry.engine, made)
    with town.registry.writing() as connection:
        connection.execute(HARMS[harm]())
    with pytest.raises(Conflict) as refusal:
        prove(town.registry.engine, made)
    assert (refusal.value.code, refusal.value.detail) == ("backup.differs", GIVEN_AWAY[harm])


def copy_in(folder: Path) -> Path:
    return next(path for path in folder.iterdir() if path.name != MANIFEST)


def change_a_byte(backup: Path, _other: Path) -> None:
    content = bytearray(copy_in(backup).read_bytes())
    content[len(content) // 2] ^= 1
    copy_in(backup).write_bytes(content)


def cut_it_short(backup: Path, _other: Path) -> None:
    copy_in(backup).write_bytes(copy_in(backup).read_bytes()[:-1])


def swap_the_copy(backup: Path, other: Path) -> None:
    shutil.copy(copy_in(other), copy_in(backup))


def change_the_manifest(backup: Path, **changes: object) -> None:
    manifest = json.loads((backup / MANIFEST).read_text("utf-8"))
    (backup / MANIFEST).write_text(json.dumps(manifest | changes), "utf-8")


def swap_both_but_the_seal(backup: Path, other: Path) -> None:
    """What somebody without the vault can do at most: another copy, and a manifest that fits it."""
    swap_the_copy(backup, other)
    told = json.loads((other / MANIFEST).read_text("utf-8"))
    change_the_manifest(backup, tables=told["tables"], copy_sha256=told["copy_sha256"])


TAMPERING = {
    "a byte of the copy is changed": change_a_byte,
    "the copy is cut short": cut_it_short,
    "another copy is put in its place": swap_the_copy,
    "a count is changed": lambda backup, _other: change_the_manifest(backup, tables={}),
    "its day is changed": lambda backup, _other: change_the_manifest(backup, made_at="2026-07-11T00:00:00Z"),
    "the seal is taken off": lambda backup, _other: change_the_manifest(backup, seal=""),
    "copy and manifest are changed together": swap_both_but_the_seal,
}


def test_a_backup_somebody_changed_is_refused_and_nothing_is_brought_back(town: Town, place: str, tmp_path: Path) -> None:
    vault = town.registry.vault
    back_up(address_of(lived_in(town)), tmp_path / "backup", vault=vault, now=town.now)
    with town.registry.writing() as connection:
        connection.execute(delete(tables.receipts))
    back_up(address_of(town), tmp_path / "other", vault=vault, now=town.now)
    for number, (what, tamper) in enumerate(TAMPERING.items()):
        changed = tmp_path / f"changed-{number}"
        shutil.copytree(tmp_path / "backup", changed)
        tamper(changed, tmp_path / "other")
        with pytest.raises(Untrusted) as refusal:
            restore(changed, place, vault=vault)
        assert refusal.value.code == "backup.tampered", what
    restore(tmp_path / "backup", place, vault=vault)  # the place is still empty, and what nobody touched comes back


def test_nothing_is_written_over(town: Town, tmp_path: Path) -> None:
    back_up(address_of(town), tmp_path / "backup", vault=town.registry.vault, now=town.now)
    with pytest.raises(Refused, match="folder_exists"):
        back_up(address_of(town), tmp_path / "backup", vault=town.registry.vault, now=town.now)
    with pytest.raises(Refused, match="place_not_empty"):
        restore(tmp_path / "backup", address_of(town), vault=town.registry.vault)
    other = (
        "postgresql+psycopg://nobody@127.0.0.1:1/x"
        if town.registry.engine.dialect.name == "sqlite"
        else f"sqlite:///{tmp_path}/o.db"
    )
    with pytest.raises(Refused, match="other_engine"):
        restore(tmp_path / "backup", other, vault=town.registry.vault)
    (tmp_path / "backup" / MANIFEST).write_text("{}", "utf-8")
    with pytest.raises(Malformed, match="unreadable"):
        read_manifest(tmp_path / "backup")


@settings(max_examples=25, deadline=None)
@given(
    st.permutations(range(6)),
    st.sampled_from(sorted(name for name, table in tables.metadata.tables.items() if not table.foreign_keys)),
)
def test_a_digest_does_not_know_the_order_of_rows(order: list[int], name: str) -> None:
    table = tables.metadata.tables[name]
    rows = list(rows_of(table, 6))
    engine = open_engine("sqlite://")
    found = []
    with engine.connect() as connection, connection.begin():
        table.create(connection)
        for ordered in (rows, [rows[each] for each in order], rows[:5]):
            connection.execute(delete(table))
            write_rows(connection, table, ordered)
            found.append(digest_table(connection, table))
        connection.rollback()
    engine.dispose()
    assert found[0] == found[1]
    assert differences({name: found[0]}, {name: found[2]}) == [name]


def test_both_engines_give_the_same_digest(postgres, tmp_path: Path) -> None:
    rows = list(rows_of(tables.cases, 20))
    found = []
    for url in (postgres.new_database(), f"sqlite:///{tmp_path}/one.db"):
        engine = open_engine(url)
        with engine.connect().execution_options(luutru_writes=True) as connection, connection.begin():
            tables.cases.create(connection)
            write_rows(connection, tables.cases, rows)
            found.append(digest_table(connection, tables.cases))
        engine.dispose()
    assert found[0] == found[1]


def test_the_commands_say_how_it_went(tmp_path: Path) -> None:
    vault, run = ["--vault", str(tmp_path / "vault")], CliRunner().invoke
    registry = ["--registry", f"sqlite:///{tmp_path}/registry.db"]
    run(app, ["create", *registry, *vault])
    run(app, ["seed", *registry, *vault])
    made = run(app, ["backup", str(tmp_path / "backup"), *registry, *vault, "--json"])
    assert (made.exit_code, json.loads(made.stdout)["counts"]["persons"]) == (0, 60)
    new = ["--registry", f"sqlite:///{tmp_path}/new.db"]
    back = json.loads(run(app, ["restore", str(tmp_path / "backup"), *new, *vault, "--json"]).stdout)
    assert (back["ok"], back["problems"]) == (True, [])
    assert back["opened"] > 60
    strange = ["--registry", f"sqlite:///{tmp_path}/strange.db", "--vault", str(tmp_path / "other")]
    (tmp_path / "other").mkdir()
    refused = run(app, ["restore", str(tmp_path / "backup"), *strange, "--json"])
    assert refused.exit_code == 1
    assert json.loads(refused.stdout)["problems"][0].startswith("backup.keys_missing The vault lacks a key")


def test_a_backup_holds_no_key(town: Town, tmp_path: Path) -> None:
    """Nor anything that opens: what was named in the town is not in its files."""
    back_up(address_of(lived_in(town)), tmp_path / "backup", vault=town.registry.vault, now=town.now)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "backup").iterdir())
    for path in (tmp_path / "vault").rglob("*"):
        assert path.is_dir() or path.name == "lock" or path.read_bytes() not in kept
    shutil.rmtree(tmp_path / "backup")


def test_the_folder_is_for_its_owner_alone(town: Town, tmp_path: Path) -> None:
    back_up(address_of(town), tmp_path / "backup", vault=town.registry.vault, now=town.now)
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0
    with town.registry.reading() as connection:
        assert connection.scalar(select(tables.persons.c.person_id).limit(1))
