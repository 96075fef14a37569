"""A topic the broker does not take is left alone for a while; one that only seems so, too, and comes back."""

import pytest

from gateway.shut_topics import REMEMBERED, SHUT_SECONDS, SUSPECTED_AFTER, ShutTopics


@pytest.fixture
def shut():
    return ShutTopics()


def test_a_refused_topic_is_left_alone_for_a_minute_and_no_other(shut):
    shut.refused(["r/1"], 100.0)
    assert shut.holds("r/1", 100.0 + SHUT_SECONDS - 1)
    assert not shut.holds("r/2", 101.0)
    assert not shut.holds("r/1", 100.0 + SHUT_SECONDS)
    assert not shut.holds("r/1", 101.0)  # forgotten, not only over


def test_a_topic_unanswered_at_the_end_of_three_connections_in_a_row_is_suspected(shut):
    for _ in range(SUSPECTED_AFTER - 1):
        shut.connection_ended({"r/1", "r/2"}, 5.0)
        assert not shut.holds("r/1", 5.0)
    shut.connection_ended({"r/1"}, 5.0)
    assert shut.holds("r/1", 5.0)
    assert not shut.holds("r/2", 5.0)


def test_a_connection_that_leaves_nothing_unanswered_clears_it(shut):
    for topics in ({"r/1"}, {"r/1"}, set(), {"r/1"}, {"r/1"}):
        shut.connection_ended(topics, 5.0)
    assert not shut.holds("r/1", 5.0)


def test_however_many_are_refused_memory_is_bounded(shut):
    for number in range(3 * REMEMBERED):
        shut.refused([f"r/{number}"], 5.0)
    assert len(shut._until) <= REMEMBERED
    assert shut.holds(f"r/{3 * REMEMBERED - 1}", 5.0)
