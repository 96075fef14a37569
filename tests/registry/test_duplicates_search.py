"""The search for persons who stand twice, on DuckDB: what it finds, what it never takes for equal, what bounds it."""

from __future__ import annotations

import math
import random

import msgspec
import pytest
from duplicate_people import AN, but, crowd, search

from luutru.benchmarks.duplicates import quality_of
from luutru.benchmarks.duplicates_city import keys_of, write_city
from registry.duplicates.blocks import BLOCKS, MOST_SHARING
from registry.duplicates.columns import COLUMNS, HASHES, Candidate, columns_of
from registry.duplicates.comparisons import COMPARISONS
from registry.duplicates.pairing import Pair, find_pairs, load
from registry.duplicates.private_engine import private_duckdb
from registry.duplicates.settings import Model, load_model
from registry.duplicates.training import model_of, rates_of_one, rates_of_two, threshold_for
from residence.errors import Malformed, Refused, catalogue
from residence.people.person import PartialDate


def day(value: str) -> PartialDate:
    return PartialDate(value=value, precision="day")


# what the second record has otherwise -> what must be said about it
FOUND = {
    "nothing but tone placement": ({"full_name": "Trần Thị Hòa An"}, {"name.equal", "accents.equal"}),
    "accents lost": ({"full_name": "TRAN THI HOA AN"}, {"name.equal"}),
    "i and y, Đ and D set aside": ({"full_name": "Trần Thị Hoà An", "personal": None}, {"name.equal", "birth.equal"}),
    "given name first": ({"full_name": "An Trần Thị Hòa"}, {"name.other_order"}),
    "middle name left out": ({"full_name": "Trần An"}, {"name.word_missing"}),
    "initials": ({"full_name": "T. T. H. An"}, {"name.initials"}),
    "a letter mistyped": ({"full_name": "Trần Thị Hoà Am"}, {"name.near"}),
    "day and month swapped": ({"birth": day("1990-04-03")}, {"birth.swapped"}),
    "year only": ({"birth": PartialDate(value="1990", precision="year")}, {"birth.year_known"}),
    "a digit of the birth date": ({"birth": day("1990-03-14")}, {"birth.one_digit"}),
    "number mistyped": ({"personal": "079190000171"}, {"personal.near"}),
    "number replaced": ({"personal": "079190555555", "personal_before": "079190000117"}, {"personal.reissued"}),
    "old number only": ({"personal": None, "phone": None, "address": None}, {"old.equal"}),
    "address of the other era": (
        {"address": "Số 12 đường Lê Lợi, Phường Tân Uyên, Thành phố Hồ Chí Minh"},
        {"address.same_house"},
    ),
    "telephone of before 2018": ({"phone": "0912345678", "personal": None, "old": None}, {"phone.equal"}),
}


@pytest.fixture(scope="module")
def everybody():
    """One search of a town in which each case of ``FOUND`` stands beside its own An."""
    people, cases = crowd(200), {}
    for number, (name, (changes, _)) in enumerate(FOUND.items()):
        own = {"personal": f"0791900{number:02d}117", "old": f"02345{number:02d}89", "phone": f"0912{number:02d}5678"}
        first = msgspec.structs.replace(
            AN, person_id=f"{number:02d}-one", address=AN.address.replace("12", str(100 + number)), **own
        )
        mended = {key: _own(value, number, own) for key, value in changes.items()}
        people += [first, msgspec.structs.replace(first, person_id=f"{number:02d}-two", **mended)]
        cases[name] = (first.person_id, f"{number:02d}-two")
    return cases, {(pair.one, pair.other): pair for pair in search(*people).pairs}


def _own(value, number, own):
    """Give a changed field the number of its case."""
    if value == "079190000171":
        return f"{own['personal'][:9]}171"
    if value == "079190000117":
        return own["personal"]
    if isinstance(value, str) and value.startswith("Số 12 "):
        return value.replace("12", str(100 + number))
    return own["phone"] if value == "0912345678" else value


@pytest.mark.parametrize("name", FOUND)
def test_a_second_record_is_found_and_why_is_said(name, everybody):
    cases, pairs = everybody
    assert cases[name] in pairs, "not proposed"
    assert {f"duplicates.{each}" for each in FOUND[name][1]} <= {said.code for said in pairs[cases[name]].said}


def test_a_missing_field_is_never_equal_and_never_different():
    bare = {"personal": None, "old": None, "phone": None, "address": None, "birth": None, "sex": None}
    found = search(but(**bare), but(**bare), *(but(**bare, full_name=None) for _ in range(5)), *crowd())
    said = {each.code.split(".")[1] for pair in found.pairs for each in pair.said}
    assert said <= {"name", "accents"}
    nobody = search(*(Candidate(person_id=f"empty-{n}") for n in range(20)), *crowd())
    assert not nobody.pairs


def test_twins_of_one_house_are_not_taken_for_one_person():
    older = but(full_name="Trần Thị Hồng Nga", personal="079190123456", old=None, phone=None)
    younger = msgspec.structs.replace(older, person_id="younger", full_name="Trần Thị Hồng Mai", personal="079190654321")
    assert not search(older, younger, *crowd(300)).pairs


def test_father_and_son_of_one_name_are_not_one_person():
    father = but(full_name="Trần Văn Nam", sex="male", birth=day("1960-05-06"), personal="079060123456", old=None)
    son = msgspec.structs.replace(father, person_id="son", birth=day("1990-02-03"), personal="079090654321")
    assert not search(father, son, *crowd(300)).pairs


def test_a_telephone_of_a_hotel_brings_nobody_together_and_is_reported():
    guests = [msgspec.structs.replace(each, phone="0900 000 001") for each in crowd(MOST_SHARING + 1)]
    found = search(*guests)
    assert found.left_out == {"phone": MOST_SHARING + 1}
    assert not found.pairs
    assert "phone" not in search(*guests[:-1]).left_out


def test_the_order_of_rows_changes_nothing():
    people = [AN, but(full_name="Tran Thi Hoa An"), but(birth=day("1990-04-03")), *crowd()]
    first = search(*people)
    random.Random(3).shuffle(people)
    assert search(*people) == first
    assert all(pair.one < pair.other for pair in first.pairs)


def test_the_score_is_what_was_said_and_the_prior():
    people = [AN, but(full_name="An Trần Thị Hòa"), *crowd()]
    pair = search(*people).pairs[0]
    expected = 2 * load_model().expected_share / (len(people) - 1)  # the share of all pairs that are expected to be one person
    prior = math.log2(expected / (1 - expected))
    assert pair.bits == pytest.approx(prior + sum(each.bits for each in pair.said), abs=0.05 * (len(pair.said) + 1))


def test_a_rare_name_says_more_than_a_common_one():
    common = [msgspec.structs.replace(each, full_name=AN.full_name) for each in crowd(20)]
    weights = []
    for others in (crowd(20), common):
        pair = search(AN, but(), *others, *crowd(100)[20:]).pairs[0]
        weights.append(next(each.bits for each in pair.said if each.code == "duplicates.name.equal"))
    assert weights[0] > weights[1] + 2


def test_every_level_has_a_sentence_and_a_rate():
    model = load_model()
    for level in (level for comparison in COMPARISONS for level in comparison.levels):
        assert level.code in catalogue()
        assert 0 < model.rates[level.code].u <= 1
        assert 0 < model.rates[level.code].m <= 1
    assert all(comparison.levels[-1].holds is None for comparison in COMPARISONS)


def test_a_model_that_does_not_know_every_level_is_refused(tmp_path):
    known = load_model()
    path = tmp_path / "model.json"
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(known, rates=dict(list(known.rates.items())[1:]))))
    with pytest.raises(Malformed, match=r"duplicates\.model"):
        load_model(path)
    path.write_text("{}")
    with pytest.raises(Malformed, match=r"duplicates\.model"):
        load_model(path)


def test_what_is_only_asked_to_be_equal_enters_the_engine_as_a_hash():
    columns = columns_of([AN])
    assert set(columns) == set(COLUMNS)
    assert all(isinstance(columns[name][0], int | None) for name in HASHES)
    texts = {value for values in columns.values() for value in values if isinstance(value, str)}
    assert texts == {"an", "tranthihoaan", "1990-03-04", "1990-04-03", AN.personal, AN.old}
    assert {f"block_{name}" for name in BLOCKS} <= set(columns)


def test_the_private_engine_reaches_no_file_no_setting_and_spills_nothing(tmp_path):
    secret = tmp_path / "file.csv"
    secret.write_text("a\n1\n")
    with private_duckdb(memory_mib=64, threads=1) as api:
        for forbidden in (
            f"FROM '{secret}'",
            "SET memory_limit = '1GiB'",
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            "INSTALL httpfs",
        ):
            with pytest.raises(Exception, match=r"(?i)disabled|locked|not allowed|permission"):
                api.duckdb_con.execute(forbidden)
        setting = api.duckdb_con.execute("SELECT value FROM duckdb_settings() WHERE name = 'temp_directory'").fetchone()
        assert setting == ("",)


def test_too_little_memory_is_said_in_a_sentence():
    with pytest.raises(Refused, match=r"duplicates\.memory"), private_duckdb(memory_mib=8, threads=1) as api:
        load(api, "persons", [_wide(api)])


def _wide(api):
    return api.duckdb_con.sql("SELECT range AS a, hash(range) AS b FROM range(3_000_000)").to_arrow_table()


def test_the_lowest_score_that_is_still_right_enough_is_the_threshold():
    def pair(other: str, bits: float) -> Pair:
        return Pair(one="a", other=other, bits=bits, said=())

    truth = frozenset({("a", "b"), ("a", "c"), ("a", "e")})
    pairs = [pair("b", 9.0), pair("c", 7.0), pair("d", 5.0), pair("e", 5.0), pair("f", 1.0)]
    assert threshold_for(pairs, truth, precision=1.0) == 7.0
    assert threshold_for(pairs, truth, precision=0.75) == 5.0


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    return folder, write_city(folder / "city.parquet", persons=4_000, seed=31)


def test_most_who_stand_twice_in_an_unseen_town_are_found_and_hardly_anybody_else(town):
    folder, truth = town
    with private_duckdb(memory_mib=1024, threads=1) as api:
        persons = load(api, "persons", keys_of(folder / "city.parquet"))
        found = find_pairs(api, "persons", model=load_model(), persons=persons)
    quality = quality_of({(each.one, each.other) for each in found.pairs}, truth)
    assert len(truth) == 200
    assert quality.precision >= 0.98
    assert quality.recall >= 0.95


def test_a_model_learned_from_a_small_town_finds_those_of_another(town, tmp_path):
    folder, truth = town
    write_city(tmp_path / "known.parquet", persons=2_000, seed=32, labelled=True)
    with private_duckdb(memory_mib=1024, threads=1) as api:
        one = rates_of_one(api, keys_of(tmp_path / "known.parquet"))
    with private_duckdb(memory_mib=1024, threads=1) as api:
        two = rates_of_two(api, keys_of(tmp_path / "known.parquet", once=True), pairs=3e5, seed=1)
    assert one["duplicates.birth.equal"] > 0.7
    assert two["duplicates.sex.equal"] == pytest.approx(0.5, abs=0.1)
    learned: Model = msgspec.structs.replace(model_of(one, two, pairs=3e5, made={}), threshold=3.0)
    with private_duckdb(memory_mib=1024, threads=1) as api:
        persons = load(api, "persons", keys_of(folder / "city.parquet"))
        found = find_pairs(api, "persons", model=learned, persons=persons)
    assert quality_of({(each.one, each.other) for each in found.pairs}, truth).recall > 0.85
