"""A clerk pastes the house's own list: who is not declared is found and declared in one step; nothing of the list is kept."""

from __future__ import annotations

from datetime import date

import pytest
from factories import make_person
from hypothesis import given
from hypothesis import strategies as st
from server_parts import csrf_of
from sqlalchemy import select

from registry import tables
from server.desk.house_list import MOST_GUESTS, read_day, read_house_list

HEADERS = {
    "Vietnamese, by tabs": "Phòng\tHọ và tên\tSố giấy tờ\tNgày đến\tNgày đi",
    "without accents, by semicolons": "so phong;ho ten;cccd;ngay den;ngay di",
    "English, by commas": "Room,Guest name,Passport,Check-in,Check-out",
    "with columns nobody needs": "STT;Room No.;Full Name;Document;Arrival;Departure;Rate",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_the_first_line_says_what_stands_where(header):
    separator = next(each for each in "\t;," if each in header)
    cells = ["201", "Trần Văn An", "001 095 000 117", "10/07/2026", "2026-07-12"]
    if header.startswith("STT"):
        cells = ["1", *cells, "500.000"]
    (guest,) = read_house_list(f"{header}\n{separator.join(cells)}\n").guests
    assert (guest.full_name, guest.unit, guest.number) == ("Trần Văn An", "201", "001095000117")
    assert (guest.arrival, guest.departure) == (date(2026, 7, 10), date(2026, 7, 12))


WRONG = {
    "nothing": ("", "house-list.empty", "/list"),
    "a header alone": ("Room,Name\n", "house-list.empty", "/list"),
    "no names": ("Room,Rate\n101,5", "house-list.no_names", "/lines/1"),
    "a line without a name": ("Room,Name\n101,", "house-list.no_name", "/lines/2/full_name"),
    "a day that is none": ("Name,Arrival\nAn,31/02/2026", "house-list.date", "/lines/2/arrival"),
    "a serial number of a spreadsheet": ("Name,Arrival\nAn,46213", "house-list.date", "/lines/2/arrival"),
    "too many": ("Name\n" + "An\n" * (MOST_GUESTS + 1), "house-list.too_long", "/list"),
}


@pytest.mark.parametrize(("text", "code", "pointer"), WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_read_is_said_with_its_place(text, code, pointer):
    assert [(each.code, each.pointer) for each in read_house_list(text).problems] == [(code, pointer)]


@given(st.text(max_size=300))
def test_any_text_gives_a_list_or_problems_and_never_an_exception(text):
    read = read_house_list(text)
    assert bool(read.guests) or bool(read.problems)


@given(st.dates())
def test_a_day_is_read_in_either_writing(day):
    assert read_day(f"{day:%d/%m/}{day.year:04}") == read_day(day.isoformat()) == day


LIST = "Room,Name,Document\n201,TRAN VAN AN,001095000117\n305,Lê Thị Thử Nghiệm,001195000444\n"


@pytest.fixture
def clerk(world):
    world.declare_guest()
    world.declare_guest(
        unit="204", person=make_person(full_name="Phạm Thị Thử", personal_number="001195000222", sex="female", document=None)
    )
    return world.client("clerk")


def compare(client, text):
    return client.post("/desk/house", data={"csrf": csrf_of(client), "premises_id": "htl-sao-mai", "list": text})


def test_the_lists_are_compared_and_each_side_is_named(world, clerk):
    page = compare(clerk, LIST).text
    assert "On your list and not declared (1)" in page
    assert "Lê Thị Thử Nghiệm" in page
    assert "Declared and not on your list (1)" in page
    assert "Alike on both sides: 1" in page
    with world.registry.reading() as connection:
        looks = connection.execute(select(tables.access_records)).all()
    assert {(each.purpose, each.about, tuple(each.fields)) for each in looks} == {
        ("declare-guest", "htl-sao-mai", ("full-name",))
    }


def test_who_is_not_declared_is_declared_in_one_step(clerk):
    form = {"csrf": csrf_of(clerk), "premises_id": "htl-sao-mai", "full_name": "Lê Thị Thử Nghiệm", "unit": "305"}
    page = clerk.post("/desk/house/declare", data=form | {"personal_number": "001195000444", "note": "not taken over"}).text
    assert 'value="Lê Thị Thử Nghiệm"' in page
    assert 'value="305"' in page
    assert "not taken over" not in page


def test_a_list_with_a_fault_is_shown_again_and_compared_with_nobody(world, clerk):
    answer = compare(clerk, "Room,Rate\n201,5")
    assert answer.status_code == 422
    assert "No column of names" in answer.text
    with world.registry.reading() as connection:
        assert connection.execute(select(tables.access_records)).all() == []


def test_another_house_is_not_compared(clerk):
    form = {"csrf": csrf_of(clerk), "premises_id": "htl-xa", "list": LIST}
    assert clerk.post("/desk/house", data=form).status_code == 403


def test_nothing_of_the_list_is_kept(world, clerk):
    def rows():
        with world.registry.reading() as connection:
            return {name: len(connection.execute(select(table)).all()) for name, table in tables.metadata.tables.items()}

    before = rows()
    compare(clerk, LIST)
    after = rows()
    assert {name for name in after if after[name] != before[name]} == {"access_records", "look_numbers", "looks"}
