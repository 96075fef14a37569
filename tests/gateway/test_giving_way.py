"""Work that can wait keeps out of the way of an intake that is busy, and of no other."""

from __future__ import annotations

import threading

import pytest

from gateway.giving_way import LONGEST, SHARE, GivingWay, Progress

PAGE_SECONDS = 0.5


class Waited(threading.Event):
    """An event that says how long somebody waited for it, without waiting."""

    seconds: float | None = None

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds = timeout
        return self.is_set()


class Machine:
    """A clock set by hand, and an intake that took so many messages."""

    def __init__(self) -> None:
        self.stopping, self.seconds, self.answered, self.at_work = Waited(), 0.0, 0, False
        self.turn = GivingWay(
            intake=lambda: Progress(self.answered, self.at_work),
            stopping=self.stopping,
            monotonic_ns=lambda: round(self.seconds * 1e9),
        )

    def page(self, *, messages: int, seconds: float = PAGE_SECONDS) -> None:
        self.seconds += seconds
        self.answered += messages


@pytest.mark.parametrize(
    ("messages", "seconds", "waited"),
    [
        pytest.param(0, PAGE_SECONDS, None, id="a quiet night"),
        pytest.param(4, PAGE_SECONDS, None, id="a late guest now and then"),
        pytest.param(5, PAGE_SECONDS, SHARE * PAGE_SECONDS, id="ten a second"),
        pytest.param(2_000, PAGE_SECONDS, SHARE * PAGE_SECONDS, id="a backlog"),
        pytest.param(90_000, 60.0, LONGEST, id="a page that took a minute"),
    ],
)
def test_after_a_page_it_waits_as_the_intake_is_busy(messages, seconds, waited):
    machine = Machine()
    assert machine.turn()
    assert machine.stopping.seconds is None  # the first page has nothing before it
    machine.page(messages=messages, seconds=seconds)
    assert machine.turn()
    assert machine.stopping.seconds == waited


def test_a_batch_that_waits_for_the_lock_is_let_in_though_nothing_is_answered():
    machine = Machine()
    machine.turn()
    machine.page(messages=0)
    machine.at_work = True
    machine.turn()
    assert machine.stopping.seconds == SHARE * PAGE_SECONDS


def test_what_came_while_it_waited_is_not_counted_for_the_next_page():
    machine = Machine()
    machine.turn()
    machine.answered += 50_000  # before the page began, as it were: the clock stands
    machine.turn()
    machine.page(messages=0)
    machine.turn()
    assert machine.stopping.seconds is None


def test_it_says_no_once_the_process_is_asked_to_stop():
    machine = Machine()
    machine.stopping.set()
    assert not machine.turn()
