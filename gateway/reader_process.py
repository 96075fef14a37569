"""The line and the reading in a process of its own, so that a second core verifies and opens while the first one records.

- Another form of the same port (``gateway/port.py``): a child holds the broker connection, reads each delivery against the trust in
  force, and hands over whole batches with their readings; acknowledgements and receipts go back the same way.
- At most one batch is read ahead: the pipe is full then, and the broker's window does the rest.
- The child decides nothing and stores nothing. When it ends, a new one begins and unacknowledged messages come again; when we end,
  however, it ends at once, for its pipe is closed.
- A delivery the child could not read, because the registry was away, comes without a reading; intake then tries itself.

Example: ``ReaderProcess(make_reader, batch=500, fill_seconds=0.004, on_state=log_state).start()``
"""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from gateway.handing_over import pack, unpack
from gateway.port import ConnectionState, Delivery, Transport
from gateway.reading import Read, SetAside

log = structlog.get_logger("luutru.gateway")
Report = Callable[[ConnectionState, str], None]
ReadOne = Callable[[Delivery], Read | SetAside]
# (number of the first connection, where states go) -> the line and how to read; called in the child
MakeReader = Callable[[int, Report], tuple[Transport, ReadOne]]
CONNECTIONS_PER_CHILD: Final = 1_000_000
STOP_SECONDS: Final = 15.0
PAUSE_SECONDS: Final = 0.5


class ReaderProcess:
    """A ``Transport`` whose work is done by a child."""

    def __init__(self, make: MakeReader, *, batch: int, fill_seconds: float, on_state: Report) -> None:
        self._make = make
        self._batch = batch
        self._fill_seconds = fill_seconds
        self._on_state = on_state
        self._state = ConnectionState.STOPPED
        self._children = 0
        self._pipe: Connection | None = None
        self._child: BaseProcess | None = None

    @property
    def state(self) -> ConnectionState:
        """Return where the child's connection stood when it last said so."""
        return self._state

    def start(self) -> None:
        """Begin a child; return at once."""
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._children += 1
        work = _Child(theirs, self._pipe, self._batch, self._fill_seconds)
        self._child = context.Process(
            target=work.run, args=(self._make, self._children * CONNECTIONS_PER_CHILD), name="luutru-gateway-reader", daemon=True
        )
        self._child.start()
        theirs.close()

    def stop(self) -> None:
        """Ask the child to leave politely; kill it when it does not."""
        if self._child is None or self._pipe is None:
            return
        self._tell("stop")
        end = time.monotonic() + STOP_SECONDS
        while self._child.is_alive() and time.monotonic() < end:
            self._hear(0.05)  # what it still hands over comes again to the next gateway
        if self._child.is_alive():
            self._child.kill()
        self._child.join()
        self._pipe.close()
        self._child, self._pipe = None, None
        self._become(ConnectionState.STOPPED, "")

    def collect(self, limit: int, *, wait_seconds: float, fill_seconds: float) -> list[Delivery]:  # noqa: ARG002 - the child fills
        """Return the child's next batch; its size is the child's, set to the same limit."""
        end = time.monotonic() + wait_seconds
        while True:
            batch = self._hear(max(0.0, end - time.monotonic()))
            if batch or time.monotonic() >= end:
                return batch

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Have the child acknowledge these."""
        self._tell("ack", [(each.connection, each.message_id) for each in deliveries])

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Have the child send."""
        # While it is still subscribing, too: what waited in our session comes before the SUBACK, and is to be answered at once.
        if self._state not in {ConnectionState.CONNECTED, ConnectionState.CONNECTING}:
            return False
        return self._tell("publish", topic, payload, retain)

    def _hear(self, seconds: float) -> list[Delivery]:
        if self._pipe is None:
            return []
        try:
            if not self._pipe.poll(seconds):
                return []
            kind, content = self._pipe.recv()
        except (EOFError, OSError):
            self._begin_again()
            return []
        if kind == "state":
            self._become(*content)
            return []
        return unpack(content)

    def _begin_again(self) -> None:
        if self._child is None or self._pipe is None:
            return
        self._child.join(1)
        if self._child.exitcode == 0:
            return  # it was asked to stop
        log.warning("reader ended", status=self._child.exitcode)
        self._pipe.close()
        self._become(ConnectionState.WAITING, "the reader process ended")
        time.sleep(PAUSE_SECONDS)
        self.start()

    def _tell(self, *words: Any) -> bool:
        if self._pipe is None:
            return False
        try:
            self._pipe.send(words)
        except OSError:
            return False  # it ended; what it held comes again
        return True

    def _become(self, state: ConnectionState, why: str) -> None:
        if state is not self._state or why:
            self._state = state
            self._on_state(state, why)


class _Child:
    """What runs in the child."""

    def __init__(self, pipe: Connection, parents: Connection, batch: int, fill_seconds: float) -> None:
        self._pipe = pipe
        self._parents = parents
        self._batch = batch
        self._fill_seconds = fill_seconds
        self._states: queue.SimpleQueue[tuple[ConnectionState, str]] = queue.SimpleQueue()
        self._stopping = threading.Event()

    def run(self, make: MakeReader, first_connection: int) -> None:
        """Serve until told to stop or until the parent is gone."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # the parent decides when we end
        self._parents.close()
        transport, read = make(first_connection, lambda state, why: self._states.put((state, why)))
        threading.Thread(target=self._obey, args=(transport,), daemon=True).start()
        transport.start()
        try:
            while not self._stopping.is_set():
                self._turn(transport, read)
        except OSError:
            os._exit(0)  # the parent is gone
        transport.stop()

    def _turn(self, transport: Transport, read: ReadOne) -> None:
        batch = transport.collect(self._batch, wait_seconds=0.1, fill_seconds=self._fill_seconds)
        while not self._states.empty():
            self._pipe.send(("state", self._states.get()))
        if batch:
            self._pipe.send(("batch", pack([_with_reading(each, read) for each in batch])))

    def _obey(self, transport: Transport) -> None:
        try:
            while True:
                words = self._pipe.recv()
                if words[0] == "ack":
                    transport.acknowledge([_Token(*each) for each in words[1]])  # type: ignore[misc]  # all it needs
                elif words[0] == "publish":
                    transport.publish(words[1], words[2], retain=words[3])
                else:
                    self._stopping.set()
                    return
        except (EOFError, OSError):
            os._exit(0)  # the parent is gone, perhaps killed: the broker must see us go at once


@dataclasses.dataclass(frozen=True, slots=True)
class _Token:
    """What an acknowledgement needs of a delivery."""

    connection: int
    message_id: int


def _with_reading(delivery: Delivery, read: ReadOne) -> Delivery:
    if delivery.topic.endswith("/s"):
        return delivery
    try:
        return dataclasses.replace(delivery, reading=read(delivery))
    except SQLAlchemyError:
        return delivery
