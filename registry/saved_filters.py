"""Filters of work queues that somebody saved for themselves: a label, the queue, and what is asked, as it stands in an address.

- They belong to one account; nobody else reads or removes them. A label is for words about work, not about people.

Example: ``filters_of(connection, account_id)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select

from registry import tables
from residence.cases.queues import Filter
from residence.clock import uuid7
from residence.errors import Refused

AT_MOST: Final = 20
LONGEST_LABEL: Final = 40
_COLUMNS: Final = tables.saved_filters.c


def save_filter(
    connection: Connection,
    whose: tuple[str, str],
    *,
    label: str,
    asked: tuple[str, Filter],
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> str:
    """Keep a filter under a label; returns its id. ``whose``: commune and account; ``asked``: the queue and the filter."""
    commune_code, account_id = whose
    label = " ".join(label.split())
    if not label or len(label) > LONGEST_LABEL or not label.isprintable():
        raise Refused("queue.label", "/label")
    if len(filters_of(connection, account_id)) >= AT_MOST:
        raise Refused("queue.too_many_filters", "/label")
    row = {
        "commune_code": commune_code,
        "filter_id": str(uuid7(now, random_bytes(10))),
        "account_id": account_id,
        "queue": asked[0],
        "label": label,
        "asked": asked[1].written,
        "saved_at": now,
    }
    connection.execute(insert(tables.saved_filters), [row])
    return str(row["filter_id"])


def filters_of(connection: Connection, account_id: str) -> list[Row[Any]]:
    """Return what an account saved, oldest first."""
    query = select(tables.saved_filters).where(_COLUMNS.account_id == account_id)
    return list(connection.execute(query.order_by(_COLUMNS.filter_id).limit(AT_MOST)).all())


def forget_filter(connection: Connection, account_id: str, filter_id: str) -> None:
    """Remove one of an account's own filters; one that is not there is no error."""
    connection.execute(delete(tables.saved_filters).where(_COLUMNS.account_id == account_id, _COLUMNS.filter_id == filter_id))
