"""SQLite's log is copied back beside the writers, never by them, and never left to grow."""

import sqlite3
import threading
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from structlog.testing import capture_logs

from registry import copying_back
from registry.copying_back import CopyingBack
from registry.database import open_engine

PAGE = 4096
ROWS_OF_A_PAGE = "INSERT INTO filled (word) SELECT randomblob(4000) FROM json_each(?)"


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'registry.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE filled (word BLOB)")
    yield engine
    engine.dispose()


@contextmanager
def copying(engine, *, written=lambda: 0):
    work = CopyingBack(engine, written=written)
    with work.running():
        yield work


def write(engine, pages):
    with engine.execution_options(luutru_writes=True).begin() as connection:
        connection.exec_driver_sql(ROWS_OF_A_PAGE, ("[" + ",".join(["0"] * pages) + "]",))


def size_of(engine, tail=""):
    return Path(engine.url.database + tail).stat().st_size


def test_a_commit_leaves_the_log_to_the_thread(engine):
    with copying(engine):
        before = size_of(engine)
        write(engine, 9_000)  # more than a commit of anybody else's would have left
        assert size_of(engine) == before
    assert size_of(engine) > 9_000 * PAGE  # nothing is kept back when the registry is closed


def test_what_was_copied_is_written_over_so_the_log_does_not_grow(engine):
    with copying(engine) as work:
        for _ in range(6):
            write(engine, 500)
            assert work.copy()
        assert size_of(engine, "-wal") < 2 * 500 * PAGE  # one round's pages and a few more, not six


def test_whoever_reads_an_older_state_is_not_disturbed_and_the_rest_follows(engine):
    with copying(engine) as work, closing(engine.raw_connection()) as reader:
        write(engine, 10)
        reader.cursor().execute("BEGIN")
        assert reader.cursor().execute("SELECT count(*) FROM filled").fetchone() == (10,)
        write(engine, 10)
        assert not work.copy()
        assert reader.cursor().execute("SELECT count(*) FROM filled").fetchone() == (10,)
        reader.cursor().execute("ROLLBACK")
        assert work.copy()


def test_the_thread_copies_once_enough_was_written(engine):
    written, copied = [0], threading.Event()
    work = CopyingBack(engine, written=lambda: written[0])
    work.copy = lambda: copied.set() or True
    with work.running():
        assert not copied.wait(0.3)
        written[0] = 500
        assert copied.wait(5)


def test_a_thread_that_does_not_come_after_does_not_let_the_log_grow_for_ever(engine, monkeypatch):
    monkeypatch.setattr(copying_back, "NET_PAGES", 1_000)
    with copying(engine):
        for _ in range(6):
            write(engine, 600)
        assert size_of(engine, "-wal") < 2 * 1_000 * PAGE


def test_a_disk_that_cannot_be_written_is_logged_and_tried_again(engine):
    counts, tried = iter(range(0, 1_000_000, 1_000)), threading.Semaphore(0)
    work = CopyingBack(engine, written=lambda: next(counts))

    def fails():
        tried.release()
        raise sqlite3.OperationalError("disk I/O error")

    work.copy = fails
    with capture_logs() as said, work.running():
        assert tried.acquire(timeout=5)
        assert tried.acquire(timeout=5)
    assert {each["event"] for each in said} == {"log not copied back"}


def test_a_registry_on_postgresql_needs_none_of_it():
    before = threading.active_count()
    with copying(create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nowhere")):
        assert threading.active_count() == before
