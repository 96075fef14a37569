"""Check digits and places against what was seen: only lookalikes, only one way, always told, and what cannot be told apart is unsure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.mrz_reading.correcting import LOOKALIKES, MANY, SURE_BEFORE, disputed, fits, lookalikes_of, settle
from edge_agent.mrz_reading.glyphs import NO_SIGN, SIGNS
from luutru.benchmarks.mrz_set import FORMATS
from luutru.benchmarks.mrz_zones import make_lines
from residence.credentials.mrz_layout import check_digit

PASSPORT = ("P<UTOOSTER<<LINA<BO<<<<<<<<<<<<<<<<<<<<<<<<<", "X0S8217632UTO8108153F3207040<<<<<<<<<<<<<<06")
FAINT, PLAIN = 0.3, 6.0  # log-odds of what was seen against its lookalikes


def seen(lines, *, doubts=(), odds=FAINT):
    """Return log-probabilities of clearly seen lines; ``doubts`` are (row, column, sign) that look as likely, less ``odds``."""
    weights = np.full((len(lines), len(lines[0]), NO_SIGN + 1), -12.0, np.float32)
    for row, line in enumerate(lines):
        for column, sign in enumerate(line):
            weights[row, column, SIGNS.index(sign)] = -0.01
    for row, column, sign in doubts:
        weights[row, column, SIGNS.index(sign)] = -0.01 - odds
    return weights


def one(*opinions):
    """Return what stood there before any wear, by so many opinions."""
    return np.array(opinions)


RESTS = {
    "an E that may be what is left of a B": (0, 8, "E", "B"),
    "an L that may be what is left of a U": (0, 12, "L", "U"),
    "an I that may be what is left of a T": (0, 13, "I", "T"),
    "a filler between names that may be what is left of a K": (0, 16, "<", "K"),
    "the first filler behind a name, which may be what is left of a K": (0, 19, "<", "K"),
}


@pytest.mark.parametrize("case", RESTS)
def test_a_plain_letter_of_a_name_that_may_be_the_rest_of_another_is_unsure(case):
    row, column, sign, other = RESTS[case]
    assert PASSPORT[row][column] == sign
    assert settle(seen(PASSPORT), one(seen(PASSPORT))).unsure == ()
    assert settle(seen(PASSPORT), one(seen(PASSPORT, doubts=[(row, column, other)], odds=1.0))).unsure == ((row, column),)


BEHIND = 30  # a place more than three fillers behind the name


def test_a_letter_that_one_opinion_of_several_leaves_open_is_unsure():
    plain, doubtful = seen(PASSPORT), seen(PASSPORT, doubts=[(0, 8, "F")], odds=1.0)
    assert settle(plain, one(plain, doubtful)).unsure == ((0, 8),)
    assert settle(plain, one(plain, plain)).unsure == ()


COUNTRIES = {"an issuer": (0, 3, "V"), "a nationality": (1, 11, "V")}


@pytest.mark.parametrize("case", COUNTRIES)
def test_a_plain_letter_that_makes_it_no_countrys_code_is_unsure_with_its_neighbours(case):
    row, column, letter = COUNTRIES[case]
    plain = seen(misread(PASSPORT, row, column, letter))
    assert set(disputed(settle(plain), one(plain)).unsure) == {(row, each) for each in range(column - 1, column + 2)}


def test_behind_the_end_of_a_name_a_filler_may_look_like_a_letter():
    doubts = [(0, BEHIND, "K"), (0, BEHIND + 1, "X")]
    assert settle(seen(PASSPORT, doubts=doubts, odds=1.0), one(seen(PASSPORT, doubts=doubts, odds=0.1))).unsure == ()


def test_behind_the_end_of_a_name_a_filler_that_looks_just_like_a_letter_is_unsure():
    assert settle(seen(PASSPORT, doubts=[(0, BEHIND, "K")])).unsure == ((0, BEHIND),)


def test_behind_the_end_of_a_name_a_plain_letter_is_unsure():
    assert settle(seen(misread(PASSPORT, 0, BEHIND, "K"))).unsure == ((0, BEHIND),)


def test_a_name_has_not_ended_where_one_of_three_fillers_is_doubtful():
    doubts = [(0, 20, "K"), (0, 23, "K"), (0, 26, "K")]
    assert settle(seen(PASSPORT, doubts=doubts, odds=1.0)).unsure == ((0, 20), (0, 23), (0, 26))


def test_looks_that_together_leave_a_letter_open_dispute_it():
    likely, doubtful = seen(PASSPORT), seen(PASSPORT, doubts=[(0, 8, "F")], odds=-1.0)
    found = settle(likely)
    assert disputed(found, one((3 * likely + doubtful) / 4)).unsure == ()
    assert disputed(found, one((likely + 5 * doubtful) / 6)).unsure == ((0, 8),)


@pytest.mark.parametrize(("odds", "unsure"), [(SURE_BEFORE - 0.1, ((0, 8),)), (SURE_BEFORE + 0.1, ())])
def test_a_plain_letter_must_be_surer_than_what_it_may_be_the_rest_of(odds, unsure):
    assert disputed(settle(seen(PASSPORT)), one(seen(PASSPORT, doubts=[(0, 8, "F")], odds=odds))).unsure == unsure


def test_a_zone_that_plainly_begins_with_what_no_document_begins_with_is_unsure():
    assert settle(seen(misread(PASSPORT, 0, 0, "F"))).unsure == ((0, 0),)


def test_where_only_letters_may_stand_a_digit_is_no_rival():
    doubts = [(0, 8, "8"), (0, 12, "1")]
    assert settle(seen(PASSPORT, doubts=doubts), one(seen(PASSPORT, doubts=doubts))).unsure == ()


def test_a_rubbed_digit_is_sure_when_its_check_digit_would_notice_the_other():
    assert settle(seen(PASSPORT), one(seen(PASSPORT, doubts=[(1, 4, "3")], odds=1.0))).unsure == ()


def misread(lines, row, column, sign):
    changed = list(lines)
    changed[row] = changed[row][:column] + sign + changed[row][column + 1 :]
    return tuple(changed)


def test_the_invented_passport_is_right_to_begin_with():
    assert fits(PASSPORT)
    settled = settle(seen(PASSPORT))
    assert (settled.lines, settled.exchanges, settled.unsure) == (PASSPORT, (), ())


# what was seen in the second line, at which place, and what the check digits make of it
CONFIRMED = {
    "O for a 0 in the number": (1, "O", "0"),
    "5 for an S in the number": (2, "5", "S"),
    "B for an 8 in the number": (3, "B", "8"),
    "Z for a 2 in the number": (4, "Z", "2"),
    "I for a 1 in the birth date": (14, "I", "1"),
    "B for an 8 in the birth date": (13, "B", "8"),
    "O for the check digit of the optional field": (42, "O", "0"),
}


@pytest.mark.parametrize("case", CONFIRMED)
def test_a_lookalike_is_exchanged_when_the_check_digits_confirm_it_and_it_is_told(case):
    column, looked, meant = CONFIRMED[case]
    settled = settle(seen(misread(PASSPORT, 1, column, looked), doubts=[(1, column, meant)]))
    assert settled.lines == PASSPORT
    assert settled.unsure == ()
    told = [(each.row, each.column, each.seen, each.taken, each.confirmed) for each in settled.exchanges]
    assert told == [(1, column, looked, meant, True)]


def test_a_sign_that_is_no_lookalike_is_left_wrong():
    wrong = misread(PASSPORT, 1, 4, "7")
    settled = settle(seen(wrong, doubts=[(1, 4, "2")]))
    assert settled.lines == wrong
    assert not settled.exchanges
    assert not fits(settled.lines)


def test_a_lookalike_the_picture_rules_out_is_not_taken():
    wrong = misread(PASSPORT, 1, 2, "5")
    settled = settle(seen(wrong, doubts=[(1, 2, "S")], odds=11.0))
    assert settled.lines == wrong


def test_two_ways_that_would_both_fit_leave_the_zone_as_it_was_seen():
    # O for 0 with weight 7 adds 168, with weight 3 it adds 72: together 240, which no check digit notices
    number = "00A217632"
    second = number + check_digit(number) + PASSPORT[1][10:43]
    lines = (PASSPORT[0], second + check_digit(second[:10] + second[13:20] + second[21:43]))
    assert fits(lines)
    assert fits(misread(misread(lines, 1, 0, "O"), 1, 1, "O"))
    wrong = misread(lines, 1, 0, "O")

    settled = settle(seen(wrong, doubts=[(1, 0, "0"), (1, 1, "O")]))
    assert (settled.lines, settled.exchanges) == (wrong, ())


def test_a_six_that_may_be_a_g_is_unsure_because_no_check_digit_tells_them_apart():
    settled = settle(seen(PASSPORT, doubts=[(1, 7, "G")]))
    assert fits(misread(PASSPORT, 1, 7, "G"))
    assert settled.unsure == ((1, 7),)


def test_a_doubtful_letter_of_the_name_is_unsure():
    assert settle(seen(PASSPORT, doubts=[(0, 6, "C")])).unsure == ((0, 6),)


def test_a_doubtful_digit_that_the_check_digit_confirms_is_sure_enough():
    assert settle(seen(PASSPORT, doubts=[(1, 4, "7")], odds=1.0)).unsure == ()


def test_in_a_name_a_digit_gives_way_to_the_letter_it_cannot_be_told_from_and_it_is_told():
    settled = settle(seen(misread(PASSPORT, 0, 5, "0"), doubts=[(0, 5, "O")]))
    assert settled.lines == PASSPORT
    assert [(each.seen, each.taken, each.confirmed) for each in settled.exchanges] == [("0", "O", False)]


def test_in_a_name_a_plain_digit_stays_one():
    wrong = misread(PASSPORT, 0, 5, "0")
    assert settle(seen(wrong, doubts=[(0, 5, "O")], odds=PLAIN)).lines == wrong


def test_lookalikes_go_both_ways():
    for pair in LOOKALIKES:
        assert pair[0] in lookalikes_of(pair[1])
        assert pair[1] in lookalikes_of(pair[0])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), form=st.sampled_from(FORMATS), place=st.integers(0, 10**6), which=st.integers(0, 5))
def test_one_misread_lookalike_is_never_accepted_as_something_else(seed, form, place, which):
    lines = make_lines(np.random.default_rng(seed), form)
    row, column = place % len(lines), place // 3 % len(lines[0])
    near = lookalikes_of(lines[row][column])
    if not near:
        return
    looked = near[which % len(near)]
    settled = settle(seen(misread(lines, row, column, looked), doubts=[(row, column, lines[row][column])]))
    right_or_told = settled.lines == lines or settled.unsure or not fits(settled.lines)
    assert right_or_told
    changed = [
        (a, b)
        for before, after in zip(misread(lines, row, column, looked), settled.lines, strict=True)
        for a, b in zip(before, after, strict=True)
        if a != b
    ]
    assert len(changed) == len(settled.exchanges)


MADE_TO_FIT = ("P<INDVOM<<ZAXIM<<<<<<<<<<<<<<<<<<<<<<<<<<<<<", "48OOYLEQT1IND8311106M3504277E6TF3R<<<<<<<<60")


def test_an_exchange_that_would_make_another_misread_sign_fit_is_unsure():
    b_for_8, i_for_t = (1, 1, "B"), (1, 8, "I")
    settled = settle(seen(MADE_TO_FIT, doubts=[b_for_8, i_for_t], odds=2.0))
    assert [(each.seen, each.taken) for each in settled.exchanges] == [("8", "B")]
    assert fits(settled.lines)
    assert settled.unsure == ((1, 8),)
    plain = seen(MADE_TO_FIT, doubts=[b_for_8], odds=2.0)
    assert settle(plain, one(seen(MADE_TO_FIT, doubts=[b_for_8, i_for_t], odds=2.0))).unsure == ((1, 8),)
    assert settle(plain, one(plain)).unsure == ()


def test_an_exchange_with_a_twin_the_check_digits_cannot_tell_from_it_is_unsure():
    # a filler and a zero count the same
    wrong = misread(PASSPORT, 1, 42, "O")
    assert settle(seen(wrong, doubts=[(1, 42, "0"), (1, 42, "<")])).unsure == ((1, 42),)


def test_a_letter_taken_by_its_place_is_unsure_when_it_may_be_one_it_does_not_resemble():
    wrong = misread(PASSPORT, 0, 5, "0")
    taken = settle(seen(wrong, doubts=[(0, 5, "O")], odds=0.3))
    assert [(each.seen, each.taken) for each in taken.exchanges] == [("0", "O")]
    assert taken.unsure == ()
    doubtful = seen(wrong, doubts=[(0, 5, "O")], odds=0.3)
    doubtful[0, 5, SIGNS.index("U")] = doubtful[0, 5, SIGNS.index("O")] + 0.2
    assert settle(doubtful).unsure == ((0, 5),)


def test_nothing_is_exchanged_where_more_ways_are_possible_than_are_tried():
    wrong = misread(PASSPORT, 1, 1, "O")
    assert settle(seen(wrong, doubts=[(1, 1, "0")])).exchanges
    places = [(1, column) for column in (*range(9), *range(28, 42))]
    doubts = [(*place, other) for place in places for other in lookalikes_of(wrong[place[0]][place[1]])]
    assert len(doubts) > MANY
    assert settle(seen(wrong, doubts=doubts)).exchanges == ()
