"""The gateway process: where settings, keys, registry, broker and loop are put together.

- SIGTERM and SIGINT finish the batch in hand, say that we stop taking, and end with status 0.
- It starts in any order with broker and registry: it waits for either, visibly, and loses nothing meanwhile.
- Receipts are signed with the newest receipt key there was at the start; a sealing key made later is found when first needed.
- Beside the loop a thread does what takes its time (``gateway_beside.py``).
- Start-up objects are frozen out of the garbage collector's way; per message it would otherwise walk them again and again.

Example: ``run(GatewaySettings(registry="sqlite:////var/lib/luutru/registry.db", ...))``
"""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

import structlog

from gateway.alarm_settings import AlarmSettings
from gateway.clock_claims import USUAL_BOUNDS, ClockBounds
from gateway.door_lists import DoorLists
from gateway.intake import Intake
from gateway.keyring_updates import KeyringUpdates
from gateway.kiosk_answers import KioskAnswering
from gateway.mail_settings import MailSettings
from gateway.measures import Measures
from gateway.outage_watch import OutageWatch
from gateway.port import ConnectionState, Transport
from gateway.transport import MqttTransport, TransportSettings
from gateway.trust import TrustStore
from gateway.trust_bundles import TrustBundles
from gateway.worker import Duty, Rhythm, Worker
from luutru import __version__
from luutru.certificates import endings
from luutru.chip_trust import ChipTrust
from luutru.keys import key_files, read_sealing_key, read_signing_key, receipt_signer
from luutru.opening import open_for_work
from luutru.processes.gateway_alarms import build_alarms
from luutru.processes.gateway_beside import build_beside
from luutru.processes.gateway_duties import sweep_duties
from luutru.processes.gateway_telling import build_telling
from luutru.system import random_bytes, rss_mib, system_clock, telemetry
from luutru.tracing import tracing_of
from luutru.tracing_gateway import GatewayTrace
from registry.copying_back import CopyingBack
from registry.database import Registry
from registry.gateway_reports import EndsSoon
from registry.key_changes import keyring_if_reachable
from registry.retention_policy import Policy, read_policy
from residence.choices import Choices
from residence.clock import Clock, rfc3339
from residence.errors import LuutruError, Refused
from residence.wire.envelope import EnvelopeOpener
from residence.wire.signing import SealingKey, SigningKey
from residence.wire.state import GatewayState, encode_state
from residence.wire.topics import SHARDS

RECEIPT_KEYS: Final = "gateway-receipt"
SEAL_KEYS: Final = "gateway-seal"
KEYRING_KEY: Final = "keyring.key"
DOOR_KEYS: Final = "door-list"
ENDINGS_EVERY: Final = timedelta(hours=12)
PAPERS_EVERY: Final = timedelta(seconds=2)
log = structlog.get_logger("luutru.gateway")


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewaySettings:
    """What one gateway process is told. See docs/settings.md."""

    registry: str
    vault: Path
    keys: Path  # holds gateway-receipt*.key, gateway-seal*.key and, to tell kiosks of new keys, keyring.key
    tls: Path  # holds ca.pem and <name>.pem, <name>.key
    host: str = "127.0.0.1"
    port: int = 8883
    name: str = "luutru-gateway"  # common name of the client certificate, and its file names
    shards: tuple[int, ...] = field(default_factory=lambda: tuple(range(SHARDS)))
    batch: int = 500
    sweep_every: timedelta | None = timedelta(minutes=1)  # None: this worker leaves the sweep to another
    night_hour: int | None = 2  # Vietnam's time; None: another process does the night's work
    clock_bounds: ClockBounds = USUAL_BOUNDS
    chip_trust: Path | None = None  # a signed trust bundle, or a folder of certificates; None: no issuer is trusted
    choices: Choices = field(default_factory=Choices)
    retention: Policy = field(default_factory=read_policy)
    mail: MailSettings | None = None  # None: messages wait in the outbox
    alarms: AlarmSettings | None = None  # None: another gateway alarms houses, or nobody does
    kiosk_authority: Path | None = None  # folder of ca.pem and ca.key; None: another gateway makes kiosks' certificates


def sealing_keys(directory: Path) -> list[SealingKey]:
    """Return every sealing key of this gateway: the one in force and those before it, so that late envelopes open."""
    found = [read_sealing_key(path) for path in key_files(directory, SEAL_KEYS)]
    if not found:
        raise Refused("key.file_missing", detail=f"no {SEAL_KEYS}*.key in {directory}")
    return found


def make_opener(directory: Path) -> EnvelopeOpener:
    """Return an opener that looks into the directory again when a kiosk sealed to a key it does not hold yet."""

    def find(key_id: str) -> SealingKey | None:
        with suppress(LuutruError):
            return next((key for key in sealing_keys(directory) if key.key_id == key_id), None)
        return None

    return EnvelopeOpener(sealing_keys(directory), find=find)


def make_signer(settings: GatewaySettings, registry: Registry, *, now: datetime) -> SigningKey:
    """Return the key this gateway signs receipts with until it ends."""
    ring = keyring_if_reachable(registry)
    signer = receipt_signer(settings.keys, RECEIPT_KEYS, keyring=ring, now=now)
    if ring is not None and not any(each.key_id == signer.key_id and not each.revoked_at for each in ring.entries):
        log.error("receipts are signed with a key that is unknown or revoked: no kiosk will believe them", key_id=signer.key_id)
    return signer


def make_updates(settings: GatewaySettings, trust: TrustStore) -> KeyringUpdates:
    """Return what tells kiosks of the authority's keys."""
    path = settings.keys / KEYRING_KEY
    signer = read_signing_key(path, use="keyring") if path.exists() else None
    return KeyringUpdates(trust, signer=signer, shards=settings.shards)


def make_door_lists(settings: GatewaySettings, registry: Registry, trust: TrustStore) -> DoorLists:
    """Return what tells kiosks who may pass their doors."""
    found = key_files(settings.keys, DOOR_KEYS)
    signer = read_signing_key(found[-1], use="door-list") if found else None
    return DoorLists(registry, trust, signer=signer, random_bytes=random_bytes, shards=settings.shards)


def build(settings: GatewaySettings, *, registry: Registry, clock: Clock, transport: Transport | None = None) -> Worker:
    """Put a worker together; nothing is connected yet."""
    opener = make_opener(settings.keys)
    signer = make_signer(settings, registry, now=clock.now())
    measures = Measures(
        worker=client_id(settings), shards=shards_text(settings.shards), monotonic_ns=clock.monotonic_ns, rss_mib=rss_mib
    )
    chips = ChipTrust(settings.chip_trust, keyring=lambda: keyring_if_reachable(registry))
    intake = Intake(
        registry,
        opener=opener,
        rules=settings.choices.rules,
        signer=signer,
        clock=clock,
        random_bytes=random_bytes,
        trust=TrustStore(registry, clock_bounds=settings.clock_bounds, chip_trust=chips.current),
        lap=measures.lap,
    )
    outages = OutageWatch(
        worker=client_id(settings), shards=settings.shards, signer=signer, clock=clock, random_bytes=random_bytes
    )
    duties = sweep_duties(settings.sweep_every, settings.choices, registry)
    look = lambda now: measures.note_endings(warn_of_endings(settings.tls, settings.keys, now=now))  # noqa: E731 - one duty's work
    duties.append(Duty("endings", ENDINGS_EVERY, look))
    transport = transport or make_transport(settings, clock)
    doors, bundles = make_door_lists(settings, registry, intake.trust), TrustBundles(chips.signed, shards=settings.shards)
    answering = KioskAnswering(registry, intake.trust, signer=signer, shards=settings.shards)
    papers = (("door lists", doors.look), ("trust bundle", bundles.send), ("kiosk answers", answering.send))
    duties += [Duty(name, PAPERS_EVERY, partial(send, transport)) for name, send in papers]
    worker = Worker(
        transport,
        intake,
        clock=clock,
        rhythm=Rhythm(batch=settings.batch),
        duties=duties,
        updates=make_updates(settings, intake.trust),
        measures=measures,
        outages=outages,
    )
    worker.on_kiosk_heard(answering.questions.hear)
    return worker


def run(settings: GatewaySettings) -> None:
    """Run until a signal asks us to stop."""
    registry = open_for_work(settings.registry, settings.vault)
    clock = system_clock()
    worker = build(settings, registry=registry, clock=clock)
    tracing = tracing_of(telemetry(), service="luutru-gateway", instance=client_id(settings), version=__version__)
    if tracing is not None:
        worker.trace(GatewayTrace(tracing, clock).batch)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    settle_memory()
    log.info("gateway starts", version=__version__, shards=len(settings.shards), broker=f"{settings.host}:{settings.port}")
    warn_of_endings(settings.tls, settings.keys, now=clock.now())  # also where no broker lets us in
    try:
        beside = build_beside(settings, registry=registry, clock=clock, stopping=stopping, intake=worker.progress)
        telling = build_telling(settings.choices.webhooks, registry=registry, clock=clock, stopping=stopping)
        alarms = build_alarms(settings.alarms, registry=registry, rules=settings.choices.rules, clock=clock, stopping=stopping)
        copying = CopyingBack(registry.engine, written=lambda: worker.progress().answered)
        with copying.running(), beside.running(), telling.running(), alarms.running():
            worker.run(stopping)
    finally:
        registry.close()
        if tracing is not None:
            tracing.close()
    log.info("gateway ended")


def warn_of_endings(tls: Path, keys: Path | None = None, *, now: datetime) -> tuple[EndsSoon, ...]:
    """Say which certificate or revocation list ends soon, and return them; past that end the broker lets nobody in.

    ``keys``: where the certificate may lie that papers are signed with, the last by name; past its end they go unsigned.
    """
    papers = endings(keys, now=now, names="server-paper*.pem") if keys is not None else []
    newest = sorted(papers, key=lambda each: each.path)[-1:]
    soon = [each for each in (*endings(tls, now=now), *newest) if each.step is not None]
    for each in soon:
        log.error("ends soon", kind=each.kind, path=each.path, ends=rfc3339(each.ends), within_days=each.step)
    return tuple(EndsSoon(name=Path(each.path).name, kind=each.kind, ends=each.ends, step=each.step or 0) for each in soon)


def settle_memory() -> None:
    """Freeze what start-up made, and look for cyclic garbage less often: a message makes none."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def make_transport(settings: GatewaySettings, clock: Clock) -> MqttTransport:
    """Return the connection these settings describe; it does not connect yet."""
    # One worker of several must not say "nobody takes" for all when it ends, so only a worker of all shards leaves that behind.
    alone = len(settings.shards) == SHARDS

    def state(*, online: bool) -> Callable[[], bytes]:
        return lambda: encode_state(GatewayState(online=online, at=rfc3339(clock.now()), version=__version__))

    return MqttTransport(
        TransportSettings(
            host=settings.host,
            port=settings.port,
            ca=settings.tls / "ca.pem",
            certificate=settings.tls / f"{settings.name}.pem",
            key=settings.tls / f"{settings.name}.key",
            client_id=client_id(settings),
            shards=settings.shards,
            batch=settings.batch,
        ),
        random_bytes=random_bytes,
        online=state(online=True),
        offline=state(online=False)() if alone else b"",
        on_state=_log_state,
    )


def client_id(settings: GatewaySettings) -> str:
    """Return the name of this worker's session at the broker: the same at every start, another for other shards."""
    if len(settings.shards) == SHARDS:
        return settings.name
    return f"{settings.name}-{sha256(bytes(settings.shards)).hexdigest()[:12]}"


def shards_text(shards: Iterable[int]) -> str:
    """Write shard numbers as ranges, as the command line takes them.

    >>> shards_text([0, 1, 2, 3, 40])
    '0-3,40'
    """
    ranges: list[list[int]] = []
    for each in sorted(shards):
        if ranges and each == ranges[-1][1] + 1:
            ranges[-1][1] = each
        else:
            ranges.append([each, each])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in ranges)


def _log_state(state: ConnectionState, why: str) -> None:
    log.info("broker", connection=state.value, why=why)
