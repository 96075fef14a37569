"""A card held still is delivered once, and a still lobby costs little."""

from __future__ import annotations

import numpy as np

from edge_agent.scanning.attention import AWAKE_NS, TRY_EVERY_NS, Attention
from edge_agent.scanning.clips import play
from edge_agent.scanning.codes import Code
from edge_agent.scanning.shown import GONE_AFTER_NS, NewlyShown

SECOND = 1_000_000_000


def test_a_code_held_still_is_new_once():
    shown = NewlyShown()

    assert [shown.is_new(b"card", now * SECOND // 8) for now in range(40)] == [True] + [False] * 39


def test_frames_that_miss_the_code_do_not_make_it_new():
    shown = NewlyShown()
    assert shown.is_new(b"card", 0)

    assert not shown.is_new(b"card", GONE_AFTER_NS)


def test_a_code_that_was_gone_for_a_moment_is_new_again():
    shown = NewlyShown()
    assert shown.is_new(b"card", 0)

    assert shown.is_new(b"card", GONE_AFTER_NS + 1)


def test_two_cards_in_view_are_each_new_once_and_nothing_readable_is_remembered():
    shown = NewlyShown()

    assert [shown.is_new(card, 0) for card in (b"a", b"b", b"a", b"b")] == [True, True, False, False]
    assert not {b"a", b"b"} & set(shown._last_seen)


def test_a_still_lobby_gets_the_slow_stages_twice_a_second_and_a_movement_all_of_them():
    attention, lobby = Attention(), np.full((720, 1280), 90, np.uint8)
    grain = np.random.default_rng(1)
    awake = []
    for frame in range(100):
        noisy = np.clip(lobby + grain.normal(0, 6, lobby.shape), 0, 255).astype(np.uint8)
        awake.append(attention.is_awake(noisy, now_ns=frame * 30_000_000))
    still = awake[AWAKE_NS // 30_000_000 + 1 :]
    assert 2 <= sum(still) <= 2 + len(still) * 30_000_000 // TRY_EVERY_NS

    card = lobby.copy()
    card[200:500, 400:900] = 200
    assert attention.is_awake(card, now_ns=3_010_000_000)


def clip_of(readable_from: int, *, frames: int = 60, took_ms: float):
    """Play a clip of numbered one-pixel frames, readable from a number on, each decode taking ``took_ms``."""
    looked_at = []
    ticks = iter(range(10**6))
    code = Code(payload=b"card", format="QRCode", reader="test", corners=((0, 0),) * 4)

    def read(grey, _at_ns):
        looked_at.append(int(grey[0, 0]))
        return [code] if grey[0, 0] >= readable_from else []

    def frame_at(number):
        return np.full((1, 1), number, np.uint8) if number < frames else None

    # Two readings of the timer for each frame: before and after.
    result = play(frame_at, rate=30.0, read=read, timer_ns=lambda: int((next(ticks) + 1) // 2 * took_ms * 1e6))
    return result, looked_at


def test_a_fast_reader_sees_every_frame_and_answers_when_the_frame_came():
    result, looked_at = clip_of(5, took_ms=3)

    assert looked_at == [0, 1, 2, 3, 4, 5]
    assert round(result.first_read_ms, 6) == round(5 / 30 * 1000 + 3, 6)
    assert result.frames_seen == 6


def test_a_slow_reader_misses_the_frames_that_came_meanwhile():
    result, looked_at = clip_of(20, took_ms=100)

    assert looked_at == [0, 3, 6, 9, 12, 15, 18, 21]
    assert 799 < result.first_read_ms < 801
    assert 99 < result.ms_per_frame < 101


def test_a_clip_that_is_never_read_ends_without_an_answer():
    result, _ = clip_of(255, took_ms=1)

    assert result.codes == ()
    assert result.first_read_ms is None
    assert result.frames_seen == 60
