"""Power cuts: torn logs, damaged files (kills: ``tests/faults/test_random_kills.py``). What was promised is there; what is there is whole."""

import random
import shutil

import pytest
from factories import make_declaration
from kiosk_parts import make_outbox

from edge_agent.event_book import EventBook
from residence.wire.envelope import read_header


def door_log(outbox):
    return EventBook(outbox, random_bytes=bytes)


@pytest.fixture(scope="module")
def torn(tmp_path_factory):
    """A database whose log is long, copied while open, as a power cut would leave it."""
    folder = tmp_path_factory.mktemp("torn")
    outbox = make_outbox(folder / "kiosk.db")
    outbox._store._connection.execute("PRAGMA wal_autocheckpoint=0")
    doors = door_log(outbox)
    kept = []
    for _ in range(60):
        kept.append(outbox.keep(make_declaration()).declaration_id)
        assert doors.append(door="lobby", what="granted", detail="entry")
    cut = folder / "cut"
    cut.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(folder / f"kiosk.db{suffix}", cut / f"kiosk.db{suffix}")
    outbox.close()
    return cut, kept


KINDS = ("cut", "zero", "flip")
SECTOR = 512


def damage(log: bytes, kind: str, chance: random.Random) -> bytes:
    """Cut a log short, zero one of its sectors, or turn one bit."""
    place = chance.randrange(32, len(log))
    if kind == "cut":
        return log[:place]
    if kind == "zero":
        start = place // SECTOR * SECTOR
        return log[:start] + bytes(min(SECTOR, len(log) - start)) + log[start + SECTOR :]
    return log[:place] + bytes([log[place] ^ (1 << chance.randrange(8))]) + log[place + 1 :]


def test_four_hundred_torn_logs_leave_a_clean_prefix_and_never_a_broken_database(torn, tmp_path):
    cut, kept = torn
    chance = random.Random(20260711)
    log = (cut / "kiosk.db-wal").read_bytes()
    lengths = set()
    for number in range(400):
        database = tmp_path / f"{number}.db"
        shutil.copy(cut / "kiosk.db", database)
        database.with_name(f"{number}.db-wal").write_bytes(damage(log, KINDS[number % 3], chance))
        outbox = make_outbox(database)
        found = [row.declaration_id for row in outbox.unsettled(1000)]
        rang = [each.sequence for each in door_log(outbox).waiting(1000)]
        assert found == kept[: len(found)]
        assert rang == list(range(1, len(rang) + 1))
        assert len(found) - len(rang) in {0, 1}, "what was written later is never there without what was written before"
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
