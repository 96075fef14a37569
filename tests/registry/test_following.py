"""A SQLite registry is followed while others write: nothing committed is left out, and what was changed in the pieces is not brought back."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from archive_parts import knowing_its_key, luutru
from log_parts import LogOf
from recording_town import make_town
from seeded_town import put_seeded_sqlite
from sqlalchemy import delete, update
from typer.testing import CliRunner

from luutru.__main__ import app
from luutru.backups import following
from luutru.backups.following import Follower, follow
from luutru.backups.pieces import Pieces
from luutru.backups.sqlite_archive import bring_back
from luutru.backups.wal import HEADER_BYTES, begun, committed, read_header
from luutru.benchmarks import restore_sqlite
from luutru.benchmarks.restore import Plan
from luutru.system import SystemClock, random_bytes
from registry import tables
from registry.database import open_engine
from residence.errors import Malformed, Refused, Untrusted

KEY = bytes(range(32))


def opened(folder: Path, key: bytes = KEY) -> Pieces:
    return Pieces(folder, key, random_bytes=random_bytes)


@pytest.fixture
def plain(tmp_path):
    """A small database of numbers, written by its own connection."""
    engine = open_engine(f"sqlite:///{tmp_path}/plain.db")
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE TABLE numbers (number INTEGER PRIMARY KEY, padding BLOB)")
        connection.commit()
    yield engine
    engine.dispose()


def add(engine, first: int, count: int) -> None:
    for number in range(first, first + count):
        with engine.connect() as connection:
            connection.exec_driver_sql("INSERT INTO numbers VALUES (?, randomblob(3000))", (number,))
            connection.commit()


def numbers_in(path: Path) -> list[int]:
    with sqlite3.connect(path) as connection:
        return [row[0] for row in connection.execute("SELECT number FROM numbers ORDER BY number")]


def test_many_writers_many_beginnings_of_the_log_and_nothing_is_left_out(plain, tmp_path, monkeypatch):
    monkeypatch.setattr(following, "LONGEST", 100_000)
    seen = set()
    with Follower(plain, opened(tmp_path / "pieces"), clock=SystemClock()) as follower:
        for beginning in (0, 1000, 2000):
            writers = [threading.Thread(target=add, args=(plain, beginning + first, 30)) for first in (0, 100, 200)]
            for each in writers:
                each.start()
            while any(each.is_alive() for each in writers):
                follower.turn()
                seen.add(opened(tmp_path / "pieces").newest().reaches().partition("-")[0])
            follower.turn()
            seen.add(opened(tmp_path / "pieces").newest().reaches().partition("-")[0])
    assert len(seen) > 2, "the log is begun again and again: it does not grow for ever"
    bring_back(opened(tmp_path / "pieces"), tmp_path / "back.db", target=None)
    assert numbers_in(tmp_path / "back.db") == [
        beginning + first + each for beginning in (0, 1000, 2000) for first in (0, 100, 200) for each in range(30)
    ]


def test_every_position_brings_back_what_was_committed_before_it(plain, tmp_path):
    pieces, reached = opened(tmp_path / "pieces"), []
    with Follower(plain, pieces, clock=SystemClock()) as follower:
        for number in range(5):
            add(plain, number, 1)
            follower.turn()
            reached.append(pieces.newest().reaches())
    for count, position in enumerate(reached, 1):
        bring_back(pieces, tmp_path / f"{count}.db", target=position)
        assert numbers_in(tmp_path / f"{count}.db") == list(range(count))
    with pytest.raises(Refused, match="none_yet"):
        bring_back(pieces, tmp_path / "before.db", target="0000000000-00000000000000")


def piece(folder: Path, number: int) -> Path:
    return next(folder.glob(f"*/{number:010d}-*"))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


TAMPERING = {
    "a byte of a piece": lambda folder: flip(piece(folder, 2)),
    "a byte of the base": lambda folder: flip(next(folder.glob("*/base-*"))),
    "a piece is left out": lambda folder: piece(folder, 2).unlink(),
    "two pieces are swapped": lambda folder: shutil.copy(piece(folder, 3), piece(folder, 2)),
    "a piece is called another": lambda folder: piece(folder, 3).rename(
        piece(folder, 3).with_name(f"{3:010d}-{9999999999:010d}-00000000000000")
    ),
    "the generation is called another": lambda folder: next(folder.iterdir()).rename(folder / "20990101T000000Z"),
    "the base is cut short": lambda folder: next(folder.glob("*/base-*")).write_bytes(b""),
}


def test_pieces_somebody_changed_are_not_brought_back(plain, tmp_path):
    with Follower(plain, opened(tmp_path / "pieces"), clock=SystemClock()) as follower:
        for number in range(3):
            add(plain, number, 1)
            follower.turn()
    for at, (what, tamper) in enumerate(TAMPERING.items()):
        shutil.copytree(tmp_path / "pieces", tmp_path / f"changed-{at}")
        tamper(tmp_path / f"changed-{at}")
        with pytest.raises(Untrusted) as refusal:
            bring_back(opened(tmp_path / f"changed-{at}"), tmp_path / f"{at}.db", target=None)
        assert refusal.value.code == "backup.tampered", what
    with pytest.raises(Untrusted):
        bring_back(opened(tmp_path / "pieces", bytes(32)), tmp_path / "key.db", target=None)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "pieces").rglob("*") if path.is_file())
    assert b"CREATE TABLE" not in kept
    bring_back(opened(tmp_path / "pieces"), tmp_path / "good.db", target=None)


def test_a_log_that_does_not_go_on_is_a_gap_and_a_new_base(plain, tmp_path, monkeypatch):
    """Its readers are taken from it, and the log is begun again twice meanwhile: what was between is nowhere."""
    following_now = []

    class Remembered(Follower):
        def __enter__(self):
            following_now.append(self)
            return super().__enter__()

    monkeypatch.setattr(following, "Follower", Remembered)
    turns = iter(range(5))

    def ended(_seconds: float) -> bool:
        turn = next(turns)
        if turn == 2:
            following_now[0]._readers[0].execute("ROLLBACK")
            for number in (100, 200):
                add(plain, number, 1)
                with plain.connect() as connection:
                    connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
                    connection.rollback()
            add(plain, 300, 1)
            following_now[0]._readers[0].execute("BEGIN")
        add(plain, turn, 1)
        return turn == 4

    follow(plain, opened(tmp_path / "pieces"), clock=SystemClock(), ended=ended, every=0)
    assert len(following_now) == 2
    bring_back(opened(tmp_path / "pieces"), tmp_path / "back.db", target=None)
    assert numbers_in(tmp_path / "back.db") == [0, 1, 2, 3, 4, 100, 200, 300]


def test_where_the_registry_is_lost_no_base_of_nothing_is_made(plain, tmp_path):
    """Whatever keeps the follower running starts it again, while others lay an empty file in the registry's place."""
    pieces = opened(tmp_path / "pieces")
    add(plain, 0, 3)
    with Follower(plain, pieces, clock=SystemClock()) as follower:
        follower.turn()
    plain.dispose()
    words = [
        "backup",
        "follow",
        str(tmp_path / "pieces"),
        "--registry",
        plain.url.render_as_string(),
        "--key-file",
        str(tmp_path / "key"),
    ]
    (tmp_path / "key").write_bytes(KEY)
    for path in tmp_path.glob("plain.db*"):
        path.unlink()
    for lay in (lambda: None, (tmp_path / "plain.db").touch, (tmp_path / "plain.db").touch):
        lay()
        ended = CliRunner().invoke(app, words)
        assert (ended.exit_code, "registry.not_upgraded" in ended.output) == (1, True)
    assert len(list((tmp_path / "pieces").iterdir())) == 1
    bring_back(pieces, tmp_path / "back.db", target=None)
    assert numbers_in(tmp_path / "back.db") == [0, 1, 2]


def test_what_is_no_commit_is_not_taken(plain, tmp_path):
    with plain.connect() as holding:
        holding.exec_driver_sql("SELECT 1 FROM numbers").all()
        add(plain, 0, 3)
        data = (tmp_path / "plain.db-wal").read_bytes()
    header = read_header(data)
    whole = committed(data[HEADER_BYTES:], begun(header))
    for cut in (1, header.frame_bytes - 1):
        assert committed(data[HEADER_BYTES : whole.offset - cut], begun(header)).offset < whole.offset
    torn = bytearray(data)
    torn[whole.offset - 10] ^= 1
    assert committed(bytes(torn[HEADER_BYTES:]), begun(header)).offset < whole.offset
    assert read_header(b"") is None
    with pytest.raises(Malformed, match="log_unreadable"):
        read_header(b"x" * HEADER_BYTES)


def test_a_follower_killed_at_any_moment_costs_seconds_and_the_drill_proves_the_copy(tmp_path: Path) -> None:
    """The commands of docs/operations.md; the follower is a process of its own, and dies once."""
    town = knowing_its_key(make_town(put_seeded_sqlite(tmp_path), tmp_path / "vault"))
    url = town.registry.engine.url.render_as_string()
    kept = ("--pieces", tmp_path / "pieces", "--key-file", tmp_path / "pieces.key")
    log = LogOf(town.registry, tmp_path)
    log.look("per-1", "per-2")
    log.publish()
    drill = (
        "restore",
        "drill",
        "--registry",
        url,
        "--vault",
        tmp_path / "vault",
        "--log",
        tmp_path / "log",
        "--log-key",
        log.key,
        *kept,
    )
    words = ["backup", "follow", str(tmp_path / "pieces"), "--registry", url, "--key-file", str(tmp_path / "pieces.key")]
    for signal_sent in (signal.SIGKILL, signal.SIGTERM):
        with subprocess.Popen([sys.executable, "-m", "luutru", *words, "--every", "0.1"]) as follower:
            before = len(list((tmp_path / "pieces").glob("*/base-*")))
            wait_for(lambda before=before: len(list((tmp_path / "pieces").glob("*/base-*"))) > before)
            said = [town.declare().declaration_id for _ in range(3)]
            if signal_sent is signal.SIGTERM:
                with town.registry.writing() as connection:  # a receipt stays what it was when its key is believed no more
                    connection.execute(update(tables.keys).values(revoked_at=town.now))
                drilled = luutru(*drill)
                with town.registry.writing() as connection:
                    connection.execute(delete(tables.access_records).where(tables.access_records.c.person_id == "per-2"))
                altered = luutru(*drill)
                read = CliRunner().invoke(app, [*map(str, drill)])
            follower.send_signal(signal_sent)
            follower.wait(20)
    told = json.loads(drilled.stdout)
    assert (drilled.exit_code, told["problems"], told["receipts"]) == (0, [], 6), drilled.output
    assert (told["log"]["size"], told["log"]["known"]) == (1, 1)
    told = json.loads(altered.stdout)
    assert (altered.exit_code, told["problems"]) == (1, ["log.row_deleted /0"]), (
        "the copy is the registry, and both lack what the log has"
    )
    assert (read.exit_code, "log.row_deleted" in read.output, "/0" in read.output) == (1, True, True), (
        "and a person reads so, too"
    )
    assert luutru("restore", "run", tmp_path / "back.db", *kept).exit_code == 0
    with sqlite3.connect(tmp_path / "back.db") as back:
        assert {row[0] for row in back.execute("SELECT declaration_id FROM receipts")} >= set(said)
    town.registry.close()


def wait_for(true, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_loss_is_measured_at_what_was_answered_until_then() -> None:
    """A follower that is killed has copied almost everything; what it has not is counted."""
    figures = restore_sqlite.measure(Plan(engine="sqlite", persons=60, per_commune=30, processes=1, seconds=1.1)).figures
    assert (figures["rows"] > 400, figures["drill_problems"]) == (True, 0)
    assert figures["missing"] < figures["recorded"]
    assert figures["missing_seconds"] <= figures["rpo_seconds"] < 5
