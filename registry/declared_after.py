"""Somebody was seen, a notice went out, perhaps a case was opened, and then the stay was declared: neither may go on standing.

- Called when a stay has just covered presences. While other presences of the same pseudonym stay uncovered, nothing is settled.
- Notices about them become answered, so they leave the officer's list and never grow into a case.
- A case nobody has claimed is closed as declared, with a row saying so. A claimed one is the officer's to close.

Example: ``settle_declared(connection, {("blk-hoa-binh", pseudonym)}, now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, select, update

from registry import tables
from registry.asking import among_pairs
from registry.cases import close_declared
from residence.cases.notices import DECLARE_KINDS, NoticeKind
from residence.cases.transitions import CaseStatus


def settle_declared(
    connection: Connection, declared: set[tuple[str, bytes]], *, now: datetime, random_bytes: Callable[[int], bytes]
) -> None:
    """Answer the notices and close the unclaimed cases about these (premises, pseudonym) pairs."""
    whose = sorted(set(declared) - _still_seen(connection, declared))
    if not whose:
        return
    named = [(premises_id, pseudonym.hex()) for premises_id, pseudonym in whose]
    notices, cases = tables.notices.c, tables.cases.c
    met = sorted(each.value for each in (*DECLARE_KINDS, NoticeKind.OFFICER_ASKS))
    standing = notices.kind.in_(met) & notices.answered_at.is_(None)
    about = among_pairs((notices.premises_id, notices.who), named, connection)
    connection.execute(update(tables.notices).where(standing, about).values(answered_at=now, answer="declared"))
    unclaimed = select(cases.commune_code, cases.case_id).where(
        cases.state == CaseStatus.OPEN.value, among_pairs((cases.premises_id, cases.who), named, connection)
    )
    for commune_code, case_id in connection.execute(unclaimed).all():
        close_declared(connection, commune_code, case_id, now=now, random_bytes=random_bytes)


def _still_seen(connection: Connection, declared: set[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
    columns = tables.presences.c
    asked = columns.pseudonym_index.in_(sorted({pseudonym for _, pseudonym in declared}))
    rows = connection.execute(select(columns.premises_id, columns.pseudonym_index).where(asked).distinct())
    return {(premises_id, bytes(pseudonym)) for premises_id, pseudonym in rows}
