"""Every hot query of a loaded register goes by an index on both engines, and says nothing Citus refuses.

The functions themselves are called and what they send is caught; nothing here repeats their SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from citus_rules import RULES, breaches, table_breaches
from hot_queries import ASKED, Said, listening, set_scene
from loaded_register import load
from recording_town import Town, make_town
from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import postgresql

from registry import tables
from registry.bulk import _plan
from registry.database import upgrade

ROWS = 600
# Plans are asked for as of tables so many times as long: reading one from end to end costs so many times as much, a look-up does not.
TIMES_AS_LONG = 1_000
# What does not grow with people, stays and looks: a scan of these is a scan of a page or two.
SMALL = {
    "accounts",
    "passkeys",
    "setup_links",
    "kiosks",
    "keys",
    "rule_sets",
    "outages",
    "gateway_reports",
    "imports",
    "import_batches",
    "statement_logs",  # one row
}
# Indexes of the few that count now: read from end to end on purpose.
OF_THE_FEW = ("ix_orders_in_force",)
GROWING = set(tables.metadata.tables) - SMALL


class Loaded:
    """One loaded register and what was asked of it: question -> statements and their plans."""

    def __init__(self, url: str, town: Town) -> None:
        self.url = url
        self.engine = town.registry.engine
        self.said: dict[str, list[Said]] = {}
        self.plans: dict[str, list[tuple[Said, str]]] = {}
        scene = set_scene(town)
        with self.engine.connect().execution_options(luutru_writes=True) as connection, connection.begin():
            load(connection, rows=ROWS)
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
            if connection.dialect.name == "sqlite":
                lengthen(connection)
        self.engine.dispose()  # statistics are read when a connection opens
        for question, ask in ASKED.items():
            with listening(self.engine) as heard:
                ask(town, scene)
            self.said[question] = heard
            with self.engine.connect() as connection:
                self.plans[question] = [(each, plan(connection, each)) for each in heard]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    folder = tmp_path_factory.mktemp("loaded")
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{folder}/registry.db" if sqlite else str(request.getfixturevalue("postgres").new_database())
    upgrade(url)
    town = make_town(url, folder / "vault")
    yield Loaded(url, town)
    town.registry.close()


def plan(connection: Connection, said: Said) -> str:
    """Return how the engine would go about it."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL seq_page_cost = {TIMES_AS_LONG}"))
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + said.sql, said.parameters))


def lengthen(connection: Connection) -> None:
    """Let SQLite believe that every table is as many times as long, each value found as often as now."""
    for name, index, stat in connection.execute(text("SELECT tbl, idx, stat FROM sqlite_stat1")).all():
        rows, _, rest = stat.partition(" ")
        longer = f"{int(rows) * TIMES_AS_LONG} {rest}".strip()
        connection.execute(
            text("UPDATE sqlite_stat1 SET stat = :stat WHERE tbl = :tbl AND idx IS :idx"),
            {"stat": longer, "tbl": name, "idx": index},
        )


def scanned(plan_: str) -> set[str]:
    """Return the tables a plan reads from end to end."""
    plan_ = "\n".join(line for line in plan_.splitlines() if not any(each in line for each in OF_THE_FEW))
    whole = set(re.findall(r"Seq Scan on (\w+)", plan_))
    whole |= set(re.findall(r"^SCAN (\w+)", plan_, re.MULTILINE))
    whole |= set(re.findall(r"Index (?:Only )?Scan (?:Backward )?using \w+ on (\w+)[^\n]*\n(?!\s+Index Cond)", plan_))
    return whole & GROWING


@pytest.mark.parametrize("question", ASKED)
def test_no_hot_query_reads_a_growing_table_from_end_to_end(loaded: Loaded, question: str) -> None:
    assert loaded.plans[question]
    for said, plan_ in loaded.plans[question]:
        assert not scanned(plan_), f"{question}\n{said.sql}\n{plan_}"


@pytest.mark.parametrize("question", ASKED)
def test_no_hot_query_says_what_citus_refuses(loaded: Loaded, question: str) -> None:
    if loaded.engine.dialect.name == "sqlite":
        return
    for said in loaded.said[question]:
        assert breaches(said.sql) == [], said.sql


@pytest.mark.parametrize("table", tables.metadata.tables.values(), ids=lambda table: table.name)
def test_no_table_is_what_citus_refuses(table: Table) -> None:
    assert table_breaches(table) == []


@pytest.mark.parametrize("keep", [None, (), ("created_at",)], ids=["copy", "insert or leave", "insert or replace"])
@pytest.mark.parametrize("table", tables.metadata.tables.values(), ids=lambda table: table.name)
def test_writing_in_bulk_says_nothing_citus_refuses(table: Table, keep: tuple[str, ...] | None) -> None:
    """An upsert that replaces must leave the commune alone, whatever else it keeps."""
    keys = tuple(column.name for column in table.primary_key)
    if keep and len(keys) == len(table.columns):
        return  # nothing but its key: there is nothing to replace
    sql = _plan(table, postgresql.dialect(), keep if not keep else (*keep, *keys)).sql
    assert breaches(sql.replace("%s", "'x'")) == []


# statement -> what is wrong with it
REFUSED = {
    "INSERT INTO stays (stay_id) VALUES ('x')": "insert without distribution column",
    "INSERT INTO stays (commune_code, stay_id) VALUES ((SELECT 'x'), 'y')": "subquery among inserted values",
    "INSERT INTO stays (commune_code, stay_id) VALUES ('x', 'y') ON CONFLICT (stay_id) DO NOTHING": "conflict target without distribution column",
    "UPDATE stays SET commune_code = 'x' WHERE stay_id = 'y'": "distribution column is changed",
    "UPDATE stays SET reason = random() WHERE stay_id = 'y'": "volatile function in a change",
    "SELECT 1 FROM stays WHERE stay_id = 'x' FOR UPDATE": "FOR UPDATE across shards",
    "SELECT 1 FROM stays JOIN persons ON persons.person_id = stays.person_id": "join not on the distribution column",
    "SELECT 1 FROM stays LEFT JOIN persons ON persons.person_id = stays.person_id": "join not on the distribution column",
    "SELECT 1 FROM stays WHERE EXISTS (SELECT 1 FROM persons WHERE persons.person_id = stays.person_id)": "subquery correlated on another column",
    "WITH RECURSIVE a AS (SELECT 1 FROM stays UNION ALL SELECT 1 FROM a) SELECT * FROM a": "works in one shard only",
    "SELECT status, count(*) FROM stays GROUP BY GROUPING SETS ((status), ())": "works in one shard only",
}


@pytest.mark.parametrize("sql", REFUSED)
def test_each_rule_finds_what_it_is_for(sql: str) -> None:
    assert breaches(sql) == [REFUSED[sql]]


def test_every_rule_is_tried() -> None:
    assert set(REFUSED.values()) == set(RULES)


ALLOWED_BY_CITUS = (
    "SELECT 1 FROM stays WHERE commune_code = 'x' FOR UPDATE",
    "SELECT 1 FROM stays JOIN persons ON persons.commune_code = stays.commune_code AND persons.person_id = stays.person_id",
    "SELECT 1 FROM stays WHERE EXISTS (SELECT 1 FROM persons WHERE persons.commune_code = stays.commune_code)",
    "SELECT pg_advisory_xact_lock(1)",
)


@pytest.mark.parametrize("sql", ALLOWED_BY_CITUS)
def test_what_citus_allows_is_left_alone(sql: str) -> None:
    assert breaches(sql) == []
