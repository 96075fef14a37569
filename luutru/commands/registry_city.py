"""``luutru registry seed --persons``: the invented city as files, or in a registry by the same way as any import.

- The truth is written apart; of a city in a registry it also names the person each record became.
- A city that is in is not written again; one that was broken off goes on.

Example: ``write_files(City(persons=20_000, seed=7), Path("city"), "csv", progress)``
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from luutru.commands.registry_import import ways

if TYPE_CHECKING:
    import polars as pl

    from registry.database import Registry
    from registry.importing.taking import Means
    from registry.synthetic.city import Part
    from registry.table_files import Form

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class City:
    """Which city."""

    persons: int
    seed: int

    @property
    def source(self) -> str:
        """Return the name its rows are recognised by."""
        return f"invented-{self.persons}-{self.seed}"

    def parts(self) -> Iterator[Part]:
        """Draw it."""
        import numpy as np

        from registry.synthetic.city import city

        return city(self.persons, np.random.default_rng(self.seed))

    def digest(self, place: int, kind: str) -> bytes:
        """Return what tells its rows from any other's."""
        return hashlib.sha256(f"{self.source}\n{place}\n{kind}".encode()).digest()


def write_files(city: City, folder: Path, form: Form, progress: Progress) -> dict[str, int]:
    """Write the city's files; returns rows by file."""
    from registry.synthetic.files import write_city

    told = _told(progress, city)
    return write_city(city.parts(), folder, form=form, progress=told)


def fill_registry(registry: Registry, city: City, truth: Path | None, progress: Progress) -> dict[str, int]:
    """Import the city part by part; returns what was made."""
    from registry.importing.fields import KINDS
    from registry.importing.mapping import Mapping
    from registry.importing.reading import Frame
    from registry.importing.running import Task, run_import
    from registry.synthetic.files import TRUTH, frames_of
    from registry.table_files import WRITERS

    means, who = ways(registry, "")
    means, mapping, told = replace(means, source=city.source), Mapping(source=city.source), _told(progress, city)
    counts: dict[str, int] = {}
    writer = WRITERS["parquet"](truth) if truth else None
    done = 0
    try:
        for place, part in enumerate(city.parts()):
            frames = frames_of(part)
            for kind in KINDS:
                rows = Frame(frames[kind], name=f"{city.source}/{place}/{kind}", digest=city.digest(place, kind))
                report, _, _ = run_import(
                    Task(rows=rows, kind=kind, mapping=mapping, who=who), means, transaction=registry.writing
                )
                for name, count in report.counts.items():
                    counts[name] = counts.get(name, 0) + count
            if writer:
                writer.write(with_ids(registry, frames[TRUTH], means))
            done += part.records.height
            told(done)
    finally:
        if writer:
            writer.close()
    return counts


def _told(progress: Progress, city: City) -> Callable[[int], None]:
    return lambda done: progress("persons", min(done, city.persons), city.persons)


def with_ids(registry: Registry, truth: pl.DataFrame, means: Means) -> pl.DataFrame:
    """Add the person of the registry each record became; records set aside have none."""
    import polars as pl

    from registry.importing.taking import seen_before

    row_ids = [means.row_id("person", f"ref\n{each}") for each in truth["record_ref"]]
    with registry.reading() as connection:
        seen = seen_before(connection, row_ids)
    persons = [seen[each].subject_id if each in seen else None for each in row_ids]
    return truth.with_columns(person_id=pl.Series(persons, dtype=pl.String))
