"""Whether two registries hold the same: rows counted and digested, table by table, in whatever order they come.

- A row's digest is the SHA-256 of its values by column name; a table's is the sum of its rows' (modulo 2^256), so that no order and no
  engine shows in it, and a row that stands twice counts twice.
- Sealed values are digested as they are: equality needs no key, and nothing is opened.
- Rows are streamed, never held; instants and JSON are written in one form for both engines.

Example: ``digest_all(connection) == digest_all(other)``
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Table, select

from registry import tables
from registry.columns import utc_text

PAGE: Final = 2_000
_MODULUS: Final = 1 << 256


class TableDigest(msgspec.Struct, frozen=True, kw_only=True):
    """One table: how many rows, and the sum of their digests in hex."""

    rows: int
    digest: str


def digest_all(connection: Connection) -> dict[str, TableDigest]:
    """Digest every table, in the transaction of ``connection``."""
    return {name: digest_table(connection, table) for name, table in sorted(tables.metadata.tables.items())}


def digest_table(connection: Connection, table: Table) -> TableDigest:
    """Digest one table."""
    names = sorted(str(column.name) for column in table.columns)  # SQLAlchemy's own kind of text is none to the encoder
    streamed = connection.execution_options(yield_per=PAGE).execute(select(*(table.c[name] for name in names)))
    encoder = msgspec.json.Encoder(order="deterministic")
    rows = total = 0
    for row in streamed:
        told = encoder.encode([str(table.name), *zip(names, map(_plain, row), strict=True)])
        total += int.from_bytes(hashlib.sha256(told).digest(), "big")
        rows += 1
    return TableDigest(rows=rows, digest=f"{total % _MODULUS:064x}")


def differences(one: Mapping[str, TableDigest], other: Mapping[str, TableDigest]) -> list[str]:
    """Return the tables that are not the same, or stand on one side only."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc_text(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return value
