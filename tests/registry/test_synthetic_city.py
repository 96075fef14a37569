"""The invented city: the same every time, families that fit, numbers that agree, duplicates and errors exactly where the truth says."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from luutru.commands.registry import app
from registry.synthetic import city as city_module
from registry.synthetic.city import Part, city
from registry.synthetic.files import write_city
from registry.synthetic.spoiling import Plan, fitting_way, spoil_birth, spoil_name, spoil_number
from residence.errors import Refused
from residence.people.names import check_name, compare_names
from residence.people.person import PartialDate
from residence.people.personal_number import check_personal_number
from residence.places.addresses import read_address

PERSONS = 6_000


def drawn(persons: int = PERSONS, seed: int = 7, plan: Plan | None = None) -> list[Part]:
    return list(city(persons, np.random.default_rng(seed), plan=plan))


@pytest.fixture(scope="module")
def part() -> Part:
    (only,) = drawn()
    return only


@pytest.fixture(scope="module")
def clean() -> Part:
    nothing = Plan(duplicates=0, name_errors=0, field_errors=0, household_errors=0)
    (only,) = drawn(plan=nothing)
    return only


def test_the_same_seed_gives_the_same_city_and_another_another(part: Part) -> None:
    (again,), (other,) = drawn(), drawn(seed=8)
    for name in ("premises", "households", "records", "residences", "truth"):
        assert getattr(part, name).equals(getattr(again, name)), name
    assert not part.records.equals(other.records)


def test_there_are_as_many_persons_as_asked_for_and_a_twentieth_of_them_twice(part: Part) -> None:
    assert part.truth["person_ref"].n_unique() == PERSONS
    twice = part.truth.filter(pl.col("planted").str.starts_with("duplicate"))
    assert twice.height == PERSONS * 0.05
    assert part.records.height == part.truth.height == PERSONS + twice.height
    assert part.records["record_ref"].n_unique() == part.records.height


def test_nothing_in_the_records_says_who_is_whom(part: Part) -> None:
    for frame in (part.records, part.residences, part.households, part.premises):
        assert not {"person_ref", "planted"} & set(frame.columns)
        assert not any("true-" in str(value) for value in frame.row(frame.height // 2))


def test_every_clean_record_has_a_good_name_and_a_number_that_agrees(clean: Part) -> None:
    for row in clean.records.iter_rows(named=True):
        assert check_name(row["full_name"], "/n") == (), row
        if row["personal_number"]:
            birth = PartialDate(value=row["birth"], precision="day" if len(row["birth"]) > 4 else "year")
            assert check_personal_number(row["personal_number"], sex=row["sex"], birth=birth, pointer="/p") == (), row
    numbers = clean.records["personal_number"].drop_nulls()
    assert numbers.n_unique() == len(numbers)
    assert clean.truth["planted"].str.replace("residence_overlaps", "").str.len_chars().sum() == 0


def test_no_number_is_given_twice_in_a_city_of_several_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(city_module, "PERSONS_PER_PART", 2_000)
    monkeypatch.setattr(city_module, "PERSONS_PER_COMMUNE", 1_000)
    parts = drawn(plan=Plan(duplicates=0, field_errors=0))
    assert len(parts) == 3
    numbers = pl.concat([each.records["personal_number"].drop_nulls() for each in parts])
    assert numbers.n_unique() == len(numbers)
    assert pl.concat([each.records["record_ref"] for each in parts]).n_unique() == PERSONS


def test_families_fit_together(clean: Part) -> None:
    people = clean.residents().filter(pl.col("household_ref").is_not_null())
    people = people.with_columns(year=pl.col("birth").str.slice(0, 4).cast(pl.Int64))
    heads = people.filter(pl.col("relation") == "head")
    assert heads["household_ref"].n_unique() == heads.height == clean.households.height
    near = people.join(heads.select("household_ref", head="year", sex_of_head="sex"), on="household_ref")
    spouses = near.filter(pl.col("relation") == "spouse")
    assert (spouses["sex"] != spouses["sex_of_head"]).all()
    children = near.filter(pl.col("relation") == "child")
    assert (children["year"] - children["head"]).min() >= 14
    parents = near.filter(pl.col("relation") == "parent")
    assert (parents["head"] - parents["year"]).min() >= 18
    shared = children.join(heads.select("household_ref", of_head="full_name", sex_of="sex"), on="household_ref")
    fathers = shared.filter((pl.col("sex_of") == "male") & ~pl.col("full_name").str.contains("Y |H'"))
    assert (fathers["full_name"].str.split(" ").list.first() == fathers["of_head"].str.split(" ").list.first()).all()


def test_everybody_lives_at_a_premises_that_is_there_and_nobody_before_birth(part: Part) -> None:
    known = set(part.premises["premises_ref"])
    assert set(part.residences["premises_ref"]) <= known
    assert set(part.households["premises_ref"]) <= known
    lived = part.residents().filter(pl.col("birth").str.len_chars() == 10)
    early = lived.filter(pl.col("valid_from") < pl.col("birth")).join(part.truth, on="record_ref")
    assert early.filter(~pl.col("planted").str.contains("birth")).height == 0
    temporary = part.residences.filter(pl.col("kind") == "temporary")
    span = temporary["valid_to"].str.to_date() - temporary["valid_from"].str.to_date()
    assert span.dt.total_days().max() <= 730


def test_moves_and_absences_are_there(part: Part) -> None:
    homes = part.residences.group_by("record_ref").len()
    assert homes.filter(pl.col("len") == 2).height > PERSONS * 0.005
    assert part.residences["absent_from"].is_not_null().sum() > PERSONS * 0.005
    assert part.truth["planted"].str.contains("residence_overlaps").any()


def test_addresses_are_written_as_before_and_as_since(part: Part) -> None:
    since = part.premises["address_text"][0]
    before = part.premises["old_address"][0]
    assert read_address(since).era == "from-2025-07-01"
    assert read_address(since).province is not None
    assert read_address(before, issued="2022-01-01").era == "until-2025-06-30"
    texts = part.records["residence_text"].str.split(", ").list.len()
    assert {3, 4} <= set(texts.unique().to_list())


def test_every_duplicate_shows_exactly_what_was_planted(part: Part) -> None:
    both = part.records.join(part.truth, on="record_ref")
    twice = both.filter(pl.col("planted").str.contains("duplicate"))
    first = both.filter(pl.col("planted") == "").unique("person_ref")
    pairs = twice.join(first, on="person_ref", suffix="_first")
    assert pairs.height > 200
    for name, column in (("name:", "full_name"), ("birth:", "birth"), ("phone:", "phone"), ("address:", "residence_text")):
        differs = pairs[column].ne_missing(pairs[f"{column}_first"])
        assert (differs == pairs["planted"].str.contains(name)).all(), name


def test_all_peoples_and_kinds_of_error_are_there() -> None:
    planted, names = set(), ""
    for part in drawn(40_000):
        planted |= {word for text in part.truth["planted"] for word in text.split(";")}
        names += " ".join(part.records["full_name"])
    assert planted >= {
        "duplicate", "name:plain", "name:upper", "name:tone", "name:d_letter", "name:order", "name:middle_dropped", "name:signs",
        "name:typo", "number:old_only", "number:typo", "number:none", "birth:swapped", "birth:year_only", "phone:other",
        "address:other_era", "sex_disagrees", "birth_year_disagrees", "number_of_two_persons", "dead_but_active", "phone_of_many",
        "household_no_head", "household_two_heads", "residence_overlaps",
    }  # fmt: skip
    assert all(each in names for each in ("H'", "Y ", "ĕ", "ŏ", "ŭ", "Giàng", "Thạch", "O'Hara"))


@pytest.mark.parametrize(
    ("name", "way", "spoilt", "seen_as"),
    [
        ("Lê Văn Quý", "tone", "Lê Văn Quý", "same"),
        ("Đặng Thị Thủy", "tone", "Đặng Thị Thuỷ", "same"),
        ("Đặng Thị Thủy", "plain", "Dang Thi Thuy", "same"),
        ("Đặng Thị Thủy", "d_letter", "Ðặng Thị Thủy", "same"),
        ("H'Loan Niê", "signs", "H’Loan Niê", "same"),
        ("Y Wăn Mlô", "order", "Y-Wăn Mlô", "likely"),
        ("Lê Văn An", "order", "Văn An Lê", "likely"),
        ("Lê Văn An", "middle_dropped", "Lê An", "different"),
    ],
)
def test_a_name_goes_wrong_as_names_do(name: str, way: str, spoilt: str, seen_as: str) -> None:
    assert spoil_name(name, fitting_way(name, way), 0.0) == spoilt
    assert compare_names(name, spoilt).result == seen_as


@pytest.mark.parametrize("where", [0.0, 0.5, 0.999])
def test_a_mistyped_number_is_another_of_the_same_length(where: float) -> None:
    spoilt = spoil_number("001095000117", where)
    assert spoilt != "001095000117"
    assert len(spoilt) == 12
    assert spoilt.isdigit()


@pytest.mark.parametrize(
    ("birth", "way", "spoilt"),
    [
        ("1995-03-02", "swapped", "1995-02-03"),
        ("1995-03-22", "swapped", "1995-03-22"),
        ("1995-03-22", "year_only", "1995"),
        ("1995", "swapped", "1995"),
        ("1995-03-22", "none", None),
        ("1996-02-29", "birth_year", "1992-02-29"),
    ],
)
def test_a_birth_date_goes_wrong_into_another_possible_one(birth: str, way: str, spoilt: str | None) -> None:
    assert spoil_birth(birth, way, 0.0) == spoilt


@pytest.mark.parametrize("form", ["parquet", "csv", "xlsx"])
def test_the_city_is_written_to_files_and_the_truth_apart(form: str, tmp_path: Path) -> None:
    where = ["--registry", f"sqlite:///{tmp_path}/none.db", "--vault", str(tmp_path / "vault")]
    words = ["seed", *where, "--persons", "400", "--seed", "3", "--files", str(tmp_path / "city"), "--form", form, "--json"]
    result = CliRunner().invoke(app, words)
    answer = msgspec.json.decode(result.stdout)
    assert (result.exit_code, answer["ok"], answer["counts"]["truth"]) == (0, True, 420)
    (part,) = drawn(400, seed=3)
    read = {"parquet": pl.read_parquet, "csv": lambda path: pl.read_csv(path, infer_schema=False), "xlsx": pl.read_excel}[form]
    residents = read(tmp_path / "city" / f"residents.{form}")
    assert residents["personal_number"].to_list() == part.residents()["personal_number"].to_list()
    assert residents["full_name"].to_list() == part.residents()["full_name"].to_list()
    assert pl.read_parquet(tmp_path / "city" / "truth.parquet").equals(part.truth)
    assert not (tmp_path / "none.db").exists()


def test_a_sheet_that_cannot_hold_the_city_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("registry.table_files.SHEET_ROWS", 300)
    with pytest.raises(Refused, match=r"import\.sheet_too_long"):
        write_city(iter(drawn(400)), tmp_path, form="xlsx")
