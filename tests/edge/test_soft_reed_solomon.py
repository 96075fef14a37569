"""Reed-Solomon with errors and erasures: what it mends, what it refuses, and that noise never becomes a text."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soft_parts import check_codewords, soft_values, symbol, times

from edge_agent.scanning.soft.blocks import LEVELS, blocks_of, correcting, interleaving
from edge_agent.scanning.soft.codewords import SPARE, correct_all, decode, decode_as, formats, read_codewords
from edge_agent.scanning.soft.layout import layout_of
from edge_agent.scanning.soft.reed_solomon import correct, syndromes

CHECKS = sorted({blocks_of(version, level).check for version in range(1, 41) for level in LEVELS})


def is_codeword(word: np.ndarray, check: int) -> bool:
    """Evaluate the word at each root, bit by bit."""
    root = 1
    for _ in range(check):
        value = 0
        for each in word:
            value = times(value, root) ^ int(each)
        if value:
            return False
        root = times(root, 2)
    return True


def mended(word, *, check, erased=(), most=None):
    marks = np.isin(np.arange(len(word)), list(erased))[None]
    fixed, errors = correct(word[None], check=check, erased=marks, most=np.array([check if most is None else most]))
    return fixed[0], int(errors[0])


@st.composite
def codewords(draw):
    check = draw(st.sampled_from(CHECKS))
    data = draw(st.binary(min_size=1, max_size=40))
    return np.frombuffer(data + check_codewords(data, check), np.uint8), check


def spoilt(draw, word, places):
    wrong = word.copy()
    for place in places:
        wrong[place] ^= draw(st.integers(1, 255))
    return wrong


@given(codewords(), st.data())
@settings(max_examples=60)
def test_every_mixture_within_the_bound_is_mended(made, data):
    word, check = made
    erased_count = data.draw(st.integers(0, check), label="erased")
    wrong_count = data.draw(st.integers(0, (check - erased_count) // 2), label="wrong")
    places = data.draw(st.permutations(range(len(word))))[: erased_count + wrong_count]
    erased, wrong = places[:erased_count], places[erased_count:]
    # an erased codeword may happen to be right
    bad = spoilt(data.draw, word, [*wrong, *(each for each in erased if data.draw(st.booleans()))])
    fixed, errors = mended(bad, check=check, erased=erased)

    assert fixed.tolist() == word.tolist()
    assert errors == len(wrong)


@given(codewords(), st.data())
@settings(max_examples=60)
def test_what_comes_back_as_mended_is_a_codeword_within_the_bound_and_the_rest_comes_back_untouched(made, data):
    word, check = made
    most = data.draw(st.integers(0, check))
    erased = data.draw(st.sets(st.integers(0, len(word) - 1), max_size=check))
    wrong = data.draw(st.sets(st.integers(0, len(word) - 1), max_size=len(word)))
    bad = spoilt(data.draw, word, sorted(wrong))
    fixed, errors = mended(bad, check=check, erased=erased, most=most)
    changed = set(np.flatnonzero(fixed != bad).tolist())

    if errors < 0:
        assert not changed
    else:
        assert is_codeword(fixed, check)
        assert errors == len(changed - erased)
        assert not changed or 2 * errors + len(erased) <= most


@given(codewords(), st.data())
@settings(max_examples=40)
def test_one_error_more_than_the_bound_never_gives_the_word_back(made, data):
    word, check = made
    erased_count = data.draw(st.integers(0, check))
    wrong_count = (check - erased_count) // 2 + 1
    places = data.draw(st.permutations(range(len(word))))[: erased_count + wrong_count]
    bad = spoilt(data.draw, word, places)
    if len(places) == erased_count + wrong_count:
        fixed, errors = mended(bad, check=check, erased=places[:erased_count])
        assert errors < 0 or (is_codeword(fixed, check) and fixed.tolist() != word.tolist())


@given(codewords())
@settings(max_examples=30)
def test_syndromes_are_nought_for_codewords_only(made):
    word, check = made
    assert not syndromes(word[None], check).any()
    for place in (0, len(word) // 2, len(word) - 1):
        bad = word.copy()
        bad[place] ^= 1
        assert syndromes(bad[None], check).any()


def test_rows_are_mended_each_on_its_own():
    word = np.frombuffer(b"Luu tru" + check_codewords(b"Luu tru", 10), np.uint8)
    rows = np.repeat(word[None], 4, axis=0)
    rows[1, [0, 5]] ^= 9
    rows[2, :9] ^= 77
    rows[3, :6] ^= 77  # more than five unknown errors
    erased = np.zeros(rows.shape, bool)
    erased[2, :9] = True
    fixed, errors = correct(rows, check=10, erased=erased, most=np.full(4, 10))

    assert errors.tolist() == [0, 2, 0, -1]
    assert (fixed[:3] == word).all()
    assert (fixed[3] == rows[3]).all()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("version", [1, 5, 8, 13, 27])
def test_a_symbol_is_read_with_as_many_wrong_codewords_as_its_level_allows_and_not_with_one_more(version, level):
    layout, check = layout_of(version), correcting(version, level)
    dark = symbol(b"mended", version, level, 2)
    allowed = (check // 2) * blocks_of(version, level).number
    # the first codewords go round the blocks in turn
    for wrong, read in ((allowed, True), (allowed + 1, False)):
        soft = soft_values(dark)
        spoilt_bits = layout.order.reshape(-1, 8, 2)[:wrong]
        soft[spoilt_bits[:, 0, 0], spoilt_bits[:, 0, 1]] *= -1
        found = decode(soft, layout, spare=None)
        assert (found is not None and found.payload == b"mended" and found.errors == wrong) is read


def test_erasures_reach_further_than_errors_alone_and_leave_spare_codewords():
    layout, check = layout_of(8), blocks_of(8, "L").check
    # hidden codewords, unsure: far more than half of the check codewords of each block
    for share, read in ((check - SPARE - 1, True), (check + 1, False)):
        soft = soft_values(symbol(b"hidden", 8, "L", 2))
        hidden = layout.order.reshape(-1, 8, 2)[: 2 * share]
        soft[hidden[..., 0], hidden[..., 1]] *= -0.01
        found = decode(soft, layout)
        assert (found is not None) is read
        if found is not None:
            assert found.payload == b"hidden"
            assert found.erasures >= 2 * check // 2


def one_by_one(word, sureness, *, check, most):
    """The first success over a growing number of erasures, each tried alone: the word, its errors and its erasures, or None."""
    for count in range(-1, check - SPARE + 1, 3):
        erased = np.argsort(sureness, kind="stable")[: max(count, 0)]
        fixed, errors = mended(word, check=check, erased=erased, most=most if count < 0 else check - SPARE)
        if errors >= 0:
            return fixed, errors, len(erased)
    return None


@given(st.integers(0, 2**32), st.integers(1, 12), st.sampled_from(LEVELS))
@settings(max_examples=60)
def test_all_trials_of_all_blocks_together_find_what_each_of_them_finds_alone(seed, version, level):
    rng, places = np.random.default_rng(seed), interleaving(version, level)
    check, size = blocks_of(version, level).check, sum(len(each) for each in places)
    words, sureness = np.zeros(size, np.uint8), rng.random(size).astype(np.float32)
    share, known = rng.random(), rng.random()
    for block in places:
        data = rng.bytes(len(block) - check)
        words[block] = np.frombuffer(data + check_codewords(data, check), np.uint8)
        wrong = rng.choice(block, int(share * rng.integers(0, min(check, len(block)) + 1)), replace=False)
        words[wrong] ^= rng.integers(1, 256, len(wrong)).astype(np.uint8)
        sureness[wrong[rng.random(len(wrong)) < known]] *= 0.05
    alone = [one_by_one(words[each], sureness[each], check=check, most=correcting(version, level)) for each in places]
    together = correct_all(words, sureness, version, level, spare=SPARE)

    if together is None:
        assert None in alone
    else:
        assert [together[0][each].tolist() for each in places] == [found[0].tolist() for found in alone]
        assert together[1:] == (sum(found[1] for found in alone), sum(found[2] for found in alone))


@given(st.integers(0, 2**32), st.sampled_from([1, 2, 5, 8, 11]), st.sampled_from(LEVELS))
@settings(max_examples=120)
def test_noise_never_becomes_a_text(seed, version, level):
    layout = layout_of(version)
    soft = np.random.default_rng(seed).normal(size=(layout.side, layout.side)).astype(np.float32)
    (form,) = [each for each in formats(soft, layout) if each.level == level and each.mask == seed % 8]

    assert decode_as(soft, layout, form) is None


@given(st.integers(0, 2**32), st.floats(0.1, 3))
@settings(max_examples=60)
def test_a_noisy_code_says_its_own_text_or_nothing(seed, noise):
    layout = layout_of(8)
    rng = np.random.default_rng(seed)
    soft = soft_values(symbol(b"its own text", 8, "L", 2)) + rng.normal(scale=noise, size=(49, 49)).astype(np.float32)
    found = decode(soft, layout)

    assert found is None or found.payload == b"its own text"


def test_codewords_are_as_sure_as_their_least_sure_bit():
    layout = layout_of(3)
    soft = soft_values(symbol(b"sure", 3, "L", 1)) * 0.9
    row, column = layout.order[8 * 7 + 3]
    soft[row, column] *= 0.1

    _, sureness = read_codewords(soft, layout, 1)
    assert int(np.argmin(sureness)) == 7
    assert np.allclose(np.delete(sureness, 7), 0.9)
