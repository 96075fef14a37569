"""Each way to tamper with the log or with what it is about, and each way its process may die."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
from factories import EVENING
from log_parts import codes, command, plain_log, swapped
from server_parts import free_address
from sqlalchemy import delete, insert, select, update

from luutru.system import random_bytes
from luutru.transparency.asking import asking, read_witness
from luutru.transparency.key_files import make_signer_file
from registry import look_log, tables
from registry.access_records import add
from registry.database import connect, upgrade
from registry.log_files import LogFiles
from registry.release import Look
from residence.access.purposes import Field, Purpose
from residence.errors import Conflict
from residence.transparency.looks import numbering_problems
from residence.transparency.notes import WITNESS


@pytest.fixture
def log(tmp_path):
    made = plain_log(tmp_path)
    yield made
    made.registry.close()


def delete_row(connection):
    (access_id,) = connection.scalars(select(tables.access_records.c.access_id).limit(1))
    connection.execute(delete(tables.access_records).where(tables.access_records.c.access_id == access_id))


def delete_look(connection):
    (look_id,) = connection.scalars(select(tables.looks.c.look_id).limit(1))
    connection.execute(delete(tables.access_records).where(tables.access_records.c.look_id == look_id))
    connection.execute(delete(tables.looks).where(tables.looks.c.look_id == look_id))


def alter_purpose(connection):
    connection.execute(update(tables.access_records).values(purpose="receipt-check"))


def swap_people(connection):
    """Two rows of a list change places: nobody is missing, and each says it was the other."""
    first, second = connection.execute(select(tables.access_records).order_by(tables.access_records.c.place)).all()[:2]
    for row, other in ((first, second), (second, first)):
        same = tables.access_records.c.access_id == row.access_id
        connection.execute(update(tables.access_records).where(same).values(person_id=other.person_id))


def alter_way(connection):
    """A look at a list is said to have been one at each person."""
    connection.execute(update(tables.access_records).values(way="export"))


def leave_out_the_way(connection):
    connection.execute(update(tables.access_records).values(way=None))


def plant_a_row(connection):
    """Somebody else is said to have been looked at: a record like the first, of a look that there is not."""
    record = connection.execute(select(tables.access_records).limit(1)).one()
    planted = {"access_id": "planted", "person_id": "person-9", "look_id": "no-such-look"}
    connection.execute(insert(tables.access_records), [record._asdict() | planted])


TAMPERING = {
    "a row of a list is deleted": (delete_row, "log.row_deleted"),
    "a look is deleted": (delete_look, "log.look_deleted"),
    "a purpose is altered": (alter_purpose, "log.look_changed"),
    "two rows change places": (swap_people, "log.look_changed"),
    "the way is altered": (alter_way, "log.look_changed"),
    "the way is left out": (leave_out_the_way, "log.look_changed"),
    "a row is planted": (plant_a_row, "log.row_unknown"),
}


@pytest.mark.parametrize(("tamper", "code"), TAMPERING.values(), ids=TAMPERING)
def test_a_registry_that_was_tampered_with_no_longer_fits_the_log(log, tamper, code):
    log.look("person-1", "person-2", "person-3")
    log.publish()
    assert log.verified_with_registry()["ok"]
    with log.registry.writing() as connection:
        tamper(connection)
    answer = log.verified_with_registry()
    assert not answer["ok"]
    assert set(codes(answer)) == {code}


def test_a_look_deleted_before_it_was_published_leaves_its_number_missing_for_everybody(log):
    log.look("person-1")
    log.look("person-2")
    with log.registry.writing() as connection:
        delete_first_waiting(connection)
    assert codes(log.verified_with_registry()) == ["log.file_missing"]  # nothing is published yet
    log.publish()
    assert codes(log.verified()) == ["log.number_missing"]  # without the registry
    assert log.verified()["problems"][0]["pointer"].endswith("/1")


def test_a_latest_look_deleted_before_it_was_published_is_missed_by_whoever_has_the_registry(log):
    log.look("person-1")
    log.publish()
    log.look("person-2")
    with log.registry.writing() as connection:
        connection.execute(delete(tables.looks).where(tables.looks.c.place_in_log.is_(None)))
    assert log.verified()["ok"]
    assert codes(log.verified_with_registry()) == ["log.row_unknown", "log.number_missing"]


def test_a_counter_set_back_or_replaced_shows_as_a_number_twice_or_an_unknown_unit(log):
    looks_one_by_one(log, 2)
    with log.registry.writing() as connection:
        connection.execute(update(tables.look_numbers).values(last=1))
    looks_one_by_one(log, 1)
    assert codes(log.verified()) == ["log.number_twice"]
    with log.registry.writing() as connection:
        connection.execute(delete(tables.look_numbers))
    looks_one_by_one(log, 1)
    assert "log.unit_unknown" in codes(log.verified_with_registry())


def test_looks_at_once_are_numbered_without_a_gap_and_one_that_is_taken_back_leaves_none(postgres):
    url = postgres.new_database()
    upgrade(url)
    registry = connect(url, vault=None)
    look = Look(account_id="a", role="officer", purpose=Purpose.UNDECLARED_CASE, commune_code="demo-01", about="case-1")

    def look_and(fail: bool) -> None:
        with suppress(Died), registry.writing() as connection:
            add(connection, ["p"], look=look, fields=frozenset({Field.FULL_NAME}), now=EVENING, random_bytes=random_bytes)
            if fail:
                raise Died

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(look_and, [number % 3 == 0 for number in range(30)]))
    with registry.reading() as connection:
        given = sorted(connection.scalars(select(tables.looks.c.number)))
        assert given == list(range(1, 21))
        assert numbering_problems(each.entry for each in look_log.waiting(connection, 100)) == []
    registry.close()


def delete_first_waiting(connection):
    columns = tables.looks.c
    look_id = connection.scalar(select(columns.look_id).where(columns.place_in_log.is_(None)).order_by(columns.number).limit(1))
    connection.execute(delete(tables.access_records).where(tables.access_records.c.look_id == look_id))
    connection.execute(delete(tables.looks).where(columns.look_id == look_id))


def looks_one_by_one(log, count):
    for _ in range(count):
        log.look("person-1")
        log.publish()


REWRITING = {
    "an entry is deleted": (lambda entries: entries[1:], "log.shrunk"),
    "an entry is deleted and another added": (lambda entries: [*entries[1:], b"luutru-look/2"], "log.forked"),
    "two entries change places": (swapped, "log.forked"),
    "two change places and it grows": (lambda entries: [*swapped(entries), entries[0]], "log.forked"),
}


@pytest.mark.parametrize(("change", "code"), REWRITING.values(), ids=REWRITING)
def test_a_monitor_convicts_a_log_that_was_rewritten_and_signed_anew(log, tmp_path, change, code):
    looks_one_by_one(log, 4)
    options = ("--key", log.key, "--state", tmp_path / "seen")
    assert command("monitor", log.files.folder, *options)["ok"]
    looks_one_by_one(log, 1)
    assert command("monitor", log.files.folder, *options)["ok"]  # honest growth
    other = log.rewritten(tmp_path / "other", change(log.entries()))
    answer = command("monitor", other.folder, *options)
    assert codes(answer) == [code]
    (evidence,) = (tmp_path / "seen" / "evidence").iterdir()
    assert evidence.read_text("utf-8").count("— example.org/log ") == 2  # both signed by the log itself
    assert command("monitor", log.files.folder, *options)["ok"]  # what was seen is not forgotten for it


def test_files_changed_under_a_checkpoint_do_not_come_to_its_root(log, tmp_path):
    looks_one_by_one(log, 3)
    (bundle,) = (log.files.folder / "tile" / "entries").rglob("3")
    content = bundle.read_bytes()
    for changed in (content[:-1] + b"!", content[: len(content) // 3 * 2], b""):
        bundle.write_bytes(changed)
        assert not log.verified()["ok"]
    bundle.write_bytes(content)
    assert log.verified()["ok"]
    (tile,) = (log.files.folder / "tile" / "0").rglob("3")
    tile.write_bytes(bytes(96))
    assert codes(log.verified()) == ["log.root_differs"]


def test_two_views_for_two_people_are_told_apart_once_either_is_compared_with_the_other(log, tmp_path):
    looks_one_by_one(log, 3)
    entries = log.entries()
    shown = log.rewritten(tmp_path / "shown", [*entries[:2], b"luutru-look/2\nelse"])
    beside = shown.folder / "checkpoint"
    answer = command("monitor", log.files.folder, "--key", log.key, "--state", tmp_path / "seen", "--beside", beside)
    assert codes(answer) == ["log.forked"]


@contextmanager
def witness_process(log, state):
    """A witness as its own process, as somebody else would run it."""
    signer = make_signer_file(state / "witness.key", name="witness.example/w1", kind=WITNESS, random_bytes=random_bytes)
    address = free_address().replace("localhost", "127.0.0.1")
    listen = address.removeprefix("http://")
    arguments = [sys.executable, "-m", "luutru", "log", "witness", "--state", str(state), "--listen", listen]
    process = subprocess.Popen([*arguments, "--key", log.key], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in process.stdout:
            if "witness listens" in line:
                break
        yield read_witness(f"{address}={signer.key.line}")
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_a_witness_of_its_own_process_cosigns_what_grows_and_refuses_another_view(log, tmp_path):
    looks_one_by_one(log, 2)
    with witness_process(log, tmp_path / "witness") as witness:
        log.publish(ask=asking([witness]))
        looks_one_by_one(log, 1)
        log.publish(ask=asking([witness]))  # a new asker: the witness says where it is
        options = ("--key", log.key, "--witness", witness.key.line, "--least", 1)
        assert command("verify", log.files.folder, *options)["ok"]
        assert log.files.note().count("— witness.example/w1 ") == 1
        last = f"{witness.address}/checkpoint/{log.signer.key.key_id.hex()}"
        assert command("monitor", log.files.folder, *options, "--state", tmp_path / "seen", "--beside", last)["ok"]
        other = log.rewritten(tmp_path / "other", swapped(log.entries()))
        with pytest.raises(Conflict, match="witness_refused"):
            asking([witness])(other.note(), other)
        assert list((tmp_path / "witness" / "evidence").iterdir())
        answer = command("monitor", other.folder, *options[:4], "--state", tmp_path / "theirs", "--beside", last)
        assert codes(answer) == ["log.forked"]
        shorter = log.rewritten(tmp_path / "shorter", log.entries()[:1])
        with pytest.raises(Conflict, match="witness_refused"):
            asking([witness])(shorter.note(), shorter)
    looks_one_by_one(log, 1)
    assert log.publish(ask=asking([witness])).size == 4  # nobody answers: published all the same, without the line
    assert codes(command("verify", log.files.folder, *options)) == ["log.witnesses_missing"]


def test_a_witness_can_also_come_and_look_by_itself(log, tmp_path):
    looks_one_by_one(log, 2)
    options = ("--key", log.key, "--state", tmp_path / "w", "--name", "witness.example/w2")
    first = command("witness", log.files.folder, *options)
    assert first["ok"]
    assert first["cosignature"].startswith("— witness.example/w2 ")
    looks_one_by_one(log, 1)
    assert command("witness", log.files.folder, *options)["size"] == 3
    assert codes(command("witness", log.rewritten(tmp_path / "o", swapped(log.entries())).folder, *options)) == ["log.forked"]
    assert codes(command("witness", log.rewritten(tmp_path / "s", log.entries()[:2]).folder, *options)) == ["log.shrunk"]


class Died(Exception):
    """The process was killed here."""


def test_a_process_that_dies_between_publishing_and_noting_publishes_nothing_twice(log, monkeypatch):
    looks_one_by_one(log, 1)
    log.look("person-1")
    with monkeypatch.context() as patched:
        patched.setattr(look_log, "place", dies)
        with pytest.raises(Died):
            log.publish()
    log.look("person-1")
    after = log.publish()
    assert (after.adopted, after.published, after.size) == (1, 1, 3)
    with log.registry.reading() as connection:
        assert sorted(connection.scalars(select(tables.looks.c.place_in_log))) == [0, 1, 2]


def test_a_process_that_dies_before_the_checkpoint_leaves_the_old_log(log, monkeypatch):
    looks_one_by_one(log, 2)
    before = log.files.note()
    log.look("person-1")
    with monkeypatch.context() as patched:
        patched.setattr(LogFiles, "publish", dies)
        with pytest.raises(Died):
            log.publish()
    assert log.files.note() == before
    assert log.verified()["size"] == 2
    assert log.publish().size == 3
    assert log.verified_with_registry()["ok"]


def dies(*_arguments, **_options):
    raise Died


def test_a_folder_brought_back_from_a_copy_is_not_signed_over_and_two_do_not_write(log, tmp_path):
    looks_one_by_one(log, 1)
    shutil.copytree(log.files.folder, tmp_path / "copy")
    looks_one_by_one(log, 1)
    shutil.rmtree(log.files.folder)
    shutil.copytree(tmp_path / "copy", log.files.folder)
    with pytest.raises(Conflict, match="behind_registry"):
        log.publish()
    with log.files.writing(), pytest.raises(Conflict, match="running"), log.files.writing():
        pass


def test_publishing_is_a_command_of_its_own_that_holds_no_key_of_the_vault(log, tmp_path):
    log.look("person-1")
    options = ("--registry", log.registry.engine.url, "--log", tmp_path / "log", "--key-file", tmp_path / "log.key")
    answer = command("publish", *options)
    assert answer["ok"]
    assert (answer["size"], answer["published"]) == (1, 1)
    assert command("new", "--name", "example.org/log", "--key-file", tmp_path / "log.key") | {"seconds": 0} == {
        "ok": False, "problems": ["log.exists"], "pointer": "", "detail": str(tmp_path / "log.key"), "seconds": 0,
    }  # fmt: skip
