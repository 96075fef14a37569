"""``luutru bench restore --engine sqlite``: a register in one file, followed by ``luutru backup follow``, lost while it records, and brought back.

- The same figures as on PostgreSQL (``restore.py``), by the same recorder and the same drill; the follower is the command itself, a process of its own.
- Lost: the follower is killed, and whatever had a receipt until then counts; then the file and its log are deleted.
- How long a commit waits for a piece is measured at each commit, from where SQLite's log ended when it was answered.

Example: ``measure(Plan(persons=100_000))``
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy.schema import CreateIndex, DropIndex

from luutru.backups.drill import drill
from luutru.backups.following import position_of
from luutru.backups.pieces import Pieces, read_key
from luutru.backups.sqlite_archive import SqliteArchive, bring_back
from luutru.backups.wal import HEADER_BYTES, Place, begun, committed, read_header
from luutru.benchmarks.register_load import LOADED, PART, Progress
from luutru.benchmarks.register_rows import Rows, Size, rows_of_part
from luutru.benchmarks.restore import Lost, Plan, missing_of, result_of, signer_for, take_writes
from luutru.benchmarks.restore_recorder import Recorder
from luutru.benchmarks.result import BenchResult
from luutru.system import SystemClock, random_bytes
from registry.bulk import write_rows
from registry.database import Registry, connect, current_revision, newest_revision, upgrade
from registry.key_provider import FileKeyProvider
from registry.vault import Vault

BASE_WITHIN: Final = 900.0  # seconds


def measure(plan: Plan, *, folder: Path | None = None, progress: Progress = lambda _what, _done, _all: None) -> BenchResult:
    """Load, follow, drill, record, lose, restore."""
    size = Size(persons=plan.persons, presences=plan.presences, per_commune=plan.per_commune)
    with tempfile.TemporaryDirectory(prefix="luutru-restore-", dir=folder) as name:
        place = Path(name)
        url = f"sqlite:///{place / 'registry.db'}"
        upgrade(url)
        registry = connect(url, vault=_vault(place / "vault"))
        rows = _load(registry, size, vault=place / "vault", processes=plan.processes, progress=progress)
        signer = signer_for(registry, size)
        began = time.perf_counter()
        with _following(place, url) as (follower, pieces):
            backup_seconds = time.perf_counter() - began
            look = _Ahead(Path(f"{registry.engine.url.database}-wal"), pieces).look
            with Recorder(registry, size, signer, look=look):
                time.sleep(1)
                drilled = drill(registry, SqliteArchive(registry, pieces), scratch=place, log=None, clock=SystemClock())
            with Recorder(registry, size, signer, look=look) as recorder:
                time.sleep(plan.seconds)
                follower.kill()
                follower.wait()
                lost_at = time.monotonic()
            lost = _brought_back(registry, pieces, recorder, lost_at, place=place)
        kept = sum(path.stat().st_size for path in pieces.folder.rglob("*") if path.is_file())
        gib = round((place / "back.db").stat().st_size / 2**30, 3)
    more = {"backup_seconds": round(backup_seconds, 1), "gib": gib, "repository_gib": round(kept / 2**30, 3), "rows": rows}
    return result_of(plan, lost, drilled, more)


def _vault(folder: Path) -> Vault:
    return Vault(FileKeyProvider(folder, random_bytes=random_bytes), random_bytes=random_bytes)


def _load(registry: Registry, size: Size, *, vault: Path, processes: int, progress: Progress) -> int:
    """Seal in several processes, write in this one; indexes come after the rows."""
    parts = [(first, min(first + PART, size.persons)) for first in range(0, size.persons, PART)]
    registry.vault.number_index("", "")  # the vault's files are there before any process looks for them
    indexes = sorted((index for table in LOADED for index in table.indexes), key=lambda each: str(each.name))
    with registry.writing() as connection:
        for index in indexes:
            connection.execute(DropIndex(index))
    rows = 0
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, initializer=_begin, initargs=(size, vault, SystemClock().now())) as pool:
        for done, part in enumerate(pool.imap_unordered(_make, parts), 1):
            with registry.writing() as connection:
                for table in LOADED:
                    write_rows(connection, table, part[table.name])
            rows += sum(map(len, part.values()))
            progress("parts", done, len(parts))
    with registry.writing() as connection:
        for index in indexes:
            connection.execute(CreateIndex(index))
    return rows


class _Work:
    """What a process that seals holds."""

    size: Size
    vault: Vault
    now: datetime


def _begin(size: Size, vault: Path, now: datetime) -> None:
    _Work.size, _Work.vault, _Work.now = size, _vault(vault), now


def _make(part: tuple[int, int]) -> Rows:
    return rows_of_part(_Work.size, range(*part), _Work.vault, now=_Work.now)


@contextmanager
def _following(place: Path, url: str) -> Iterator[tuple[subprocess.Popen[bytes], Pieces]]:
    """Run the command until its base is whole."""
    folder, key = place / "pieces", place / "pieces.key"
    words = ["backup", "follow", str(folder), "--registry", url, "--key-file", str(key)]
    with subprocess.Popen([sys.executable, "-m", "luutru", *words]) as follower:
        try:
            end = time.monotonic() + BASE_WITHIN
            while not any(folder.glob("*/base-*")):
                if follower.poll() is not None or time.monotonic() > end:
                    raise RuntimeError("the follower made no base")
                time.sleep(0.05)
            yield follower, Pieces(folder, read_key(key, random_bytes=random_bytes, make=False), random_bytes=random_bytes)
        finally:
            follower.kill()


class _Ahead:
    """How far the registry is ahead of its pieces: where its log ends, read on from where it ended before."""

    def __init__(self, log: Path, pieces: Pieces) -> None:
        self._log, self._pieces, self._place = log, pieces, None

    _place: Place | None

    def look(self) -> tuple[str, str]:
        """Return up to where the pieces reach, and where the log ends."""
        reached = self._pieces.newest().reaches()
        with self._log.open("rb") as file:
            header = read_header(file.read(HEADER_BYTES))
            if header is not None:
                place = self._place if self._place is not None and self._place.header == header else begun(header)
                file.seek(place.offset)
                self._place = committed(file.read(), place)
        return reached, position_of(self._place)


def _brought_back(registry: Registry, pieces: Pieces, recorder: Recorder, lost_at: float, *, place: Path) -> Lost:
    told = [each for each in recorder.told if each.at <= lost_at]
    registry.close()
    for path in place.glob("registry.db*"):
        path.unlink()
    began = time.perf_counter()
    bring_back(pieces, place / "back.db", target=None)
    restored = connect(f"sqlite:///{place / 'back.db'}", vault=registry.vault)
    if current_revision(restored.engine) != newest_revision():
        raise RuntimeError("the restored registry is at another revision")
    rto = time.perf_counter() - began
    missing = missing_of(restored, told)
    take_writes(restored)
    restored.close()
    began = time.perf_counter()
    shutil.copy(place / "back.db", place / "copied.db")
    os.sync()
    return Lost(
        recorded=len(told),
        missing=len(missing),
        missing_seconds=max((lost_at - each.at for each in missing), default=0.0),
        longest_wait=recorder.longest_wait,
        rto_seconds=round(rto, 2),
        copy_seconds=time.perf_counter() - began,
    )
