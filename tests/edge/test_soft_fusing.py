"""Adding up frames: two halves make one text, two people never do, and nothing stays behind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soft_parts import CARD, OTHER, corners_of, grey_picture, soft_values, symbol

from edge_agent.scanning.following import Following
from edge_agent.scanning.soft.codewords import decode
from edge_agent.scanning.soft.fusing import LONGEST_GAP_NS, Fusion
from edge_agent.scanning.soft.layout import layout_of
from edge_agent.scanning.soft.looking import Look
from edge_agent.scanning.views import View, always

VERSION = 8
FRAME_NS = 33_000_000
LAYOUT = layout_of(VERSION)
FIRST, SECOND = slice(0, 700), slice(900, 1600)  # data modules under the lamp in the first frame and in the second
MINE, THEIRS = (symbol(each, VERSION, "L", 2) for each in (CARD, OTHER))


def look(soft, *, version=VERSION, at=0.0):
    return Look(version, corners_of(np.zeros((17 + 4 * version,) * 2)) + at, 1.0, soft.astype(np.float32), None)


def half_hidden(dark, which):
    """A lamp lies over part of the data modules: twice what the check codewords can mend."""
    soft = soft_values(dark)
    hidden = LAYOUT.order[which]
    soft[hidden[:, 0], hidden[:, 1]] *= -0.05
    return soft


def noisy(dark, seed, noise):
    """Too noisy to be read alone."""
    return soft_values(dark) + np.random.default_rng(seed).normal(scale=noise, size=dark.shape).astype(np.float32)


def said(decoded):
    return decoded and decoded.payload


def test_two_half_readable_frames_of_one_code_give_its_text():
    first, second = half_hidden(MINE, FIRST), half_hidden(MINE, SECOND)
    fusion = Fusion()

    assert decode(first, LAYOUT) is None
    assert decode(second, LAYOUT) is None
    assert fusion.add(look(first), now_ns=0) is None
    assert said(fusion.add(look(second), now_ns=FRAME_NS)) == CARD


def test_noise_averages_out_over_frames_that_are_each_unreadable():
    fusion, texts = Fusion(), []
    for frame in range(12):
        soft = noisy(MINE, frame, 0.9)
        assert decode(soft, LAYOUT) is None
        texts.append(said(fusion.add(look(soft), now_ns=frame * FRAME_NS)))

    assert CARD in texts
    assert set(texts) == {None, CARD}


def test_nothing_of_the_sum_stays_after_a_text():
    fusion = Fusion()
    fusion.add(look(half_hidden(MINE, FIRST)), now_ns=0)
    kept = fusion._sum.soft
    fusion.add(look(half_hidden(MINE, SECOND)), now_ns=FRAME_NS)

    assert fusion._sum is None
    assert not kept.any(), "the first frame's values are overwritten"


@given(
    st.integers(0, 2**32),
    st.floats(0.3, 1.1),
    st.integers(1, 12),
    st.integers(1, 8),
    st.sampled_from([0, 1, 3, 6]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_two_cards_in_a_row_never_give_a_mixture_nor_the_first_ones_text_for_the_second(seed, noise, first, second, mask, hide):
    mine, theirs = (symbol(each, VERSION, "L", mask) for each in (CARD, OTHER))
    fusion = Fusion()
    for frame in range(first + second):
        dark, text = (mine, CARD) if frame < first else (theirs, OTHER)
        soft = noisy(dark, seed + frame, noise)
        if hide:
            soft *= np.where(np.random.default_rng(seed + frame).random(soft.shape) < 0.4, 0.05, 1)
        assert said(fusion.add(look(soft), now_ns=frame * FRAME_NS)) in {None, text}


@given(st.integers(0, 2**32), st.floats(0.3, 1.0))
@settings(max_examples=60, deadline=None)
def test_cards_that_share_most_of_their_text_are_not_mixed_either(seed, noise):
    sibling = CARD.replace("Trần Văn An".encode(), "Trần Văn Ba".encode()).replace(b"000117", b"000118")
    cards = [(symbol(each, VERSION, "L", 2), each) for each in (CARD, sibling)]
    fusion = Fusion()
    for frame in range(12):
        dark, text = cards[frame // 4 % 2]
        found = fusion.add(look(noisy(dark, seed + frame, noise)), now_ns=frame * FRAME_NS)
        assert said(found) in {None, text}


@given(st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_frames_of_noise_never_add_up_to_a_text(seed):
    fusion, rng = Fusion(), np.random.default_rng(seed)
    for frame in range(6):
        soft = rng.normal(size=MINE.shape).astype(np.float32)
        # every frame has the same readable format, so that only the data speak
        soft[LAYOUT.formats[..., 0], LAYOUT.formats[..., 1]] = soft_values(MINE)[LAYOUT.formats[..., 0], LAYOUT.formats[..., 1]]
        assert fusion.add(look(soft), now_ns=frame * FRAME_NS) is None


START_ANEW = {
    "a gap in time": (look(half_hidden(MINE, SECOND)), LONGEST_GAP_NS + 1),
    "a jump aside": (look(half_hidden(MINE, SECOND), at=200.0), FRAME_NS),
    "another code": (look(half_hidden(THEIRS, SECOND)), FRAME_NS),
    "another mask": (look(half_hidden(symbol(CARD, VERSION, "L", 3), SECOND)), FRAME_NS),
    "another level": (look(half_hidden(symbol(b"short", VERSION, "H", 2), SECOND)), FRAME_NS),
    "another version": (look(soft_values(symbol(CARD, 9, "L", 2)) * 0.3, version=9), FRAME_NS),
}


@pytest.mark.parametrize(("second", "after_ns"), START_ANEW.values(), ids=START_ANEW)
def test_the_older_frames_are_wiped_by(second, after_ns):
    fusion = Fusion()
    fusion.add(look(half_hidden(MINE, FIRST)), now_ns=0)
    kept = fusion._sum.soft
    found = fusion.add(second, now_ns=after_ns)

    assert found is None
    assert not kept.any()
    assert fusion._sum.frames == 1


def test_a_frame_without_soft_values_or_with_a_doubtful_format_adds_nothing_and_ends_nothing():
    fusion = Fusion()
    fusion.add(look(half_hidden(MINE, FIRST)), now_ns=0)
    blank = np.zeros(MINE.shape, np.float32)

    assert fusion.add(look(blank), now_ns=FRAME_NS) is None
    assert fusion.add(Look(VERSION, corners_of(MINE), 1.0, None, None), now_ns=FRAME_NS) is None
    assert said(fusion.add(look(half_hidden(MINE, SECOND)), now_ns=2 * FRAME_NS)) == CARD


def test_forget_wipes():
    fusion = Fusion()
    fusion.add(look(half_hidden(MINE, FIRST)), now_ns=0)
    kept = fusion._sum.soft
    fusion.forget()

    assert fusion._sum is None
    assert not kept.any()


def test_nothing_seen_for_half_a_second_wipes_and_a_shorter_while_does_not():
    fusion = Fusion()
    fusion.add(look(half_hidden(MINE, FIRST)), now_ns=0)
    kept = fusion._sum.soft
    fusion.forget_older(now_ns=LONGEST_GAP_NS)
    assert kept.any()
    fusion.forget_older(now_ns=LONGEST_GAP_NS + 1)

    assert fusion._sum is None
    assert not kept.any()


def stage_of(looks):
    """A stage that located a code and did not read it."""

    def read(view: View):
        view.looks += looks
        return []

    from edge_agent.scanning.cascade import Stage

    return (Stage("test", read),)


def test_following_adds_frames_up_until_one_says_a_text():
    following, grey = Following(), np.zeros((60, 60), np.uint8)
    first, second = (look(half_hidden(MINE, each)) for each in (FIRST, SECOND))

    assert following.read(grey, now_ns=0, stages=stage_of([first]))[0] == []
    (code,) = following.read(grey, now_ns=FRAME_NS, stages=stage_of([second]))[0]
    assert (code.payload, code.reader) == (CARD, "soft-fused")
    assert following._fusion._sum is None


def test_a_frame_that_reads_by_itself_wipes_what_was_added_up():
    following = Following()
    following.read(np.zeros((60, 60), np.uint8), now_ns=0, stages=stage_of([look(half_hidden(MINE, FIRST))]))
    kept = following._fusion._sum.soft
    codes, _ = following.read(grey_picture(THEIRS), now_ns=FRAME_NS, time_left=always)

    assert [each.payload for each in codes] == [OTHER]
    assert following._fusion._sum is None
    assert not kept.any()


def test_following_forgets_on_request():
    following = Following()
    following.read(np.zeros((60, 60), np.uint8), now_ns=0, stages=stage_of([look(half_hidden(MINE, FIRST))]))
    following.forget()

    found, _ = following.read(np.zeros((60, 60), np.uint8), now_ns=FRAME_NS, stages=stage_of([look(half_hidden(MINE, SECOND))]))
    assert found == []
