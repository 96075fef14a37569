"""Units at rest: a table is taken whole with its source; old codes of an import reach today's wards; a split waits for a person."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from importing_parts import NOW, desk
from sqlalchemy import func, select
from typer.testing import CliRunner
from unit_tables import CODES, CODES_UNKNOWN, OLD, TABLE

from luutru.__main__ import app
from luutru.system import random_bytes
from registry import tables
from registry.cleaning.listing import items_of
from registry.cleaning.passing import run_passes
from registry.database import connect
from registry.importing.mapping import Mapping, load_mapping
from registry.key_provider import FileKeyProvider
from registry.unit_asking import ask_about_premises
from registry.unit_questions import Decider, decide, decisions_of, list_questions, undo
from registry.units import Provenance, import_file, load_around, load_codes, load_table
from registry.vault import Vault
from residence.cleaning.rules import CleaningChoices
from residence.errors import Conflict, LuutruError, Malformed, Refused

FROM = Provenance(file_name="units.csv", source="invented for this test", licence="CC0-1.0", by="clerk")
BY = Decider(account_id="acc-1", reason="the plan of the split")
OLD_CODES = Mapping(source="old-book", commune_codes_of=OLD)
PREMISES = ["premises_ref", "commune_code", "kind", "name", "address_text"]
HOUSEHOLDS = ["household_ref", "commune_code", "premises_ref"]


@pytest.fixture
def office(url, tmp_path):
    registry = connect(
        url, vault=Vault(FileKeyProvider(tmp_path / "vault", random_bytes=random_bytes), random_bytes=random_bytes)
    )
    yield desk(registry, tmp_path)
    registry.close()


def load(office, text=TABLE, provenance=FROM):
    with office.registry.writing() as connection:
        return import_file(connection, text.encode(), provenance, now=NOW)


def house(ref, code, address):
    return [ref, code, "nhà ở", "Nhà mẫu", address]


def take_houses(office, *rows, name="premises.csv", mapping=OLD_CODES):
    return office.take(office.file(name, [PREMISES, *rows], mapping), "premises", mapping)


def communes(office):
    columns = tables.premises.c
    with office.registry.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(select(columns.premises_id, columns.commune_code))}


def open_questions(office):
    with office.registry.reading() as connection:
        return list_questions(connection, None)


def test_a_table_is_read_back_as_it_was_with_its_source_and_licence(office):
    report = load(office)
    assert (report.kind, report.units, report.problems) == ("units", 10, ())
    with office.registry.reading() as connection:
        table = load_table(connection)
        row = connection.execute(select(tables.unit_files)).one()
        around = load_around(connection, ["90001"])
    assert [each.name for each in table.candidates("90004", at=OLD, on="2026-07-10")] == ["Phường Mẫu Thử", "Xã Chia Đông"]
    assert (row.source, row.licence, row.lines, row.imported_by) == ("invented for this test", "CC0-1.0", 10, "clerk")
    assert {each.code for each in around.units} == {"90001", "90002", "90003", "90004", "90013"}
    assert around.candidates("90004", at=OLD, on="2026-07-10") == table.candidates("90004", at=OLD, on="2026-07-10")
    assert len(table.on(OLD, level="province")) == 64  # the shipped ones, and this one


def test_a_table_is_taken_once_and_a_later_one_says_what_changed(office):
    load(office)
    with pytest.raises(Conflict, match=r"units\.table_known"):
        load(office)
    later = "level,code,name,valid_from,valid_to,parent,successors\n"
    later += "commune,90013,Xã Xa Mới,2025-07-01,2026-03-31,90,90014\ncommune,90014,Phường Xa,2026-04-01,,90,\n"
    assert load(office, later).problems == ()
    with office.registry.reading() as connection:
        assert [each.name for each in load_table(connection).candidates("90003", at=OLD, on="2026-07-10")] == ["Phường Xa"]


def test_a_faulty_table_leaves_nothing_behind(office):
    load(office)
    alone = "level,code,name,valid_from,valid_to,parent,successors\ncommune,90099,Xã Mới,2026-01-01,,900,\n"
    assert {each.code for each in load(office, alone).problems} == {"units.parent"}
    with pytest.raises(Malformed, match=r"units\.provenance"):
        load(office, alone, Provenance(file_name="x", source=" ", licence="CC0-1.0", by="clerk"))
    with office.registry.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.unit_files)) == 1
        assert load_table(connection).bearing("90099") == ()


def test_codes_of_the_ministry_are_a_table_of_their_own(office):
    load(office)
    assert {each.code for each in load(office, CODES_UNKNOWN).problems} == {"units.unknown"}
    assert load(office, CODES).codes == 3
    with office.registry.reading() as connection:
        assert load_codes(connection).ours("ministry", "M3", day="2026-07-10") == "90003"
    ministry = Mapping(source="ministry", commune_code_system="ministry")
    _, rejected = take_houses(office, house("m-1", "M3", ""), house("m-2", "M9", ""), mapping=ministry)
    assert communes(office) == {"m-1": "90003"}
    assert [(each.row, each.code) for each in rejected] == [(2, "import.commune_unknown")]


def test_old_codes_reach_todays_wards_and_what_the_source_said_is_kept(office):
    load(office)
    take_houses(office, house("a", "90002", "12 Lê Lợi"), house("b", "90003", "1 Lê Lợi"), house("c", "90001", ""))
    assert communes(office) == {"a": "90001", "b": "90013", "c": "90001"}
    with office.registry.reading() as connection:
        origins = {
            row.premises_id: (row.stated_code, row.stated_on, row.question_id)
            for row in connection.execute(select(tables.premises_origins))
        }
    assert origins == {"a": ("90002", OLD, None), "b": ("90003", OLD, None), "c": ("90001", OLD, None)}


def test_codes_of_today_stand_as_given_even_where_an_older_unit_bore_them(office):
    load(office)
    take_houses(office, house("a", "90003", ""), house("b", "demo-01", ""), mapping=Mapping())
    assert communes(office) == {"a": "90003", "b": "demo-01"}


SPLIT = [
    house("s-1", "90004", "12 Lê Lợi, Xã Chia, Huyện Bịa, Tây Ninh"),
    house("s-2", "90004", "7/5 đường Lê Lợi, Xã Chia, Huyện Bịa, Tây Ninh"),
    house("s-3", "90004", "Thôn Đoài, Xã Chia, Huyện Bịa, Tây Ninh"),
    house("s-4", "90004", "nhà ông Tư, Xã Chia, Huyện Bịa, Tây Ninh"),
]


def test_a_split_ward_is_asked_by_street_decided_by_a_person_and_fed_again(office):
    load(office)
    _, rejected = take_houses(office, *SPLIT)
    assert [each.code for each in rejected] == ["import.commune_split"] * 4
    asked = open_questions(office)
    assert [(each.place_key, each.place_text, each.candidates) for each in asked] == [
        ("", "", ("90001", "90003")),
        ("hamlet:thon doai", "Thôn Đoài", ("90001", "90003")),
        ("street:le loi", "Lê Lợi", ("90001", "90003")),
    ]
    street = asked[2].question_id
    with office.registry.writing() as connection:
        decide(connection, street, choice="90003", by=BY, now=NOW, random_bytes=random_bytes)
        decide(connection, asked[1].question_id, choice=None, by=BY, now=NOW, random_bytes=random_bytes)
    # The very same bytes would be the same import.
    _, rejected = take_houses(office, *SPLIT, house("s-5", "90001", ""), name="again.csv")
    assert communes(office) == {"s-1": "90003", "s-2": "90003", "s-5": "90001"}
    assert [each.row for each in rejected] == [3, 4]
    with office.registry.reading() as connection:
        assert (
            connection.scalar(select(tables.premises_origins.c.question_id).where(tables.premises_origins.c.premises_id == "s-1"))
            == street
        )
    assert [each.place_key for each in open_questions(office)] == [""]


def test_households_and_residents_of_a_split_ward_follow_the_premises_they_name(office):
    load(office)
    take_houses(office, house("h-1", "90003", ""), house("h-2", "90013", ""), mapping=Mapping())
    rows = [["HH-1", "90004", "h-1"], ["HH-2", "90004", "h-2"], ["HH-3", "90002", "h-1"]]
    _, rejected = office.take(office.file("households.csv", [HOUSEHOLDS, *rows], OLD_CODES), "households", OLD_CODES)
    assert sorted((each.row, each.code) for each in rejected) == [(2, "import.commune_split"), (3, "import.commune_differs")]
    people = [["person_ref", "commune_code", "full_name", "premises_ref", "residence_kind", "valid_from"]]
    people += [["P-1", "90004", "Trần Văn An", "h-1", "Thường trú", "01/01/2020"], ["P-2", "90004", "Lê Thị Bích", "", "", ""]]
    people += [["P-3", "90002", "Phạm Thị Cúc", "", "", ""], ["P-4", "12345", "Đỗ Văn Dũng", "", "", ""]]
    _, rejected = office.take(office.file("residents.csv", people, OLD_CODES), "residents", OLD_CODES)
    assert [(each.row, each.code) for each in rejected] == [(2, "import.commune_split"), (4, "import.commune_unknown")]
    with office.registry.reading() as connection:
        assert sorted(connection.scalars(select(tables.persons.c.commune_code))) == ["90001", "90003"]


def test_premises_that_stand_in_a_unit_split_later_are_asked_about_once(office):
    take_houses(office, *SPLIT, mapping=Mapping())
    load(office)
    with office.registry.writing() as connection:
        assert ask_about_premises(connection, vault=office.registry.vault, now=NOW) == 3
        assert ask_about_premises(connection, vault=office.registry.vault, now=NOW) == 0


def asked(office):
    load(office)
    take_houses(office, SPLIT[0])
    return open_questions(office)[0].question_id


REFUSED = {
    "none of the candidates": ("90013", BY, Refused),
    "no reason": ("90001", Decider(account_id="acc-1", reason=" "), Refused),
    "a commune that is no candidate": ("90001", Decider(account_id="acc-1", reason="x", communes=("90013",)), Refused),
}


@pytest.mark.parametrize(("choice", "by", "error"), REFUSED.values(), ids=REFUSED)
def test_a_decision_that_cannot_be_is_refused_and_changes_nothing(office, choice, by, error):
    own_id = asked(office)
    with office.registry.writing() as connection:
        with pytest.raises(error):
            decide(connection, own_id, choice=choice, by=by, now=NOW, random_bytes=random_bytes)
        assert [each.state for each in list_questions(connection, None)] == ["open"]


def test_a_decision_stands_until_it_is_undone_and_both_stay_on_the_record(office):
    own_id = asked(office)
    with office.registry.writing() as connection:
        decide(connection, own_id, choice="90001", by=BY, now=NOW, random_bytes=random_bytes)
        for again in ("90003", None):
            with pytest.raises(Conflict, match=r"units\.question_decided"):
                decide(connection, own_id, choice=again, by=BY, now=NOW, random_bytes=random_bytes)
        later = datetime(2026, 7, 11, tzinfo=UTC)
        undo(connection, own_id, by=Decider(account_id="acc-2", reason="the wrong street"), now=later, random_bytes=random_bytes)
        with pytest.raises(Conflict, match=r"units\.question_open"):
            undo(connection, own_id, by=BY, now=later, random_bytes=random_bytes)
        done = decisions_of(connection, own_id)
        (question,) = list_questions(connection, ["90004"])
    assert [(each["action"], each["choice"], each["account_id"], each["reason"]) for each in done] == [
        ("decided", "90001", "acc-1", "the plan of the split"),
        ("undone", None, "acc-2", "the wrong street"),
    ]
    assert (question.state, question.choice, question.decided_by) == ("open", None, None)


def followed_up(office):
    run_passes(office.registry, choices=CleaningChoices(), now=NOW, random_bytes=random_bytes, whole=False)
    with office.registry.reading() as connection:
        return {each.evidence[0][1]: each for each in items_of(connection, rule="ward_decision_withdrawn")}


def test_what_a_decision_placed_is_named_when_it_is_taken_back_and_followed_up_until_somebody_decides(office):
    own_id = asked(office)
    with office.registry.writing() as connection:
        decide(connection, own_id, choice="90003", by=BY, now=NOW, random_bytes=random_bytes)
    take_houses(office, *SPLIT[:2], house("s-5", "90001", ""), name="again.csv")
    assert followed_up(office) == {}
    with office.registry.writing() as connection:
        _, placed = undo(connection, own_id, by=BY, now=NOW, random_bytes=random_bytes)
    assert placed == [("90003", "s-1"), ("90003", "s-2")]
    found = followed_up(office)
    assert found.keys() == {"s-1", "s-2"}
    assert found["s-1"].commune_code == "90003"
    assert found["s-1"].evidence == (("premises", "s-1"), ("unit", "90004"), ("unit_question", own_id))
    with office.registry.writing() as connection:  # the street lies elsewhere: both stay on the list, and it says where
        decide(connection, own_id, choice="90001", by=BY, now=NOW, random_bytes=random_bytes)
    assert [each.evidence[-1] for each in followed_up(office).values()] == [("unit_today", "90001")] * 2
    with office.registry.writing() as connection:
        undo(connection, own_id, by=BY, now=NOW, random_bytes=random_bytes)
        decide(connection, own_id, choice="90003", by=BY, now=NOW, random_bytes=random_bytes)
    assert followed_up(office) == {}


@pytest.mark.parametrize("day", ["30/06/2025", "yesterday"])
def test_a_mapping_whose_day_is_none_is_an_error_before_the_first_row(tmp_path, day):
    path = tmp_path / "m.toml"
    path.write_text(f'commune_codes_of = "{day}"')
    with pytest.raises(LuutruError, match=r"import\.mapping"):
        load_mapping(path)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_the_command_line_imports_lists_follows_asks_and_decides(url, tmp_path):
    at = ["--registry", url, "--vault", str(tmp_path / "vault"), "--json"]

    def luutru(*words):
        done = CliRunner().invoke(app, ["registry", "units", *words, *at])
        return done.exit_code, json.loads(done.stdout)

    file = tmp_path / "units.csv"
    file.write_text(TABLE, encoding="utf-8")
    said = ["--source", "invented", "--licence", "CC0-1.0"]
    assert luutru("import", str(file), *said)[1]["counts"] == {"units": 10, "codes": 0}
    again = luutru("import", str(file), *said)
    assert (again[0], again[1]["problems"]) == (1, ["units.table_known"])
    code, listed = luutru("list", "--level", "commune", "--inside", "90", "--on", OLD)
    assert (code, [each["code"] for each in listed["units"]]) == (0, ["90001", "90002", "90003", "90004"])
    _, split = luutru("successors", "90004")
    assert (split["fate"], split["needs_human"], [each["code"] for each in split["candidates"]]) == (
        "split",
        True,
        ["90001", "90003"],
    )
    assert luutru("successors", "12345")[0] == 1
    book = desk(
        connect(url, vault=Vault(FileKeyProvider(tmp_path / "vault", random_bytes=random_bytes), random_bytes=random_bytes)),
        tmp_path,
    )
    take_houses(book, *SPLIT, mapping=Mapping())
    book.registry.close()
    assert luutru("ask")[1]["counts"] == {"asked": 3}
    own_id = luutru("questions")[1]["questions"][2]["question_id"]
    words = ["--by", "acc-1", "--reason", "the plan"]
    assert luutru("decide", own_id, "90001", *words)[1]["questions"][0]["state"] == "decided"
    assert luutru("undo", own_id, *words)[0] == 0
    assert luutru("decide", own_id, "divided", *words)[1]["questions"][0]["state"] == "divided"
    assert len(luutru("questions", "--every")[1]["questions"]) == 3
