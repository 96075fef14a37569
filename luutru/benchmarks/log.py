"""The log of looks: how many looks it takes a second, how large a person's proof is, and how long checking it takes.

- Looks are committed to in the registry as every page does it, twenty people each, then published in turns as the process does.
- The baseline is what cannot be saved: the same access records written without the log, and one Ed25519 signature checked.

Example: ``run(quick=True).figures["proof_bytes"]``
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from sqlalchemy import delete, insert, select

from luutru.benchmarks.result import BenchResult
from luutru.system import random_bytes, system_clock
from registry import access_records, tables
from registry.database import Registry, connect, upgrade
from registry.key_provider import FileKeyProvider
from registry.log_files import LogFiles
from registry.look_proofs import proof_of
from registry.publishing_looks import turn
from registry.release import Look
from registry.vault import Vault
from residence.access.purposes import Field, Purpose
from residence.transparency.notes import LOG, Signer
from residence.transparency.proofs import verify_proof
from residence.wire.signing import SigningKey, verify

PEOPLE: Final = 20
_FIELDS: Final = frozenset({Field.FULL_NAME})


def run(*, quick: bool = False) -> BenchResult:
    """Look, publish, prove, and measure each."""
    looks, proofs = (200, 20) if quick else (20_000, 500)
    with tempfile.TemporaryDirectory() as folder:
        registry = _registry(Path(folder))
        committing = _commit(registry, looks)
        log, signer = LogFiles(Path(folder) / "log"), Signer("bench.invalid/log", LOG, random_bytes(32))
        began = time.perf_counter()
        with log.writing():
            while turn(registry, log, signer=signer).published:
                pass
        publishing = time.perf_counter() - began
        sizes, checking = _prove(registry, log, signer, proofs)
        plain = _plain(registry)
        registry.close()
    return BenchResult(
        name="log",
        figures={
            "append_per_second": round(looks / publishing, 1),
            "commit_ms": round(1000 * committing / looks, 3),
            "proof_bytes": max(sizes),
            "verify_ms": round(1000 * statistics.median(checking), 3),
        },
        baselines={"records_only_ms": round(1000 * plain, 3), "signature_ms": round(1000 * _signature(), 3)},
        ratios={"commit_to_records_only": round(committing / looks / plain, 2)},
        settings={"looks": looks, "people_per_look": PEOPLE, "proofs": proofs},
    )


def _registry(folder: Path) -> Registry:
    url = f"sqlite:///{folder}/registry.db"
    upgrade(url)
    return connect(url, vault=Vault(FileKeyProvider(folder / "vault", random_bytes=random_bytes), random_bytes=random_bytes))


def _commit(registry: Registry, looks: int) -> float:
    people = [f"person-{number}" for number in range(PEOPLE)]
    look = Look(account_id="acc-1", role="officer", purpose=Purpose.UNDECLARED_CASE, commune_code="bench", about="case-1")
    began = time.perf_counter()
    for _ in range(looks):
        with registry.writing() as connection:
            access_records.add(connection, people, look=look, fields=_FIELDS, now=system_clock().now(), random_bytes=random_bytes)
    return time.perf_counter() - began


def _prove(registry: Registry, log: LogFiles, signer: Signer, proofs: int) -> tuple[list[int], list[float]]:
    sizes, checking = [], []
    with registry.reading() as connection:
        rows = connection.execute(select(tables.access_records).limit(proofs)).all()
        for row in rows:
            text = proof_of(connection, row.access_id, row.person_id, log=log, now=system_clock().now())
            began = time.perf_counter()
            verify_proof(text, log=signer.key)
            checking.append(time.perf_counter() - began)
            sizes.append(len(text))
    return sizes, checking


def _plain(registry: Registry) -> float:
    """Write the records of looks again, without the log; return the seconds each look takes."""
    with registry.reading() as connection:
        rows = [row._asdict() for row in connection.execute(select(tables.access_records).limit(PEOPLE * 100))]
    with registry.writing() as connection:
        connection.execute(delete(tables.access_records))
    began = time.perf_counter()
    for at in range(0, len(rows), PEOPLE):
        with registry.writing() as connection:
            connection.execute(insert(tables.access_records), rows[at : at + PEOPLE])
    return (time.perf_counter() - began) / (len(rows) / PEOPLE)


def _signature() -> float:
    key, message = SigningKey("bench", random_bytes(32)), random_bytes(200)
    signature = key.sign(message)
    began = time.perf_counter()
    for _ in range(200):
        verify(signature, message, key.public_key)
    return (time.perf_counter() - began) / 200
