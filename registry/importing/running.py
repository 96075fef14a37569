"""An import from the first row to the note that all is in: batch by batch, each a transaction, or all of it in one that is rolled back.

- Run again it passes over the batches that are in; run to the end it is done, and the same file again does nothing.
- A dry run is the same code inside one transaction of the caller's, who rolls back; several files see each other in it.
- When all residents are in, relations that named one of them by reference get that person (``relating.py``).

Example: ``run_import(Task(rows=rows, kind="residents", mapping=mapping), means, transaction=registry.writing)``
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from registry.importing import journal
from registry.importing.checking import Resident, read_resident
from registry.importing.cleaning import Cleaned, clean
from registry.importing.communes import translate
from registry.importing.fields import Kind
from registry.importing.journal import Journal, Who
from registry.importing.links import take_links
from registry.importing.mapping import Mapping, columns_of
from registry.importing.places import take_households, take_premises
from registry.importing.reading import Batch, Rows
from registry.importing.relating import settle
from registry.importing.residents import take_residents
from registry.importing.taking import Means, Rejected, Taken

Transaction = Callable[[], AbstractContextManager[Connection]]
Progress = Callable[[str, int, int], None]
BATCH_ROWS: Final = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """One file to import."""

    rows: Rows
    kind: Kind
    mapping: Mapping
    who: Who


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an import, earlier runs of it included. ``unused``: columns nothing was taken from."""

    import_id: str
    file: str
    kind: str
    counts: dict[str, int]
    warnings: dict[str, int]
    rejected: dict[str, int]  # by code
    rejected_rows: int
    batches_before: int
    unused: list[str]


def run_import(
    task: Task, means: Means, *, transaction: Transaction, progress: Progress = lambda _what, _done, _all: None
) -> tuple[Report, Journal, dict[int, list[Rejected]]]:
    """Import a file, or what is left of it. Returns the report and, by batch, what was set aside."""
    columns = columns_of(task.mapping, task.kind, task.rows.headings)
    with transaction() as connection:
        begun = journal.begin(connection, task.rows, kind=task.kind, mapping=task.mapping, who=task.who)
    means = replace(means, source=task.mapping.source, import_id=begun.import_id)
    done = 0
    for batch in task.rows.batches(begun.batch_rows, lambda number: number not in begun.done):
        with transaction() as connection:
            journal.claim(connection, begun, batch.number, now=means.now)
            taken = _take(connection, batch, task, columns=columns, means=replace(means, vault=means.vault.for_batch()))
            taken.write(connection)
            journal.note(connection, begun, batch.number, counts=taken.counts, rejected=taken.rejected)
        done = batch.first_row + batch.frame.height - 1
        progress(task.kind, done, max(done, task.rows.rows))
    if not begun.finished:
        with transaction() as connection:
            if task.kind == "residents":
                settle(connection)
            journal.finish(connection, begun, now=means.now)
    with transaction() as connection:
        counts, rejected = journal.outcome(connection, begun)
    unused = [each for each in task.rows.headings if each not in columns.values()]
    return _report(task, begun, counts, rejected, unused=unused), begun, rejected


def _report(
    task: Task, begun: Journal, counts: Counter[str], rejected: dict[int, list[Rejected]], *, unused: list[str]
) -> Report:
    reasons = [each for found in rejected.values() for each in found]
    return Report(
        import_id=begun.import_id,
        file=task.rows.name,
        kind=task.kind,
        counts={name: count for name, count in sorted(counts.items()) if not name.startswith("warning:")},
        warnings={name[8:]: count for name, count in sorted(counts.items()) if name.startswith("warning:")},
        rejected=dict(Counter(each.code for each in reasons)),
        rejected_rows=len({each.row for each in reasons}),
        batches_before=len(begun.done),
        unused=unused,
    )


def _take(connection: Connection, batch: Batch, task: Task, *, columns: dict[str, str], means: Means) -> Taken:
    cleaned = clean(batch, task.mapping, task.kind, columns)
    rows = {
        batch.first_row + place: row
        for place, row in enumerate(cleaned.frame.iter_rows(named=True))
        if place not in cleaned.blank
    }
    faults: dict[int, list[Rejected]] = defaultdict(list)
    for place, field, code in cleaned.faults:
        faults[batch.first_row + place].append(Rejected(batch.first_row + place, field, code))
    sound = {number: row for number, row in rows.items() if number not in faults}
    translated = translate(connection, sound, kind=task.kind, mapping=task.mapping, means=means)
    rows = rows | translated.rows
    for each in translated.rejected:
        faults[each.row].append(each)
    counts: Counter[str] = Counter()
    if task.kind == "residents":
        residents = _residents(batch, cleaned, rows, faults, means=means, counts=counts)
        taken = take_residents(connection, residents, means)
    else:
        taking = {"premises": take_premises, "households": take_households, "old-numbers": take_links}[task.kind]
        taken = taking(connection, {number: row for number, row in rows.items() if number not in faults}, means)
    taken.rejected += [each for number in sorted(faults) for each in faults[number]]
    taken.rows |= translated.questions.rows
    taken.counts.update(counts)
    taken.counts["rows"] += len(rows)
    return taken


def _residents(
    batch: Batch,
    cleaned: Cleaned,
    rows: dict[int, dict[str, Any]],
    faults: dict[int, list[Rejected]],
    *,
    means: Means,
    counts: Counter[str],
) -> dict[int, Resident]:
    """Read the rows as residents; what stands against one joins ``faults``."""
    restored: dict[int, set[str]] = defaultdict(set)
    for place, field in cleaned.restored:
        restored[batch.first_row + place].add(field)
    found: dict[int, Resident] = {}
    for number, row in rows.items():
        read = read_resident(row, restored=frozenset(restored.get(number, ())), today=means.today)
        known = {each.field for each in faults.get(number, ())}
        faults_here = [Rejected(number, field, code) for field, code in read.errors if field not in known]
        if faults_here:
            faults[number] += faults_here
        if number not in faults and read.resident is not None:
            found[number] = read.resident
            counts.update(f"warning:{code}" for code in read.warnings)
    return found
