"""Machine-readable zones: the vectors, the check digits, and lines that are none."""

import json
from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.credentials.mrz import parse_mrz
from residence.credentials.mrz_layout import check_digit
from residence.credentials.reading import read_mrz

VECTORS = sorted((Path(__file__).parents[1] / "vectors" / "mrz").glob("*.json"))
TODAY = date(2026, 7, 10)
CARD = ["IDVNM0951234567079095123456<<7", "9512254M3512252VNM<<<<<<<<<<<2", "NGUYEN<<HOANG<MINH<KHOI<<<<<<<"]
PASSPORT = ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"]


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_every_zone_vector_reads_as_it_says(path):
    vector = json.loads(path.read_text("utf-8"))
    outcome = read_mrz(vector["lines"], reader="test", today=date.fromisoformat(vector["today"]))
    found = json.loads(msgspec.json.encode(outcome))
    problems = [{key: each[key] for key in ("code", "severity", "pointer")} for each in found["problems"]]
    expect = vector["expect"]
    assert {**{key: found[key] for key in expect if key != "problems"}, "problems": problems} == expect


def test_check_digits_of_the_standard():
    assert [check_digit(text) for text in ("D23145890", "740812", "120415", "L898902C3", "")] == ["7", "2", "9", "6", "0"]


# Every position a check digit covers: line 1 from 5, line 2 but for sex and nationality, which the composite leaves out.
COVERED = [(0, place) for place in range(5, 30)] + [(1, place) for place in [*range(7), *range(8, 15), *range(18, 30)]]


@given(st.sampled_from(COVERED), st.sampled_from("0123456789"))
def test_one_misread_digit_is_always_noticed(place, digit):
    line, column = place
    if CARD[line][column] == digit:
        return
    rows = list(CARD)
    rows[line] = rows[line][:column] + digit + rows[line][column + 1 :]
    if check_digit(digit) != check_digit(CARD[line][column]):
        assert not read_mrz(rows, reader="test", today=TODAY).ok


@given(st.lists(st.text(max_size=50), max_size=4))
def test_no_lines_raise(lines):
    parse_mrz(lines, today=TODAY)


@given(st.sampled_from([(3, 30), (2, 36), (2, 44)]), st.data())
def test_no_zone_of_the_right_size_raises(shape, data):
    count, length = shape
    lines = [data.draw(st.text("ABIPVNM0129<", min_size=length, max_size=length)) for _ in range(count)]
    lines[0] = data.draw(st.sampled_from(["IDVNM", "P<VNM", "I<UTO", ""])).ljust(0) + lines[0]
    outcome = read_mrz([line[:length] for line in lines], reader="test", today=TODAY)
    assert outcome.ok == (outcome.reading is not None)
    msgspec.json.encode(outcome)


@given(st.dates(min_value=date(1930, 1, 1), max_value=date(2080, 1, 1)))
def test_birth_is_past_and_expiry_is_not_a_century_ago(today):
    fields = parse_mrz(CARD, today=today).fields
    assert date.fromisoformat(fields.expiry).year >= today.year - 30
    assert fields.birth.value <= max(today, date(2026, 1, 1)).isoformat()


def test_a_clock_that_was_never_set_does_not_make_people_a_century_older():
    assert parse_mrz(CARD, today=date(1970, 1, 1)).fields.birth.value == "1995-12-25"
    assert parse_mrz(PASSPORT, today=date(1970, 1, 1)).fields.birth.value == "1974-08-12"
    assert parse_mrz(CARD, today=date(1900, 1, 1)).fields.expiry == "2035-12-25"


def test_a_passport_read_whole_is_level_one_and_its_name_wants_a_look():
    outcome = read_mrz(PASSPORT, reader="camera:mrz", today=date(2010, 1, 1))
    assert outcome.reading.evidence.level == 1
    assert (outcome.reading.person.nationality, outcome.reading.person.document.number) == ("UTO", "L898902C3")
    assert [each.code for each in outcome.problems] == ["mrz.name_unconfirmed"]
