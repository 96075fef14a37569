"""The retention policy carried out: every night, page by page, with a report of what went.

- Each page is a transaction of its own, and the report is added to in that very transaction: it counts what went, whatever dies in between.
- A row goes with the keys that sealed it and with what only it explains: a presence with its receipt, a letter with what was done about it.
- ``unseal`` empties the sealed body and deletes its key: the bare fact and its digest stay.
- A report says how many rows of which class went, by which policy, and never whose. It is written even when nothing was due.
- A night that was broken off goes on where it was. Who does it of several gateways is decided in ``gateway/nightly.py``.

Example: ``carry_out(registry, read_policy(), clock=clock, by="operator-1")``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Column, ColumnElement, Connection, Row, Select, TextClause, delete, insert, select, update

from registry import presences, tables
from registry.asking import among_pairs
from registry.database import Registry
from registry.quarantine import NOWHERE
from registry.retention_policy import DataClass, Policy
from registry.tables_stays import REFUSED
from residence.clock import VIETNAM, Clock

PAGE: Final = 500
_REPORTS: Final = tables.deletion_reports


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """What was done for one class. ``left``: there may be more that is due."""

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


def carry_out(
    registry: Registry,
    policy: Policy,
    *,
    clock: Clock,
    by: str,
    night: str | None = None,
    go_on: Callable[[], bool] = lambda: True,
) -> DeletionReport:
    """Delete and unseal whatever is due and keep the report; ``go_on`` is asked before each page. Of a ``night`` that ended nothing is done again."""
    report = _report_of(registry, night) if night is not None else None
    if report is None or report.policy != policy.digest:
        report = _begin(registry, policy, None if report else night, clock=clock, by=by)
    for place, each in enumerate(policy.timed):
        while report.deleted[place].left:
            if not go_on():
                return report
            report = _carry_out_page(registry, each, report, place=place)
    if report.finished_at is None:
        report = msgspec.structs.replace(report, finished_at=clock.now())
        with registry.writing() as connection:
            connection.execute(update(_REPORTS).where(*_same(report.night)).values(finished_at=report.finished_at))
    return report


def _begin(registry: Registry, policy: Policy, night: str | None, *, clock: Clock, by: str) -> DeletionReport:
    """Write the report's row, with everything still to do."""
    now = clock.now()
    night = night or f"{now.astimezone(VIETNAM).date()} {now.isoformat(timespec='microseconds')}"
    due = tuple(Deleted(name=each.name, action=each.action, before=now - each.period, rows=0, left=True) for each in policy.timed)
    report = DeletionReport(night=night, policy=policy.digest, by=by, began_at=now, finished_at=None, deleted=due)
    row = {"commune_code": NOWHERE, **msgspec.structs.asdict(report), "deleted": msgspec.to_builtins(due)}
    with registry.writing() as connection:
        connection.execute(insert(_REPORTS), [row])
    return report


def _carry_out_page(registry: Registry, each: DataClass, report: DeletionReport, *, place: int) -> DeletionReport:
    done = report.deleted[place]
    with registry.writing() as connection:
        ids = [row[0] if len(row) == 1 else tuple(row) for row in connection.execute(_due(each, done.before).limit(PAGE))]
        if ids:
            _DOING[each.tables[0]][1](connection, ids)
        done = msgspec.structs.replace(done, rows=done.rows + len(ids), left=len(ids) == PAGE)
        deleted = (*report.deleted[:place], done, *report.deleted[place + 1 :])
        connection.execute(update(_REPORTS).where(*_same(report.night)).values(deleted=msgspec.to_builtins(deleted)))
    return msgspec.structs.replace(report, deleted=deleted)


def _same(night: str) -> tuple[ColumnElement[bool], ...]:
    return (_REPORTS.c.commune_code == NOWHERE, _REPORTS.c.night == night)


def _report_of(registry: Registry, night: str) -> DeletionReport | None:
    with registry.reading() as connection:
        row = connection.execute(select(_REPORTS).where(*_same(night))).one_or_none()
    return _report(row) if row is not None else None


def reports(connection: Connection, *, limit: int = 31) -> list[DeletionReport]:
    """Return the newest reports."""
    query = select(_REPORTS).where(_REPORTS.c.commune_code == NOWHERE).order_by(_REPORTS.c.night.desc()).limit(limit)
    return [_report(row) for row in connection.execute(query)]


def _report(row: Row[Any]) -> DeletionReport:
    told = {name: getattr(row, name) for name in DeletionReport.__struct_fields__}
    return DeletionReport(**{**told, "deleted": msgspec.convert(row.deleted, tuple[Deleted, ...])})


def _due(each: DataClass, before: datetime) -> Select[Any]:
    table = tables.metadata.tables[each.tables[0]]
    own_id = [column for column in table.primary_key if column.name != "commune_code"]
    only, _ = _DOING[table.name]
    old = table.c[each.counted_from or ""] <= before
    if table is tables.presences and each.counted_from == "recorded_at":
        old = table.c.expires_at <= before + presences.KEPT_FOR  # the same, by the index there is
    return select(*own_id).where(old, *only)


def _delete_with_keys(*columns: Column[str]) -> Callable[[Connection, Sequence[Any]], None]:
    def work(connection: Connection, ids: Sequence[Any]) -> None:
        for column in columns:
            connection.execute(delete(column.table).where(column.in_(ids)))

    return work


def _delete_boots(connection: Connection, pairs: Sequence[Any]) -> None:
    boots = tables.door_boots
    connection.execute(delete(boots).where(among_pairs((boots.c.kiosk_id, boots.c.boot_id), pairs, connection)))


def _delete_looks(connection: Connection, ids: Sequence[str]) -> None:
    """Delete access records; all rows of a look are of one instant, so what the log says of it goes with any of them."""
    records = tables.access_records
    look_ids = connection.scalars(select(records.c.look_id).where(records.c.access_id.in_(ids)).distinct()).all()
    connection.execute(delete(records).where(records.c.access_id.in_(ids)))
    connection.execute(delete(tables.looks).where(tables.looks.c.look_id.in_(look_ids)))


def _unseal(connection: Connection, ids: Sequence[str]) -> None:
    same = tables.declarations.c.declaration_id.in_(ids)
    connection.execute(update(tables.declarations).where(same).values(body_sealed=b""))
    connection.execute(delete(tables.subject_keys).where(tables.subject_keys.c.subject_id.in_(ids)))


def _delete_pieces(connection: Connection, ids: Sequence[str]) -> None:
    """Delete lines of guest lists; all pieces of a list are of one instant, so its key goes with any of them."""
    pieces = tables.guest_list_pieces.c
    lists = connection.scalars(select(pieces.list_id).where(pieces.piece_id.in_(ids)).distinct()).all()
    connection.execute(delete(tables.guest_list_pieces).where(pieces.piece_id.in_(ids)))
    connection.execute(delete(tables.subject_keys).where(tables.subject_keys.c.subject_id.in_(lists)))


_KEYS: Final = tables.subject_keys.c.subject_id
_LETTERS: Final = tables.quarantine.c
# A policy may ask of a table only what stands here: which rows besides the old, and how they go.
_DOING: Final[dict[str, tuple[tuple[ColumnElement[bool] | TextClause, ...], Callable[[Connection, Sequence[Any]], None]]]] = {
    "presences": ((), lambda connection, ids: presences.delete_presences(connection, list(ids))),
    "sweep_marks": ((tables.sweep_marks.c.due_at.is_(None),), _delete_with_keys(tables.sweep_marks.c.premises_id)),
    "declarations": ((REFUSED, tables.declarations.c.body_sealed != b""), _unseal),
    "quarantine": (
        (_LETTERS.state.in_(("settled", "dismissed")),),
        _delete_with_keys(tables.letter_events.c.quarantine_id, _LETTERS.quarantine_id, _KEYS),
    ),
    "guest_list_pieces": ((), _delete_pieces),
    "messages": ((), _delete_with_keys(tables.messages.c.message_id)),
    "recall_consents": ((), _delete_with_keys(tables.recall_consents.c.declaration_id)),
    "sessions": ((), _delete_with_keys(tables.sessions.c.session_hash)),
    "setup_links": ((), _delete_with_keys(tables.setup_links.c.link_hash)),
    "sign_in_audit": ((), _delete_with_keys(tables.sign_in_audit.c.event_id)),
    "access_records": ((), _delete_looks),
    "door_events": ((), _delete_with_keys(tables.door_events.c.event_id)),
    "door_boots": ((), _delete_boots),
    "undated_declarations": ((), _delete_with_keys(tables.undated_declarations.c.declaration_id)),
    "door_passes": ((), _delete_with_keys(tables.door_passes.c.pass_id)),
    "door_cards": ((), _delete_with_keys(tables.door_cards.c.card_id)),
    "kiosk_calls": ((), _delete_with_keys(tables.kiosk_calls.c.call_id)),
    "paths": (
        (),
        _delete_with_keys(tables.path_steps.c.path_id, tables.path_handovers.c.path_id, tables.paths.c.path_id, _KEYS),
    ),
    "api_tokens": ((), _delete_with_keys(tables.api_tokens.c.token_hash)),
    "api_requests": ((), _delete_with_keys(tables.api_requests.c.request_hash)),
    "api_batches": ((), _delete_with_keys(tables.api_batches.c.batch_id)),
    "webhook_deliveries": ((), _delete_with_keys(tables.webhook_deliveries.c.delivery_id)),
}
