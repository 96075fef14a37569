"""Two measurements of the real gateway: a queue that waits for it, and messages that come at a steady rate.

- *Drain*: the gateway's durable session holds all messages before it starts. Wall time and CPU time run from the first batch's receipts
  to the last receipt in the kiosks' hands, so that starting up is not a part of a rate; it is a part of ``seconds_from_start``.
- One worker has a core to itself where there are two; broker, database and kiosks share the other. Two workers share both with everybody.
- The night's work, of a register nobody has looked after yet, goes on only where it is said (``night``): it was done before the evening.
- *Counted* is what was recorded for the first time: a message sent twice gets its receipt twice and counts once.

Example: ``drain(ground, "sqlite", messages=40_000).per_core``
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Final, NamedTuple

import msgspec

from luutru.benchmarks.gateway_ground import BENCH_USER, Copy, Database, Ground
from luutru.benchmarks.gateway_kiosks import Offered, ReceiptCount, counting, offer, wait_online
from luutru.benchmarks.gateway_load import read_messages
from luutru.benchmarks.gateway_mqtt import connect
from luutru.benchmarks.gateway_process import GatewayProcess, running, two_cores
from luutru.commands.gateway import parse_shards
from luutru.demo.broker import Broker
from luutru.processes.gateway import GatewaySettings, client_id
from residence.wire.topics import GATEWAY_STATE, shard_filter

BATCH: Final = 500
SHARDS: Final[dict[int, tuple[str, ...]]] = {1: ("0-63",), 2: ("0-31", "32-63")}
NO_NIGHT: Final = -1
KILL_AT: Final = 0.3
QUIET_SECONDS: Final = 20.0
RECORDED: Final = ("accepted", "conflicting", "refused")


class Drained(msgspec.Struct, frozen=True, kw_only=True):
    """One drained queue. ``cpu_seconds`` of all workers together, ``server_cpu_seconds`` of PostgreSQL, both for ``messages`` messages."""

    messages: int  # those after the first batch
    accepted: int
    seconds: float
    cpu_seconds: float
    server_cpu_seconds: float
    seconds_from_start: float  # of all messages
    rss_mib: float  # of the largest worker
    counts: dict[str, int]

    @property
    def per_second(self) -> float:
        """Accepted per second of wall time."""
        return self.accepted / self.seconds

    @property
    def per_core(self) -> float:
        """Accepted per second of the workers' CPU time."""
        return self.accepted / self.cpu_seconds

    @property
    def us_per_message(self) -> float:
        """CPU microseconds of the workers per message, doubled ones included."""
        return self.cpu_seconds / self.messages * 1e6


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """What a steady offer met: the waits, and the gateway's memory at the end."""

    offered: Offered
    rss_mib: float


def drain(
    ground: Ground,
    database: Database,
    *,
    messages: int,
    workers: int = 1,
    batch: int = BATCH,
    look: Callable[[Copy], None] = lambda _copy: None,
) -> Drained:
    """Queue messages, start workers, and wait for the last receipt. ``look`` sees the registry before it is deleted."""
    others, own = two_cores() if workers == 1 else (None, None)
    ground.pin_postgres(others)
    with ground.broker(cores=others) as broker, ground.copy(database) as copy:
        arguments = [_arguments(ground, copy, broker, shards=each, batch=batch) for each in SHARDS[workers]]
        _make_sessions(ground, broker, workers)
        _queue(ground, broker, messages)
        with counting((broker.host, broker.port), ground.kiosks_identity, cores=others) as receipts:
            with _all_running(arguments, cores=own) as gateways:
                first, last = _watch(ground, gateways, receipts, messages)
            ended = receipts.last_at
        look(copy)
    counts = sum((each.counts for each in gateways), Counter[str]())
    share = 1 - first.receipts / messages
    return Drained(
        messages=messages - first.receipts,
        accepted=round(accepted(counts, ground, messages) * share),
        seconds=ended - first.at,
        cpu_seconds=last.cpu - first.cpu,
        server_cpu_seconds=last.server_cpu - first.server_cpu,
        seconds_from_start=ended - min(each.begun_at for each in gateways),
        rss_mib=last.rss_mib,
        counts=dict(counts),
    )


class _Mark(NamedTuple):
    """What was used until a moment. CPU is read before the receipts, so that an interval never gets too few of it."""

    cpu: float
    server_cpu: float
    at: float
    receipts: int
    rss_mib: float


def _watch(ground: Ground, gateways: Sequence[GatewayProcess], receipts: ReceiptCount, messages: int) -> tuple[_Mark, _Mark]:
    for each in gateways:
        each.wait_begun()

    def mark() -> _Mark:
        return _Mark(
            sum(each.cpu_seconds() for each in gateways),
            ground.postgres_cpu_seconds(),
            time.perf_counter(),
            receipts.so_far,
            max(each.rss_mib() for each in gateways),
        )

    receipts.wait(1)
    first = mark()
    receipts.wait(messages)
    return first, mark()


def live(
    ground: Ground,
    database: Database,
    *,
    messages: int,
    per_second: float,
    warm_up: int,
    batch: int = BATCH,
    night: int = NO_NIGHT,
) -> Live:
    """Offer messages at a steady rate to a gateway that waits for them; the first ``warm_up`` are not counted. ``night``: its hour."""
    others, own = two_cores()
    ground.pin_postgres(others)
    with ground.broker(cores=others) as broker, ground.copy(database) as copy:
        address = (broker.host, broker.port)
        with connect(address, ground.kiosks_identity, BENCH_USER) as line:
            line.subscribe([GATEWAY_STATE], qos=0)
            with running(_arguments(ground, copy, broker, shards="0-63", batch=batch, night=night), cores=own) as gateway:
                wait_online(line, 1)
                every = list(read_messages(ground.messages, warm_up + messages))
                parts = (every[:warm_up], every[warm_up:])
                _, offered = (offer(address, ground.kiosks_identity, each, per_second=per_second, cores=others) for each in parts)
                return Live(offered=offered, rss_mib=gateway.rss_mib())


def killed(ground: Ground, *, messages: int) -> float:
    """Kill the gateway when three tenths are answered, start it again, and return the share of declarations that never appear."""
    others, own = two_cores()
    different = _different(ground, messages)
    with ground.broker(cores=others) as broker, ground.copy("sqlite") as copy:
        arguments = _arguments(ground, copy, broker, shards=SHARDS[1][0], batch=BATCH)
        _make_sessions(ground, broker, 1)
        _queue(ground, broker, messages)
        with counting((broker.host, broker.port), ground.kiosks_identity, cores=others) as receipts:
            with running(arguments, cores=own) as gateway:
                receipts.wait(round(messages * KILL_AT))
                gateway.kill()
            time.sleep(1)
            with running(arguments, cores=own):
                recorded = _settled(copy, different)
    return 1 - recorded / different


def _settled(copy: Copy, wanted: int) -> int:
    """Return how many declarations the registry holds once there are so many, or when nothing has changed for a while."""
    with closing(sqlite3.connect(f"file:{copy.path}?mode=ro", uri=True)) as connection:
        found, changed = 0, time.perf_counter()
        while found < wanted and time.perf_counter() - changed < QUIET_SECONDS:
            time.sleep(0.1)
            now = connection.execute("SELECT count(*) FROM declarations").fetchone()[0]
            if now != found:
                found, changed = now, time.perf_counter()
        return found


def _different(ground: Ground, messages: int) -> int:
    return len({each.declaration_id for each in read_messages(ground.messages, messages)})


def accepted(counts: Counter[str], ground: Ground, messages: int) -> int:
    """Return how many declarations were recorded; anything but one record per declaration is an error, not a figure."""
    different = _different(ground, messages)
    recorded = sum(counts[state] for state in RECORDED)
    if recorded != different or counts["refused"]:
        raise RuntimeError(f"{different} declarations were sent, and the gateway says {dict(counts)}")
    return recorded


def _arguments(ground: Ground, copy: Copy, broker: Broker, *, shards: str, batch: int, night: int = NO_NIGHT) -> list[str]:
    options = {
        "--registry": copy.url,
        "--vault": copy.vault,
        "--keys": ground.keys,
        "--tls": ground.pki.ca.parent,
        "--broker": f"{broker.host}:{broker.port}",
        "--shards": shards,
        "--batch": batch,
        "--sweep-seconds": 60 if shards.startswith("0") else 0,  # one worker sweeps
        "--night-hour": night,
    }
    return [str(part) for option in options.items() for part in option]


@contextmanager
def _all_running(arguments: Sequence[list[str]], *, cores: set[int] | None) -> Iterator[list[GatewayProcess]]:
    with ExitStack() as stack:
        yield [stack.enter_context(running(each, cores=cores)) for each in arguments]


def _make_sessions(ground: Ground, broker: Broker, workers: int) -> None:
    """Subscribe as each worker will, so that the broker keeps its messages."""
    for text in SHARDS[workers]:
        shards = parse_shards(text)
        settings = GatewaySettings(registry="", vault=ground.folder, keys=ground.keys, tls=ground.folder, shards=shards)
        identity = ground.pki.gateway(settings.name)
        with connect((broker.host, broker.port), identity, client_id(settings), clean=False) as line:
            line.subscribe([shard_filter(each) for each in shards], qos=1)


def _queue(ground: Ground, broker: Broker, messages: int) -> None:
    with connect((broker.host, broker.port), ground.kiosks_identity, BENCH_USER) as line:
        line.publish_all((each.topic, each.payload) for each in read_messages(ground.messages, messages))
