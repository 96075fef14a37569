"""Peers beside the gateway: the same declarations, the same broker, a SQLite file each, and a crash in the middle.

- They get the declarations as plain JSON, for they cannot decrypt: what they are spared (signature, sealing, registry, receipt) is all
  the work the gateway has besides writing.
- Rate: rows after the first seen, by the time to the last, as a reader of the database sees it. The peer has the core the gateway had.
- Crash: SIGKILL when three tenths of the declarations are written, started again after a second. Lost is what never appears. The gateway
  meets the same crash.

Example: ``measure(ground, row_by_row, messages=4_000).per_second``
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from luutru.benchmarks import node_red as flow
from luutru.benchmarks.gateway_ground import Ground
from luutru.benchmarks.gateway_load import read_messages
from luutru.benchmarks.gateway_mqtt import connect
from luutru.benchmarks.gateway_process import pin, two_cores
from luutru.benchmarks.row_by_row import CLIENT_ID, FILTER, make_database
from luutru.demo.broker import Broker
from luutru.demo.pki import GATEWAY_NAME

POLL_SECONDS: Final = 0.05
QUIET_SECONDS: Final = 8.0
FIRST_SECONDS: Final = 20.0
KILL_AT: Final = 0.3
Command = Callable[[Ground, Broker, Path], list[str]]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One peer's run. ``lost`` is a share of the declarations."""

    per_second: float
    lost: float


def row_by_row(ground: Ground, broker: Broker, database: Path) -> list[str]:
    """Return the command of the plain consumer."""
    module = "luutru.benchmarks.row_by_row"
    return [sys.executable, "-m", module, broker.host, str(broker.port), str(ground.pki.ca.parent), str(database)]


def node_red(ground: Ground, broker: Broker, database: Path) -> list[str]:
    """Return the command of Node-RED."""
    folder = database.with_suffix(".flow")
    return flow.start_command(folder, address=(broker.host, broker.port), tls=ground.pki.ca.parent, database=database)


def measure(ground: Ground, command: Command, *, messages: int, kill: bool = False) -> Measured:
    """Let a peer drain a queue; ``kill``: end it in the middle and start it again."""
    others, own = two_cores()
    database = ground.folder / f"peer-{command.__name__}-{kill}.db"
    make_database(database)
    different = len({each.declaration_id for each in read_messages(ground.messages, messages)})
    with ground.broker(cores=others) as broker:
        _queue(ground, broker, messages)
        arguments = command(ground, broker, database)
        if kill:
            with _running(arguments, own):
                _watch(database, round(different * KILL_AT))
            time.sleep(1)
        with _running(arguments, own):
            written, rate = _watch(database, different)
    return Measured(per_second=rate, lost=1 - written / different)


def _queue(ground: Ground, broker: Broker, messages: int) -> None:
    address = (broker.host, broker.port)
    with connect(address, ground.pki.gateway(GATEWAY_NAME), CLIENT_ID, clean=False) as line:
        line.subscribe([FILTER], qos=1)
    with connect(address, ground.kiosks_identity, "bench-fills") as line:
        line.publish_all((each.topic, each.plain) for each in read_messages(ground.messages, messages))


@contextmanager
def _running(command: list[str], cores: set[int] | None) -> Iterator[None]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    pin(process.pid, cores)
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _watch(database: Path, wanted: int) -> tuple[int, float]:
    """Return (rows, rows per second) once there are so many, or when nothing has changed for a while."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        before = rows = _count(connection)
        first: tuple[int, float] | None = None
        changed = time.perf_counter()
        while rows < wanted and time.perf_counter() - changed < (QUIET_SECONDS if first else FIRST_SECONDS):
            time.sleep(POLL_SECONDS)
            now = _count(connection)
            if now != rows:
                rows, changed = now, time.perf_counter()
                if first is None and rows > before:
                    first = (rows, changed)
    if first is None or changed <= first[1]:
        return rows, 0.0
    return rows, (rows - first[0]) / (changed - first[1])


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM declaration").fetchone()[0])
