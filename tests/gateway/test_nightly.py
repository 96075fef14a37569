"""The night's work: once a day by whoever comes first, everything once a week, again after a failure, on from where it was broken off."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sighting_parts import rows
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from gateway.giving_way import Progress
from gateway.nightly import CLEANING, DELETIONS, KEYS, LOOKS, PUBLIC, SCOREBOARD, SECOND_VIEWS, WHOLE, Night, tend
from luutru.commands.gateway import app
from luutru.processes.gateway import GatewaySettings
from luutru.processes.gateway_beside import build_beside
from luutru.system import random_bytes
from registry import tables
from registry.checking import check_registry
from registry.nightly import AGAIN, LEASE, claim, run_of, settle
from registry.retention_policy import read_policy
from residence.access.key_times import KeyTimes
from residence.clock import VIETNAM

NIGHT = datetime(2026, 7, 11, 2, 0, tzinfo=VIETNAM)
DAY = "2026-07-11"


@pytest.fixture
def peopled(small_office):
    """A register somebody stays in, in the middle of a night."""
    small_office.intake.take([small_office.deliver(small_office.kiosk())])
    small_office.clock.instant = NIGHT
    return small_office


def run(office, **changes):
    return tend(office.registry, night=Night(**changes), clock=office.clock, random_bytes=random_bytes)


def states(office):
    with office.registry.reading() as connection:
        return {row.task: row.state for row in connection.execute(select(tables.nightly_runs)) if row.day == DAY}


def test_the_register_is_looked_after_and_counted_once_a_day(peopled):
    did = run(peopled)
    assert did[WHOLE]["judged"]["person"] == 1
    assert did[SCOREBOARD]["cells"] == peopled.count("scoreboard_days") > 0
    assert run(peopled) == {}
    peopled.clock.pass_time(hours=23)  # one o'clock: the next night has not begun
    assert run(peopled) == {}
    peopled.clock.pass_time(hours=1)
    assert set(run(peopled)) == {DELETIONS, KEYS, CLEANING, SCOREBOARD, LOOKS, SECOND_VIEWS, PUBLIC}


def test_what_nobody_did_at_night_is_done_when_somebody_runs(peopled):
    peopled.clock.pass_time(hours=15)
    assert set(run(peopled)) == {DELETIONS, KEYS, WHOLE, SCOREBOARD, LOOKS, SECOND_VIEWS, PUBLIC}


def test_keys_follow_the_year_and_cleaning_waits_while_indexes_are_between_two_keys(peopled):
    times = KeyTimes(index_days=300, destroy_after_days=3)
    keys, numbers = peopled.registry.vault.provider, lambda: {row.value_index for row in rows(peopled, "identifiers")}
    before = numbers()

    def names():
        return {each.kek_id for each in rows(peopled, "subject_keys")}

    assert run(peopled, key_times=times)[KEYS]["index"] == "announced"
    peopled.clock.pass_time(days=1)
    did = run(peopled, key_times=times)
    assert (did, rows(peopled, "identifiers")[0].value_index in before) == ({DELETIONS: did[DELETIONS]}, True)
    assert run(peopled, key_times=times) == {}  # somebody may still write with the former key
    peopled.clock.pass_time(minutes=11)
    did = run(peopled, key_times=times)
    assert did[KEYS]["index"] == "over"
    assert CLEANING in did
    assert not before & numbers()
    peopled.clock.instant = datetime(2027, 1, 2, 2, 0, tzinfo=VIETNAM)
    assert {each.rpartition(":")[2] for each in names()} == {"2026"}
    assert run(peopled, key_times=times)[KEYS]["rewrapped"] == peopled.count("subject_keys")
    assert {each.rpartition(":")[2] for each in names()} == {"2027"}
    former = [each for each in keys.period_keys() if each.endswith(":2026")]
    assert former
    peopled.clock.pass_time(days=3)
    assert run(peopled, key_times=times)[KEYS]["destroyed"] == former
    assert check_registry(peopled.registry).ok


def test_everything_is_gone_through_once_in_seven_days(peopled):
    nights = []
    for _ in range(9):
        nights += [task for task in run(peopled) if task in {CLEANING, WHOLE}]
        peopled.clock.pass_time(days=1)
    assert nights == [WHOLE, *[CLEANING] * 6, WHOLE, CLEANING]


def test_of_several_workers_at_once_one_does_it(office):
    together = threading.Barrier(4)

    def offer(_number):
        together.wait()
        with office.registry.writing() as connection:
            return claim(connection, CLEANING, day=DAY, now=NIGHT + timedelta(microseconds=_number))

    with ThreadPoolExecutor(4) as workers:
        assert sorted(workers.map(offer, range(4))) == [False, False, False, True]


WAITS = {"running": LEASE, "failed": AGAIN, "broken_off": timedelta()}


@pytest.mark.parametrize(("state", "wait"), WAITS.items())
def test_a_task_that_did_not_end_is_claimed_again_after_its_time(small_office, state, wait):
    def claimed(at):
        with small_office.registry.writing() as connection:
            return claim(connection, CLEANING, day=DAY, now=at)

    assert claimed(NIGHT)
    with small_office.registry.writing() as connection:
        settle(connection, CLEANING, day=DAY, state=state, now=NIGHT)
    assert not wait or not claimed(NIGHT + wait - timedelta(seconds=1))
    assert claimed(NIGHT + wait)


def test_a_failure_is_kept_nothing_is_counted_on_it_and_an_hour_later_it_is_tried_again(peopled):
    rename = "ALTER TABLE {} RENAME TO {}"
    with peopled.registry.writing() as connection:
        connection.execute(text(rename.format("cleaning_items", "away")))
    with pytest.raises(OperationalError):
        run(peopled)
    assert states(peopled) == {DELETIONS: "done", KEYS: "done", WHOLE: "failed"}
    with peopled.registry.writing() as connection:
        connection.execute(text(rename.format("away", "cleaning_items")))
    assert run(peopled) == {}
    peopled.clock.pass_time(hours=1)
    assert set(run(peopled)) == {WHOLE, SCOREBOARD, LOOKS, SECOND_VIEWS, PUBLIC}


def test_asked_to_stop_it_ends_after_a_page_and_whoever_runs_next_goes_on(peopled):
    answers = iter([*(True for _ in read_policy().timed), True, False])  # a page of each class is deleted, a page is judged
    assert set(run(peopled, go_on=lambda: next(answers))) == {DELETIONS, KEYS}
    assert states(peopled) == {DELETIONS: "done", KEYS: "done", WHOLE: "broken_off"}
    assert set(run(peopled)) == {WHOLE, SCOREBOARD, LOOKS, SECOND_VIEWS, PUBLIC}


@pytest.mark.parametrize(
    ("hour", "done"),
    [
        (2, dict.fromkeys((DELETIONS, KEYS, WHOLE, SCOREBOARD, LOOKS, SECOND_VIEWS, PUBLIC), "done")),
        (3, {}),
        (None, {}),
    ],
)
def test_a_gateway_does_it_from_the_hour_its_settings_say(peopled, hour, done):
    settings = GatewaySettings(
        registry=peopled.url, vault=peopled.vault_folder, keys=peopled.keys, tls=Path("pki"), night_hour=hour
    )
    build_beside(
        settings, registry=peopled.registry, clock=peopled.clock, stopping=threading.Event(), intake=lambda: Progress(0, False)
    ).turn()
    assert states(peopled) == done


def test_the_command_does_what_is_due_and_says_so(small_office):
    options = ["nightly", "--registry", small_office.url, "--vault", str(small_office.vault_folder), "--json"]
    first, again = (CliRunner().invoke(app, options) for _ in range(2))
    assert set(json.loads(first.stdout)["done"]) == {DELETIONS, KEYS, WHOLE, SCOREBOARD, LOOKS, SECOND_VIEWS, PUBLIC}
    assert json.loads(again.stdout)["done"] == {}


def test_what_came_of_it_stays(peopled):
    run(peopled)
    with peopled.registry.reading() as connection:
        kept = run_of(connection, WHOLE, day=DAY)
    assert kept is not None
    assert kept.report is not None
    assert kept.report["judged"]["premises"] == 1
    assert (kept.began_at, kept.ended_at) == (NIGHT, NIGHT)
