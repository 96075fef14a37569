"""Gaps are noted per kiosk and epoch, in bounded memory."""

from gateway.sequences import SequenceWatch
from registry.kiosk_counts import Counted

COUNT = Counted("c", "k", "e")


def test_a_gap_is_noted_and_filled_again():
    watch = SequenceWatch()
    assert [watch.note(COUNT, number) for number in (1, 2, 5, 3, 5)] == ["next", "next", "gap", "filled", "replayed"]
    assert watch.missing(COUNT) == 1


def test_what_came_before_this_process_is_not_called_missing():
    watch = SequenceWatch()
    assert watch.note(COUNT, 900) == "next"
    assert watch.missing(COUNT) == 0


def test_epochs_and_kiosks_are_apart_and_the_longest_silent_is_forgotten():
    watch = SequenceWatch(limit=2)
    for kiosk in ("a", "b", "c"):
        watch.note(Counted("c", kiosk, "e"), 1)
    assert watch.note(Counted("c", "c", "e"), 3) == "gap"
    assert watch.note(Counted("c", "a", "e"), 7) == "next"  # forgotten, so it begins anew
