"""The retention policy carried out: once a night, page by page, with a report of what went.

- Each page is a transaction of its own, so nobody waits for a long night; a class stops after ``MOST_PAGES`` and says that more is left.
- A row goes with the keys that sealed it and with what only it explains: a presence with its receipt, a letter with what was done about it.
- ``unseal`` empties the sealed body and deletes its key: the bare fact and its digest stay.
- A report says how many rows of which class went, by which policy, and never whose. It is written even when nothing was due.
- Of several gateways the first of a night writes the report's row and does the work; the others find it there.

Example: ``carry_out(registry, read_policy(), now=now, by="gateway")``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Select, TextClause, delete, insert, select, update

from registry import presences, tables
from registry.database import Registry
from registry.quarantine import NOWHERE
from registry.retention_policy import DataClass, Policy
from registry.tables_stays import REFUSED
from residence.clock import VIETNAM

PAGE: Final = 500
MOST_PAGES: Final = 2_000  # a million rows of a class in a night
NIGHT: Final = timedelta(hours=2)  # after midnight in Vietnam
_REPORTS: Final = tables.deletion_reports


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """What was done for one class. ``left``: more was due than one night may do."""

    name: str
    action: str
    before: datetime  # everything counted from earlier than this, or from this very instant, went
    rows: int
    left: bool = False


class DeletionReport(msgspec.Struct, frozen=True, kw_only=True):
    """One night."""

    night: str  # YYYY-MM-DD in Vietnam, or that and an instant for one asked for by hand
    policy: str  # the digest of its file
    by: str
    began_at: datetime
    finished_at: datetime | None
    deleted: tuple[Deleted, ...]


def night_of(now: datetime) -> date:
    """Return the night whose work is due: it begins two hours after midnight in Vietnam."""
    return (now.astimezone(VIETNAM) - NIGHT).date()


def carry_out_nightly(registry: Registry, policy: Policy, *, now: datetime) -> DeletionReport | None:
    """Carry the policy out unless this night's report stands already."""
    night = night_of(now).isoformat()
    with registry.reading() as connection:
        if connection.scalar(select(_REPORTS.c.night).where(_REPORTS.c.commune_code == NOWHERE, _REPORTS.c.night == night)):
            return None
    return carry_out(registry, policy, now=now, by="gateway", night=night)


def carry_out(registry: Registry, policy: Policy, *, now: datetime, by: str, night: str | None = None) -> DeletionReport:
    """Delete and unseal whatever is due, and keep the report."""
    night = night or f"{night_of(now)} {now.isoformat(timespec='microseconds')}"
    report = DeletionReport(night=night, policy=policy.digest, by=by, began_at=now, finished_at=None, deleted=())
    with registry.writing() as connection:
        connection.execute(insert(_REPORTS), [_row(report)])
    done = tuple(_carry_out_class(registry, each, now=now) for each in policy.timed)
    report = msgspec.structs.replace(report, finished_at=now, deleted=done)
    with registry.writing() as connection:
        same = (_REPORTS.c.commune_code == NOWHERE, _REPORTS.c.night == night)
        connection.execute(update(_REPORTS).where(*same).values(finished_at=now, deleted=msgspec.to_builtins(done)))
    return report


def reports(connection: Connection, *, limit: int = 31) -> list[DeletionReport]:
    """Return the newest reports."""
    query = select(_REPORTS).where(_REPORTS.c.commune_code == NOWHERE).order_by(_REPORTS.c.night.desc()).limit(limit)
    names = DeletionReport.__struct_fields__
    return [
        DeletionReport(**{name: getattr(row, name) for name in names if name != "deleted"}, deleted=_read(row.deleted))
        for row in connection.execute(query)
    ]


def _read(deleted: Any) -> tuple[Deleted, ...]:
    return msgspec.convert(deleted, tuple[Deleted, ...])


def _row(report: DeletionReport) -> dict[str, Any]:
    return {"commune_code": NOWHERE, **msgspec.structs.asdict(report), "deleted": []}


def _carry_out_class(registry: Registry, each: DataClass, *, now: datetime) -> Deleted:
    before, rows, full = now - each.period, 0, True
    pages = 0
    while full and pages < MOST_PAGES:
        with registry.writing() as connection:
            ids = connection.execute(_due(each, before).limit(PAGE)).all()
            if ids:
                _DOING[each.tables[0]][1](connection, [row[0] for row in ids])
        rows, pages, full = rows + len(ids), pages + 1, len(ids) == PAGE
    return Deleted(name=each.name, action=each.action, before=before, rows=rows, left=full)


def _due(each: DataClass, before: datetime) -> Select[Any]:
    table = tables.metadata.tables[each.tables[0]]
    own_id = next(column for column in table.primary_key if column.name != "commune_code")
    only, _ = _DOING[table.name]
    old = table.c[each.counted_from or ""] <= before
    if table is tables.presences and each.counted_from == "recorded_at":
        old = table.c.expires_at <= before + presences.KEPT_FOR  # the same, by the index there is
    return select(own_id).where(old, *only)


def _delete_with_keys(*columns: Column[str]) -> Callable[[Connection, Sequence[str]], None]:
    def work(connection: Connection, ids: Sequence[str]) -> None:
        for column in columns:
            connection.execute(delete(column.table).where(column.in_(ids)))

    return work


def _unseal(connection: Connection, ids: Sequence[str]) -> None:
    same = tables.declarations.c.declaration_id.in_(ids)
    connection.execute(update(tables.declarations).where(same).values(body_sealed=b""))
    connection.execute(delete(tables.subject_keys).where(tables.subject_keys.c.subject_id.in_(ids)))


_KEYS: Final = tables.subject_keys.c.subject_id
_LETTERS: Final = tables.quarantine.c
# A policy may ask of a table only what stands here: which rows besides the old, and how they go.
_DOING: Final[dict[str, tuple[tuple[ColumnElement[bool] | TextClause, ...], Callable[[Connection, Sequence[str]], None]]]] = {
    "presences": ((), lambda connection, ids: presences.delete_presences(connection, list(ids))),
    "declarations": ((REFUSED, tables.declarations.c.body_sealed != b""), _unseal),
    "quarantine": (
        (_LETTERS.state.in_(("settled", "dismissed")),),
        _delete_with_keys(tables.letter_events.c.quarantine_id, _LETTERS.quarantine_id, _KEYS),
    ),
    "sessions": ((), _delete_with_keys(tables.sessions.c.session_hash)),
    "setup_links": ((), _delete_with_keys(tables.setup_links.c.link_hash)),
    "sign_in_audit": ((), _delete_with_keys(tables.sign_in_audit.c.event_id)),
    "access_records": ((), _delete_with_keys(tables.access_records.c.access_id)),
}
