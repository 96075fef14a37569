"""The benchmark's register: truly sealed, whole, with the product's own indexes, and its picture says what it shows."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from typer.testing import CliRunner

from luutru.benchmarks.register_load import load
from luutru.benchmarks.register_plot import draw
from luutru.benchmarks.register_rows import Size, person_of
from luutru.benchmarks.register_scale import NOW, Plan, Point, measure, points_of
from luutru.commands.bench import app
from luutru.system import random_bytes
from registry import tables
from registry.checking import check_registry
from registry.database import connect, upgrade
from registry.key_provider import FileKeyProvider
from registry.persons import search_by_number
from registry.vault import Vault

SIZE = Size(persons=60, presences=150, per_commune=25)


@pytest.fixture(scope="module")
def register(postgres, tmp_path_factory: pytest.TempPathFactory):
    vault, url = tmp_path_factory.mktemp("scale") / "vault", postgres.new_database()
    upgrade(url)
    loaded = load(url, SIZE, vault=vault, processes=1, now=NOW, progress=lambda _what, _done, _all: None)
    opened = connect(url, vault=Vault(FileKeyProvider(vault, random_bytes=random_bytes), random_bytes=random_bytes))
    yield opened, loaded
    opened.close()


def test_a_loaded_register_is_whole_and_every_value_opens(register) -> None:
    opened, loaded = register
    report = check_registry(opened)
    assert report.problems == ()
    assert (report.counts["persons"], report.counts["presences"], report.counts["residences"]) == (60, 150, 60)
    assert report.opened == 60 * 2 + 150 + report.counts["premises"]
    assert sum(report.counts.values()) == loaded.rows


def test_its_tables_and_indexes_are_the_migrations_own(register) -> None:
    with register[0].engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), tables.metadata) == []


def test_everybody_is_found_by_number_and_by_nobody_elses(register) -> None:
    opened, _ = register
    with opened.reading() as connection:
        found = [
            search_by_number(connection, "personal", person_of(n).personal_number or "", vault=opened.vault) for n in range(60)
        ]
    assert all(len(each) == 1 for each in found)
    assert len({each[0] for each in found}) == 60


def test_presences_are_dealt_evenly_and_each_once() -> None:
    dealt = [seen for person in range(SIZE.persons) for seen in SIZE.seen(person)]
    assert sorted(dealt) == list(range(SIZE.presences))
    assert {len(SIZE.seen(person)) for person in range(SIZE.persons)} == {2, 3}


def test_the_picture_carries_every_number() -> None:
    base = {"lookup_p50_ms": 1.25, "lookup_p99_ms": 2.5, "undeclared_commune_seconds": 0.375, "gib": 0.5}
    rest = {
        "communes": 1,
        "bare_p50_ms": 1.0,
        "bare_p99_ms": 1.0,
        "undeclared_found": 1,
        "load_seconds": 1.0,
        "index_seconds": 1.0,
        "rows": 1,
        "load": 1.0,
    }
    picture = draw([Point(persons=each, presences=each, **base, **rest) for each in (2_000_000, 1_000)])
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", picture)
    assert texts.index("1,000") < texts.index("2,000,000")
    assert {"1.25", "2.5", "0.375", "0.5"} <= set(texts)


def test_it_measures_each_size_and_finds_whom_it_asks_for() -> None:
    plan = Plan(sizes=(120,), per_commune=60, lookups=100, communes=2, processes=1)
    result = measure(plan)
    (point,) = points_of({"figures": result.figures})
    assert (point.persons, point.presences, point.communes) == (120, 360, 2)
    assert 0 < point.lookup_p50_ms <= point.lookup_p99_ms
    assert point.undeclared_found > 0
    assert point.undeclared_commune_seconds > 0


@pytest.mark.parametrize("wrong", ["many", "10", "1000,x"])
def test_sizes_that_make_no_sense_are_refused(wrong: str) -> None:
    assert CliRunner().invoke(app, ["register-scale", "--persons", wrong]).exit_code == 2


def test_a_presence_is_of_the_days_it_is_kept(register) -> None:
    opened, _ = register
    with opened.reading() as connection:
        rows = connection.execute(tables.presences.select()).all()
    assert all(NOW - timedelta(days=14) <= row.seen_at <= NOW for row in rows)
