"""How many declarations a gateway receipts per second, end to end on real parts, beside the bare cost of those parts.

- Sealed beforehand (200 kiosk keys, 64 declarations to a data key, everybody somebody else), queued in the gateway's durable session at a
  real Mosquitto with TLS and ACL; then the gateway starts and the clock runs from its first batch to its last receipt handed over.
- Everything is on: signatures verified, bodies opened, rules checked, reconciled, committed with full sync, acknowledged,
  receipts signed and published.
- Parts alone: the same messages through our transport and Mosquitto with nothing done, and the same number of 600-byte rows inserted in batches.

Example: ``receipted_per_second("sqlite:////tmp/registry.db", count=10_000, batch=500)``
"""

from __future__ import annotations

import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from gateway.port import ConnectionState, Delivery, Transport
from luutru.benchmarks.fleet import Fleet, FleetKiosk, fresh_id
from luutru.demo.broker import Broker
from luutru.demo.pki import Pki
from luutru.opening import open_registry
from luutru.processes.gateway import GatewaySettings, build, make_transport, settle_memory
from luutru.system import SystemClock, random_bytes
from registry.database import upgrade
from residence.clock import VIETNAM, rfc3339
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.people.person import Document, DocumentKind, PartialDate, Person
from residence.stays.declaration import Declarant, Reason, StayDeclaration

KIOSKS: Final = 200
ROW_BYTES: Final = 600
ENVELOPE_BYTES: Final = 1200
PATIENCE_SECONDS: Final = 300.0
_CLOCK: Final = SystemClock()


class GatewayFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What one run gave. ``cpu_us``: this process's CPU time per declaration, all threads, without the broker's."""

    receipted: int
    seconds: float
    per_second: float
    cpu_us: float


class _Counted:
    """A transport that notes when work began and how many receipts went out."""

    def __init__(self, inner: Transport, wanted: int) -> None:
        self._inner = inner
        self._wanted = wanted
        self.acknowledged = 0
        self.began: tuple[float, float] | None = None
        self.ended = (0.0, 0.0)
        self.done = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def collect(self, limit: int, *, wait_seconds: float, fill_seconds: float) -> list[Delivery]:
        batch = self._inner.collect(limit, wait_seconds=wait_seconds, fill_seconds=fill_seconds)
        if batch and self.began is None:
            self.began = (time.perf_counter(), time.process_time())
        if not batch and self.acknowledged >= self._wanted:
            self.done.set()
        return batch

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        self._inner.acknowledge(deliveries)
        self.acknowledged += len(deliveries)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        sent = self._inner.publish(topic, payload, retain=retain)
        self.ended = (time.perf_counter(), time.process_time())
        return sent


def receipted_per_second(url: str, *, count: int, batch: int = 500) -> float:
    """Return accepted and receipted declarations per second into an empty registry at ``url``."""
    return measure(url, count=count, batch=batch).per_second


def measure(url: str, *, count: int, batch: int = 500) -> GatewayFigures:
    """Run once; raises ``RuntimeError`` when not every declaration was accepted."""
    with _stage() as (folder, broker):
        upgrade(url)
        now = _CLOCK.now()
        registry = open_registry(url, folder / "vault")
        fleet = Fleet(kiosks=KIOSKS, now=now - timedelta(days=1), random_bytes=random_bytes, keys=folder / "keys")
        with registry.writing() as connection:
            fleet.enrol(connection, vault=registry.vault, now=now)
        settings = GatewaySettings(
            registry=url,
            vault=folder / "vault",
            keys=folder / "keys",
            tls=broker.pki.gateway().ca.parent,
            port=broker.port,
            batch=batch,
            sweep_every=None,
        )
        _publish_all(broker, settings, sealed(fleet, count, now))
        line = _Counted(make_transport(settings, _CLOCK), count)
        worker = build(settings, registry=registry, clock=_CLOCK, transport=line)
        settle_memory()
        stopping = threading.Event()
        thread = threading.Thread(target=worker.run, args=(stopping,))
        thread.start()
        line.done.wait(PATIENCE_SECONDS)
        stopping.set()
        thread.join()
        registry.close()
        if line.began is None or worker.counts["accepted"] != count:
            raise RuntimeError(f"not all accepted: {dict(worker.counts)}")
        seconds = line.ended[0] - line.began[0]
        cpu = line.ended[1] - line.began[1]
        return GatewayFigures(receipted=count, seconds=seconds, per_second=count / seconds, cpu_us=cpu / count * 1e6)


def transport_alone_per_second(*, count: int, batch: int = 500) -> float:
    """Return how fast our transport and Mosquitto alone hand over and acknowledge the same number of messages of the same size."""
    with _stage() as (folder, broker):
        settings = GatewaySettings(
            registry="", vault=folder, keys=folder, tls=broker.pki.gateway().ca.parent, port=broker.port, batch=batch
        )
        senders = [f"kiosk-{number:03d}" for number in range(4)]
        payload = random_bytes(ENVELOPE_BYTES)
        _publish_all(
            broker, settings, [(f"luutru/1/00/none/{each}/d", each, payload) for _ in range(count // 4) for each in senders]
        )
        count = count // 4 * 4
        line = make_transport(settings, _CLOCK)
        line.start()
        taken, began = 0, 0.0
        try:
            while taken < count:
                found = line.collect(batch, wait_seconds=10, fill_seconds=0.004)
                began = began or time.perf_counter()
                if not found:
                    raise RuntimeError(f"only {taken} of {count} came")
                line.acknowledge(found)
                taken += len(found)
            return count / (time.perf_counter() - began)
        finally:
            line.stop()


def insert_alone_per_second(*, count: int, batch: int = 500) -> float:
    """Return how fast SQLite (WAL, full sync) takes rows of one declaration's size, in batches, with nothing else done."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE declaration(id TEXT PRIMARY KEY, site TEXT, person TEXT, body BLOB)")
        connection.execute("CREATE INDEX by_person ON declaration(person)")
        now = _CLOCK.now()
        rows = [(fresh_id(now, random_bytes), "blk", random_bytes(8).hex(), random_bytes(ROW_BYTES)) for _ in range(count)]
        began = time.perf_counter()
        for start in range(0, count, batch):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO declaration VALUES (?, ?, ?, ?)", rows[start : start + batch])
            connection.execute("COMMIT")
        seconds = time.perf_counter() - began
        connection.close()
        return count / seconds


def sealed(fleet: Fleet, count: int, now: datetime) -> list[tuple[str, str, bytes]]:
    """Return ``count`` genuine envelopes as (topic, kiosk id, payload), round the kiosks, each for another invented person."""
    found = []
    for number in range(count):
        kiosk = fleet.kiosks[number % len(fleet.kiosks)]
        made = now - timedelta(milliseconds=count - number)  # one after another, as people come: ids begin with their moment
        found.append((kiosk.topics.declarations, kiosk.kiosk_id, kiosk.seal(_declaration(number, kiosk, made), now=made)))
    return found


def _declaration(number: int, kiosk: FleetKiosk, now: datetime) -> StayDeclaration:
    own = f"001190{number:06d}"
    return StayDeclaration(
        declaration_id=fresh_id(now, random_bytes),
        declared_at=rfc3339(now),
        person=Person(
            full_name=f"Trần Thị {_word(number)}",
            birth=PartialDate(value="1990-02-01", precision="day"),
            sex="female",
            personal_number=own,
            document=Document(kind=DocumentKind.CARD_2021, number=own, issued="2021-08-15"),
            residence_text="Số 5 Đường Thử Nghiệm",
        ),
        evidence=Evidence(level=EvidenceLevel.CARD_TEXT, source="card-qr", reader="camera:zxing"),
        declarant=Declarant(role="self"),
        premises_id=kiosk.premises_id,
        unit=f"{1 + number % 20:02d}{1 + number // 20 % 10:02d}",
        arrival=rfc3339(now.astimezone(VIETNAM)),
        reason=Reason.VISIT,
    )


def _word(number: int) -> str:
    return "".join("abcdefghij"[int(digit)] for digit in str(number)).capitalize()


@contextmanager
def _stage() -> Iterator[tuple[Path, Broker]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Broker(folder / "broker", pki=Pki(folder / "pki")) as broker:
            yield folder, broker


def _publish_all(broker: Broker, settings: GatewaySettings, messages: list[tuple[str, str, bytes]]) -> None:
    """Make the gateway's durable session, then let the kiosks publish into it."""
    line = make_transport(settings, _CLOCK)
    line.start()
    end = time.monotonic() + 10
    while line.state is not ConnectionState.CONNECTED and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.2)  # the subscriptions are under way; a kiosk that comes too early would be told "nobody" and send again
    line.stop()
    by_kiosk: dict[str, list[tuple[str, bytes]]] = {}
    for topic, kiosk_id, payload in messages:
        by_kiosk.setdefault(kiosk_id, []).append((topic, payload))
    for kiosk_id, own in by_kiosk.items():
        _publish_as(broker, kiosk_id, own)


def _publish_as(broker: Broker, kiosk_id: str, messages: list[tuple[str, bytes]]) -> None:
    identity = broker.pki.kiosk(kiosk_id)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, kiosk_id, protocol=mqtt.MQTTv5)
    client.tls_set(str(identity.ca), str(identity.certificate), str(identity.key))
    client.connect(broker.host, broker.port)
    client.loop_start()
    sent = [client.publish(topic, payload, qos=1) for topic, payload in messages]
    for each in sent:
        each.wait_for_publish(30)
    client.disconnect()
    client.loop_stop()
