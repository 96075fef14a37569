"""What the tests of importing share: a registry to import into, files written on the spot, and what is in the registry after."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import func, select

from registry import tables
from registry.database import Registry
from registry.importing.fields import Kind
from registry.importing.journal import Who
from registry.importing.mapping import Mapping
from registry.importing.reading import Rows, open_file
from registry.importing.running import Report, Task, run_import
from registry.importing.taking import Means, Rejected
from registry.vault import Cell

NOW = datetime(2026, 7, 10, 7, 0, tzinfo=UTC)
COUNTED = (
    "persons", "identifiers", "name_tokens", "residences", "households", "premises", "units", "subject_keys", "imported_rows", "findings",
    "finding_links",
)  # fmt: skip
HEAD = [
    "person_ref",
    "commune_code",
    "full_name",
    "birth",
    "sex",
    "personal_number",
    "old_number",
    "phone",
    "premises_ref",
    "unit",
    "residence_kind",
    "valid_from",
]


def line(**said: str) -> list[str]:
    """One row of residents, good unless said otherwise."""
    usual = {
        "person_ref": "HK-1",
        "commune_code": "demo-01",
        "full_name": "Trần Văn An",
        "birth": "01/02/1995",
        "sex": "Nam",
        "personal_number": "001095000117",
        "old_number": "012345678",
        "phone": "0912 345 678",
        "premises_ref": "hsh-1",
        "unit": "",
        "residence_kind": "Thường trú",
        "valid_from": "15/01/2020",
    }
    return [(usual | said)[each] for each in HEAD]


def csv_text(rows: Sequence[Sequence[str]], separator: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    return text.getvalue()


def write_csv(path: Path, rows: Sequence[Sequence[str]], *, encoding: str = "utf-8", separator: str = ",") -> Path:
    path.write_bytes(csv_text(rows, separator).encode(encoding))
    return path


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Imports into one registry."""

    registry: Registry
    folder: Path
    batch_rows: int = 50

    def means(self) -> Means:
        return Means(
            vault=self.registry.vault,
            now=NOW,
            today=date(2026, 7, 10),
            source="",
            import_id="",
        )

    def take(self, rows: Rows, kind: Kind, mapping: Mapping | None = None) -> tuple[Report, list[Rejected]]:
        task = Task(
            rows=rows, kind=kind, mapping=mapping or Mapping(), who=Who(name="clerk", now=NOW, batch_rows=self.batch_rows)
        )
        report, _, rejected = run_import(task, self.means(), transaction=self.registry.writing)
        return report, [each for found in rejected.values() for each in found]

    def tried(self, rows: Rows, kind: Kind) -> Report:
        """A dry run."""
        task = Task(rows=rows, kind=kind, mapping=Mapping(), who=Who(name="clerk", now=NOW, batch_rows=self.batch_rows))
        with self.registry.engine.connect() as connection:
            outer = connection.begin()
            report, _, _ = run_import(task, self.means(), transaction=lambda: nullcontext(connection))
            outer.rollback()
        return report

    def file(self, name: str, rows: Sequence[Sequence[str]], mapping: Mapping | None = None) -> Rows:
        return open_file(write_csv(self.folder / name, rows), mapping or Mapping())

    def residents(
        self, *rows: Sequence[str], name: str = "residents.csv", source: str = "register"
    ) -> tuple[Report, list[Rejected]]:
        mapping = Mapping(source=source)
        return self.take(self.file(name, [HEAD, *rows], mapping), "residents", mapping)

    def with_a_house(self) -> Desk:
        """The desk with one premises to live in."""
        self.take(
            self.file(
                "premises.csv", [["premises_ref", "commune_code", "kind", "name"], ["hsh-1", "demo-01", "nhà ở", "Nhà mẫu"]]
            ),
            "premises",
        )
        return self

    def counts(self) -> dict[str, int]:
        with self.registry.reading() as connection:
            return {
                name: connection.scalar(select(func.count()).select_from(tables.metadata.tables[name])) or 0 for name in COUNTED
            }

    def opened(self) -> list[dict[str, str | None]]:
        """Everybody's sealed fields, opened, in order of name."""
        vault = self.registry.vault
        with self.registry.reading() as connection:
            rows = connection.execute(select(tables.persons)).all()
            keys = vault.load_keys(connection, [row.person_id for row in rows])
        columns = ("full_name", "birth", "sex", "nationality", "residence_text", "contact")
        found = [
            {
                each: vault.open_text(keys[row.person_id], Cell("persons", each, row.person_id), getattr(row, f"{each}_sealed"))
                for each in columns
            }
            | {"person_id": row.person_id, "status": row.status, "name_quality": row.name_quality}
            for row in rows
        ]
        return sorted(found, key=lambda each: each["full_name"] or "")

    def findings(self) -> list[tuple[str, int]]:
        with self.registry.reading() as connection:
            return sorted(
                (code, len(about)) for code, about in connection.execute(select(tables.findings.c.code, tables.findings.c.about))
            )


def desk(registry: Registry, folder: Path, **said: int) -> Desk:
    return replace(Desk(registry=registry, folder=folder), **said)
