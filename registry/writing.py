"""The rows a batch gives rise to, collected first and written together: one statement per table, not per row.

- Insert order follows the references; upserts replace a stay or a finding whole by its id.
- A stay's state that is replaced goes to ``stay_versions``, so a correction overwrites nothing without trace.
- Presences that a stay now covers go, and what was made of them with them: notices are answered, unclaimed cases closed.
- What another authority is to be told of these stays is noted with them (``registry/authority_records.py``).
- Merges are written last (``registry/merging.py``), with the statement that made them.

Example: ``pending.inserts[tables.receipts].append(row)``, then ``pending.flush(connection)``
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Table, delete, insert, literal, select, update

from registry import presences, tables
from registry.asking import among
from registry.authority_records import note_stays
from registry.bulk import Row, write_rows
from registry.changing import Cause
from registry.declared_after import settle_declared
from registry.merging import merge
from registry.persons import SEALED_COLUMNS
from residence.clock import uuid7_text
from residence.stays.known import KnownStay
from residence.stays.rules import RuleBook

_ORDER: Final = (
    tables.subject_keys,
    tables.persons,
    tables.identifiers,
    tables.permitted_stays,
    tables.declarations,
    tables.receipts,
    tables.presences,
    tables.stay_parties,
    tables.chip_judgements,
    tables.chip_checks,
)
# of a stay's row, whatever is said about the stay: a dispute is settled by an officer, not by a statement
_NOT_SAID_ANEW: Final = ("commune_code", "stay_id", "recorded_at", "objected_at")


class Pending:
    """Rows waiting to be written in one transaction."""

    def __init__(self) -> None:
        self.inserts: Final[defaultdict[Table, list[Row]]] = defaultdict(list)
        self.tokens: Final[dict[tuple[str, bytes, str], Row]] = {}
        self.stays: Final[dict[str, Row]] = {}
        self.versions: Final[list[Row]] = []  # states that never reached ``stays``: this batch itself replaced them
        self.replaced: Final[set[str]] = set()  # ids of stays whose stored state is replaced
        self.findings: Final[dict[tuple[str, str], Row]] = {}
        self.links: Final[dict[tuple[str, str, str], Row]] = {}
        self.cleared: Final[set[str]] = set()
        self.corrected: Final[dict[str, Row]] = {}  # person id -> new fields
        self.outdated: Final[list[Row]] = []  # states of persons that ``corrected`` replaces
        self.merges: Final[list[tuple[str, str, str]]] = []  # (merged, stands, by which statement)
        self.covers: Final[list[tuple[bytes, KnownStay]]] = []  # (pseudonym, stay)

    def write_stay(self, row: Row, *, is_new: bool) -> None:
        """Collect one state of a stay. ``is_new``: it rests on one statement alone, that of this batch, so none can be stored."""
        earlier = self.stays.get(row["stay_id"])
        if earlier is not None:
            self.versions.append(earlier)
        elif not is_new:
            self.replaced.add(row["stay_id"])
        self.stays[row["stay_id"]] = row

    def flush(self, connection: Connection, *, rules: RuleBook, now: datetime, random_bytes: Callable[[int], bytes]) -> None:
        """Write everything."""
        for table in _ORDER:
            write_rows(connection, table, self.inserts[table])
        for row in self.outdated:
            _keep_state(connection, row)
        for person_id, fields in self.corrected.items():
            connection.execute(update(tables.persons).where(tables.persons.c.person_id == person_id).values(**fields))
            connection.execute(delete(tables.name_tokens).where(tables.name_tokens.c.person_id == person_id))
        write_rows(connection, tables.name_tokens, list(self.tokens.values()), keep=())
        self._flush_versions(connection, now, random_bytes)
        self._flush_stays(connection)
        note_stays(connection, self.stays.values(), now=now, random_bytes=random_bytes)
        self._flush_findings(connection, now)
        for merged, stands, statement in self.merges:
            cause = Cause(kind="declaration", cause_id=statement)
            merge(connection, merged, stands, cause=cause, now=now, random_bytes=random_bytes)
        seen_at = {(row["commune_code"], row["premises_id"]) for row in self.inserts[tables.presences]}
        declared = presences.delete_covered(connection, self.covers, rules=rules, seen_at=seen_at)
        if declared:
            settle_declared(connection, declared, now=now, random_bytes=random_bytes)

    def _flush_stays(self, connection: Connection) -> None:
        """Insert what cannot be stored yet, which is most; only what can be is upserted.

        Before a row of an upsert SQLite copies every page it may touch, because of the reference to the premises: three times the price.
        """
        write_rows(connection, tables.stays, [row for stay_id, row in self.stays.items() if stay_id not in self.replaced])
        stored = [row for stay_id, row in self.stays.items() if stay_id in self.replaced]
        write_rows(connection, tables.stays, stored, keep=_NOT_SAID_ANEW)

    def _flush_versions(self, connection: Connection, now: datetime, random_bytes: Callable[[int], bytes]) -> None:
        replaced = self.versions
        if self.replaced:
            stored = select(tables.stays).where(among(tables.stays.c.stay_id, sorted(self.replaced), connection))
            replaced = [*(row._asdict() for row in connection.execute(stored)), *self.versions]
        rows = [
            each | {"version_id": uuid7_text(now, random_bytes(10)), "place": place, "recorded_at": each["changed_at"]}
            for place, each in enumerate(replaced)
        ]
        write_rows(connection, tables.stay_versions, rows)

    def _flush_findings(self, connection: Connection, now: datetime) -> None:
        if self.cleared:
            columns = tables.findings.c
            standing = columns.finding_id.in_(sorted(self.cleared)) & columns.cleared_at.is_(None)
            connection.execute(update(tables.findings).where(standing).values(cleared_at=now))
        write_rows(connection, tables.findings, list(self.findings.values()), keep=("commune_code", "finding_id", "found_at"))
        write_rows(connection, tables.finding_links, list(self.links.values()), keep=())


def _keep_state(connection: Connection, row: Row) -> None:
    """Copy a person's sealed fields as they stand, before they are replaced; nobody opens them for it."""
    persons, versions = tables.persons, tables.person_versions
    sealed = [f"{name}_sealed" for name in SEALED_COLUMNS]
    given = [literal(value, versions.c[name].type) for name, value in row.items()]
    state = select(*given, *(persons.c[name] for name in sealed)).where(persons.c.person_id == row["person_id"])
    connection.execute(insert(versions).from_select([*row, *sealed], state))
