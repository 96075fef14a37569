"""Power cuts: killed processes, torn logs, damaged files. What was promised is there; what is there is whole."""

import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from factories import make_declaration
from kiosk_parts import make_outbox, open_row

from residence.wire.envelope import read_header

TESTS = Path(__file__).parent.parent
CHILD = textwrap.dedent(
    """
    import os, sys
    sys.path[:0] = [sys.argv[2], os.path.dirname(sys.argv[2])]
    from pathlib import Path
    from factories import make_declaration
    from kiosk_parts import answer, make_outbox
    import factories, itertools, random
    factories._counter = itertools.count(random.SystemRandom().getrandbits(60))
    outbox = make_outbox(Path(sys.argv[1]))
    print("ready", flush=True)
    while True:
        kept = outbox.keep(make_declaration())
        os.write(1, f"kept {kept.declaration_id}\\n".encode())
        if random.random() < 0.3:
            row = outbox.unsettled(1)[0]
            os.write(1, f"settling {row.declaration_id}\\n".encode())
            outbox.settle(answer(row.envelope))
    """
)


def run_and_kill(database: Path, seconds: float) -> list[str]:
    """Start a kiosk that keeps and settles, kill -9 it, and return the lines it got out."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(database), str(TESTS)], stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"ready\n"
    time.sleep(seconds)
    os.kill(child.pid, signal.SIGKILL)
    lines = child.stdout.read().decode().splitlines()
    child.stdout.close()
    child.wait()
    return [line for line in lines if len(line.split()) == 2 and len(line.split()[1]) == 36]


def test_a_kiosk_killed_at_random_points_keeps_every_promise(tmp_path):
    database = tmp_path / "kiosk.db"
    chance = random.Random(20260710)
    kept, settling = set(), set()
    for _ in range(12):
        for line in run_and_kill(database, chance.uniform(0.005, 0.12)):
            word, declaration_id = line.split()
            (kept if word == "kept" else settling).add(declaration_id)
        outbox = make_outbox(database)
        waiting = {row.declaration_id for row in outbox.unsettled(100_000)}
        assert kept - waiting <= settling
        assert all(outbox.settlement(each) is not None for each in kept)
        outbox.close()
    assert len(kept) > 30
    outbox = make_outbox(database)
    rows = outbox.unsettled(100_000)
    assert all(open_row(row.envelope) for row in rows[:20])
    assert int(outbox._store.fact("last_sequence")) == max(row.sequence for row in rows)
    outbox.close()


@pytest.fixture(scope="module")
def torn(tmp_path_factory):
    """A database whose log is long, copied while open, as a power cut would leave it."""
    folder = tmp_path_factory.mktemp("torn")
    outbox = make_outbox(folder / "kiosk.db")
    outbox._store._connection.execute("PRAGMA wal_autocheckpoint=0")
    kept = [outbox.keep(make_declaration()).declaration_id for _ in range(60)]
    cut = folder / "cut"
    cut.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(folder / f"kiosk.db{suffix}", cut / f"kiosk.db{suffix}")
    outbox.close()
    return cut, kept


def damage(log: bytes, chance: random.Random) -> bytes:
    kind, place = chance.choice(("cut", "zero", "flip")), chance.randrange(32, len(log))
    if kind == "cut":
        return log[:place]
    if kind == "zero":
        return log[:place] + bytes(min(512, len(log) - place)) + log[place + 512 :]
    return log[:place] + bytes([log[place] ^ (1 << chance.randrange(8))]) + log[place + 1 :]


def test_three_hundred_torn_logs_leave_a_clean_prefix_and_never_a_broken_database(torn, tmp_path):
    cut, kept = torn
    chance = random.Random(20260711)
    log = (cut / "kiosk.db-wal").read_bytes()
    lengths = set()
    for number in range(300):
        database = tmp_path / f"{number}.db"
        shutil.copy(cut / "kiosk.db", database)
        database.with_name(f"{number}.db-wal").write_bytes(damage(log, chance))
        outbox = make_outbox(database)
        found = [row.declaration_id for row in outbox.unsettled(1000)]
        assert found == kept[: len(found)]
        assert not list(tmp_path.glob(f"{number}.db.damaged*")) or not found
        lengths.add(len(found))
        outbox.close()
        for rest in tmp_path.glob(f"{number}.db*"):
            rest.unlink()
    assert len(lengths) > 20


def test_a_number_is_used_again_only_if_nobody_was_promised_it(torn, tmp_path):
    cut, kept = torn
    shutil.copy(cut / "kiosk.db", tmp_path / "kiosk.db")
    log = (cut / "kiosk.db-wal").read_bytes()
    (tmp_path / "kiosk.db-wal").write_bytes(log[: len(log) // 2])
    outbox = make_outbox(tmp_path / "kiosk.db")
    found = outbox.depth()
    outbox.keep(make_declaration())
    assert read_header(outbox.unsettled(1, after=found)[0].envelope).sequence == found + 1
    assert found < len(kept)
    outbox.close()


def test_a_file_that_is_no_database_is_set_aside_and_a_new_epoch_begins(tmp_path):
    database = tmp_path / "kiosk.db"
    database.write_bytes(b"this is not a database at all" * 400)
    outbox = make_outbox(database)
    outbox.keep(make_declaration())
    assert outbox.depth() == 1
    assert (tmp_path / "kiosk.db.damaged-1").read_bytes().startswith(b"this is not")
    outbox.close()


def test_a_damaged_database_page_is_noticed_and_set_aside(tmp_path):
    database = tmp_path / "kiosk.db"
    outbox = make_outbox(database)
    for _ in range(50):
        outbox.keep(make_declaration())
    outbox.close()
    data = bytearray(database.read_bytes())
    data[4096:8192] = b"\xaa" * 4096
    database.write_bytes(bytes(data))
    again = make_outbox(database)
    again.keep(make_declaration())
    assert (tmp_path / "kiosk.db.damaged-1").exists()
    again.close()


def test_a_log_whose_database_was_set_aside_before_the_power_failed_follows_it(torn, tmp_path):
    cut, _ = torn
    shutil.copy(cut / "kiosk.db", tmp_path / "kiosk.db.damaged-1")
    shutil.copy(cut / "kiosk.db-wal", tmp_path / "kiosk.db-wal")
    make_outbox(tmp_path / "kiosk.db").close()
    assert (tmp_path / "kiosk.db.damaged-1-wal").read_bytes() == (cut / "kiosk.db-wal").read_bytes()


def test_a_damaged_database_and_its_log_are_set_aside_byte_by_byte(torn, tmp_path):
    cut, _ = torn
    log = (cut / "kiosk.db-wal").read_bytes()
    for name, content in {"kiosk.db": b"\xaa" * 40960, "kiosk.db-wal": log[:3000]}.items():
        (tmp_path / name).write_bytes(content)
    make_outbox(tmp_path / "kiosk.db").close()
    assert (tmp_path / "kiosk.db.damaged-1").read_bytes() == b"\xaa" * 40960
    assert (tmp_path / "kiosk.db.damaged-1-wal").read_bytes() == log[:3000]
