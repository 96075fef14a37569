"""The retention policy: every table stands in it, what is due goes and nothing younger, and each night leaves a report."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import chain

import msgspec
import pytest
from factories import StandingClock
from hypothesis import given, settings
from hypothesis import strategies as st
from loaded_register import rows_of
from recording_town import Town, make_town
from sqlalchemy import delete, func, insert, select
from typer.testing import CliRunner

from luutru.commands.registry import app
from registry import deletions, tables
from registry.bulk import write_rows
from registry.checking import check_registry
from registry.database import upgrade
from registry.deletions import PAGE, Deleted, DeletionReport, carry_out, reports
from registry.presences import KEPT_FOR
from registry.retention_policy import DOABLE, read_policy
from residence.errors import Malformed

BUILT_IN = read_policy()
TABLES = sorted(tables.metadata.tables)


def written(classes: list[dict]) -> bytes:
    """Write TOML: text, numbers and lists are written as in JSON."""
    lines = (["[[class]]", *(f"{key} = {json.dumps(value)}" for key, value in each.items())] for each in classes)
    return "\n".join(line for each in lines for line in each).encode()


def as_classes() -> list[dict]:
    return [{key: value for key, value in msgspec.to_builtins(each).items() if value is not None} for each in BUILT_IN.classes]


def test_every_table_of_the_registry_has_a_class() -> None:
    assert sorted(table for each in BUILT_IN.classes for table in each.tables) == TABLES


@given(st.sampled_from(TABLES))
def test_a_policy_that_forgets_a_table_is_refused(forgotten: str) -> None:
    classes = as_classes()
    for each in classes:
        each["tables"] = [table for table in each["tables"] if table != forgotten]
    with pytest.raises(Malformed) as refusal:
        read_policy(written([each for each in classes if each["tables"]]))
    assert refusal.value.code == "retention.table_missing"
    assert forgotten in refusal.value.detail


def test_a_new_table_without_a_class_is_noticed() -> None:
    tables.metadata.tables["presences"].to_metadata(tables.metadata, name="brand_new")
    try:
        with pytest.raises(Malformed, match="brand_new"):
            read_policy()
    finally:
        tables.metadata.remove(tables.metadata.tables["brand_new"])


# what is changed in which class -> the refusal
WRONG = [
    ("presence", {"action": "unseal"}, "retention.action_unknown"),
    ("presence", {"counted_from": "never_at"}, "retention.column_unknown"),
    ("presence", {"counted_from": "premises_id"}, "retention.column_unknown"),
    ("presence", {"keep_days": -1}, "retention.period_unfit"),
    ("person", {"keep_days": 10}, "retention.period_unfit"),
    ("person", {"action": "delete"}, "retention.action_unknown"),
    ("audit of sign-in", {"keep_days": 182}, "retention.below_floor"),
    ("access record", {"action": "delete", "keep_days": 182}, "retention.below_floor"),
    ("door pass", {"keep_days": 6}, "retention.below_floor"),
    ("stay", {"tables": ["stays", "stay_versions", "receipts", "host_answers", "own_words", "persons"]}, "retention.table_twice"),
    ("stay", {"tables": ["stays", "stay_versions", "receipts", "host_answers", "nothing"]}, "retention.table_unknown"),
    ("stay", {"for_ever": True}, "retention.unreadable"),
]


@pytest.mark.parametrize(("name", "change", "code"), WRONG, ids=str)
def test_a_wrong_policy_is_refused_with_its_place(name: str, change: dict, code: str) -> None:
    classes = as_classes()
    next(each for each in classes if each["name"] == name).update(change)
    with pytest.raises(Malformed) as refusal:
        read_policy(written(classes))
    assert refusal.value.code == code


def test_what_can_be_done_to_a_table_is_what_is_carried_out() -> None:
    assert set(DOABLE) == set(deletions._DOING)


def test_presences_are_kept_as_long_as_recording_says() -> None:
    assert next(each for each in BUILT_IN.classes if each.name == "presence").period == KEPT_FOR


def test_what_was_kept_for_a_while_goes_when_its_time_is_over(town: Town) -> None:
    town.see()
    town.declare(unit=None)
    clock = StandingClock(town.now)
    assert gone(carry_out(town.registry, BUILT_IN, clock=clock, by="test")) == {}
    clock.pass_time(days=400)
    assert gone(carry_out(town.registry, BUILT_IN, clock=clock, by="test")) == {"presence": 1, "refused statement": 1}
    assert town.rows(tables.presences) == []
    assert town.rows(tables.declarations)[0].body_sealed == b""
    assert check_registry(town.registry).erased == 1
    clock.pass_time(days=1)
    assert gone(carry_out(town.registry, BUILT_IN, clock=clock, by="test")) == {}


def gone(report: DeletionReport) -> dict[str, int]:
    return {each.name: each.rows for each in report.deleted if each.rows}


def letters(count: int) -> list[dict]:
    return [row | {"state": "settled"} for row in rows_of(tables.quarantine, count)]


def test_the_work_of_a_night_is_done_once_and_reported(town: Town) -> None:
    clock = StandingClock(town.now)
    first = carry_out(town.registry, BUILT_IN, clock=clock, by="one", night="2026-07-10")
    clock.pass_time(days=400)
    with town.registry.writing() as connection:
        write_rows(connection, tables.quarantine, letters(2))
    assert carry_out(town.registry, BUILT_IN, clock=clock, by="two", night="2026-07-10") == first
    assert gone(carry_out(town.registry, BUILT_IN, clock=clock, by="two", night="2027-08-14")) == {"dead letter": 2}
    with town.registry.reading() as connection:
        kept = reports(connection)
    assert [(each.night, each.by) for each in kept] == [("2027-08-14", "two"), ("2026-07-10", "one")]
    assert kept[1] == first
    assert first.policy == BUILT_IN.digest


def test_a_night_that_is_broken_off_goes_on_where_it_was_and_counts_to_the_row(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.deletions.PAGE", 3)
    with town.registry.writing() as connection:
        write_rows(connection, tables.quarantine, letters(14))
    clock = StandingClock(town.now + timedelta(days=400))
    left = []
    for allowed in (0, 4, 2, 100):
        answers = chain((True,) * allowed, (False,))
        told = carry_out(town.registry, BUILT_IN, clock=clock, by="test", night="n", go_on=lambda answers=answers: next(answers))
        left.append((len(town.rows(tables.quarantine)), told.finished_at is not None))
        assert gone(told).get("dead letter", 0) == 14 - left[-1][0]
    assert left == [(14, False), (8, False), (2, False), (0, True)]


def test_what_went_before_a_worker_died_is_counted(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.deletions.PAGE", 3)
    with town.registry.writing() as connection:
        write_rows(connection, tables.quarantine, letters(7))
    clock, pages, due = StandingClock(town.now + timedelta(days=400)), iter((True, False)), deletions._due

    def dying(each, before):
        if each.name == "dead letter" and not next(pages):
            raise KeyboardInterrupt
        return due(each, before)

    monkeypatch.setattr(deletions, "_due", dying)
    with pytest.raises(KeyboardInterrupt):
        carry_out(town.registry, BUILT_IN, clock=clock, by="test", night="n")
    monkeypatch.setattr(deletions, "_due", due)
    with town.registry.reading() as connection:
        (report,) = reports(connection)
    assert (gone(report), report.finished_at) == ({"dead letter": 3}, None)
    assert len(town.rows(tables.quarantine)) == 4
    assert gone(carry_out(town.registry, BUILT_IN, clock=clock, by="test", night="n")) == {"dead letter": 7}


def test_another_policy_in_the_middle_of_a_night_makes_a_report_of_its_own(town: Town) -> None:
    clock = StandingClock(town.now)
    carry_out(town.registry, BUILT_IN, clock=clock, by="test", night="2026-07-10", go_on=lambda: False)
    other = msgspec.structs.replace(BUILT_IN, digest="other")
    report = carry_out(town.registry, other, clock=clock, by="test", night="2026-07-10")
    assert (report.policy, report.night.startswith("2026-07-10 "), report.finished_at) == ("other", True, clock.now())


# tables whose rows refer to no other's
OF_THEIR_OWN = {
    "presences",
    "quarantine",
    "sign_in_audit",
    "door_events",
    "door_boots",
    "undated_declarations",
    "door_passes",
    "door_cards",
    "kiosk_calls",
}


@pytest.fixture(scope="module")
def heap(tmp_path_factory: pytest.TempPathFactory):
    """A registry for one table's rows at a time."""
    folder = tmp_path_factory.mktemp("heap")
    upgrade(f"sqlite:///{folder}/registry.db")
    town = make_town(f"sqlite:///{folder}/registry.db", folder / "vault")
    yield town
    town.registry.close()


@settings(max_examples=25, deadline=None)
@given(
    each=st.sampled_from([each for each in BUILT_IN.timed if each.tables[0] in OF_THEIR_OWN]),
    ages=st.lists(st.integers(-3, 3).map(lambda seconds: timedelta(seconds=seconds)), max_size=12),
)
def test_what_is_due_goes_and_nothing_younger(heap: Town, each, ages: list[timedelta]) -> None:
    """Ages are counted from the very end of the period."""
    table, now = tables.metadata.tables[each.tables[0]], heap.now
    rows = [
        row
        | {each.counted_from: now - each.period - age, "commune_code": "demo-01"}
        | ({"state": "settled"} if "state" in row else {})
        for row, age in zip(rows_of(table, len(ages)), ages, strict=True)
    ]
    for row, age in zip(rows, ages, strict=True):
        if "expires_at" in row:
            row["expires_at"] = row["recorded_at"] + KEPT_FOR
        assert (row[each.counted_from] <= now - each.period) == (age >= timedelta())
    with heap.registry.writing() as connection:
        connection.execute(delete(table))
        connection.execute(delete(tables.deletion_reports))  # the clock stands still here: each example is the same night
        write_rows(connection, table, rows)
    due = sum(age >= timedelta() for age in ages)
    done = next(
        one for one in carry_out(heap.registry, BUILT_IN, clock=StandingClock(now), by="test").deleted if one.name == each.name
    )
    assert done == Deleted(name=each.name, action="delete", before=now - each.period, rows=due)
    with heap.registry.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(table)) == len(ages) - due


def test_more_than_a_page_goes_too(town: Town) -> None:
    rows = [row | {"state": "dismissed"} for row in rows_of(tables.quarantine, PAGE + 7)]
    with town.registry.writing() as connection:
        write_rows(connection, tables.quarantine, rows)
        connection.execute(insert(tables.letter_events), [event_of(rows[0])])
    done = carry_out(town.registry, BUILT_IN, clock=StandingClock(town.now + timedelta(days=400)), by="test")
    assert next(each for each in done.deleted if each.name == "dead letter").rows == PAGE + 7
    assert town.rows(tables.letter_events) == []


def event_of(letter: dict) -> dict:
    return next(rows_of(tables.letter_events, 1)) | {"quarantine_id": letter["quarantine_id"]}


def test_the_command_tells_the_policy_runs_it_and_reports(tmp_path) -> None:
    where = ["--registry", f"sqlite:///{tmp_path}/registry.db"]
    vault = ["--vault", str(tmp_path / "vault")]
    run = lambda *words: CliRunner().invoke(app, [*words, "--json"])  # noqa: E731
    run("create", *where, *vault)
    told = json.loads(run("retention", "policy").stdout)
    assert len(told["classes"]) == len(BUILT_IN.classes)
    ran = json.loads(run("retention", "run", *where, *vault, "--by", "operator-1").stdout)
    assert (ran["by"], ran["policy"]) == ("operator-1", told["policy"])
    assert json.loads(run("retention", "report", *where).stdout)["reports"] == [ran]
    plain = CliRunner().invoke(app, ["retention", "report", *where])
    assert plain.stdout.count("presence") == 1
    own = tmp_path / "own.toml"
    own.write_text("[[class]]\n", "utf-8")
    assert CliRunner().invoke(app, ["retention", "policy", "--retention", str(own)]).exit_code == 2
