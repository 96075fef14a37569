"""The officer's scoreboard drawn: a scale that ends where the figures do, gaps that stay gaps, every point on the paper."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import tables
from registry.bulk import write_rows
from residence.cleaning.scoreboard import Cell
from residence.cleaning.shares import share_of
from server.police.scoreboard_lines import BOTTOM, DAYS, LEFT, MOST_STEPS, RIGHT, TOP, draw, lines_of, scale

TODAY = date(2026, 7, 10)
COUNTS = st.integers(0, 5000).flatmap(lambda part: st.tuples(st.just(part), st.integers(max(part, 1), 6000)))


def cell(days_ago, part, whole=100, measure="card"):
    day = (TODAY - timedelta(days=days_ago)).isoformat()
    return Cell(commune_code="demo-01", day=day, measure=measure, part=part, whole=whole)


@pytest.mark.parametrize(
    ("lowest", "highest", "lines"),
    [(0, 0, (0, 1)), (100, 100, (99, 100)), (0, 100, (0, 25, 50, 75, 100)), (93.1, 96.4, (93, 94, 95, 96, 97)), (41, 58, (40, 45, 50, 55, 60))],
)  # fmt: skip
def test_a_scale_has_round_lines_and_ends_where_the_figures_do(lowest, highest, lines):
    assert scale(lowest, highest) == lines


@given(st.lists(st.none() | COUNTS, min_size=1, max_size=DAYS).filter(any))
def test_whatever_was_counted_lies_on_the_paper_with_its_interval_and_every_day_is_drawn_once(counts):
    drawing = draw([share_of(*each) if each else None for each in counts])
    pairs = [each for points in (*drawing.bands, *drawing.runs) for each in points.split()]
    places = [tuple(map(float, each.split(","))) for each in pairs] + list(drawing.dots)
    assert all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for x, y in places)
    assert 2 <= len(drawing.ticks) <= MOST_STEPS + 1
    in_runs = {each for points in drawing.runs for each in points.split()}
    dots = {f"{x},{y}" for x, y in drawing.dots}
    assert len(in_runs | dots) == sum(each is not None for each in counts)


def test_a_day_that_was_not_counted_is_a_gap_and_one_alone_is_a_dot():
    (line,) = lines_of([cell(0, 50), cell(2, 48), cell(3, 47), cell(70, 1)], today=TODAY)
    assert [len(points.split()) for points in line.drawing.runs] == [2]
    assert len(line.drawing.dots) == 1
    assert (line.first_on, line.first.part, line.latest_on, line.latest.part) == ("2026-07-07", 47, "2026-07-10", 50)


def test_what_was_counted_of_nobody_or_long_ago_is_not_drawn():
    assert lines_of([cell(0, 0, whole=0), cell(DAYS, 5)], today=TODAY) == []


def test_the_page_says_figure_range_and_count_in_the_language_of_its_reader(world):
    day = world.clock.now().date()
    row = {"commune_code": "demo-01", "day": day.isoformat(), "measure": "chip", "part": 3500, "whole": 4213}
    with world.registry.writing() as connection:
        write_rows(connection, tables.scoreboard_days, [row | {"counted_at": world.clock.now()}])
    officer = world.client("officer")
    assert re.search(r"83\.1 %</strong>.*81\.9–84\.2.*3,500 / 4,213", officer.get("/police/cleaning").text, re.DOTALL)
    officer.get("/language/vi")
    assert re.search(r"83,1 %</strong>.*81,9–84,2.*3\.500 / 4\.213", officer.get("/police/cleaning").text, re.DOTALL)
