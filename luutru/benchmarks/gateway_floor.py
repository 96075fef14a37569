"""The floor of the gateway: each stage alone, barely done, on the same messages, with the same libraries; microseconds per message.

- *receive*: a bare line takes the messages from the real broker over TLS and acknowledges them in batches.
- *verify*: libsodium on the signed bytes. *open*: HPKE once per data key, AES-GCM per message. *decode*: CBOR frame, signature and header,
  JSON into the typed declaration. *index*: HMAC-SHA256 of each number. *match*: one ``IN`` per batch, numbers to people, on the same
  registry. *commit*: the rows the measured run wrote (``gateway_rows.py``). *sign*: Ed25519 over a receipt's bytes.
- CPU time of the one process that does it, as the gateway's is. What a stage needs prepared is prepared before its clock runs.
- Beside it our own verifying, opening and decoding, with every check they make; what is left of the gateway's time is the rest.

Example: ``Bare(ground, "sqlite", rows, messages=10_000, of=40_000).measure()``
"""

from __future__ import annotations

import hmac
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

import cbor2
import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from nacl import bindings

from luutru.benchmarks.gateway_ground import Copy, Database, Ground, postgres_connection
from luutru.benchmarks.gateway_load import read_messages
from luutru.benchmarks.gateway_mqtt import Came, connect
from luutru.benchmarks.gateway_process import on_cores, two_cores
from luutru.benchmarks.gateway_rows import Rows, write
from luutru.demo.pki import GATEWAY_NAME
from luutru.opening import open_registry
from luutru.system import SystemClock
from residence.stays.declaration import StayDeclaration
from residence.stays.known import numbers_of
from residence.wire.datakey import key_info, unwrap
from residence.wire.envelope import (
    EnvelopeOpener,
    Header,
    OpenedEnvelope,
    VerifiedEnvelope,
    read_header,
    split_envelope,
    verify_envelope,
)
from residence.wire.keyring import Keyring
from residence.wire.messages import decode_message
from residence.wire.signing import ENVELOPE_TYPE, read_sign1
from residence.wire.topics import ROOT

STAGES: Final = ("receive", "verify", "open", "decode", "index", "match", "commit", "sign")
CRYPTO: Final = ("verify", "open", "sign")
RECEIPT_BYTES: Final = 700


class Bare:
    """The bare stages over some messages of a prepared ground."""

    def __init__(self, ground: Ground, database: Database, rows: Rows, *, messages: int, batch: int) -> None:
        self._ground = ground
        self._database = database
        self._rows = rows
        self._batch = batch
        self._messages = list(read_messages(ground.messages, messages))
        self._owners = {each.kiosk_id: each for each in ground.fleet.kiosks}
        self.commit_wall_us = 0.0
        self.broker_per_second = 0.0

    def measure(self) -> dict[str, float]:
        """Return microseconds per message of each stage."""
        others, own = two_cores()
        self._ground.pin_postgres(others)
        with on_cores(own):
            return {stage: seconds / len(self._messages) * 1e6 for stage, seconds in self._stages(others)}

    def ours(self) -> dict[str, float]:
        """Return microseconds per message of our own verifying, opening and decoding."""
        ring = Keyring([each.entry for each in self._ground.fleet.kiosks])
        opener = EnvelopeOpener([self._ground.fleet.sealing_key])
        now = SystemClock().now()
        verified: list[VerifiedEnvelope] = []
        opened: list[OpenedEnvelope] = []
        with on_cores(two_cores()[1]):
            seconds = {
                "verify": _cpu(lambda: verified.extend(verify_envelope(e.payload, keyring=ring, at=now) for e in self._messages)),
                "open": _cpu(lambda: opened.extend(map(opener.open, verified))),
                "decode": _cpu(lambda: [decode_message(each.header.schema, each.message_json) for each in opened]),
            }
        return {stage: each / len(self._messages) * 1e6 for stage, each in seconds.items()}

    def _stages(self, others: set[int] | None) -> Iterator[tuple[str, float]]:
        yield "receive", self._receive(others)
        signed = [self._signed(each.payload) for each in self._messages]
        yield "verify", _cpu(lambda: [bindings.crypto_sign_open(data, key) for data, key in signed])
        sealed = [(read_header(each.payload), *_associated(each.payload)) for each in self._messages]
        yield "open", _cpu(lambda: self._open(sealed))
        frames = [
            (each.payload, data, header, each.plain) for each, (_, _, header, data) in zip(self._messages, sealed, strict=True)
        ]
        yield "decode", _cpu(lambda: _decode(frames))
        numbers = [
            (number.kind, number.value)
            for each in self._messages
            for number in numbers_of(msgspec.json.decode(each.plain, type=StayDeclaration).person)
        ]
        texts = [f"{kind}\x00{value}".encode() for kind, value in numbers]
        yield "index", _cpu(lambda: [hmac.digest(b"k" * 32, text, "sha256") for text in texts])
        yield "match", self._match(numbers)
        cpu, wall = write(self._ground, self._database, self._rows, batches=max(1, len(self._messages) // self._batch))
        self.commit_wall_us = wall / len(self._messages) * 1e6
        yield "commit", cpu
        receipts, signer = [bytes(RECEIPT_BYTES)] * len(self._messages), self._ground.fleet.receipt_key
        yield "sign", _cpu(lambda: [signer.sign(each) for each in receipts])

    def _receive(self, others: set[int] | None) -> float:
        identity, name = self._ground.pki.gateway(GATEWAY_NAME), "bench-floor"
        with self._ground.broker(cores=others) as broker:
            address = (broker.host, broker.port)
            with connect(address, identity, name, clean=False) as line:
                line.subscribe([f"{ROOT}/+/+/+/d"], qos=1)
            with connect(address, self._ground.kiosks_identity, "bench-fills") as line:
                line.publish_all((each.topic, each.payload) for each in self._messages)
            with connect(address, identity, name, clean=False) as line:
                began = time.perf_counter()
                cpu = _cpu(lambda: _take(line.receive, line.acknowledge, len(self._messages), self._batch))
                self.broker_per_second = len(self._messages) / (time.perf_counter() - began)
                return cpu

    def _signed(self, payload: bytes) -> tuple[bytes, bytes]:
        parts = read_sign1(split_envelope(payload)[0])
        to_be_signed = cbor2.dumps(["Signature1", parts.protected, b"", parts.payload])
        header: Header = read_header(payload)
        assert parts.type == ENVELOPE_TYPE  # noqa: S101 - we sealed it ourselves
        return parts.signature + to_be_signed, self._owners[header.kiosk_id].entry.public_key

    def _open(self, sealed: Sequence[tuple[Header, bytes, bytes, bytes]]) -> None:
        key = self._ground.fleet.sealing_key
        ciphers: dict[bytes, AESGCM] = {}
        for header, content, header_bytes, _ in sealed:
            cipher = ciphers.get(header.wrapped_key)
            if cipher is None:
                info = key_info(header.kiosk_id, header.epoch, header.data_key_id)
                cipher = ciphers[header.wrapped_key] = AESGCM(unwrap(header.wrapped_key, key, info=info))
            cipher.decrypt(header.nonce, content, header_bytes)

    def _match(self, numbers: Sequence[tuple[str, str]]) -> float:
        with self._ground.copy(self._database) as copy:
            registry = open_registry(copy.url, copy.vault)
            indexes = [registry.vault.number_index(kind, value) for kind, value in numbers]
            registry.close()
            per_batch = max(1, len(numbers) * self._batch // len(self._messages))
            parts = [sorted(set(indexes[start : start + per_batch])) for start in range(0, len(indexes), per_batch)]
            with _finder(copy) as find:
                return _cpu(lambda: [find(each) for each in parts])


_FIND: Final = (
    "SELECT i.value_index, p.person_id, p.status, p.full_name_sealed, p.birth_sealed"
    " FROM identifiers i JOIN persons p ON p.person_id = i.person_id WHERE i.value_index "
)


@contextmanager
def _finder(copy: Copy) -> Iterator[Callable[[list[bytes]], Any]]:
    if copy.path is not None:
        with closing(sqlite3.connect(str(copy.path))) as connection:
            connection.execute("PRAGMA cache_size=-65536")
            yield lambda part: connection.execute(f"{_FIND} IN ({', '.join('?' * len(part))})", part).fetchall()
        return
    with postgres_connection(copy.url) as connection:
        yield lambda part: connection.execute(f"{_FIND} = ANY(%s)", (part,)).fetchall()


def _take(receive: Callable[[float], list[Came]], acknowledge: Callable[[Iterable[Came]], None], wanted: int, batch: int) -> None:
    taken, held = 0, []
    while taken < wanted:
        found = receive(5.0)
        if not found:
            raise RuntimeError(f"only {taken} of {wanted} messages came")
        held += found
        taken += len(found)
        if len(held) >= batch or taken >= wanted:
            acknowledge(held)
            held = []


def _associated(payload: bytes) -> tuple[bytes, bytes, bytes]:
    """Return (sealed part, header bytes, signed part)."""
    signed, sealed = split_envelope(payload)
    return sealed, read_sign1(signed).payload, signed


def _decode(frames: Sequence[tuple[bytes, bytes, bytes, bytes]]) -> None:
    decoder = msgspec.json.Decoder(StayDeclaration)
    for payload, signed, header, plain in frames:
        cbor2.loads(payload)
        cbor2.loads(signed)
        cbor2.loads(header)
        decoder.decode(plain)


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
