"""What every kind of row needs to be written: who imports, how a row is recognised again, and what came of a batch.

- A row's id is a keyed hash of source, kind and the source's reference; ids of what it makes follow from it, so that the same row makes
  the same person in whichever file it comes.
- A row seen before with the same content is passed over; with other content it is set aside, because an import never overwrites.

Example: ``means.row_id("premises", "blk-hoa-binh")``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Table, select

from registry import tables
from registry.asking import among
from registry.bulk import write_rows
from registry.vault import Vault
from residence.stays.findings import finding
from residence.stays.known import KnownNumber

Row = dict[str, Any]
_ORDER: Final = (
    tables.subject_keys,
    tables.unit_questions,
    tables.premises,
    tables.premises_origins,
    tables.units,
    tables.households,
    tables.persons,
    tables.identifiers,
    tables.name_tokens,
    tables.residences,
    tables.relations,
    tables.absences,
    tables.permitted_stays,
    tables.e_id_sightings,
    tables.findings,
    tables.finding_links,
    tables.imported_rows,
)
# Rows that may be there already for a good reason: a unit of two households, a finding both of whose sides were imported, a head named
# by the household's row and by their own, a question asked before.
_MAY_STAND: Final = frozenset({"units", "findings", "finding_links", "relations", "unit_questions"})


def id_of(digest: bytes) -> str:
    """Return 16 bytes of a hash in the shape of a UUID of our own making (RFC 9562 section 5.8)."""
    text = digest[:16].hex()
    return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"


class Rejected(NamedTuple):
    """One reason why a row was set aside. ``row`` counts the file's data rows from 1."""

    row: int
    field: str
    code: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What an import works with. ``today`` is the day dates are judged by."""

    vault: Vault
    now: datetime
    today: date
    source: str
    import_id: str

    def row_id(self, kind: str, reference: str) -> str:
        """Return the id of a row of this source."""
        return id_of(self.vault.source_index(self.source, kind, reference))

    def number_id(self, person_id: str, number: KnownNumber) -> str:
        """Return the id of a number of a person: the same number again is the same row."""
        return self.row_id("number", f"{person_id}\n{number.kind}\n{number.value}")

    def content(self, text: str) -> bytes:
        """Return what the content of two rows is compared by."""
        return self.vault.source_index(self.source, "content", text)


@cache
def _key_of(table: Table) -> Callable[[Row], tuple[Any, ...]]:
    return itemgetter(*(each.name for each in table.primary_key))


@dataclass(kw_only=True, slots=True)
class Taken:
    """What a batch makes: rows by table, reasons for rows set aside, and counts."""

    rows: dict[Table, dict[tuple[Any, ...], Row]] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, table: Table, *rows: Row) -> None:
        """Collect rows; the same key twice is one row."""
        keyed, key = self.rows.setdefault(table, {}), _key_of(table)
        for row in rows:
            keyed.setdefault(key(row), row)

    def remember(self, means: Means, row_id: str, row_number: int, **said: Any) -> None:
        """Collect the note of which row made what: ``commune_code``, ``subject_id``, ``content``."""
        self.add(
            tables.imported_rows,
            {
                "commune_code": said["commune_code"],
                "row_id": row_id,
                "subject_id": said["subject_id"],
                "content_index": said["content"],
                "import_id": means.import_id,
                "row_number": row_number,
            },
        )

    def find(self, means: Means, code: str, pointer: str, about: tuple[str, ...], *, commune_code: str) -> None:
        """Collect a finding about people."""
        found = finding(code, pointer, *about)
        self.add(
            tables.findings,
            {
                "commune_code": commune_code,
                "finding_id": found.finding_id,
                "code": code,
                "severity": found.severity,
                "pointer": pointer,
                "about": list(found.about),
                "found_at": means.now,
                "cleared_at": None,
            },
        )
        links = [{"commune_code": commune_code, "about_id": each, "finding_id": found.finding_id} for each in found.about]
        self.add(tables.finding_links, *links)
        self.counts["findings"] += 1

    def write(self, connection: Connection) -> None:
        """Write everything, what others refer to first."""
        for table in _ORDER:
            rows = list(self.rows.get(table, {}).values())
            write_rows(connection, table, rows, keep=() if table.name in _MAY_STAND else None)


class Seen(NamedTuple):
    """What a row made when it was taken over before."""

    subject_id: str
    content: bytes


def seen_before(connection: Connection, row_ids: Iterable[str]) -> dict[str, Seen]:
    """Return which of these rows were taken over before."""
    wanted = sorted(set(row_ids))
    if not wanted:
        return {}
    columns = tables.imported_rows.c
    query = select(columns.row_id, columns.subject_id, columns.content_index).where(among(columns.row_id, wanted, connection))
    return {row[0]: Seen(row[1], bytes(row[2])) for row in connection.execute(query)}
