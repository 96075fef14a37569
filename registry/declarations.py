"""Declarations as kept: what was said, sealed; the proof that a kiosk said it; and the findings about it.

- A row is written once. Its body is sealed under a person's key and opened only for reconciliation (``matching_*``), for telling whether
  it was said anew (``registry/said_anew.py``), for proof, or for whoever corrects it (``registry/release.py`` puts that on the record).
- The kiosk's COSE_Sign1 stands beside it; with the opened body it proves the statement without any sealing key.

Example: ``findings_about(connection, [declaration_id])``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, select

from registry import tables
from registry.vault import Cell, SubjectKey, Vault
from residence.stays.declaration import StayDeclaration
from residence.stays.turns import Turn, turns_of

SALT_BYTES: Final = 16  # a kiosk's body begins with them (residence/wire/envelope.py)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a stay takes over from the declarations it rests on."""

    evidence_level: int
    reason: str | None = None
    due: datetime | None = None
    on_time: bool | None = None
    rule: str | None = None
    rule_set: str | None = None


class KeptDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """One declaration opened for reconciliation."""

    declaration: StayDeclaration
    person_id: str | None
    facts: Facts
    received_at: datetime


class StandingFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One disagreement that stands, for the officer's and the clerk's lists."""

    finding_id: str
    code: str
    severity: str
    pointer: str
    about: tuple[str, ...]
    found_at: datetime


def message_json(body: bytes, *, from_kiosk: bool) -> bytes:
    """Return the JSON of a body: a kiosk's begins with 16 random bytes."""
    return body[SALT_BYTES:] if from_kiosk else body


def matching_declarations(connection: Connection, condition: ColumnElement[bool]) -> list[Row[Any]]:
    """Return rows of declarations that passed the check and for which ``condition`` holds, still sealed.

    Those that reconciliation refused are among them: a correction may yet make them fit. What the check refused never can.
    """
    columns = tables.declarations.c
    wanted = [
        columns[name]
        for name in (
            "declaration_id", "arrival_at", "person_id", "subject_id", "about", "body_sealed", "signed", "evidence_level", "reason", "due", "on_time",
            "rule", "rule_set", "state", "problems", "premises_id", "commune_code", "received_at",
        )
    ]  # fmt: skip
    return [row for row in connection.execute(select(*wanted).where(condition)) if row.state != "refused" or not _has_errors(row)]


def _has_errors(row: Row[Any]) -> bool:
    return any(each["severity"] == "error" for each in row.problems)


def open_declaration(row: Row[Any], *, keys: Mapping[str, SubjectKey], vault: Vault) -> KeptDeclaration | None:
    """Open one row of ``matching_declarations``; None when its person was erased."""
    key = keys.get(row.subject_id)
    if key is None:
        return None
    body = vault.open(key, Cell("declarations", "body", row.declaration_id), row.body_sealed)
    return KeptDeclaration(
        declaration=msgspec.json.decode(message_json(body, from_kiosk=row.signed is not None), type=StayDeclaration),
        person_id=row.person_id,
        facts=Facts(**{name: getattr(row, name) for name in Facts.__struct_fields__}),
        received_at=row.received_at,
    )


def turns_among(kept: Iterable[KeptDeclaration]) -> dict[str, Turn]:
    """Return the turns of what was said."""
    said = list(kept)
    return turns_of([each.declaration for each in said], {each.declaration.declaration_id: each.received_at for each in said})


def declaration_row(connection: Connection, declaration_id: str) -> Row[Any] | None:
    """Return one declaration's row, its body sealed."""
    return connection.execute(
        select(tables.declarations).where(tables.declarations.c.declaration_id == declaration_id).limit(1)
    ).first()


def findings_about(connection: Connection, about_ids: Iterable[str]) -> dict[str, list[StandingFinding]]:
    """Return the standing findings about each declaration, person or stay, in one query."""
    wanted = sorted(set(about_ids))
    found: dict[str, list[StandingFinding]] = {}
    if not wanted:
        return found
    links, columns = tables.finding_links.c, tables.findings.c
    query = (
        select(links.about_id, tables.findings)
        .join_from(
            tables.finding_links,
            tables.findings,
            (links.commune_code == columns.commune_code) & (links.finding_id == columns.finding_id),
        )
        .where(links.about_id.in_(wanted), columns.cleared_at.is_(None))
        .order_by(columns.found_at, columns.finding_id)
    )
    for row in connection.execute(query):
        values = {name: getattr(row, name) for name in StandingFinding.__struct_fields__}
        found.setdefault(row.about_id, []).append(StandingFinding(**{**values, "about": tuple(row.about)}))
    return found
