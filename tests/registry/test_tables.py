"""The tables: what the migrations make is what the code says, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from registry import tables
from registry.database import current_revision, newest_revision, open_engine, upgrade

GROWING = list(tables.metadata.tables.values())


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_migrations_make_exactly_the_tables_of_the_code(engine: str, empty_url: Callable[[str], str]) -> None:
    url = empty_url(engine)
    upgrade(url)
    opened = open_engine(url)
    with opened.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), tables.metadata)
    assert found == []
    assert current_revision(opened) == newest_revision()
    opened.dispose()


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_upgrading_twice_changes_nothing(engine: str, empty_url: Callable[[str], str]) -> None:
    url = empty_url(engine)
    upgrade(url)
    upgrade(url)


@pytest.mark.parametrize("table", GROWING, ids=lambda table: table.name)
def test_every_table_is_keyed_by_its_commune_and_draws_no_sequence(table) -> None:
    key = [column.name for column in table.primary_key]
    assert "commune_code" in key
    assert len(key) > 1
    assert all(column.autoincrement in {"auto", False} and column.type.python_type is not int for column in table.primary_key)


@pytest.mark.parametrize("table", GROWING, ids=lambda table: table.name)
def test_no_foreign_key_leaves_its_commune(table) -> None:
    for constraint in table.foreign_key_constraints:
        assert next(element.parent.name for element in constraint.elements) == "commune_code"
        assert next(element.column.name for element in constraint.elements) == "commune_code"


def test_the_migrations_travel_with_the_package() -> None:
    folder = resources.files("registry").joinpath("migrations")
    assert folder.joinpath("env.py").is_file()
    assert [each.name for each in folder.joinpath("versions").iterdir() if each.name.endswith(".py")]
