"""``luutru registry import``: take over premises, households, residents and old-number links from files.

- Files are CSV, XLSX or Parquet. What a file holds is told by its name (``premises``, ``households``, ``residents``, ``old-numbers``) or by
  ``--kind``; several are read in the order they need.
- Rows that cannot stand go to ``<file>.rejected.<ending>``, readable by their owner only, with the reasons; corrected, that file is
  imported like any other.
- Exit status 1 when a row was set aside. Nothing personal is printed.

Example: ``luutru registry import residents.xlsx --mapping so-ho-khau.toml --dry-run``
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from residence.errors import Malformed, plain_sentence

if TYPE_CHECKING:
    from registry.database import Registry
    from registry.importing.fields import Kind
    from registry.importing.mapping import Mapping
    from registry.importing.running import Progress, Report, Transaction
    from registry.importing.taking import Means


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What was asked for on the command line."""

    files: list[Path]
    kind: str | None
    mapping: Path | None
    by: str
    dry_run: bool
    rejected: Path | None


def import_files(registry: Registry, asked: Asked, progress: Progress) -> dict[str, Any]:
    """Import the files in the order they need; returns the answer."""
    from registry.importing.mapping import Mapping, load_mapping

    mapping = load_mapping(asked.mapping) if asked.mapping else Mapping()
    reports = []
    with _transactions(registry, dry_run=asked.dry_run) as transaction:
        for kind, path in _in_order(asked):
            reports.append(_import(registry, asked, (kind, path), mapping=mapping, transaction=transaction, progress=progress))
    counts: dict[str, int] = {}
    for report, _ in reports:
        for name, count in report.counts.items():
            counts[name] = counts.get(name, 0) + count
    return {
        "ok": not any(report.rejected_rows for report, _ in reports),
        "counts": counts,
        "dry_run": asked.dry_run,
        "imports": [msgspec.to_builtins(report) for report, _ in reports],
        "rejected": [str(path) for _, path in reports if path is not None],
    }


def lines_of(answer: dict[str, Any]) -> Iterator[str]:
    """Say what the counts do not: what was set aside of each file and why, what was doubted, what nothing was taken from."""
    for each in answer.get("imports") or ():
        if each["rejected_rows"]:
            yield f"{each['file']}: {each['rejected_rows']} rows set aside"
        for code, count in sorted(each["rejected"].items()):
            yield f"  {count} x {code}: {plain_sentence(code).en}"
        for code, count in sorted(each["warnings"].items()):
            yield f"{each['file']}: {count} taken with a warning, {code}"
        if each["unused"]:
            yield f"{each['file']}: nothing was taken from {', '.join(each['unused'])}"
    for path in answer.get("rejected") or ():
        yield f"Correct and import again: {path}"
    if answer.get("dry_run"):
        yield "Tried only; nothing of it was kept."


def _in_order(asked: Asked) -> list[tuple[Kind, Path]]:
    from registry.importing.fields import KINDS

    known = {kind: place for place, kind in enumerate(KINDS)}
    found: list[tuple[Kind, Path]] = []
    for path in asked.files:
        kind = asked.kind or path.name.partition(".")[0]
        if kind not in known:
            raise Malformed("import.kind", "", path.name)
        found.append((next(each for each in KINDS if each == kind), path))
    return sorted(found, key=lambda each: known[each[0]])


@contextmanager
def _transactions(registry: Registry, *, dry_run: bool) -> Iterator[Transaction]:
    """Give what begins a transaction: one each, or for a dry run always the same, rolled back at the end."""
    if not dry_run:
        yield registry.writing
        return
    with registry.engine.connect().execution_options(luutru_writes=True) as connection:
        outer = connection.begin()
        try:
            yield lambda: nullcontext(connection)
        finally:
            outer.rollback()


def _import(
    registry: Registry, asked: Asked, what: tuple[Kind, Path], *, mapping: Mapping, transaction: Transaction, progress: Progress
) -> tuple[Report, Path | None]:
    from registry.importing.mapping import columns_of
    from registry.importing.reading import open_file
    from registry.importing.rejecting import write_rejected
    from registry.importing.running import Task, run_import

    kind, path = what
    rows = open_file(path, mapping)
    means, who = ways(registry, asked.by)
    report, journal, rejected = run_import(
        Task(rows=rows, kind=kind, mapping=mapping, who=who), means, transaction=transaction, progress=progress
    )
    if not rejected:
        return report, None
    # Never the file itself: what was set aside of a corrected file goes to one with a longer name.
    place = (asked.rejected or path.parent) / f"{path.stem}.rejected{_ending(path)}"
    headings = columns_of(mapping, kind, rows.headings)
    write_rejected(place, rows, rejected, headings=headings, size=journal.batch_rows)
    return report, place


def _ending(path: Path) -> str:
    return path.suffix if path.suffix in {".xlsx", ".parquet"} else ".csv"


def ways(registry: Registry, by: str) -> tuple[Means, Any]:
    """Return what an import works with, and who imports."""
    from luutru.system import account_name, system_clock
    from registry.importing.journal import Who
    from registry.importing.running import BATCH_ROWS
    from registry.importing.taking import Means
    from residence.clock import VIETNAM

    now = system_clock().now()
    means = Means(
        vault=registry.vault,
        now=now,
        today=now.astimezone(VIETNAM).date(),
        source="",
        import_id="",
    )
    return means, Who(name=by or account_name(), now=now, batch_rows=BATCH_ROWS)
