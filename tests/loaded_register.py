"""Rows for every table of the registry, with the shape of a loaded one: many communes, every id its own, most things long settled.

- Rows are invented from the columns alone, so a new table is filled without a line here; nothing in them opens or reads.
- What a query decides by (states, times) is spread as in a register that has run for months: most is closed, little is open.

Example: ``load(connection, rows=2000)``
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Float, Integer, LargeBinary, Table

from registry import tables
from registry.bulk import write_rows
from registry.columns import Document, Instant

COMMUNES = 40
NEWEST = datetime(2026, 7, 10, tzinfo=UTC)
# column, or table.column -> what its values are drawn from
DRAWN = {
    "status": ("ended",) * 18 + ("open", "removed"),
    "api_requests.status": (200,) * 9 + (422,),
    "identifiers.status": ("active",) * 9 + ("stated",),
    "persons.status": ("living",) * 19 + ("deceased",),
    "cases.state": ("closed-declared",) * 19 + ("open",),
    "quarantine.state": ("settled",) * 19 + ("new",),
    "duplicate_pairs.state": ("different",) * 19 + ("proposed",),
    "declarations.state": ("accepted",) * 18 + ("refused", "conflicting"),
    "declarations.kind": ("arrival", "departure", "correction"),
    "messages.kind": ("notice",) * 9 + ("confirm",),
    "messages.state": ("sent",) * 19 + ("waiting",),
    "webhooks.state": ("paused",) * 3 + ("active",),
    "webhook_deliveries.state": ("delivered",) * 19 + ("waiting",),
    "notices.kind": ("please-declare",) * 3 + ("thirty-days",),
    "premises.kind": ("household",) * 9 + ("hotel",),
    "premises.earlier_kinds": (None,) * 9 + ('[["household","2026-01-01T00:00:00Z"]]',),
    "presences.kind": ("entry",) * 9 + ("night_check",),
    "person_kind": ("citizen",) * 9 + ("foreigner",),
    "residences.kind": ("permanent",) * 4 + ("temporary",),
}
# Nearly always null, as index_where_set says.
SELDOM = {"merged_into", "about", "valid_to", "cleared_at", "revoked_at", "retired_at", "disabled_at", "number_index"}
# What is read by its content, where invented bytes would say nothing.
LEFT_OUT = {"outages", "gateway_reports"}
NEVER = {"quarantine.receipt_bytes"}
NOW_AND_THEN = {
    "disputes.settled_at",
    "rights_requests.answered_at",
    "paths.ended_at",
    "declaring_locks.lifted_at",
    "notices.answered_at",
}  # null in one of five: an index of what waits that holds nothing would seem the cheapest for everything
SHARED = {"premises_id": 10, "worker": 500, "account_id": 20, "import_id": 200}  # rows to one value


def load(connection: Connection, *, rows: int) -> None:
    """Fill every table, those that others refer to first."""
    for table in tables.metadata.sorted_tables:
        if table.name not in LEFT_OUT:
            write_rows(connection, table, list(rows_of(table, rows)))


def rows_of(table: Table, count: int, *, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Return invented rows; the same again for the same seed."""
    draw = random.Random(f"{seed} {table.name}")
    for number in range(count):
        yield {column.name: _value(column, number, draw) for column in table.columns}


def _value(column: Column[Any], number: int, draw: random.Random) -> Any:
    name, kind = column.name, column.type
    drawn = DRAWN.get(f"{column.table.name}.{name}") or DRAWN.get(name)
    if name == "commune_code":
        return f"c-{number % COMMUNES:03d}"
    if f"{column.table.name}.{name}" in NEVER:
        return None
    if name in SELDOM and column.nullable and draw.random() < 0.97:
        return None
    if f"{column.table.name}.{name}" in NOW_AND_THEN and draw.random() < 0.2:
        return None
    if drawn:
        return draw.choice(drawn)
    for sort, invent in INVENTED.items():
        if isinstance(kind, sort):
            return invent(column, number, draw)
    return _text(column, number, draw)


# kind of column, the more special first -> its value
INVENTED: dict[type, Callable[[Column[Any], int, random.Random], Any]] = {
    Instant: lambda _column, _number, draw: NEWEST - timedelta(seconds=draw.randrange(200 * 86_400)),
    LargeBinary: lambda column, _number, draw: draw.randbytes(getattr(column.type, "length", None) or 60),
    Document: lambda _column, _number, _draw: [],
    Boolean: lambda _column, _number, draw: draw.random() < 0.5,
    Integer: lambda column, number, draw: number if column.name == "sequence" else draw.randrange(5),
    Float: lambda _column, _number, draw: draw.random(),
}


def _text(column: Column[Any], number: int, draw: random.Random) -> str:
    """Return an id that keeps to its commune where rows refer to each other, else a word out of a few."""
    name, longest = column.name, getattr(column.type, "length", None) or 40
    own = column.primary_key or column.unique or name in {"code", "person_id", "kiosk_id", "sign_in_name", "stay_id", "case_id"}
    if name in SHARED and not _is_own(column):
        number = number % COMMUNES + COMMUNES * (number // COMMUNES // SHARED[name])
        own = True
    if name in {"valid_from", "valid_to", "day"}:
        if column.primary_key:  # a day as often as there are communes
            return (NEWEST - timedelta(days=number // COMMUNES)).date().isoformat()
        return (NEWEST - timedelta(days=draw.randrange(900))).date().isoformat()
    if own or name.endswith("_id") or name in {"who", "owner", "other_commune", "about"}:
        return f"{name[:6]}-{number:07d}"[-longest:]  # what is short keeps what tells the rows apart
    return f"{name[:4]}-{draw.randrange(6)}"[:longest]


def _is_own(column: Column[Any]) -> bool:
    """Tell whether each row of the table has its own value here."""
    return [each.name for each in column.table.primary_key if each.name != "commune_code"] == [column.name]
