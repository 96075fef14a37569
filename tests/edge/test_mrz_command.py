"""``luutru scan --mrz`` and ``luutru bench mrz``: the contract's objects, exit statuses, sentences for people, figures others read."""

from __future__ import annotations

from collections import Counter

import cv2
import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from luutru.__main__ import app
from luutru.benchmarks import mrz as bench
from luutru.benchmarks import mrz_long
from luutru.benchmarks.mrz_set import CATEGORIES, LEVELS, make_zone_still, pictures_of


def scan(*arguments):
    result = CliRunner().invoke(app, ["scan", "--mrz", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def passport(tmp_path_factory):
    still = make_zone_still(1, "clean", level=1, number=0)
    path = tmp_path_factory.mktemp("passports") / "passport.jpg"
    cv2.imwrite(str(path), still.grey)
    return path, still.lines


@pytest.fixture(scope="module")
def blank(tmp_path_factory):
    path = tmp_path_factory.mktemp("blank") / "blank.png"
    cv2.imwrite(str(path), np.full((300, 400), 220, np.uint8))
    return path


def test_a_passport_gives_the_object_of_the_contract(passport):
    path, lines = passport
    status, output = scan("--jsonl", path)
    found = msgspec.json.decode(output)

    assert status == 0
    assert set(found) == {"file", "lines", "ok", "problems", "ms"}
    assert (tuple(found["lines"]), found["ok"]) == (lines, True)
    assert [(each["code"], each["severity"]) for each in found["problems"]] == [("mrz.name_unconfirmed", "warning")]
    assert found["ms"] > 0


def test_each_file_is_answered_in_order_and_one_that_fails_makes_status_1(passport, blank, tmp_path):
    path, _ = passport
    status, output = scan("--jsonl", blank, tmp_path / "missing.jpg", path)
    found = [msgspec.json.decode(line) for line in output.splitlines()]

    assert status == 1
    assert [each["ok"] for each in found] == [False, False, True]
    assert [each["problems"][0]["code"] for each in found] == ["scan.no_zone", "scan.file_missing", "mrz.name_unconfirmed"]


def test_people_see_the_fields_and_that_the_name_is_unchecked(passport):
    path, lines = passport
    status, output = scan(path)

    assert status == 0
    assert all(line in output for line in lines)
    assert f"passport {lines[0][2:5]} {lines[1][:9]}" in output
    assert "level   1 card text" in output
    assert "The name has no check digit" in output


def test_people_are_told_when_there_is_no_zone(blank):
    status, output = scan(blank)
    assert status == 1
    assert "No machine-readable zone" in output


def test_the_benchmark_gives_the_keys_others_read(monkeypatch):
    monkeypatch.setattr(bench, "CATEGORIES", {name: CATEGORIES[name] for name in ("clean", "none")})

    result = bench.run(quick=True)

    assert set(result.figures) >= {"read_levels_0_2", "wrong_accepted", "median_ms"}
    assert (result.figures["read_levels_0_2"], result.figures["wrong_accepted"]) == (1.0, 0)
    assert result.figures["median_ms"] > 0
    assert set(result.baselines) == {"passporteye", "fastmrz"}
    assert result.settings["pictures"] == 10


def note_of(number, *, lines=("SHOWN",), accepted=("SHOWN",), level=0):
    return mrz_long.Note(seed=9, category="worn", level=level, number=number, lines=lines, accepted=accepted, ms=2.0)


def test_the_long_count_goes_on_where_it_was_cut_off(monkeypatch, tmp_path):
    monkeypatch.setattr(mrz_long, "CATEGORIES", ("none",))
    path = tmp_path / "notes.jsonl"
    first = [note.which for note in mrz_long.read_on(path, seed=9, each=1)]
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 3 // 5])
    again = [note.which for note in mrz_long.read_on(path, seed=9, each=1)]

    assert len(first) == LEVELS
    assert 0 < len(again) < LEVELS
    assert [note.which for note in mrz_long.notes_in(path)] == first


def test_the_long_count_names_every_wrong_acceptance_and_what_none_still_allows():
    right, wrong, refused = note_of(1), note_of(2, accepted=("SH0WN",)), note_of(3, accepted=None)
    blank, late = note_of(4, lines=(), accepted=("SEEN",)), note_of(5, level=4, accepted=None)
    figures = mrz_long.summary([right, wrong, refused, blank, late])

    assert (figures["read_levels_0_2"]["right"], figures["read_levels_0_2"]["of"]) == (1, 3)
    assert figures["wrong"] == [wrong, blank]
    assert mrz_long.summary([right] * 100)["wrong_accepted_interval"] == (0.0, pytest.approx(0.037, abs=1e-3))


def test_worn_and_dirty_pictures_are_together_as_many_as_those_of_another_category():
    counts = Counter(category for category, _, _ in pictures_of(CATEGORIES, 36))

    assert counts["worn"] == counts["dirty"] == 18 * LEVELS
    assert counts["clean"] == 36 * LEVELS
    assert sum(counts.values()) * 2 == 5040
