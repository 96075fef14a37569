"""A migration comes in two halves, expand and contract, so that the version before it goes on working on the new tables.

What a released version says stands in ``tests/vectors/statements/<version>.json`` (``tests/record_statements.py``): no history of the
repository is needed, and what is tried is what that version really sent. It must still be understood by the tables of the newest
revision, and rows with its columns alone must still go in.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator

import pytest
from loaded_register import rows_of
from record_statements import FOLDER, shortened
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import DBAPIError

from luutru.releases.released import released
from registry import tables
from registry.database import open_engine, upgrade

ENGINES = ("sqlite", "postgresql")
ROWS_BEFORE = 5


RECORDED = json.loads((FOLDER / f"{released()[0].version}.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def migrated(postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Engine]]:
    """The newest tables of both engines, made once: from those of the version before, with rows in every table."""
    urls = {"sqlite": f"sqlite:///{tmp_path_factory.mktemp('new')}/registry.db", "postgresql": postgres.new_database()}
    for url in urls.values():
        upgrade(url, released()[0].revision)
        before = filled(url)
        upgrade(url)
        assert counted(url) == before, "no row of the version before may go"
    engines = {name: open_engine(url) for name, url in urls.items()}
    yield engines
    for engine in engines.values():
        engine.dispose()


def filled(url: str) -> dict[str, int]:
    """Put rows of the version before into its tables; returns how many each has."""
    engine = open_engine(url)
    with engine.connect().execution_options(luutru_writes=True) as connection, connection.begin():
        _let_rows_stand_alone(connection)
        for name, columns in RECORDED["columns"].items():
            rows = [{column: row[column] for column in columns} for row in rows_of(tables.metadata.tables[name], ROWS_BEFORE)]
            connection.execute(tables.metadata.tables[name].insert(), rows)
    engine.dispose()
    return dict.fromkeys(RECORDED["columns"], ROWS_BEFORE)


def counted(url: str) -> dict[str, int]:
    """Return how many rows the tables of the version before have now."""
    engine = open_engine(url)
    with engine.connect() as connection:
        found = {
            name: connection.execute(select(func.count()).select_from(tables.metadata.tables[name])).scalar_one()
            for name in RECORDED["columns"]
        }
    engine.dispose()
    return found


def _let_rows_stand_alone(connection: Connection) -> None:
    """Let a row in without those it refers to: only the row itself matters here."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    else:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")


@pytest.fixture
def new_tables(request: pytest.FixtureRequest, migrated: dict[str, Engine]) -> Iterator[Connection]:
    """The newest tables of an engine, in a transaction that is rolled back."""
    engine = migrated[request.param]
    with engine.connect().execution_options(luutru_writes=True) as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


def not_understood(connection: Connection) -> list[str]:
    """Return what old code says and these tables do not understand."""
    found = []
    for sql in RECORDED["statements"][connection.dialect.name]:
        try:
            with connection.begin_nested():
                _prepare(connection, sql)
        except DBAPIError as error:
            found.append(f"{sql}: {error.orig}")
    return found


def _prepare(connection: Connection, sql: str) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"EXPLAIN {sql}", tuple(None for _ in range(sql.count("?"))))
        return
    names: dict[str, int] = {}

    def numbered(match: re.Match[str]) -> str:
        return f"${names.setdefault(match[0], len(names) + 1)}"

    said = re.sub(r"%\(\w+\)s|%s", numbered, sql)
    connection.exec_driver_sql(f"PREPARE old AS {said}")
    connection.exec_driver_sql("DEALLOCATE old")


def not_taken(connection: Connection) -> list[str]:
    """Return the tables that refuse a row with the old columns alone."""
    _let_rows_stand_alone(connection)
    found = []
    for name, columns in RECORDED["columns"].items():
        row = list(rows_of(tables.metadata.tables[name], ROWS_BEFORE + 1))[-1]  # the first ones are there already
        values = {column: row[column] for column in columns}
        try:
            with connection.begin_nested():
                connection.execute(tables.metadata.tables[name].insert().values(**values))
        except DBAPIError as error:
            found.append(f"{name}: {error.orig}")
    return found


@pytest.mark.parametrize("new_tables", ENGINES, indirect=True)
def test_new_tables_understand_all_that_the_version_before_says(new_tables: Connection) -> None:
    assert RECORDED["statements"][new_tables.dialect.name]
    assert not_understood(new_tables) == []
    assert not_taken(new_tables) == []


# what a migration does -> whether the version before goes on working
MIGRATIONS = {
    "ALTER TABLE stays ADD COLUMN remark text": True,
    "CREATE TABLE brand_new (commune_code varchar(16) PRIMARY KEY)": True,
    "CREATE INDEX ix_new ON stays (reason)": True,
    "ALTER TABLE stays ADD COLUMN remark text NOT NULL DEFAULT ''": True,
    "ALTER TABLE stays RENAME COLUMN reason TO remark": False,
    "ALTER TABLE stays DROP COLUMN reason": False,
    "ALTER TABLE stays RENAME TO sojourns": False,
    "DROP TABLE stay_versions": False,
}


@pytest.mark.parametrize("migration", MIGRATIONS)
@pytest.mark.parametrize("new_tables", ENGINES, indirect=True)
def test_what_expands_is_let_through_and_what_contracts_is_found(new_tables: Connection, migration: str) -> None:
    new_tables.exec_driver_sql(migration)
    assert (not_understood(new_tables) == []) is MIGRATIONS[migration]


@pytest.mark.parametrize("new_tables", ["postgresql"], indirect=True)
def test_a_new_column_that_old_rows_cannot_fill_is_found(new_tables: Connection) -> None:
    new_tables.exec_driver_sql("TRUNCATE cases CASCADE")  # with rows in it the column would be refused at once
    new_tables.exec_driver_sql("ALTER TABLE cases ADD COLUMN remark text NOT NULL")
    assert [each.partition(":")[0] for each in not_taken(new_tables)] == ["cases"]


def test_a_long_list_is_shortened_and_values_to_insert_are_not() -> None:
    assert shortened("SELECT 1 FROM a WHERE b IN (?, ?, ?)", "sqlite") == "SELECT 1 FROM a WHERE b IN (?, ?)"
    assert shortened("INSERT INTO a (b, c, d)\nVALUES (?, ?, ?)", "sqlite") == "INSERT INTO a (b, c, d) VALUES (?, ?, ?)"
    assert (
        shortened("SELECT 1 WHERE b IN (%(b_1)s::VARCHAR, %(b_2)s::VARCHAR)", "postgresql")
        == "SELECT 1 WHERE b IN (%(b_1)s::VARCHAR)"
    )


def test_a_table_is_widened_while_the_version_before_writes(postgres) -> None:
    """PostgreSQL under load: a writer in each of four threads, two expanding steps meanwhile, and no write is lost."""
    url = postgres.new_database()
    upgrade(url)
    engine = open_engine(url)
    columns = RECORDED["columns"]["cases"]
    rows = list(rows_of(tables.cases, 400))
    ready = threading.Barrier(5)

    def write(part: list[dict]) -> None:
        ready.wait(30)
        for row in part:
            with engine.connect() as connection, connection.begin():
                connection.execute(tables.cases.insert().values(**{name: row[name] for name in columns}))

    writers = [threading.Thread(target=write, args=(rows[start::4],)) for start in range(4)]
    for each in writers:
        each.start()
    ready.wait(30)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ALTER TABLE cases ADD COLUMN remark text"))
        connection.execute(text("CREATE INDEX CONCURRENTLY ix_remark ON cases (commune_code, remark)"))
    for each in writers:
        each.join(60)
    with engine.connect() as connection:
        kept = connection.execute(text("SELECT count(*) FROM cases")).scalar_one()
    engine.dispose()
    assert kept == len(rows)
