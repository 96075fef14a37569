"""What of the scoreboard may be published: no small cell, and none that follows from a total; checked on tables Hypothesis makes up."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.cleaning.scoreboard import AGAINST, ALL, MEASURES, Cell, published

DAY = "2026-07-10"
LEAST = 5


def cell(commune, part, whole, measure="correct"):
    return Cell(commune_code=commune, day=DAY, measure=measure, part=part, whole=whole)


def hidden(cells, least=LEAST):
    return {each.commune_code for each in published(cells, least=least) if each.hidden}


@pytest.mark.parametrize(
    ("cells", "who"),
    [
        ([cell("a", 50, 90), cell("b", 60, 90)], set()),
        ([cell("a", 2, 90), cell("b", 60, 95), cell("c", 60, 99)], {"a", "b"}),
        ([cell("a", 88, 90), cell("b", 60, 95), cell("c", 60, 99)], {"a", "b"}),
        ([cell("a", 1, 3), cell("b", 60, 95), cell("c", 60, 99)], {"a", "b"}),
        ([cell("a", 0, 90), cell("b", 60, 95)], set()),
        ([cell("a", 2, 90)], {"a", ALL}),
        ([cell("a", 1, 90), cell("b", 1, 91), cell("c", 60, 99)], {"a", "b", "c"}),
    ],
)
def test_small_cells_are_hidden_and_another_beside_them_so_that_the_total_tells_nothing(cells, who):
    assert hidden(cells) == who


def test_a_small_difference_between_card_and_chip_hides_chip():
    cells = [cell(commune, 40, 90, "card") for commune in "abc"] + [
        cell("a", 38, 90, "chip"),
        cell("b", 20, 90, "chip"),
        cell("c", 20, 90, "chip"),
    ]
    shown = published(cells, least=LEAST)
    assert {(each.commune_code, each.measure) for each in shown if each.hidden} == {("a", "chip"), ("b", "chip")}


def test_a_hidden_cell_says_nothing():
    assert {(each.part, each.whole) for each in published([cell("a", 2, 90)], least=LEAST)} == {(0, 0)}


def test_measures_that_count_items_name_their_rules():
    assert set(AGAINST) < set(MEASURES)


@st.composite
def tables(draw):
    """Some communes, each with one whole, and a part of it for each of two measures."""
    wholes = draw(st.lists(st.integers(0, 40), min_size=1, max_size=7))
    return [
        cell(f"c{at}", draw(st.integers(0, whole)), whole, measure)
        for at, whole in enumerate(wholes)
        for measure in ("correct", "clean")
    ]


@given(tables(), st.integers(2, 10))
def test_whoever_subtracts_from_a_total_learns_of_no_small_group(cells, least):
    truth = {(each.commune_code, each.measure): each for each in cells}
    by_measure = defaultdict(list)
    for each in published(cells, least=least):
        by_measure[each.measure].append(each)
    for measure, row in by_measure.items():
        total = next(each for each in row if each.commune_code == ALL)
        unseen = [truth[each.commune_code, measure] for each in row if each.hidden and each.commune_code != ALL]
        for each in row:
            if not each.hidden and each.commune_code != ALL:
                assert each.whole >= least
                assert not any(0 < count < least for count in (each.part, each.whole - each.part))
        if unseen and not total.hidden:
            part, whole = sum(each.part for each in unseen), sum(each.whole for each in unseen)
            assert len(unseen) > 1
            assert not any(0 < count < least for count in (part, whole - part))
