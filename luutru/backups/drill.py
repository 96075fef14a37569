"""The drill: mark the living registry, restore what the archive has of it beside it, prove the two the same, and throw the copy away.

- The living registry is read, once, and goes on recording; nothing of it is changed and nothing of the archive.
- ``rto_seconds`` is what a loss would cost: the restore until the copy takes writes. Digests and proofs are counted by themselves.
- The copy lies in a folder for its owner alone and is deleted whatever happens.

Example: ``drill(registry, archive, scratch=Path("/scratch"), log=None, clock=clock)``
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
from sqlalchemy import Connection
from sqlalchemy.engine import URL, make_url

from luutru.backups.pgbackrest import Repository, scratch_cluster
from luutru.backups.proving import Proof, prove
from luutru.transparency.checking import Trust
from registry.backups import period_keys
from registry.database import Registry, connect
from registry.digests import TableDigest, digest_all
from registry.marks import is_archived, push_on, quiet_moment
from residence.clock import Clock
from residence.errors import Refused

ARCHIVED_WITHIN: Final = 60.0  # seconds
Wait = Callable[[float], None]


class Archive(Protocol):
    """Where a registry is kept continuously: by pgBackRest, or as SQLite's write-ahead log."""

    def marked(self) -> AbstractContextManager[tuple[str, Connection]]:
        """Give a position and a view of what was committed before it."""
        ...

    def wait_for(self, position: str) -> None:
        """Wait until the archive has everything before a position."""
        ...

    def restored(self, folder: Path, target: str | None) -> AbstractContextManager[str]:
        """Restore into a folder what was there before a position, or all there is, and give the copy's address."""
        ...


class Drilled(msgspec.Struct, frozen=True, kw_only=True):
    """What a drill showed."""

    position: str
    period_keys: tuple[str, ...]
    archived_seconds: float
    rto_seconds: float
    digest_seconds: float
    proof_seconds: float
    proof: Proof


class PostgresArchive:
    """A PostgreSQL registry with its pgBackRest repository."""

    def __init__(self, registry: Registry, repository: Repository, *, wait: Wait = time.sleep) -> None:
        self._registry, self._repository, self._wait = registry, repository, wait

    def marked(self) -> AbstractContextManager[tuple[str, Connection]]:
        """Find a moment at which nothing is being written."""
        return quiet_moment(self._registry.engine, wait=self._wait)

    def wait_for(self, position: str) -> None:  # noqa: ARG002 - what is pushed on now comes after it
        """Write something behind it, and wait for that."""
        after = push_on(self._registry.engine)
        pauses = 0.05
        for _ in range(round(ARCHIVED_WITHIN / pauses)):
            if is_archived(self._registry.engine, after):
                return
            self._wait(pauses)
        raise Refused("backup.not_archived")

    @contextmanager
    def restored(self, folder: Path, target: str | None) -> Iterator[str]:
        """Restore a cluster and start it on a socket of its own."""
        with scratch_cluster(self._repository, folder, target=target, wait=self._wait) as socket:
            yield scratch_url(self._registry.engine.url, socket)


def scratch_url(living: URL | str, socket: Path) -> str:
    """Return the address of the registry in a restored cluster: the same database, by the cluster's socket."""
    address = make_url(living)
    here = URL.create("postgresql+psycopg", username=address.username, database=address.database, query={"host": str(socket)})
    return here.render_as_string()


def drill(registry: Registry, archive: Archive, *, scratch: Path | None, log: tuple[str, Trust] | None, clock: Clock) -> Drilled:
    """Do it all; refusals are of what cannot be begun, everything that does not fit is a problem of the proof."""
    seconds = _Seconds(clock)
    with archive.marked() as (position, view):
        expected = digest_all(view)
        needed = period_keys(view)
    digested = seconds.lap()
    if missing := [each for each in needed if not registry.vault.holds(each)]:
        raise Refused("backup.keys_missing", "", ", ".join(missing))
    archive.wait_for(position)
    archived = seconds.lap()
    with _folder(scratch) as folder, archive.restored(folder, position) as url:
        restored = seconds.lap()
        proof = _proved(url, registry, expected, log)
        proved = seconds.lap()
    return Drilled(
        position=position,
        period_keys=needed,
        archived_seconds=archived,
        rto_seconds=restored,
        digest_seconds=digested,
        proof_seconds=proved,
        proof=proof,
    )


def _proved(url: str, registry: Registry, expected: Mapping[str, TableDigest], log: tuple[str, Trust] | None) -> Proof:
    copy = connect(url, vault=registry.vault)
    try:
        return prove(copy, expected, log=log)
    finally:
        copy.close()


class _Seconds:
    """Seconds since the last lap."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._last = clock, clock.monotonic_ns()

    def lap(self) -> float:
        now = self._clock.monotonic_ns()
        taken, self._last = (now - self._last) / 1e9, now
        return round(taken, 2)


@contextmanager
def _folder(scratch: Path | None) -> Iterator[Path]:
    """Make a folder for the copy, with room to pass for the database's user, and delete it with everything in it."""
    outer = Path(tempfile.mkdtemp(prefix="luutru-drill-", dir=scratch))
    try:
        outer.chmod(0o711)
        yield outer / "copy"
    finally:
        shutil.rmtree(outer, ignore_errors=True)


def told(done: Drilled) -> dict[str, Any]:
    """Return a drill as one object of an answer."""
    built: dict[str, Any] = msgspec.to_builtins(done)
    proof = built.pop("proof")
    return {"ok": not proof["problems"], **built, **proof}
