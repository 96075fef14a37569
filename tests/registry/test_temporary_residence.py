"""Temporary residence at rest: who said what of it is kept, what it said before can be told, and a move-out ends it and can be taken back."""

from __future__ import annotations

import secrets
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from factories import make_person
from recording_town import Town
from typer.testing import CliRunner

from luutru.commands.registry import app
from registry import tables
from registry.desk_lists import Place
from registry.households import add_person
from registry.lodgers import lodgers_at
from registry.notices import Notice, send_notice
from registry.temporary_residence import Done, Means, Teller, move_out, register, renew, take_back
from residence.cases.notices import NoticeKind
from residence.errors import Conflict, Refused
from residence.stays.rules import load_rule_book
from residence.stays.temporary import Asked

RULES = load_rule_book()
NOW = datetime(2026, 7, 10, 3, tzinfo=UTC)
BLOCK = "blk-hoa-binh"
LANDLORD = Teller(told_by="landlord", account_id="acc-1")
OFFICER = Teller(told_by="authority", account_id="acc-2", reason="lives here, seen today")


def means(day: str = "2026-07-10") -> Means:
    now = datetime.fromisoformat(f"{day}T10:00:00+07:00")
    return Means(rules=RULES, now=now, random_bytes=secrets.token_bytes)


def newcomer(town: Town) -> str:
    with town.registry.writing() as connection:
        return add_person(
            connection,
            make_person(),
            commune_code="demo-01",
            vault=town.registry.vault,
            now=NOW,
            random_bytes=secrets.token_bytes,
        )


def registered(town: Town, person_id: str, last: str = "2027-07-09") -> Done:
    asked = Asked(premises_id=BLOCK, commune_code="demo-01", first=date(2026, 7, 10), last=date.fromisoformat(last))
    with town.registry.writing() as connection:
        return register(connection, person_id, asked, unit="1204", teller=LANDLORD, means=means())


def taken(town: Town, step, *given, teller: Teller = LANDLORD, day: str = "2026-09-01") -> Done:
    with town.registry.writing() as connection:
        return step(connection, *given, teller=teller, means=means(day))


def last_day(town: Town, residence_id: str) -> str:
    return next(row.valid_to for row in town.rows(tables.residences) if row.residence_id == residence_id)


def standings(town: Town, today: str) -> list[tuple[str, bool]]:
    day = date.fromisoformat(today)
    with town.registry.reading() as connection:
        found = lodgers_at(connection, Place("demo-01", BLOCK), today=day, rules=RULES.temporary_for(day))
    return [(each.standing, each.moved_out is not None) for each in found if each.first == "2026-07-10"]


def test_it_is_registered_renewed_ended_and_taken_back_and_each_step_is_kept(town: Town) -> None:
    person_id = newcomer(town)
    home = registered(town, person_id).residence_id
    assert standings(town, "2026-07-10") == [("holds", False)]
    assert standings(town, "2027-07-01") == [("to_renew", False)]
    assert taken(town, renew, home, date(2029, 7, 9), day="2027-07-01").ok
    ended = taken(town, move_out, home, date(2027, 9, 30), day="2027-10-01")
    assert last_day(town, home) == "2027-09-30"
    assert standings(town, "2027-10-01") == [("ended", True)]
    assert taken(town, take_back, ended.event_id, teller=OFFICER, day="2027-10-02").ok
    assert last_day(town, home) == "2029-07-09"
    assert standings(town, "2027-10-02") == [("holds", False)]
    steps = sorted(town.rows(tables.residence_events), key=lambda row: row.recorded_at)
    assert [(row.event, row.told_by, row.valid_to_before, row.valid_to_after) for row in steps] == [
        ("registered", "landlord", None, "2027-07-09"),
        ("renewed", "landlord", "2027-07-09", "2029-07-09"),
        ("moved_out", "landlord", "2029-07-09", "2027-09-30"),
        ("taken_back", "authority", "2027-09-30", "2029-07-09"),
    ]
    assert {row.rule_set for row in steps} == {"temporary-2026-07-01"}
    assert "Điều 12 khoản 3" in steps[2].article
    corrected = [(row.before["valid_to"], row.after["valid_to"]) for row in town.rows(tables.changes)]
    assert sorted(corrected) == sorted((row.valid_to_before, row.valid_to_after) for row in steps[1:])


def test_a_move_out_that_was_taken_back_or_overtaken_is_not_taken_back_again(town: Town) -> None:
    home = registered(town, newcomer(town)).residence_id
    first = taken(town, move_out, home, date(2026, 8, 31))
    second = taken(town, move_out, home, date(2026, 8, 20))
    with pytest.raises(Conflict, match=r"residence\.changed_meanwhile"):
        taken(town, take_back, first.event_id)
    assert taken(town, take_back, second.event_id).ok
    with pytest.raises(Refused, match=r"residence\.move_out_unknown"):
        taken(town, take_back, second.event_id)
    assert taken(town, take_back, first.event_id).ok
    assert last_day(town, home) == "2027-07-09"


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_person_hears_that_somebody_else_said_they_moved_out(town: Town) -> None:
    person_id = newcomer(town)
    done = taken(town, move_out, registered(town, person_id).residence_id, date(2026, 8, 31))
    (notice,) = [row for row in town.rows(tables.notices) if row.kind == "moved-out"]
    assert (notice.who, notice.addressee, notice.about) == (person_id, "person", done.event_id)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_who_says_so_themselves_is_not_told_what_they_said(town: Town) -> None:
    themselves = Teller(told_by="person", account_id="acc-3")
    taken(town, move_out, registered(town, newcomer(town)).residence_id, date(2026, 8, 31), teller=themselves)
    assert [row for row in town.rows(tables.notices) if row.kind == "moved-out"] == []


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("step", "day", "answer"), [(renew, date(2028, 7, 9), "renewed"), (move_out, date(2027, 6, 30), "moved_out")]
)
def test_the_reminder_of_its_end_is_answered(town: Town, step, day: date, answer: str) -> None:
    person_id = newcomer(town)
    home = registered(town, person_id).residence_id
    reminder = Notice(
        kind=NoticeKind.RENEW_TEMPORARY_RESIDENCE, about=f"{person_id}:2027-07-09", who=person_id, premises_id=BLOCK,
        commune_code="demo-01", addressee="person",
    )  # fmt: skip
    with town.registry.writing() as connection:
        send_notice(connection, reminder, now=NOW + timedelta(days=350), random_bytes=secrets.token_bytes)
    taken(town, step, home, day, day="2027-07-01")
    assert [row.answer for row in town.rows(tables.notices) if row.kind == reminder.kind.value] == [answer]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_with_an_error_nothing_is_written(town: Town) -> None:
    person_id = newcomer(town)
    before = len(town.rows(tables.residences))
    done = registered(town, person_id, last="2030-01-01")
    assert ([each.code for each in done.problems], done.residence_id) == (["residence.too_long"], None)
    assert (len(town.rows(tables.residences)), town.rows(tables.residence_events)) == (before, [])
    home = registered(town, person_id).residence_id
    assert [each.code for each in taken(town, move_out, home, date(2026, 9, 2)).problems] == ["residence.move_out_ahead"]
    assert last_day(town, home) == "2027-07-09"


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_nobody_and_nowhere_are_refused(town: Town) -> None:
    with pytest.raises(Refused, match=r"registry\.person_unknown"):
        registered(town, "nobody")
    with pytest.raises(Refused, match=r"residence\.unknown"):
        taken(town, move_out, "nothing", date(2026, 8, 31))
    asked = Asked(premises_id="nowhere", commune_code="demo-01", first=date(2026, 7, 10), last=date(2027, 7, 9))
    person_id = newcomer(town)
    with pytest.raises(Refused, match=r"registry\.premises_unknown"), town.registry.writing() as connection:
        register(connection, person_id, asked, unit=None, teller=LANDLORD, means=means())


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_command_registers_lists_ends_and_takes_back(town: Town, url: str, tmp_path) -> None:
    person_id = newcomer(town)
    where = ("--registry", url, "--vault", str(tmp_path / "vault"), "--json")

    def run(*words: str) -> tuple[int, dict]:
        result = CliRunner().invoke(app, ["residence", *words, *where])
        return result.exit_code, msgspec.json.decode(result.stdout)

    today = datetime.now(UTC) + timedelta(hours=7)  # the command reads the clock
    first, last, on, later = (f"{today + timedelta(days=each):%Y-%m-%d}" for each in (-10, 300, 0, 400))
    days = ("--from", first, "--to", last, "--premises", "blk-hoa-binh", "--by", "can-bo")
    status, done = run("register", person_id, *days)
    assert (status, done["problems"]) == (0, [])
    home = done["residence_id"]
    assert home in {each["residence_id"] for each in run("list", "blk-hoa-binh")[1]["lodgers"]}
    ended = run("move-out", home, "--on", on, "--by", "landlord-1")[1]
    assert ended["ok"]
    (lodger,) = [each for each in run("list", "blk-hoa-binh")[1]["lodgers"] if each["residence_id"] == home]
    assert lodger["moved_out"] == ended["event_id"]
    assert run("take-back", ended["event_id"], "--by", "can-bo", "--reason", "a mistake")[0] == 0
    assert run("renew", home, "--to", later, "--by", "can-bo")[1]["problems"][0]["code"] == "residence.renew_early"
    assert run("list", "nowhere")[0] == 1
