"""The same step with several cases: tried first and rolled back, then done, each case for itself; taken back while nothing else happened to it.

- The preview *is* the act: every case's step is taken inside a savepoint and undone again, so what it says is what would be done.
- One case that cannot be done stops no other; each has an outcome of its own, kept with the act.
- At most ``CAP`` at once by one officer, ``BEYOND`` by two (``registry/second_eyes.py``). Given, put on hold and closed can be taken back and may be done in bulk; what goes out to people may not.
  Several acts count together (``left_alone``): closing within a day, the rest within the time to take it back. Cutting a thousand into pieces of fifty needs a second person, too.
- Undo restores a case to what it was, by whoever acted, within ``UNDO_WITHIN``, and only where the case is as the act left it.

Example: ``run_bulk(connection, asked, do=step, keep=False)`` returns the outcomes and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from registry import tables
from registry.case_tasks import Task, note_step, tasks_of
from registry.cases import case
from registry.locking import locked_row
from registry.sweep_marks import mark
from residence.errors import Conflict, LuutruError, Refused

CAP: Final = 50
BEYOND: Final = 500
UNDO_WITHIN: Final = timedelta(minutes=30)
CLOSING_COUNTS_FOR: Final = timedelta(days=1)
_OF_CASE: Final = ("state", "claimed_by", "claim_purpose", "closing_code", "asked_at", "counted_from")
_ACTS: Final = tables.bulk_acts.c


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a case was at one moment, as far as a bulk act can change it."""

    state: str
    claimed_by: str | None
    claim_purpose: str | None
    closing_code: str | None
    asked_at: datetime | None
    counted_from: datetime
    task: Task
    answered_at: datetime | None  # of the case's notice
    answer: str | None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One case of a bulk act. ``code``: why nothing was done with it; ``undone``: what came of taking it back."""

    case_id: str
    code: str | None = None
    before: Snapshot | None = None
    after: Snapshot | None = None
    undone: str | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, with which cases."""

    action: str
    value: str
    reason: str
    case_ids: tuple[str, ...]


def run_bulk(
    connection: Connection, asked: Asked, *, do: Callable[[str], None], keep: bool, at_most: int = CAP
) -> tuple[Item, ...]:
    """Take a step with each case, for itself; ``keep=False`` takes everything back again."""
    if not asked.case_ids:
        raise Refused("bulk.nothing", "/case")
    if len(set(asked.case_ids)) > at_most:
        raise Refused("bulk.too_many", "/case")
    return tuple(_one(connection, case_id, do, keep=keep) for case_id in dict.fromkeys(asked.case_ids))


def _one(connection: Connection, case_id: str, do: Callable[[str], None], *, keep: bool) -> Item:
    before, saved = snapshot(connection, case_id), connection.begin_nested()
    try:
        do(case_id)
    except LuutruError as error:
        saved.rollback()
        return Item(case_id=case_id, code=error.code)
    item = Item(case_id=case_id, before=before, after=snapshot(connection, case_id))
    if keep:
        saved.commit()
    else:
        saved.rollback()
    return item


def snapshot(connection: Connection, case_id: str) -> Snapshot | None:
    """Return what a case is now; None when there is none."""
    row = case(connection, case_id)
    if row is None:
        return None
    notice = _notice(connection, row)
    return Snapshot(
        **{name: getattr(row, name) for name in _OF_CASE},
        task=tasks_of(connection, [case_id]).get(case_id, Task()),
        answered_at=notice.answered_at if notice else None,
        answer=notice.answer if notice else None,
    )


def keep_act(connection: Connection, asked: Asked, items: Iterable[Item], *, of: tuple[str, str, str], now: datetime) -> None:
    """Keep what was done. ``of``: commune, the act's id, account."""
    commune_code, bulk_id, account_id = of
    row = {
        "commune_code": commune_code,
        "bulk_id": bulk_id,
        "account_id": account_id,
        "action": asked.action,
        "value": asked.value,
        "reason": asked.reason or None,
        "items": msgspec.to_builtins(tuple(items)),
        "done_at": now,
        "undone_at": None,
    }
    try:
        connection.execute(insert(tables.bulk_acts), [row])
    except IntegrityError as error:  # sent twice in the same moment, or somebody else's number: nothing of this is kept
        raise Conflict("case.changed") from error


def left_alone(connection: Connection, asked: Asked, *, of: tuple[str, str], now: datetime) -> int:
    """Return how many cases an officer may still do this with by themselves. ``of``: commune, account."""
    since = now - (CLOSING_COUNTS_FOR if asked.action == "close" else UNDO_WITHIN)
    same = (_ACTS.commune_code == of[0], _ACTS.account_id == of[1], _ACTS.action == asked.action)
    query = select(_ACTS["items"]).where(*same, _ACTS.done_at > since, _ACTS.undone_at.is_(None))
    done = [sum(each.get("code") is None for each in items) for items in connection.scalars(query)]
    return max(0, CAP - sum(each for each in done if each <= CAP))  # what is more was granted by a second person


def act_of(connection: Connection, account_id: str, bulk_id: str) -> tuple[Row[Any], tuple[Item, ...]] | None:
    """Return an account's own act and its items."""
    row = connection.execute(select(tables.bulk_acts).where(_ACTS.bulk_id == bulk_id, _ACTS.account_id == account_id)).first()
    return None if row is None else (row, msgspec.convert(row.items, tuple[Item, ...]))


def undo_act(
    connection: Connection, act: Row[Any], items: Iterable[Item], *, now: datetime, random_bytes: Callable[[int], bytes]
) -> None:
    """Restore every case that is as the act left it; the others are said to have changed."""
    held = locked_row(connection, tables.bulk_acts, act.bulk_id)
    if held is None or held.undone_at is not None or now > act.done_at + UNDO_WITHIN:
        raise Conflict("bulk.undo_over")
    done = tuple(_restored(connection, each, by=act.account_id, now=now, random_bytes=random_bytes) for each in items)
    values = {"undone_at": now, "items": msgspec.to_builtins(done)}
    connection.execute(update(tables.bulk_acts).where(_ACTS.bulk_id == act.bulk_id).values(**values))


def _restored(connection: Connection, item: Item, *, by: str, now: datetime, random_bytes: Callable[[int], bytes]) -> Item:
    if item.before is None or item.after is None:
        return item
    locked_row(connection, tables.cases, item.case_id)  # whoever steps in now comes after this
    if snapshot(connection, item.case_id) != item.after:
        return msgspec.structs.replace(item, undone="case.changed")
    row = case(connection, item.case_id)
    if row is None:
        return msgspec.structs.replace(item, undone="case.unknown")
    values = {name: getattr(item.before, name) for name in _OF_CASE} | {"changed_at": now}
    connection.execute(update(tables.cases).where(tables.cases.c.case_id == item.case_id).values(**values))
    mark(connection, [(row.commune_code, row.premises_id)])
    task = msgspec.structs.asdict(item.before.task) | {"handed_back": list(item.before.task.handed_back)}
    connection.execute(update(tables.case_tasks).where(tables.case_tasks.c.case_id == item.case_id).values(**task))
    if row.notice_id is not None:
        same = (tables.notices.c.commune_code == row.commune_code, tables.notices.c.notice_id == row.notice_id)
        answer = {"answered_at": item.before.answered_at, "answer": item.before.answer}
        connection.execute(update(tables.notices).where(*same).values(**answer))
    restored = case(connection, item.case_id)
    if restored is not None:
        note_step(connection, restored, "undone", by=by, now=now, random_bytes=random_bytes)
    return msgspec.structs.replace(item, undone="done")


def _notice(connection: Connection, row: Row[Any]) -> Any:
    if row.notice_id is None:
        return None
    columns = tables.notices.c
    same = (columns.commune_code == row.commune_code, columns.notice_id == row.notice_id)
    return connection.execute(select(columns.answered_at, columns.answer).where(*same)).first()
