"""One search of a whole registry, from sealed rows to proposed pairs.

- Plaintext lives in this process's memory (with Spark also in its session and encrypted shuffles), and nowhere when it ends.
- The result is a count by what became of the pairs; the pairs themselves are rows a person decides.

Example: ``search_registry(registry, load_model(), now=now, limits=Limits())``
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from registry.database import Registry
from registry.duplicates.cluster_engine import cluster
from registry.duplicates.pairing import arrow_of, find_pairs, load
from registry.duplicates.private_engine import private_duckdb
from registry.duplicates.proposals import Proposed, propose
from registry.duplicates.reading import candidate_pages
from registry.duplicates.settings import Model

if TYPE_CHECKING:
    import pyarrow as pa
    from splink.internals.database_api import DatabaseAPI

_TABLE: Final = "persons"
Progress = Callable[[int], None]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a search may take. ``spark``: a master's address, to search there; ``folder``: where Spark may spill (the system's if None)."""

    memory_mib: int = 2300
    threads: int = 2
    spark: str | None = None
    folder: Path | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a search did."""

    persons: int
    pairs: int
    proposed: Proposed
    left_out: dict[str, int]
    threshold: float
    model: str


def search_registry(
    registry: Registry, model: Model, *, now: datetime, limits: Limits, progress: Progress = lambda _count: None
) -> Report:
    """Search everybody for duplicates and propose what was found. ``progress`` is told how many persons were read."""
    name = hashlib.sha256(msgspec.json.encode(model, order="deterministic")).hexdigest()[:16]
    with _engine(limits) as api:
        persons = load(api, _TABLE, _tables(registry, progress))
        if persons < 2:  # noqa: PLR2004 - a pair
            return Report(persons=persons, pairs=0, proposed=Proposed(), left_out={}, threshold=model.threshold, model=name)
        found = find_pairs(api, _TABLE, model=model, persons=persons)
    return Report(
        persons=persons,
        pairs=len(found.pairs),
        proposed=propose(registry, found.pairs, model=name, now=now),
        left_out=found.left_out,
        threshold=model.threshold,
        model=name,
    )


def _engine(limits: Limits) -> AbstractContextManager[DatabaseAPI[Any]]:
    if limits.spark is None:
        return private_duckdb(memory_mib=limits.memory_mib, threads=limits.threads)
    return cluster(limits.spark, folder=limits.folder, memory_mib=limits.memory_mib)


def _tables(registry: Registry, progress: Progress) -> Iterator[pa.Table]:
    count = 0
    for page in candidate_pages(registry):
        yield arrow_of(page)
        count += len(page)
        progress(count)
