"""Thousands of kiosks' lines in a few processes: all of a power cut, a storm of births, an evening of declarations.

- Each process has its share of the kiosks, one selector and one heap of moments; the parent gives orders over a pipe and gets counts back.
- When a line is lost it comes again after the real kiosk's own wait (``edge_agent/sending.py``); the first attempt after a power cut falls
  anywhere in ``spread`` seconds, as the kiosk's own does (``edge_agent/line.py``).
- A declaration is sent again after ``RESEND_SECONDS`` without a receipt. One that never gets a receipt is lost, and that is counted.

Example: ``with crowd(kiosks, address, processes=2, will_delay=10) as lines: lines.storm(spread=30, resume=False)``
"""

from __future__ import annotations

import heapq
import multiprocessing
import random
import re
import selectors
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Final

import msgspec

from edge_agent.sending import backoff
from luutru.benchmarks.crowd_line import CONNECT_SECONDS, CrowdLine
from luutru.benchmarks.gateway_load import Message
from luutru.benchmarks.gateway_mqtt import Came
from luutru.demo.pki import Identity
from residence.clock import rfc3339
from residence.wire.topics import KioskTopics

LIFE_SIGN_SECONDS: Final = 60.0
RESEND_SECONDS: Final = 30.0
_DECLARATION: Final = re.compile(rb'"declaration_id":"([0-9a-f-]{36})"')


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One kiosk of the crowd."""

    kiosk_id: str
    topics: KioskTopics
    identity: Identity


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is to do: ``what`` is one of storm, cut, declare, report, end."""

    what: str
    spread: float = 0.0
    resume: bool = False
    kiosks: tuple[str, ...] = ()  # of a cut; none: all
    messages: tuple[Message, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How the kiosks of one process are, since the last order."""

    up: int
    attempts: int = 0
    failed: int = 0
    resumed: int = 0
    refused: int = 0
    life_signs: int = 0
    seconds: tuple[float, ...] = ()  # until each was connected, or each declaration had its receipt
    waiting: int = 0  # declarations without a receipt


class Crowd:
    """The processes, as the parent sees them."""

    def __init__(self, pipes: Sequence[Connection], members: Sequence[Sequence[Member]]) -> None:
        self._pipes, self._members = pipes, members
        self._owner = {each.topics.declarations: number for number, share in enumerate(members) for each in share}

    def order(self, order: Order) -> None:
        """Give every process an order; messages go to whose they are."""
        for number, pipe in enumerate(self._pipes):
            own = tuple(each for each in order.messages if self._owner[each.topic] == number)
            pipe.send_bytes(msgspec.msgpack.encode(msgspec.structs.replace(order, messages=own)))

    def report(self) -> Report:
        """Return how all are now."""
        self.order(Order(what="report"))
        found = [msgspec.msgpack.decode(pipe.recv_bytes(), type=Report) for pipe in self._pipes]
        counts = {name: sum(getattr(each, name) for each in found) for name in Report.__struct_fields__ if name != "seconds"}
        return Report(**counts, seconds=tuple(second for each in found for second in each.seconds))

    def wait(self, done: Callable[[Report], bool], *, seconds: float) -> Report:
        """Ask twice a second until it is done or the time is over."""
        end = time.monotonic() + seconds
        while not done(report := self.report()) and time.monotonic() < end:
            time.sleep(0.5)
        return report


@contextmanager
def crowd(members: Sequence[Member], address: tuple[str, int], *, processes: int, will_delay: int) -> Iterator[Crowd]:
    """Start the processes; their lines are dropped at the end."""
    context = multiprocessing.get_context("fork")
    shares = [members[number::processes] for number in range(processes)]
    pipes, children = [], []
    for number, share in enumerate(shares):
        ours, theirs = context.Pipe()
        child = context.Process(
            target=_run, args=(share, address, theirs, number), kwargs={"will_delay": will_delay}, daemon=True
        )
        child.start()
        theirs.close()
        pipes.append(ours)
        children.append(child)
    try:
        yield Crowd(pipes, shares)
    finally:
        for child in children:
            child.terminate()
            child.join()


def _run(share: Sequence[Member], address: tuple[str, int], pipe: Connection, seed: int, *, will_delay: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _Process(share, address, pipe, seed, will_delay=will_delay).run()


class _Process:
    """One share of the crowd."""

    def __init__(
        self, share: Sequence[Member], address: tuple[str, int], pipe: Connection, seed: int, *, will_delay: int
    ) -> None:
        self._lines = {
            each.kiosk_id: CrowdLine(each.kiosk_id, each.topics, each.identity, will_delay=will_delay) for each in share
        }
        self._by_topic = {each.topics.declarations: each for each in self._lines.values()}
        self._address, self._pipe, self._random = address, pipe, random.Random(seed)
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe, selectors.EVENT_READ, None)
        self._moments: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._tries: dict[str, int] = {}
        self._resume = False
        self._sent: dict[bytes, float] = {}
        self._begin()

    def run(self) -> None:
        """Serve sockets, moments and orders until the parent ends us."""
        while True:
            wait = max(0.0, self._moments[0][0] - time.monotonic()) if self._moments else 1.0
            for key, _ in self._selector.select(min(wait, 1.0)):
                if key.data is None:
                    self._obey(msgspec.msgpack.decode(self._pipe.recv_bytes(), type=Order))
                else:
                    self._guarded(key.data)
            now = time.monotonic()
            while self._moments and self._moments[0][0] <= now:
                heapq.heappop(self._moments)[2]()

    def _begin(self) -> None:
        self._since = time.monotonic()
        self._seconds: list[float] = []
        self._counts = dict.fromkeys(("attempts", "failed", "resumed", "life_signs"), 0)

    def _obey(self, order: Order) -> None:
        if order.what == "report":
            self._pipe.send_bytes(msgspec.msgpack.encode(self._report()))
            return
        self._begin()
        if order.what == "cut":
            for line in self._lines.values():
                if line.kiosk_id in order.kiosks or not order.kiosks:
                    self._drop(line)
        elif order.what == "storm":
            self._storm(order)
        elif order.what == "declare":
            for message in order.messages:
                self._at(self._random.random() * order.spread, partial(self._declare, message, first=True))

    def _storm(self, order: Order) -> None:
        self._resume = order.resume
        for line in self._lines.values():
            if line.state == "off":
                self._tries[line.kiosk_id] = 0
                self._at(self._random.random() * order.spread, partial(self._open, line))

    def _report(self) -> Report:
        return Report(
            up=sum(each.state == "up" for each in self._lines.values()),
            refused=sum(each.refused for each in self._lines.values()),
            seconds=tuple(self._seconds),
            waiting=len(self._sent),
            **self._counts,
        )

    def _at(self, seconds: float, work: Callable[..., None]) -> None:
        self._number += 1
        heapq.heappush(self._moments, (time.monotonic() + seconds, self._number, work))

    def _open(self, line: CrowdLine) -> None:
        if line.state != "off":
            return
        self._counts["attempts"] += 1
        try:
            line.open(self._address, resume=self._resume)
        except OSError:
            self._lost(line)
            return
        self._selector.register(line, selectors.EVENT_READ | selectors.EVENT_WRITE, line)
        self._at(CONNECT_SECONDS, partial(self._give_up, line, line.attempts))

    def _give_up(self, line: CrowdLine, attempt: int) -> None:
        if line.state not in {"off", "up"} and line.attempts == attempt:
            self._lost(line)

    def _guarded(self, line: CrowdLine) -> None:
        before, number = line.state, line.fileno()
        try:
            found = line.advance()
            if line.state == "up" and before != "up":
                self._connected(line)
        except OSError:
            self._lost(line)
            return
        if found:
            self._take(found)
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.wants_write else 0)
        if line.fileno() == number:
            self._selector.modify(line, wanted, line)

    def _connected(self, line: CrowdLine) -> None:
        self._seconds.append(time.monotonic() - self._since)
        self._counts["resumed"] += line.resumed
        self._tries[line.kiosk_id] = 0
        self._say_alive(line, line.sessions)

    def _say_alive(self, line: CrowdLine, session: int) -> None:
        if line.state == "up" and line.sessions == session:
            line.say_alive(rfc3339(datetime.now(UTC)))
            self._counts["life_signs"] += 1
            self._at(LIFE_SIGN_SECONDS, lambda: self._say_alive(line, session))

    def _lost(self, line: CrowdLine) -> None:
        self._counts["failed"] += 1
        tries = self._tries.get(line.kiosk_id, 0)
        self._tries[line.kiosk_id] = tries + 1
        self._drop(line)
        self._at(backoff(tries, jitter=self._random.random), lambda: self._open(line))

    def _drop(self, line: CrowdLine) -> None:
        with suppress(KeyError, ValueError):  # it may not have got so far
            self._selector.unregister(line)
        line.close()

    def _declare(self, message: Message, *, first: bool = False) -> None:
        declaration_id = message.declaration_id.encode()
        if first:
            self._sent.setdefault(declaration_id, time.monotonic())
        elif declaration_id not in self._sent:
            return
        line = self._by_topic[message.topic]
        if line.state == "up":
            line.publish(message.topic, message.payload)
        self._at(RESEND_SECONDS, lambda: self._declare(message))

    def _take(self, found: Sequence[Came]) -> None:
        now = time.monotonic()
        for came in found:
            for declaration_id in _DECLARATION.findall(came.payload):
                if (sent := self._sent.pop(declaration_id, None)) is not None:
                    self._seconds.append(now - sent)


def unique(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return each declaration once."""
    found: dict[str, Any] = {each.declaration_id: each for each in messages}
    return tuple(found.values())
