"""A registry that is archived comes back: equal at a mark while others write, and after its machine is gone."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from pathlib import Path

import psycopg
import pytest
from archive_parts import knowing_its_key, luutru
from recording_town import Town, make_town
from seeded_town import put_seeded_sqlite
from sqlalchemy import delete, update

from luutru.backups.keeping import due
from luutru.backups.pgbackrest import scratch_cluster
from luutru.backups.proving import prove
from luutru.backups.settings import ARCHIVE, SETTINGS, Place, files_of, write_files
from luutru.benchmarks.restore_ground import Ground, archived_postgres
from registry import tables
from registry.database import open_engine
from registry.digests import digest_all
from registry.marks import quiet_moment
from registry.receipts import receipts_by_id
from residence.clock import parse_instant
from residence.errors import Conflict, Malformed

# what is done to a copy, one after the other -> what the proof says of it then
HARMS = {
    "a row is lost": (lambda _: delete(tables.stays), "backup.differs stays"),
    "a sealed field is altered": (lambda _: update(tables.persons).values(full_name_sealed=b"x"), "vault.damaged persons"),
    "a receipt is another's": (
        lambda town: update(tables.receipts).values(receipt_bytes=town.rows(tables.receipts)[0].receipt_bytes),
        "receipt.code receipt of",
    ),
    "the key of the receipts is gone": (lambda _: delete(tables.keys), "key.unknown receipt of"),
    "a receipt is altered": (lambda _: update(tables.receipts).values(receipt_bytes=b"x"), "sign1.malformed receipt of"),
}


def test_a_copy_that_is_not_the_same_is_not_proved(tmp_path: Path) -> None:
    town = knowing_its_key(make_town(put_seeded_sqlite(tmp_path), tmp_path / "vault"))
    town.declare()
    town.declare()
    with town.registry.reading() as connection:
        before = digest_all(connection)
    whole = prove(town.registry, before, log=None)
    assert (whole.problems, whole.receipts) == ((), 2)
    for harm, (change, said) in HARMS.items():
        with town.registry.writing() as connection:
            connection.execute(change(town))
        problems = prove(town.registry, before, log=None).problems
        assert any(each.startswith(said) for each in problems), (harm, problems)
    town.registry.close()


def test_a_place_that_could_say_more_than_a_path_is_refused() -> None:
    kept = Place(folder=Path("/etc/a"), repository=Path("/b"), data=Path("/c"), socket=Path("/d"))
    assert set(files_of(kept, passphrase="x")) == {SETTINGS, ARCHIVE}
    for path in ("/b\nrepo1-cipher-type=none", "b", "/b'; rm", "/b %p"):
        with pytest.raises(Malformed, match="place"):
            files_of(Place(folder=Path("/a"), repository=Path(path), data=Path("/c"), socket=Path("/d")), passphrase="x")


def test_a_commit_that_stands_in_the_wal_and_nobody_sees_yet_is_in_no_moment(postgres) -> None:
    """It waits for a second machine that is not there, as on a busy disk it waits for the disk: its record is written, its rows are not seen."""
    engine = open_engine(postgres.new_database())
    address = engine.url.set(drivername="postgresql").render_as_string()
    written, ended = [], threading.Event()
    with psycopg.connect(address, autocommit=True) as operator, psycopg.connect(address, autocommit=True) as writer:
        operator.execute("CREATE TABLE numbers (number integer)")

        def write() -> None:
            while not ended.is_set():
                writer.execute("INSERT INTO numbers VALUES (1)")
                written.append(1)

        def second_machine(names: str) -> None:
            operator.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
            operator.execute("SELECT pg_reload_conf()")

        def let_go(seconds: float) -> None:
            ended.set()
            second_machine("")
            time.sleep(seconds)

        working = threading.Thread(target=write)
        try:
            second_machine("nobody")
            working.start()
            while not operator.execute("SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'").fetchall():
                time.sleep(0.01)
            with quiet_moment(engine, wait=let_go) as (_, view):
                seen = view.exec_driver_sql("SELECT count(*) FROM numbers").scalar_one()
        finally:
            let_go(0)
            working.join(30)
    engine.dispose()
    assert (seen, len(written) > 0) == (len(written), True)


def test_settings_half_written_are_written_anew_and_whole_ones_are_never(tmp_path: Path) -> None:
    place = Place(folder=tmp_path / "a", repository=Path("/b"), data=Path("/c"), socket=Path("/d"))
    (tmp_path / "a").mkdir()
    for name in (ARCHIVE, f".{SETTINGS}.part"):
        (tmp_path / "a" / name).write_text("torn", "utf-8")
    write_files(place.folder, files_of(place, passphrase="first"))
    assert "first" in (place.folder / SETTINGS).read_text("utf-8")
    assert {path.name for path in place.folder.iterdir()} == {SETTINGS, ARCHIVE}
    with pytest.raises(Conflict, match="configured"):
        write_files(place.folder, files_of(place, passphrase="second"))
    assert "first" in (place.folder / SETTINGS).read_text("utf-8")


@pytest.fixture
def ground():
    with tempfile.TemporaryDirectory(prefix="luutru-kept-") as name:
        Path(name).chmod(0o711)
        with archived_postgres(Path(name)) as ground:
            yield ground


def lived_in(ground: Ground, keys: Path) -> Town:
    from registry.database import upgrade

    upgrade(ground.url)
    town = knowing_its_key(make_town(ground.url, keys))
    town.declare()
    return town


def test_while_somebody_records_a_drill_proves_the_copy_and_a_lost_machine_comes_back(ground: Ground, tmp_path: Path) -> None:
    """The commands of docs/operations.md, in their order."""
    town = lived_in(ground, tmp_path / "vault")
    ground.begin_archiving()
    settings = ("--settings", ground.place.folder / SETTINGS)
    said, ended = [], threading.Event()

    def go_on() -> None:
        while not ended.wait(0.02):
            said.append(town.declare().declaration_id)

    working = threading.Thread(target=go_on)
    working.start()
    drilled = luutru("restore", "drill", "--registry", ground.url, "--vault", tmp_path / "vault", *settings)
    ended.set()
    working.join()
    told = json.loads(drilled.stdout)
    assert (drilled.exit_code, told["problems"], told["period_keys"]) == (0, [], ["demo-01:2026"]), drilled.output
    assert 1 <= told["receipts"] < len(said), "it is of its moment, not of the end"
    assert told["opened"] > 60
    status = json.loads(luutru("backup", "status", "--registry", ground.url, *settings).stdout)
    assert (status["ok"], status["behind_seconds"] <= 10) == (True, True), status
    town.registry.close()
    ground.lose()
    data = ground.place.folder / "back"
    assert luutru("restore", "run", data, *settings).exit_code == 0
    assert "place_not_empty" in luutru("restore", "run", data, *settings).stdout
    assert set(said) == recovered(ground, said)


def recovered(ground: Ground, said: list[str]) -> set[str]:
    """Return which declarations the archive has, from a cluster of its own."""
    from luutru.backups.drill import scratch_url

    with scratch_cluster(ground.repository, ground.place.folder.parent / "copy", target=None, wait=time.sleep) as socket:
        engine = open_engine(scratch_url(ground.url, socket))
        with engine.connect() as connection:
            found = set(receipts_by_id(connection, said))
        engine.dispose()
    return found


NIGHTS = {  # newest backup, now (Vietnam's time) -> what is made at three o'clock
    "there is none": (None, "2026-07-10T12:00", "full"),
    "of last night": ("2026-07-10T03:05", "2026-07-10T23:59", None),
    "before the hour": ("2026-07-09T03:05", "2026-07-10T02:59", None),
    "at the hour": ("2026-07-09T03:05", "2026-07-10T03:00", "diff"),
    "missed at night, made by day": ("2026-07-08T03:05", "2026-07-10T14:00", "diff"),
    "on a Sunday": ("2026-07-11T03:05", "2026-07-12T03:00", "full"),
}


@pytest.mark.parametrize(("newest", "now", "kind"), NIGHTS.values(), ids=NIGHTS)
def test_a_backup_is_made_every_night_and_a_full_one_on_sundays(newest, now, kind) -> None:
    made, here = (parse_instant(f"{each}:00+07:00") if each else None for each in (newest, now))
    assert due(made, now=here, hour=3) == kind
