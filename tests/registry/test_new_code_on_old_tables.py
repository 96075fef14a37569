"""A process that goes on working does not begin on tables older than its version; on newer ones it does, for they only expand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from luutru.__main__ import app
from luutru.releases.released import released
from registry import database
from registry.database import is_behind, left_behind, migrations, newest_revision, open_engine, upgrade


def test_older_is_what_a_migration_of_this_version_goes_on_from():
    texts = [
        "down_revision = None",
        "revision = '0150'\ndown_revision = '0001'",
        'down_revision: str = "0150"\n# down_revision = "0163"',
    ]
    assert left_behind(texts) == {"0001", "0150"}


def test_the_revisions_left_behind_are_all_but_the_newest():
    from alembic.script import ScriptDirectory

    known = {each.revision for each in ScriptDirectory.from_config(migrations()).walk_revisions()}
    assert left_behind(database._migration_texts()) == known - {newest_revision()}


@pytest.fixture
def old_tables(tmp_path, monkeypatch) -> str:
    """The address of a registry as the version before left it; while this version has the same tables, one more migration is supposed."""
    url = f"sqlite:///{tmp_path}/registry.db"
    upgrade(url, released()[0].revision)
    if newest_revision() == released()[0].revision:
        monkeypatch.setattr(database, "_migration_texts", lambda: [f'down_revision = "{newest_revision()}"'])
    return url


PROCESSES = {
    "gateway": "gateway run --broker 127.0.0.1:1",
    "server": "server run --port 1",
    "metrics": "metrics --once",
    "authority": "authority send",
}


def test_no_process_begins_on_tables_of_the_version_before(old_tables, tmp_path):
    for words in PROCESSES.values():
        said = CliRunner().invoke(app, [*words.split(), "--registry", old_tables, "--vault", str(tmp_path / "vault")])
        assert said.exit_code == 1, words
        assert "registry.not_upgraded" in said.output, words


def test_tables_of_a_later_version_are_checked_and_neither_copied_nor_upgraded_by_this_one(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/registry.db"
    upgrade(url)
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE of_later (commune_code varchar(16) PRIMARY KEY)"))
        connection.execute(text("UPDATE alembic_version SET version_num = 'f00d'"))
    engine.dispose()
    both = ["--registry", url, "--vault", str(tmp_path / "vault"), "--json"]
    said = {
        name: [each.split()[0] for each in json.loads(CliRunner().invoke(app, ["registry", *words]).stdout).get("problems", [])]
        for name, words in {
            "check": ["check", *both],
            "backup": ["backup", str(tmp_path / "copy"), *both],
            "upgrade": ["upgrade", "--registry", url, "--json"],
        }.items()
    }
    assert said == {"check": [], "backup": ["registry.tables_newer"], "upgrade": ["registry.tables_newer"]}
    assert not (tmp_path / "copy").exists()


def test_newer_tables_tables_of_nobody_and_a_registry_that_is_away_are_not_called_old(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/registry.db"
    engine = open_engine(url)
    assert not is_behind(engine)
    upgrade(url)
    assert not is_behind(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'f00d'"))
    assert not is_behind(engine)
    engine.dispose()
    away = open_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert not is_behind(away)
    away.dispose()
