"""The odds of a zone's checked part against every other one that fits: summed by remainders, they are those of trying every line."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.mrz_reading.correcting import disputed, fits, settle
from edge_agent.mrz_reading.glyphs import NO_SIGN, SIGNS
from edge_agent.mrz_reading.places import places_of, possible_in
from edge_agent.mrz_reading.rivals import odds_of
from luutru.benchmarks.mrz_set import FORMATS
from luutru.benchmarks.mrz_zones import make_lines
from residence.credentials.mrz_layout import LAYOUTS, SHAPES, check_digit

# a card whose number ...0..8... was rubbed to ...O..O...: 4 x 7 and 6 x 7 are noticed each, together they are not
CARD = ("C<KHM5YB0QQ8AZ3IEVBNI<<<<<<<<<", "4111283M3312108KHM<<<<<<<<<<<5", "HUQUIO<VOSKI<<VOUYQUE<<<<<<<<<")
LONG_NUMBER = ("I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<JOHN<<<<<<<<<")


def changed(lines, *changes):
    rows = [list(line) for line in lines]
    for row, column, sign in changes:
        rows[row][column] = sign
    return tuple("".join(row) for row in rows)


def told(lines, doubts=()):
    """Return log-probabilities of plainly seen lines, with (row, column, sign, log-odds against it) left open."""
    weights = np.full((len(lines), len(lines[0]), NO_SIGN + 1), -40.0, np.float32)
    for row, line in enumerate(lines):
        for column, sign in enumerate(line):
            weights[row, column, SIGNS.index(sign)] = 0.0
    for row, column, sign, odds in doubts:
        weights[row, column, SIGNS.index(sign)] = -odds
    return weights


ZEROS = changed(CARD, (0, 8, "O"), (0, 11, "O"))
BOTH = [(0, 8, "0", 0.4), (0, 11, "8", 0.6)]


def test_two_signs_whose_mistakes_make_up_for_each_other_are_unsure_though_each_alone_would_be_noticed():
    assert [fits(each) for each in (CARD, ZEROS)] == [True, True]
    assert [fits(changed(ZEROS, each)) for each in ((0, 8, "0"), (0, 11, "8"))] == [False, False]
    weights = told(ZEROS, [(*place, 1.5) for *place, _ in BOTH])
    assert settle(told(ZEROS)).unsure == ()
    assert settle(weights).unsure == ()  # together 3.0
    assert settle(told(ZEROS, [(*place, 0.8) for *place, _ in BOTH])).unsure == ((0, 8), (0, 11))


def test_what_may_have_stood_there_before_any_wear_counts_as_well():
    assert settle(told(ZEROS), told(ZEROS, [(*place, 0.8) for *place, _ in BOTH])[None]).unsure == ((0, 8), (0, 11))


@pytest.mark.parametrize(("each", "unsure"), [(0.87, ((0, 8), (0, 11))), (0.88, ())], ids=["together 1.74", "together 1.76"])
def test_the_checked_part_must_hold_in_the_mean_of_all_looks_too(each, unsure):
    mean = told(ZEROS, [(*place, each) for *place, _ in BOTH])
    assert disputed(settle(told(ZEROS)), mean[None]).unsure == unsure


def test_the_odds_are_those_of_the_one_other_line_that_fits():
    assert odds_of(ZEROS, told(ZEROS, BOTH)) == pytest.approx(1.0, abs=1e-4)


def test_nothing_left_open_leaves_no_other_line():
    assert odds_of(CARD, told(CARD)) > 30


def test_a_number_that_may_go_on_in_the_optional_field_is_a_rival_of_one_that_seems_not_to():
    number = "13078294280406"
    read = (f"I<UTO{number}<<<<<<<<<<<", f"3407127M9507122UTO{'<' * 11}", LONG_NUMBER[2])
    composite = "".join(read[row][first:end] for row, first, end in LAYOUTS["TD1"].composite)
    read = (read[0], read[1] + check_digit(composite), read[2])
    meant = changed(read, (0, 5, "9"), (0, 14, "<"))
    assert [fits(read), fits(meant)] == [True, True]
    assert odds_of(read, told(read, [(0, 5, "9", 0.8), (0, 14, "<", 0.8)])) == pytest.approx(1.6, abs=1e-3)


def test_the_own_digit_of_a_number_that_goes_on_in_the_optional_field_is_not_asked():
    assert fits(LONG_NUMBER)
    assert odds_of(LONG_NUMBER, told(LONG_NUMBER)) > 30


def adds_up(lines):
    """Tell whether all sums are right, a filler counting nothing wherever it stands; a number that goes on has no digit of its own."""
    layout = LAYOUTS[SHAPES[len(lines), len(lines[0])]]
    passport = len(lines[0]) == 44
    fields = [layout.birth, layout.expiry, *([layout.optional] if passport else [])]
    if passport or lines[layout.number[0]][layout.number[2]] != "<":
        fields.append(layout.number)
    covered = "".join(lines[row][first:end] for row, first, end in layout.composite)
    sums = [(lines[row][first:end], lines[row][end]) for row, first, end in fields]
    sums.append((covered, lines[layout.composite_digit[0]][layout.composite_digit[1]]))
    return all(check_digit(text) == digit.replace("<", "0") for text, digit in sums)


def other_lines(lines, weights):
    """Return every other text of the checked places with its odds."""
    places = places_of(SHAPES[len(lines), len(lines[0])])
    choices = []
    for row, column in sorted(places.checked):
        possible = possible_in((row, column), places)
        signs = [kind for kind in range(NO_SIGN) if weights[row, column, kind] > -20 and possible[kind]]
        choices.append([(row, column, SIGNS[kind], float(weights[row, column, kind])) for kind in signs])
    ways = ((changed(lines, *(each[:3] for each in way)), math.exp(sum(each[3] for each in way))) for way in product(*choices))
    return [(other, odds) for other, odds in ways if other != lines]


@given(st.data())
@settings(max_examples=40)
def test_the_walk_over_remainders_finds_what_trying_every_line_finds(data):
    form = data.draw(st.sampled_from(FORMATS))
    lines = make_lines(np.random.default_rng(data.draw(st.integers(0, 10_000))), form)
    row, _, end = LAYOUTS[form].number
    doubt = st.tuples(st.sampled_from(sorted(places_of(form).checked)), st.sampled_from(SIGNS), st.floats(0.1, 5))
    behind = st.tuples(st.just((row, end)), st.just("<"), st.floats(0.1, 5))
    doubts = data.draw(st.lists(doubt | behind, max_size=7, unique_by=lambda each: each[0]))
    weights = told(lines, [(*place, sign, odds) for place, sign, odds in doubts if lines[place[0]][place[1]] != sign])
    others = other_lines(lines, weights)

    found = math.exp(-odds_of(lines, weights))
    assert found == pytest.approx(sum(odds for other, odds in others if adds_up(other)), rel=1e-3, abs=1e-9)
    assert found >= sum(odds for other, odds in others if fits(other)) * 0.999
