"""Units through time: what a code meant, what became of it, and that a split is a set and never a pick."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit_tables import CODES, NEW, OLD, TABLE, invented_units

from residence.places.code_systems import CodeMap, SystemCode, check_codes
from residence.places.provinces import names_of
from residence.places.unit_files import read_file
from residence.places.units import Unit, UnitTable, check_units, shipped_units

UNITS = UnitTable(invented_units())


def names(code, *, at, on):
    return [each.name for each in UNITS.candidates(code, at=at, on=on)]


BECAME = {
    "two wards merged": ("90002", ["Phường Mẫu Thử"], "merged"),
    "the one whose code stays": ("90001", ["Phường Mẫu Thử"], "merged"),
    "renamed under another code": ("90003", ["Xã Xa Mới"], "one-to-one"),
    "split": ("90004", ["Phường Mẫu Thử", "Xã Chia Đông"], "split"),
    "a district": ("900", [], "ended"),
    "a province that goes on": ("90", ["Tỉnh Tây Ninh"], "one-to-one"),
}


@pytest.mark.parametrize(("code", "today", "fate"), BECAME.values(), ids=BECAME)
def test_a_unit_of_before_the_reform_is_followed_to_today(code, today, fate):
    assert names(code, at=OLD, on="2026-07-10") == today
    assert UNITS.fate(UNITS.at(code, OLD)) == fate


def test_the_same_code_means_another_unit_on_another_day():
    assert (UNITS.at("90003", OLD).name, UNITS.at("90003", NEW).name) == ("Xã Xa", "Xã Chia Đông")
    assert names("90003", at=NEW, on="2026-07-10") == ["Xã Chia Đông"]


def test_a_unit_of_today_is_followed_back_to_everything_it_was_made_of():
    assert names("90001", at="2026-07-10", on=OLD) == ["Phường Mẫu", "Phường Thử", "Xã Chia"]


def test_a_code_the_table_does_not_have_is_not_known():
    assert names("12345", at=OLD, on=NEW) == []
    assert UNITS.at("90013", OLD) is None


def test_the_shipped_table_knows_every_province_of_both_eras_and_the_seven_codes_that_changed_hands():
    table = shipped_units()
    assert check_units(table.units) == ()
    assert [len(table.on(day, level="province")) for day in (OLD, NEW)] == [63, 34] == [len(names_of(each)) for each in ("until-2025-06-30", "from-2025-07-01")]  # fmt: skip
    assert table.at("24", OLD).name == "Tỉnh Bắc Giang"
    assert table.at("24", NEW).name == "Tỉnh Bắc Ninh"
    assert table.at("27", NEW) is None
    assert [each.code for each in table.candidates("27", at=OLD, on=NEW)] == ["24"]


def test_no_district_is_left_after_the_last_day_of_june_2025():
    assert [each.name for each in UNITS.on(OLD, level="district")] == ["Huyện Bịa"]
    assert UNITS.on(NEW, level="district") == ()
    assert [each.code for each in UNITS.inside("90", level="commune", day=OLD)] == ["90001", "90002", "90003", "90004"]


FAULTY = {
    "a district that goes on": ("district,900,Huyện Bịa,,2025-06-30", "district,900,Huyện Bịa,,2026-06-30", "units.district_goes_on"),
    "a district without an end": ("district,900,Huyện Bịa,,2025-06-30", "district,900,Huyện Bịa,,", "units.district_goes_on"),
    "one code twice at a time": ("commune,90013,Xã Xa Mới,2025-07-01,,90,", "commune,90001,Xã Xa Mới,2026-01-01,,90,", "units.overlap"),
    "a successor nobody knows": ("900,90013", "900,90099", "units.successor_unknown"),
    "a successor of one that stands": ("Phường Mẫu Thử,2025-07-01,,90,", "Phường Mẫu Thử,2025-07-01,,90,90013", "units.successor_of_standing"),
    "a successor of another level": ("900,90013", "900,90", "units.successor_level"),
    "a ward of a district that is no more": ("Xã Xa Mới,2025-07-01,,90,", "Xã Xa Mới,2025-07-01,,900,", "units.parent"),
    "a ward of nothing": ("Xã Xa Mới,2025-07-01,,90,", "Xã Xa Mới,2025-07-01,,,", "units.parent"),
    "an end before the beginning": ("Xã Xa Mới,2025-07-01,,90,", "Xã Xa Mới,2025-07-01,2025-06-01,90,", "units.ends_before_it_begins"),
    "a level there is not": ("district,900", "huyện,900", "units.level"),
    "a day there is not": ("Xã Xa Mới,2025-07-01", "Xã Xa Mới,01/07/2025", "units.day"),
    "no code": ("commune,90002,", "commune,,", "units.code"),
    "no name": ("90002,Phường Thử", "90002,", "units.name"),
    "a cell too many": ("90002,Phường Thử", "90002,Phường,Thử", "units.ragged"),
    "a column nobody knows": ("level,code,name,", "level,code,name,loại", "units.columns"),
    "no column of names": ("level,code,name,", "level,code,valid,", "units.columns"),
}  # fmt: skip


@pytest.mark.parametrize(("good", "bad", "code"), FAULTY.values(), ids=FAULTY)
def test_a_faulty_table_is_refused_with_the_line(good, bad, code):
    assert good in TABLE
    found = read_file(TABLE.replace(good, bad).encode())
    assert code in {each.code for each in found.problems}
    assert all(each.pointer.startswith("/") for each in found.problems if each.code != "units.columns")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"", 'level,code,name\nprovince,01,"Hà'.encode()])
def test_what_is_no_table_is_refused_whole(data):
    found = read_file(data)
    assert found.problems
    assert found.units == ()


def test_names_are_kept_in_one_stored_form():
    import unicodedata

    decomposed = unicodedata.normalize("NFD", TABLE).encode("utf-8-sig")
    assert read_file(decomposed).units == invented_units()


def test_codes_of_another_system_are_mapped_by_the_table_and_by_nothing_else():
    codes = read_file(CODES.encode()).codes
    assert check_codes(codes, UNITS) == ()
    table = CodeMap(codes)
    assert [table.ours("ministry", code, day=NEW) for code in ("M1", "M3", "M9")] == ["90001", "90003", None]
    assert [table.ours("ministry", code, day=OLD) for code in ("M1", "M3", "M9")] == [None, None, "90003"]
    assert [table.theirs("ministry", "90003", day=day) for day in (OLD, NEW)] == ["M9", "M3"]
    assert table.theirs("ministry", "90013", day=NEW) is None
    assert table.ours("another", "M3", day=NEW) is None


def test_a_code_for_a_unit_nobody_knows_or_for_two_at_a_time_is_refused():
    codes = [
        SystemCode(system="ministry", system_code="M1", code="99999"),
        SystemCode(system="ministry", system_code="M3", code="90003", valid_from=NEW),
        SystemCode(system="ministry", system_code="M3", code="90001", valid_from="2026-01-01"),
    ]
    assert [each.code for each in check_codes(codes, UNITS)] == ["units.unknown", "units.code_taken"]


@pytest.mark.parametrize("line", ["ministry,,90001,,", ",M1,90001,,", "ministry,M1,9 0,,", "ministry,M1,90001,morgen,"])
def test_a_faulty_line_of_codes_is_refused(line):
    assert read_file(f"{CODES}{line}\n".encode()).problems


@st.composite
def histories(draw):
    """Communes reformed on some days: each time every unit goes on, is renamed, merges or splits."""
    day = date(2000, 1, 1)
    standing = [f"c{number}" for number in range(draw(st.integers(1, 5)))]
    began = dict.fromkeys(standing, "")
    units, fresh = [], len(standing)
    for _ in range(draw(st.integers(0, 4))):
        day += timedelta(days=draw(st.integers(1, 900)))
        ended = draw(st.sets(st.sampled_from(standing), min_size=1))
        made = [f"c{fresh + number}" for number in range(draw(st.integers(1, 3)))]
        fresh += len(made)
        last = (day - timedelta(days=1)).isoformat()
        heirs = {code: draw(st.sets(st.sampled_from(made), min_size=1)) for code in sorted(ended)}
        units += [
            Unit(
                level="commune", code=code, name=code, valid_from=began.pop(code), valid_to=last, successors=tuple(sorted(after))
            )
            for code, after in heirs.items()
        ]
        standing = [each for each in standing if each not in ended] + made
        began |= dict.fromkeys(made, day.isoformat())
    units += [Unit(level="commune", code=code, name=code, valid_from=since) for code, since in began.items()]
    return UnitTable(units)


@settings(max_examples=30)
@given(histories())
def test_whatever_happened_every_place_is_somewhere_today_and_comes_from_where_it_was(table):
    first, last = "1999-12-31", "2026-07-10"
    today = set(table.on(last, level="commune"))
    reached = set()
    for unit in table.on(first, level="commune"):
        found = table.candidates(unit.code, at=first, on=last)
        assert found
        assert set(found) <= today
        reached |= set(found)
        assert all(unit in table.candidates(each.code, at=last, on=first) for each in found)
    for unit in table.units:
        assert table.candidates(unit.code, at=unit.valid_from, on=unit.valid_from) == (unit,)
    for unit in today:
        back = table.candidates(unit.code, at=last, on=first)
        assert bool(back) == (unit in reached)
