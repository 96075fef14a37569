"""A look past the database: what its owner deletes before the log's process has seen it stands in the log all the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest
from factories import EVENING
from log_parts import codes, plain_log
from sqlalchemy import delete, select, update

from luutru.system import random_bytes
from registry import look_log, tables
from registry.access_records import add
from registry.database import upgrade
from registry.handing_over import Handing
from registry.release import Look
from residence.access.purposes import Field, Purpose
from residence.errors import Refused

LOOK = Look(account_id="acc", role="officer", purpose=Purpose.UNDECLARED_CASE, commune_code="demo-01", about="case-1")


@pytest.fixture(params=["sqlite", "postgresql"])
def log(request, tmp_path):
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
        upgrade(url)
    made = plain_log(tmp_path, url=url, handed=True)
    yield made
    made.registry.close()


@pytest.fixture
def plain(tmp_path):
    made = plain_log(tmp_path, handed=True)
    yield made
    made.registry.close()


def take_out_the_latest(log, *, counter=True):
    """What whoever may write the database can do: the look, its records, and the counter as if it had never been."""
    with log.registry.writing() as connection:
        columns = tables.looks.c
        latest = connection.execute(select(columns.look_id, columns.number).order_by(columns.number.desc()).limit(1)).one()
        for table in (tables.access_records, tables.looks):
            connection.execute(delete(table).where(table.c.look_id == latest.look_id))
        if counter:
            connection.execute(update(tables.look_numbers).values(last=latest.number - 1))


def test_the_latest_look_taken_out_with_its_counter_set_back_stands_in_the_log(log):
    log.look("person-1")
    log.publish()
    log.look("person-2")
    take_out_the_latest(log)
    (handed,) = log.handing.folder.iterdir()
    handed.with_name("again.looks").write_bytes(handed.read_bytes())  # handed over twice
    done = log.publish()
    assert (done.size, done.missed) == (2, 1)
    assert log.verified()["ok"]  # the log lacks nothing
    answer = log.verified_with_registry()
    assert [(each["code"], each["pointer"]) for each in answer["problems"]] == [("log.look_deleted", "/1")]
    assert log.publish().size == 2  # and once
    assert not list(log.handing.folder.iterdir())


def test_another_look_put_in_the_place_of_one_taken_out_has_its_number_twice_for_everybody(plain):
    plain.look("person-1")
    take_out_the_latest(plain)
    plain.look("person-2")  # the same number once more
    plain.publish()
    assert codes(plain.verified()) == ["log.number_twice"]


def test_a_commune_whose_only_look_and_mark_are_taken_out_is_found(plain):
    plain.look("person-1")
    take_out_the_latest(plain, counter=False)
    with plain.registry.writing() as connection:
        connection.execute(delete(tables.look_numbers))
    assert plain.publish().missed == 1
    assert codes(plain.verified_with_registry()) == ["log.look_deleted", "log.unit_unknown"]


@pytest.mark.parametrize("told", [0, 7])
def test_a_place_noted_for_a_look_that_the_log_does_not_hold_there_is_not_believed(plain, told):
    plain.look("person-1")
    plain.publish()
    plain.look("person-2")
    with plain.registry.writing() as connection:  # "it is published already": a place another look has, or beyond the log's end
        connection.execute(update(tables.looks).where(tables.looks.c.number == 2).values(place_in_log=told))
    if told == 7:
        with pytest.raises(Exception, match="behind_registry"):
            plain.publish()
        return
    assert plain.publish().size == 2
    assert [entry for entry in plain.entries() if b"number 2\n" in entry]


def test_a_process_that_dies_after_publishing_what_was_missed_publishes_it_once(plain, monkeypatch):
    plain.look("person-1")
    plain.look("person-2")
    take_out_the_latest(plain)
    for part, name in ((Handing, "settle"), (look_log, "place")):
        with monkeypatch.context() as patched, suppress(Died):
            patched.setattr(part, name, dies)
            plain.publish()
    plain.look("person-3")
    plain.publish()
    assert sorted(entry.split(b"number ")[1][:1] for entry in plain.entries()) == [b"1", b"2", b"2"]


class Died(Exception):
    """The process was killed here."""


def dies(*_arguments, **_options):
    raise Died


def test_what_a_preview_rolled_back_is_not_handed_over_and_what_fails_neither(plain):
    with plain.registry.writing() as connection:
        trial = connection.begin_nested()
        look_at(connection, "person-1")
        trial.rollback()
    with suppress(Died), plain.registry.writing() as connection:
        look_at(connection, "person-1")
        raise Died
    assert plain.handing.waiting(10) == []
    with plain.registry.writing() as connection:
        look_at(connection, "person-1")
        look_at(connection, "person-2")
    assert [len(each.looks) for each in plain.handing.waiting(10)] == [2]
    with plain.registry.writing() as connection, connection.begin_nested():  # kept
        look_at(connection, "person-3")
        trial = connection.begin_nested()
        look_at(connection, "person-4")
        trial.rollback()
        look_at(connection, "person-5")
    assert sorted(len(each.looks) for each in plain.handing.waiting(10)) == [2, 2]
    assert plain.publish().missed == 0
    assert plain.verified_with_registry()["ok"]


ERASE = (
    "DELETE FROM looks WHERE look_id = NEW.look_id; DELETE FROM access_records WHERE look_id = NEW.look_id; "
    "UPDATE look_numbers SET last = last - 1 WHERE commune_code = NEW.commune_code;"
)
TRIGGERS = {
    "sqlite": (f"CREATE TRIGGER gone AFTER INSERT ON looks BEGIN {ERASE} END",),
    "postgresql": (
        f"CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {ERASE} RETURN NULL; END $$",
        "CREATE TRIGGER gone AFTER INSERT ON looks FOR EACH ROW EXECUTE FUNCTION gone()",
    ),
}


def test_a_trigger_that_deletes_a_look_as_it_is_written_hides_nothing(log):
    log.look("person-1")
    with log.registry.writing() as connection:
        for each in TRIGGERS[connection.dialect.name]:
            connection.exec_driver_sql(each)
    log.look("person-2")
    with log.registry.reading() as connection:
        assert len(connection.execute(select(tables.looks)).all()) == 1
    assert log.publish().missed == 1
    assert codes(log.verified_with_registry()) == ["log.look_deleted"]


def look_at(connection, person):
    add(connection, [person], look=LOOK, fields=frozenset({Field.FULL_NAME}), now=EVENING, random_bytes=random_bytes)


def test_what_cannot_be_handed_over_is_not_shown_and_stays_on_the_record(plain):
    plain.handing.folder.write_text("no folder")
    with pytest.raises(Refused, match="not_handed_over"):
        plain.look("person-1")
    plain.handing.folder.unlink()
    with plain.registry.reading() as connection:
        assert len(connection.execute(select(tables.looks)).all()) == 1
    assert plain.publish().size == 1


def test_a_file_nobody_can_read_lies_aside_and_stops_nothing(plain):
    plain.look("person-1")
    for name, content in {"a": b"[]", "b": b"\xff", "c": b'[{"commune_code":"x","look_id":"y","entry":"AAAA"}]'}.items():
        (plain.handing.folder / f"{name}.looks").write_bytes(content)
    os.mkfifo(plain.handing.folder / "d.looks")
    (plain.handing.folder / "e.looks").symlink_to("/dev/zero")
    (plain.handing.folder / "f.looks").write_bytes(b" " * (1 << 21))
    assert plain.publish().size == 1
    assert plain.handing.unreadable() == 6
    assert plain.verified_with_registry()["ok"]


LOOKING = """
import sys
from pathlib import Path
from luutru.opening import open_registry
from luutru.system import random_bytes, system_clock
from registry.access_records import add
from registry.release import Look
from residence.access.purposes import Field, Purpose
registry = open_registry(sys.argv[1], Path(sys.argv[2]))
look = Look(account_id="acc", role="officer", purpose=Purpose.UNDECLARED_CASE, commune_code=sys.argv[3], about="case-1")
number = 0
while True:
    with registry.writing() as connection:
        add(connection, [f"p-{number}"], look=look, fields=frozenset({Field.FULL_NAME}), now=system_clock().now(), random_bytes=random_bytes)
    number += 1
    sys.stdout.write(f"{number}\\n")  # shown
    sys.stdout.flush()
"""


def test_looks_of_processes_killed_at_any_moment_all_stand_in_the_log_once(log, tmp_path):
    """Two processes of one commune look, each is killed with SIGKILL; what either showed is in the log, whatever is deleted then."""
    settings = {**os.environ, "LUUTRU_LOOKS_HANDED": str(log.handing.folder)}
    url = log.registry.engine.url.render_as_string(hide_password=False)
    arguments = [sys.executable, "-c", LOOKING, url, str(tmp_path / "vault"), "demo-01"]
    processes = [subprocess.Popen(arguments, env=settings, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for until in (10, 20):
        for each in processes:
            next(line for line in each.stdout if int(line) >= until)
        if until == 10:
            log.publish()  # while they go on
    for each in processes:
        each.send_signal(signal.SIGKILL)
    shown = 40 + sum(len(each.communicate()[0].splitlines()) for each in processes)
    with log.registry.writing() as connection:  # everything not published yet, and the counter with it
        waits = tables.looks.c.place_in_log.is_(None)
        ids = list(connection.scalars(select(tables.looks.c.look_id).where(waits)))
        connection.execute(delete(tables.access_records).where(tables.access_records.c.look_id.in_(ids)))
        connection.execute(delete(tables.looks).where(waits))
        connection.execute(update(tables.look_numbers).values(last=look_log.known_size(connection)))
    assert log.publish().missed
    entries = log.entries()
    assert shown <= len(entries) == len(set(entries))
    unshown = codes(
        log.verified()
    )  # one that stood and was not handed over when its process died, with a later one of the other's
    assert len(unshown) <= 2
    assert set(unshown) <= {"log.number_missing"}
    assert "log.look_deleted" in codes(log.verified_with_registry())
