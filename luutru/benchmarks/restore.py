"""``luutru bench restore``: a register on PostgreSQL lost while it records, and brought back: what is missing, and how long it takes (SQLite: ``restore_sqlite.py``).

- *RPO*: declarations are recorded one after the other, each with its receipt; the machine is lost; what is missing after the restore is counted,
  and the figure is how long before the loss the oldest of it was committed. Losing happens at one moment of the archive's beat, so the longest time any
  commit waited for the archive is measured beside it, and ``rpo_seconds`` is the worse of the two.
- *RTO*: from the beginning of the restore until the registry takes writes again, replaying what came after the last backup included.
- Before that a drill proves a copy equal, table by table, with every sealed field opened and every receipt verified.
- Baseline: copying the restored files once more, plain, on the same disk.

Example: ``measure(Plan(persons=1_000_000))``
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from luutru.backups.drill import Drilled, PostgresArchive, drill, scratch_url
from luutru.backups.pgbackrest import scratch_cluster
from luutru.benchmarks.register_load import Progress, load
from luutru.benchmarks.register_rows import PER_COMMUNE, Size
from luutru.benchmarks.restore_ground import Ground, archived_postgres
from luutru.benchmarks.restore_recorder import Recorder, Told, look_at_archive
from luutru.benchmarks.result import BenchResult
from luutru.system import SystemClock, random_bytes
from registry.database import Registry, connect, current_revision, newest_revision, upgrade
from registry.key_provider import FileKeyProvider
from registry.kiosks import add_key
from registry.receipts import receipts_by_id
from registry.vault import Vault
from residence.clock import rfc3339
from residence.wire.keyring import AUTHORITY, KeyEntry
from residence.wire.signing import SigningKey


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is, and for how long it is recorded before the loss."""

    persons: int = 1_000_000
    presences: int = 0
    per_commune: int = PER_COMMUNE
    processes: int = 2
    seconds: float = 20.0
    engine: Literal["postgresql", "sqlite"] = "postgresql"


QUICKLY = Plan(persons=2_000, per_commune=500, processes=1, seconds=4.0)


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """What the loss of the machine cost."""

    recorded: int
    missing: int
    missing_seconds: float  # from the oldest missing commit to the loss
    longest_wait: float
    rto_seconds: float
    copy_seconds: float  # of the same files, plainly


def run(*, quick: bool) -> BenchResult:
    """Measure with the usual size."""
    return measure(QUICKLY if quick else Plan())


def measure(plan: Plan, *, folder: Path | None = None, progress: Progress = lambda _what, _done, _all: None) -> BenchResult:
    """Load, back up, drill, record, lose, restore."""
    size = Size(persons=plan.persons, presences=plan.presences, per_commune=plan.per_commune)
    with tempfile.TemporaryDirectory(prefix="luutru-restore-", dir=folder) as name:
        place = Path(name)
        place.chmod(0o711)  # the database's user passes through to its own folder
        with archived_postgres(place) as ground:
            upgrade(ground.url)
            vault = place / "vault"
            loaded = load(
                ground.url, size, vault=vault, processes=plan.processes, now=SystemClock().now(), progress=progress
            )  # fmt: skip
            registry = connect(
                ground.url, vault=Vault(FileKeyProvider(vault, random_bytes=random_bytes), random_bytes=random_bytes)
            )
            signer = signer_for(registry, size)
            began = time.perf_counter()
            ground.begin_archiving()
            backup_seconds = time.perf_counter() - began
            with Recorder(registry, size, signer, look=lambda: look_at_archive(registry)):
                time.sleep(1)
                drilled = drill(
                    registry, PostgresArchive(registry, ground.repository), scratch=place, log=None, clock=SystemClock()
                )
            lost = _lose(registry, ground, size, signer, plan=plan, place=place)
            registry.close()
            kept = sum(path.stat().st_size for path in ground.place.repository.rglob("*") if path.is_file())
    return result_of(plan, lost, drilled, {"backup_seconds": round(backup_seconds, 1), "gib": round(loaded.bytes / 2**30, 3), "repository_gib": round(kept / 2**30, 3), "rows": loaded.rows})  # fmt: skip


def result_of(plan: Plan, lost: Lost, drilled: Drilled, more: dict[str, Any]) -> BenchResult:
    """Return the figures, whichever engine they are of."""
    return BenchResult(
        name="restore",
        figures={
            "persons": plan.persons,
            "rpo_seconds": round(max(lost.missing_seconds, lost.longest_wait), 2),
            "rto_seconds": lost.rto_seconds,
            "recorded": lost.recorded,
            "missing": lost.missing,
            "missing_seconds": round(lost.missing_seconds, 2),
            "longest_wait_seconds": round(lost.longest_wait, 2),
            "drill_rto_seconds": drilled.rto_seconds,
            "drill_digest_seconds": drilled.digest_seconds,
            "drill_proof_seconds": drilled.proof_seconds,
            "drill_opened": drilled.proof.opened,
            "drill_receipts": drilled.proof.receipts,
            "drill_problems": len(drilled.proof.problems),
            **more,
        },
        baselines={"copy_seconds": round(lost.copy_seconds, 2)},
        ratios={"rto_to_copy": round(lost.rto_seconds / max(lost.copy_seconds, 0.001), 1)},
        settings={**msgspec.structs.asdict(plan), "load": round(os.getloadavg()[0], 1)},
    )


def signer_for(registry: Registry, size: Size) -> SigningKey:
    """Make a receipt key and tell the registry of it."""
    signer = SigningKey("bench-receipt", random_bytes(32))
    entry = KeyEntry(
        key_id=signer.key_id, use="receipt", owner=AUTHORITY, public_key=signer.public_key, valid_from="2020-01-01T00:00:00Z"
    )
    with registry.writing() as connection:
        add_key(connection, entry, commune_code=size.commune_of(0))
    return signer


def _lose(registry: Registry, ground: Ground, size: Size, signer: SigningKey, *, plan: Plan, place: Path) -> Lost:
    with Recorder(registry, size, signer, look=lambda: look_at_archive(registry)) as recorder:
        time.sleep(plan.seconds)
        lost_at = time.monotonic()
        ground.lose()
    told = [each for each in recorder.told if each.at <= lost_at]
    began = time.perf_counter()
    with scratch_cluster(ground.repository, place / "restored", target=None, wait=time.sleep) as socket:
        restored = connect(scratch_url(ground.url, socket), vault=registry.vault)
        if current_revision(restored.engine) != newest_revision():
            raise RuntimeError("the restored registry is at another revision")
        rto = time.perf_counter() - began
        missing = missing_of(restored, told)
        take_writes(restored)
        restored.close()
    began = time.perf_counter()
    shutil.copytree(place / "restored" / "data", place / "copied")
    os.sync()
    return Lost(
        recorded=len(told),
        missing=len(missing),
        missing_seconds=max((lost_at - each.at for each in missing), default=0.0),
        longest_wait=recorder.longest_wait,
        rto_seconds=round(rto, 2),
        copy_seconds=time.perf_counter() - began,
    )


def missing_of(restored: Registry, told: Sequence[Told]) -> list[Told]:
    """Return what somebody was told had been recorded and the restored registry does not know."""
    with restored.reading() as connection:
        there = receipts_by_id(connection, [each.declaration_id for each in told])
    return [each for each in told if each.declaration_id not in there]


def take_writes(restored: Registry) -> None:
    """See that the restored registry takes writes."""
    key = SigningKey("bench-after", random_bytes(32))
    entry = KeyEntry(
        key_id=key.key_id, use="receipt", owner=AUTHORITY, public_key=key.public_key, valid_from=rfc3339(SystemClock().now())
    )
    with restored.writing() as connection:
        add_key(connection, entry, commune_code="bench")
