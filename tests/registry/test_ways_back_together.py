"""Ways back and delegations on both engines: of many at once one wins, and a process killed anywhere leaves the step undone or done, and nobody shut out."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import killed_way_back
import pytest
from factories import EVENING
from killed_way_back import delegation_means, recovery_tools
from sqlalchemy import select

from registry import delegations, recoveries, tables
from residence.errors import LuutruError

CODE = "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF"
STRIDE = 2  # calls into the database from one point of death to the next


@pytest.fixture
def people(town):
    """Two people the register knows."""
    with town.registry.reading() as connection:
        return connection.scalars(select(tables.persons.c.person_id).order_by(tables.persons.c.person_id).limit(2)).all()


def begin(town, person_id, code=CODE, by="acc-one"):
    seen = recoveries.Seen(person_id=person_id, paper="passport", by=by)
    with town.registry.writing() as connection:
        return recoveries.begin(connection, seen, code=code, tools=recovery_tools(town.registry.vault))


def second(town, person_id):
    with town.registry.writing() as connection:
        recoveries.second(connection, person_id, by="acc-two", now=EVENING)


def use(town, code=CODE):
    with town.registry.writing() as connection:
        return recoveries.use(connection, code, forget=True, tools=recovery_tools(town.registry.vault))


def give(town, person_id):
    code = secrets.token_hex(8)
    giving = delegations.Giving(giver_id=person_id, commune_code="demo-01", account_id="acc-giver", scopes=("see",), label="a friend", days=30)  # fmt: skip
    with town.registry.writing() as connection:
        return delegations.give(connection, giving, code=code, means=delegation_means(town.registry.vault)), code


def take(town, code, taker_id):
    with town.registry.writing() as connection:
        means = delegation_means(town.registry.vault)
        delegations.take(connection, code, taker_id=taker_id, account_id="acc-taker", label="a friend", means=means)


def at_once(*steps):
    """Take steps at the same time; returns which succeeded."""

    def tried(step):
        try:
            step()
        except LuutruError:
            return False
        return True

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(tried, steps))


def test_of_officers_and_tabs_at_once_one_begins_and_one_is_let_in(town, people):
    person_id, taker_id = people
    began = at_once(*(lambda at=at: begin(town, person_id, code=f"{CODE}{at}", by=f"acc-{at}") for at in range(4)))
    assert sorted(began) == [False, False, False, True]
    second(town, person_id)
    code = f"{CODE}{began.index(True)}"
    assert sorted(at_once(*[lambda: use(town, code)] * 4)) == [False, False, False, True]
    assert len([each for each in town.rows(tables.accounts) if each.person_id == person_id]) == 1
    _, code = give(town, person_id)
    assert sorted(at_once(*[lambda: take(town, code, taker_id)] * 4)) == [False, False, False, True]


def test_what_is_stopped_or_ended_in_the_same_moment_is_never_open_afterwards(town, people):
    person_id, taker_id = people
    for _ in range(3):
        begin(town, person_id)
        second(town, person_id)
        (row,) = [each for each in town.rows(tables.recoveries) if each.used_at is None and each.stopped_at is None]

        def stop(row=row):
            with town.registry.writing() as connection:
                if not recoveries.stop(connection, row, by="link", now=EVENING):
                    raise LuutruError("recovery.none")

        assert sorted(at_once(stop, lambda: use(town))) == [False, True]  # the one or the other, and whoever stops is told which
        own_id, code = give(town, person_id)

        def end(own_id=own_id):
            with town.registry.writing() as connection:
                delegations.end(connection, own_id, person_id=person_id, now=EVENING)

        at_once(end, lambda code=code: take(town, code, taker_id))
        with town.registry.reading() as connection:
            assert delegations.grants_of(connection, taker_id, means=delegation_means(town.registry.vault)) == []


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("step", ["begin", "use", "take"])
def test_killed_anywhere_a_step_is_undone_or_done_and_can_be_taken_by_the_next(town, people, step, tmp_path):
    person_id, taker_id = people
    code = CODE
    if step == "use":
        begin(town, person_id)
        second(town, person_id)
    if step == "take":
        _, code = give(town, person_id)
    given = {"begin": [person_id, code], "use": [code], "take": [code, taker_id]}[step]
    url = town.registry.engine.url.render_as_string(hide_password=False)
    program = [sys.executable, killed_way_back.__file__, url, str(tmp_path / "vault"), step]
    told, undone = [], []
    with subprocess.Popen([*program, json.dumps(given)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for point in range(1, 10_000, STRIDE):
            print(point, file=process.stdin, flush=True)
            told.append(process.stdout.readline().strip())
            undone.append(not is_done(town, step))
            if told[-1] != "killed":
                break
    assert len(told) > 3
    deaths = undone[: told.index(told[-1])]
    assert all(deaths) if told[-1] == "done" else deaths == sorted(deaths, reverse=True)  # done once, never undone again
    assert told[-1] in {"done", "refused"}
    assert is_done(town, step)


def is_done(town, step):
    """Tell whether the step stands, whole."""
    match step:
        case "begin":
            begun, told = (
                len(town.rows(tables.recoveries)),
                len([each for each in town.rows(tables.messages) if each.kind == "recovery"]),
            )
            assert begun == told  # never one of which nobody is told
            return begun == 1
        case "use":
            (row,) = town.rows(tables.recoveries)
            has_account = any(each.person_id == row.person_id for each in town.rows(tables.accounts))
            assert has_account is (row.used_at is not None)
            return has_account
        case _:
            (row,) = town.rows(tables.delegations)
            assert (row.taker_id is None) is (row.code_hash is not None)
            return row.taker_id is not None
