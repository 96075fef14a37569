"""One event loop in one thread: virtual seconds, a seeded order of events, and processes that can be killed anywhere they wait.

- Nothing here waits for real time. ``run_until`` takes the earliest event, sets the clock to it and calls it.
- A process is a greenlet that runs the product's own loop; where that loop would wait for a queue or an event, it waits here.
- Killing a process raises ``Killed`` at the place it waits. It is no ``Exception``, so no handler of the product swallows it.
- The same seed gives the same order of events, for ever: ties are broken by the order of scheduling.

Example: ``loop.call_after(1.5, kiosk.scan); loop.run_until(40.0)``
"""

from __future__ import annotations

import heapq
import queue
from collections import deque
from datetime import UTC, datetime, timedelta
from itertools import count

from greenlet import GreenletExit, getcurrent, greenlet

BEGIN = datetime(2026, 7, 11, 1, 0, tzinfo=UTC)  # the morning after the arrivals; 08:00 in Vietnam


class Killed(GreenletExit):
    """The process is dead: nothing after this is its own doing."""


class Loop:
    """Events in order of time."""

    def __init__(self):
        self.now = 0.0
        self._events = []
        self._order = count()
        self._hub = getcurrent()
        self.processes = []

    def call_after(self, seconds, work, *arguments):
        """Call ``work`` once that much time has passed."""
        heapq.heappush(self._events, (self.now + seconds, next(self._order), work, arguments))

    def run_until(self, end, *, done=lambda: False):
        """Let time pass up to ``end``, or until ``done()``; what is due exactly then still happens."""
        while self._events and self._events[0][0] <= end and not done():
            self.now, _, work, arguments = heapq.heappop(self._events)
            work(*arguments)
        if not done():
            self.now = end

    def start(self, work):
        """Begin a process."""
        process = Process(self, work)
        self.processes.append(process)
        self.call_after(0.0, process.resume, 0)
        return process

    def end(self):
        """Kill whatever still runs and forget what was to come."""
        for process in self.processes:
            process.kill()
        self._events.clear()
        self.processes.clear()


class Process:
    """One loop of the product. ``pause`` is called inside it, everything else outside."""

    def __init__(self, loop, work):
        self._loop = loop
        self._pauses = 0  # a wake-up for an earlier pause is none
        self.alive = True
        self._greenlet = greenlet(self._run)
        self._work = work

    def _run(self):
        try:
            self._work()
        finally:
            self.alive = False

    def resume(self, pause):
        """Go on, if it still is in that pause."""
        if self.alive and pause == self._pauses:
            self._switch()

    def _switch(self):
        self._greenlet.parent = getcurrent()  # a failure of ours must reach the loop, not a process that has ended
        self._greenlet.switch()

    def pause(self, seconds):
        """Wait inside the process: for so long, or until ``wake``."""
        self._pauses += 1
        self._loop.call_after(seconds, self.resume, self._pauses)
        self._loop._hub.switch()

    def wake(self):
        """End the pause it is in, as soon as the loop comes round."""
        self._loop.call_after(0.0, self.resume, self._pauses)

    def kill(self):
        """Raise ``Killed`` where it waits; harmless on a dead one."""
        if self.alive and self._greenlet is getcurrent():
            self.alive = False
            raise Killed
        if self.alive:
            self.alive = False
            if self._greenlet:  # it has begun
                self._greenlet.parent = getcurrent()
                self._greenlet.throw(Killed)


class Mailbox:
    """What ``queue.SimpleQueue`` is to a thread, for one process."""

    def __init__(self):
        self.owner = None
        self._waiting = False
        self._items = deque()

    def put(self, item):
        self._items.append(item)
        if self._waiting:
            self.owner.wake()

    def get(self, *, timeout):
        if not self._items:
            self._waiting = True
            self.owner.pause(timeout)
            self._waiting = False
        if not self._items:
            raise queue.Empty
        return self._items.popleft()

    def empty(self):
        return not self._items


class Stopping:
    """What ``threading.Event`` is to a worker: never set, for our processes end by being killed; ``wait`` takes virtual time."""

    def __init__(self):
        self.owner = None

    def is_set(self):
        return False

    def wait(self, seconds):
        self.owner.pause(seconds)
        return False


class VirtualClock:
    """A machine's two clocks. ``offset`` moves its wall clock; the monotonic one starts again at every boot."""

    def __init__(self, loop):
        self._loop = loop
        self._booted = loop.now
        self.offset = timedelta(0)

    def now(self):
        return BEGIN + timedelta(seconds=self._loop.now) + self.offset

    def monotonic_ns(self):
        return int((self._loop.now - self._booted + 1.0) * 1e9)

    def boot(self):
        self._booted = self._loop.now
