"""The column kinds every registry table is made of.

- One ``MetaData`` with named constraints, so that a migration can name what it changes on both engines.
- Instants are aware and UTC: ``timestamptz`` on PostgreSQL, fixed-width RFC 3339 text (sorts by time) on SQLite.
- A growing table's key is its commune and an id: the commune is the distribution key, the id a UUIDv7 or one derived from a
  declaration's id. No sequences; a foreign key never leaves its commune. ``found_by`` puts the id first where rows are asked for by
  id alone, so that one index serves both.
- A column ending in ``_sealed`` holds a value only ``registry/vault.py`` opens; one ending in ``_index`` holds a keyed blind index.

>>> Instant().process_bind_param(datetime(2026, 7, 10, 7, 0, tzinfo=UTC), sqlite_dialect)
'2026-07-10T07:00:00.000000Z'
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import JSON, Column, DateTime, Index, LargeBinary, MetaData, PrimaryKeyConstraint, String, Text
from sqlalchemy import text as text_of_sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


_NAIVE = "an instant in the registry must carry its offset"


@lru_cache(maxsize=1024)  # of a batch's rows most carry the same few
def utc_text(value: datetime) -> str:
    """Write an instant: ``2026-07-10T16:00:00.000000Z``, always as long, so that text sorts as time does."""
    if value.tzinfo is None:
        raise ValueError(_NAIVE)
    utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return f"{utc.isoformat(timespec='microseconds')[:26]}Z"


class Instant(TypeDecorator[datetime]):
    """An aware instant. Naive datetimes are a programming error and are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Store text on SQLite, ``timestamptz`` elsewhere."""
        return dialect.type_descriptor(String(27) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Write an aware datetime in UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return utc_text(value)
        if value.tzinfo is None:
            raise ValueError(_NAIVE)
        return value

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        """Return an aware datetime in UTC."""
        if value is None:
            return None
        instant: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
        return instant.astimezone(UTC)


class Document(TypeDecorator[Any]):
    """A small JSON value: ``jsonb`` on PostgreSQL, text on SQLite."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose by engine."""
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else JSON())


def commune() -> Column[str]:
    """Return the distribution key, first part of every primary key."""
    return Column("commune_code", String(16), primary_key=True)


def own_id(name: str, length: int = 64) -> Column[str]:
    """Return the second part of a primary key."""
    return Column(name, String(length), primary_key=True)


def found_by(*names: str) -> PrimaryKeyConstraint:
    """Return a primary key that begins with these columns and ends with the commune."""
    return PrimaryKeyConstraint(*names, "commune_code")


def index_where_set(table: str, name: str) -> Index:
    """Return an index of the rows that have a value there, for a column that is nearly always null."""
    there = text_of_sql(f"{name} IS NOT NULL")
    return Index(f"ix_{table}_{name}", name, sqlite_where=there, postgresql_where=there)


def reference(name: str, *, nullable: bool = False, index: bool = False) -> Column[str]:
    """Return an id of another row, by value (rows of other communes may be meant, so no constraint)."""
    return Column(name, String(64), nullable=nullable, index=index)


def word(name: str, *, nullable: bool = False, length: int = 64) -> Column[str]:
    """Return a short code word or label."""
    return Column(name, String(length), nullable=nullable)


def text(name: str, *, nullable: bool = True) -> Column[str]:
    """Return free text that names no person."""
    return Column(name, Text, nullable=nullable)


def instant(name: str, *, nullable: bool = False, index: bool = False) -> Column[datetime]:
    """Return an instant."""
    return Column(name, Instant(), nullable=nullable, index=index)


def sealed(name: str, *, nullable: bool = True) -> Column[bytes]:
    """Return a field only the vault opens."""
    return Column(f"{name}_sealed", LargeBinary, nullable=nullable)


def blind_index(name: str, *, primary_key: bool = False, nullable: bool = False) -> Column[bytes]:
    """Return a keyed HMAC (16 bytes) to find equal values by."""
    return Column(f"{name}_index", LargeBinary(16), primary_key=primary_key, nullable=nullable)


def octets(name: str, *, nullable: bool = False) -> Column[bytes]:
    """Return bytes that say nothing about a person without a key kept elsewhere."""
    return Column(name, LargeBinary, nullable=nullable)


def document(name: str, *, nullable: bool = False) -> Column[Any]:
    """Return a small JSON value."""
    return Column(name, Document(), nullable=nullable)


NUL: Final = "\x00"  # SQLite stores it in a text, PostgreSQL takes it nowhere


def fitting(value: str | None, column: Column[str]) -> str | None:
    """Return a text that may stand in a column, else None: PostgreSQL refuses what SQLite would take."""
    longest = getattr(column.type, "length", None)
    if value is not None and NUL in value:
        return None
    return value if value is None or (longest is None or len(value) <= longest) else None
