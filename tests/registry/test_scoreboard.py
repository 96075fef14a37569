"""The four words and coverage, counted on real rows of both engines, kept by day, exported without small cells, drawn."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import polars as pl
import pytest
from cleaning_parts import COMMUNE, fill
from factories import make_person
from sqlalchemy import update
from typer.testing import CliRunner

from luutru.commands.registry import app
from luutru.system import random_bytes
from registry import tables
from registry.cleaning.passing import run_passes
from registry.scoreboard.counting import count, keep_day, kept_days
from residence.cleaning.rules import CleaningChoices
from residence.cleaning.scoreboard import AGAINST, ALL, MEASURES


def counted(town):
    with town.registry.reading() as connection:
        cells = count(connection, today=town.now.date())
    return {each.measure: (each.part, each.whole) for each in cells if each.commune_code == COMMUNE}


def look_through(town):
    run_passes(town.registry, choices=CleaningChoices(), now=town.now, random_bytes=random_bytes, whole=True)


def test_each_word_counts_who_it_says_of_everybody_living(town, tmp_path):
    before = counted(town)
    register = fill(town.registry, tmp_path)
    everybody = before["correct"][1] + 10  # eleven are added and one of them is dead
    assert {whole for _, whole in counted(town).values()} == {everybody}
    register.run()
    after = counted(town)
    # sex, birth, oldest, and the family of young and head; the dead person is nobody's share
    assert before["correct"][0] + 10 - after["correct"][0] == 5
    # head and same-number share one, child lives at two places
    assert before["clean"][0] + 10 - after["clean"][0] == 3
    assert after["complete"][0] - before["complete"][0] == 10
    assert after["alive"] == (everybody, everybody)


def test_merged_and_dead_persons_are_in_no_denominator(town):
    (first, second, *_) = town.rows(tables.persons)
    before = counted(town)["card"][1]
    with town.registry.writing() as connection:
        for person, values in ((first, {"status": "deceased"}), (second, {"merged_into": first.person_id})):
            connection.execute(update(tables.persons).where(tables.persons.c.person_id == person.person_id).values(**values))
    assert counted(town)["card"][1] == before - 2


def test_a_card_that_is_read_counts_and_a_chip_only_when_it_was_verified(town):
    before = counted(town)
    town.declare(person=make_person())
    after = counted(town)
    assert after["card"][0] == before["card"][0] + 1
    assert after["chip"][0] == before["chip"][0]


def test_nobody_is_called_correct_clean_or_alive_before_anybody_looked(town):
    assert {each.measure for each in keep_day(town.registry, now=town.now)} == set(MEASURES) - AGAINST.keys()
    look_through(town)
    assert {each.measure for each in keep_day(town.registry, now=town.now)} == set(MEASURES)


def test_a_day_is_kept_once_and_the_last_count_of_it_stands(town):
    look_through(town)
    keep_day(town.registry, now=town.now)
    keep_day(town.registry, now=town.now + timedelta(minutes=5))
    keep_day(town.registry, now=town.now + timedelta(days=1))
    with town.registry.reading() as connection:
        cells = kept_days(connection, commune_code=COMMUNE)
    assert sorted({each.day for each in cells}) == ["2026-07-10", "2026-07-11"]
    assert len(cells) == 2 * len(MEASURES)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_command_counts_exports_without_small_cells_and_draws(town, url, tmp_path, form):
    def call(*words):
        ends = ["--registry", url, "--vault", str(tmp_path / "vault"), "--json"]
        result = CliRunner().invoke(app, ["scoreboard", *words, *ends])
        assert result.exit_code == 0, result.output
        return msgspec.json.decode(result.stdout)

    seen = {each["measure"]: each for each in call()["cells"] if each["commune_code"] == COMMUNE}
    assert seen["complete"]["low"] <= seen["complete"]["share"] <= seen["complete"]["high"]
    path = tmp_path / f"scoreboard.{form}"
    call("--export", form, "--to", str(path))
    rows = pl.read_csv(path) if form == "csv" else pl.read_parquet(path)
    assert set(rows["commune_code"]) == {COMMUNE, ALL}
    assert rows.filter(pl.col("hidden"))["part"].null_count() == rows.filter(pl.col("hidden")).height
    call("--plot", COMMUNE, "--to", str(tmp_path / "plot.svg"))
    picture = (tmp_path / "plot.svg").read_text("utf-8")
    assert "sống – alive" in picture
    assert "polyline" in picture
    everybody = call("--lacking", "chip", "--commune", COMMUNE)["persons"]
    assert len(everybody) == seen["chip"]["whole"] - seen["chip"]["part"]
    assert call("--lacking", "chip", "--commune", COMMUNE, "--after", everybody[-3])["persons"] == everybody[-2:]
    assert CliRunner().invoke(app, ["scoreboard", "--lacking", "zebra"]).exit_code == 2
    assert CliRunner().invoke(app, ["scoreboard", "--export", "xml", "--to", "x"]).exit_code == 2
    assert CliRunner().invoke(app, ["scoreboard", "--export", "csv", "--to", "x", "--since", "lately"]).exit_code == 2
