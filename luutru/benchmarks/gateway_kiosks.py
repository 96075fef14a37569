"""The kiosks' side of a measurement, in a process of its own: counts receipts as they come, or offers messages at a steady rate.

- One connection speaks for all kiosks (``gateway_ground.BENCH_USER``): the gateway is measured, not a thousand clients.
- ``ReceiptCount`` counts receipts, not MQTT messages, and says when the last one came; times are the machine's monotonic clock.
- ``offer`` sends message ``n`` at ``n`` / rate seconds, however late the answers are, and times each declaration from its own moment to
  the first receipt that names it: an arrival that had to wait counts as waiting.

Example: ``with counting(address, identity) as receipts: ...; receipts.wait(10_000)``
"""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, Final

import msgspec

from luutru.benchmarks.gateway_ground import BENCH_USER
from luutru.benchmarks.gateway_load import Message
from luutru.benchmarks.gateway_mqtt import KEEPALIVE_SECONDS, Line, connect
from luutru.demo.pki import Identity
from residence.wire.topics import GATEWAY_STATE, ROOT

RECEIPTS: Final = f"{ROOT}/+/+/+/r"
STALL_SECONDS: Final = 30.0
_DECLARATION: Final = re.compile(rb'"declaration_id":"([0-9a-f-]{36})"')
_CBOR_ARRAY: Final = 0x80
Address = tuple[str, int]


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a steady offer: milliseconds to each receipt, and how many never came."""

    milliseconds: list[float]
    unanswered: int
    late_ms: float  # how late the last message was sent: an offer that was not kept up measures its own sender


class ReceiptCount:
    """What the counting process has seen so far."""

    def __init__(self, count: Any, last_at: Any) -> None:
        self._count = count
        self._last_at = last_at

    @property
    def so_far(self) -> int:
        """Return how many receipts came."""
        return int(self._count.value)

    @property
    def last_at(self) -> float:
        """Return when the last one came."""
        return float(self._last_at.value)

    def wait(self, wanted: int) -> None:
        """Wait for so many; ``RuntimeError`` when none comes for half a minute."""
        seen, moved = self.so_far, time.perf_counter()
        while seen < wanted:
            time.sleep(0.003)
            if self.so_far != seen:
                seen, moved = self.so_far, time.perf_counter()
            elif time.perf_counter() - moved > STALL_SECONDS:
                raise RuntimeError(f"only {seen} of {wanted} receipts came")


@contextmanager
def counting(address: Address, identity: Identity, *, cores: set[int] | None = None) -> Iterator[ReceiptCount]:
    """Count receipts from now on until the block ends."""
    context = multiprocessing.get_context("fork")
    count, last_at, ready = context.Value("q", 0, lock=False), context.Value("d", 0.0, lock=False), context.Event()
    child = context.Process(
        target=_count, args=(address, identity), kwargs={"shared": (count, last_at), "ready": ready, "cores": cores}, daemon=True
    )
    child.start()
    try:
        if not ready.wait(STALL_SECONDS):
            raise RuntimeError("the counting process did not connect")
        yield ReceiptCount(count, last_at)
    finally:
        child.terminate()
        child.join()


def offer(
    address: Address, identity: Identity, messages: Sequence[Message], *, per_second: float, cores: set[int] | None = None
) -> Offered:
    """Offer messages at a steady rate from a process of its own; return when all are answered or nothing comes any more."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(
        target=_offer,
        args=(address, identity, messages),
        kwargs={"per_second": per_second, "out": theirs, "cores": cores},
        daemon=True,
    )
    child.start()
    theirs.close()
    try:
        return msgspec.msgpack.decode(ours.recv_bytes(), type=Offered)
    except EOFError:
        raise RuntimeError("the offering process failed; what went wrong is above") from None
    finally:
        child.join()
        ours.close()


def wait_online(line: Line, workers: int) -> None:
    """Wait until so many gateways have said that they take. ``line`` is subscribed to ``GATEWAY_STATE`` before they start."""
    said, end = 0, time.monotonic() + STALL_SECONDS
    while said < workers:
        if time.monotonic() > end:
            raise RuntimeError("the gateway did not connect to the broker")
        said += sum(each.topic == GATEWAY_STATE and b'"online":true' in each.payload for each in line.receive(0.1))


def _prepare(cores: set[int] | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if cores:
        os.sched_setaffinity(0, cores)


def _count(address: Address, identity: Identity, *, shared: tuple[Any, Any], ready: Any, cores: set[int] | None) -> None:
    _prepare(cores)
    count, last_at = shared
    with connect(address, identity, f"{BENCH_USER}-counts") as line:
        line.subscribe([RECEIPTS], qos=0)
        ready.set()
        pinged = time.monotonic()
        while True:
            found = line.receive(1.0)
            if found:
                last_at.value = time.perf_counter()
                count.value += sum(each.payload[0] - _CBOR_ARRAY for each in found)
            if time.monotonic() - pinged > KEEPALIVE_SECONDS / 2:
                line.ping()
                pinged = time.monotonic()


def _offer(
    address: Address,
    identity: Identity,
    messages: Sequence[Message],
    *,
    per_second: float,
    out: Connection,
    cores: set[int] | None,
) -> None:
    _prepare(cores)
    with connect(address, identity, f"{BENCH_USER}-offers") as line:
        line.subscribe([RECEIPTS], qos=0)
        offered = _Offer(line, messages, per_second)
        offered.run()
    out.send_bytes(msgspec.msgpack.encode(offered.outcome()))


class _Offer:
    """The loop: send what is due, read what has come."""

    def __init__(self, line: Line, messages: Sequence[Message], per_second: float) -> None:
        self._line = line
        self._messages = messages
        self._pause = 1 / per_second
        self._due: dict[bytes, float] = {}
        self._took: list[float] = []
        self._late = 0.0

    def run(self) -> None:
        """Send everything and wait for the answers."""
        begun, sent = time.perf_counter(), 0
        while sent < len(self._messages):
            now = time.perf_counter()
            due = min(int((now - begun) / self._pause) + 1, len(self._messages))
            if due > sent:
                for number in range(sent, due):
                    self._due.setdefault(self._messages[number].declaration_id.encode(), begun + number * self._pause)
                self._line.publish((each.topic, each.payload) for each in self._messages[sent:due])
                self._late = now - begun - (due - 1) * self._pause
                sent = due
            self._read(max(0.0, begun + sent * self._pause - time.perf_counter()))
        quiet = time.perf_counter()
        while self._due and time.perf_counter() - quiet < 5:
            if self._read(0.2):
                quiet = time.perf_counter()

    def outcome(self) -> Offered:
        """Return what was measured."""
        return Offered(milliseconds=[each * 1e3 for each in self._took], unanswered=len(self._due), late_ms=self._late * 1e3)

    def _read(self, seconds: float) -> bool:
        found = self._line.receive(seconds)
        now = time.perf_counter()
        for each in found:
            for declaration_id in _DECLARATION.findall(each.payload):
                due = self._due.pop(declaration_id, None)
                if due is not None:
                    self._took.append(now - due)
        return bool(found)
