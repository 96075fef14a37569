"""Replays and gaps, and what is believed of a kiosk's clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.wire.replay import MAX_RANGES, SequenceWindow, observe
from residence.wire.times import Times, corrected, judge_time_state

NOON = datetime(2026, 7, 10, 12, 0, tzinfo=UTC)
BUILT = datetime(2026, 6, 1, tzinfo=UTC)


def walk(numbers):
    window, verdicts = SequenceWindow(), []
    for number in numbers:
        seen = observe(window, number)
        window = seen.window
        verdicts.append(seen.verdict)
    return window, verdicts


@pytest.mark.parametrize(
    ("numbers", "verdicts", "missing"),
    [
        pytest.param([1, 2, 3], ["next"] * 3, (), id="in order"),
        pytest.param([1, 1], ["next", "replayed"], (), id="twice"),
        pytest.param([1, 5], ["next", "gap"], ((2, 4),), id="a gap opens"),
        pytest.param([1, 5, 3], ["next", "gap", "filled"], ((2, 2), (4, 4)), id="a gap is half filled"),
        pytest.param([2, 1, 2], ["gap", "filled", "replayed"], (), id="a gap closes"),
    ],
)
def test_each_number_is_judged(numbers, verdicts, missing):
    window, found = walk(numbers)
    assert found == verdicts
    assert window.missing == missing


@given(st.lists(st.integers(1, 60), max_size=80))
def test_a_number_is_replayed_exactly_when_it_came_before(numbers):
    _, verdicts = walk(numbers)
    for position, number in enumerate(numbers):
        assert (verdicts[position] == "replayed") == (number in numbers[:position])


@given(st.permutations(range(1, 30)))
def test_any_order_of_a_whole_sequence_leaves_nothing_missing(numbers):
    window, _ = walk(numbers)
    assert window == SequenceWindow(29, ())


def test_a_hostile_kiosk_costs_no_memory():
    window, _ = walk(range(2, 4 * MAX_RANGES, 2))
    assert len(window.missing) == MAX_RANGES


def times(wall, seconds, state="rtc_only", boot="b0070000-0000-4000-8000-000000000001"):
    return Times(boot_id=boot, monotonic_ns=int(seconds * 1e9), wall=wall.isoformat(), time_state=state)


CLOCKS = {
    "1970 after a power cut": (datetime(1970, 1, 1, tzinfo=UTC), False, None, "unset"),
    "before the newest time sealed": (BUILT - timedelta(days=1), True, None, "unset"),
    "plausible and unconfirmed": (NOON, False, None, "rtc_only"),
    "confirmed": (NOON, True, None, "synced"),
    "as the last one, ten seconds on": (NOON, False, times(NOON - timedelta(seconds=10), 90), "rtc_only"),
    "two hundred days ahead": (NOON + timedelta(days=200), False, times(NOON, 90), "jumped"),
    "an hour back": (NOON - timedelta(hours=1), False, times(NOON, 90), "jumped"),
    "an hour ahead and confirmed is a correction": (NOON + timedelta(hours=1), True, times(NOON, 90), "synced"),
    "after another boot nothing can be compared": (NOON + timedelta(days=9), False, times(NOON, 90, boot="other"), "rtc_only"),
    "the first good time after 1970 is no jump": (NOON, False, times(datetime(1970, 1, 1, tzinfo=UTC), 90, "unset"), "rtc_only"),
}


@pytest.mark.parametrize(("wall", "synced", "previous", "state"), CLOCKS.values(), ids=CLOCKS)
def test_a_clock_is_judged(wall, synced, previous, state):
    boot = "b0070000-0000-4000-8000-000000000001"
    assert judge_time_state(wall, int(100e9), boot_id=boot, floor=BUILT, synced=synced, previous=previous) == state


def test_an_unconfirmed_time_is_corrected_by_a_later_confirmed_one_of_the_same_boot():
    wrong = times(datetime(1970, 1, 1, tzinfo=UTC), 100, "unset")
    reference = times(NOON, 400, "synced")
    assert corrected(wrong, reference) == NOON - timedelta(seconds=300)
    assert corrected(wrong, times(NOON, 400, "synced", boot="other")) is None
    assert corrected(wrong, times(NOON, 400, "rtc_only")) is None
