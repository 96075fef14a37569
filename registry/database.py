"""One way to open the registry: an address, a vault, and two kinds of transaction.

- ``reading()`` and ``writing()`` each give a SQLAlchemy ``Connection`` inside exactly one transaction; leaving the block commits,
  an exception rolls back. Nothing commits elsewhere.
- Looks a transaction made are handed over once they stand and before the block is left (``registry/handing_over.py``), where a folder is named.
- SQLite: WAL, ``synchronous=FULL``, foreign keys, 30 s busy timeout; a writer takes the write lock at once (BEGIN IMMEDIATE), so two
  processes queue instead of failing half-way.
- PostgreSQL: READ COMMITTED; ``recording`` takes advisory locks for the people of its batch. A server that vanishes without a word (its
  machine dies while cut off) is noticed within half a minute: otherwise TCP would wait for its answer for ever.
- Addresses: ``sqlite:////absolute/path`` and ``postgresql+psycopg://user@host/database``.

Example: ``with connect(url, vault=vault).writing() as connection: record(connection, statements, ...)``
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from registry import handing_over
from registry.handing_over import Handing
from registry.vault import Vault
from residence.errors import Malformed, Refused

if TYPE_CHECKING:
    from alembic.config import Config

_SQLITE_SETTINGS: Final = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=30000",
    "PRAGMA cache_size=-65536",
    # Commits are synced all the same; copying back less often halves their price. 32 MiB, then the log is copied and begun again; a gateway
    # has a thread for that (registry/copying_back.py).
    "PRAGMA wal_autocheckpoint=8192",
    "PRAGMA secure_delete=ON",  # what is erased is overwritten, not only unlinked
)
# What libpq is told unless the address says otherwise (any of them may stand there: ``...?keepalives_idle=60``). A server that is only
# slow is not given up: its kernel answers the probes. ``tcp_user_timeout`` is in milliseconds, the others in seconds.
_GOES_ON_FROM: Final = re.compile(r"^down_revision(?:: [^=]+)? = [\"'](\w+)[\"']", re.MULTILINE)
_WAITS_FOR_A_LOCK: Final = 10  # seconds; a migration that gets none is begun again at a quieter moment
_POSTGRESQL_LINE: Final = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}


class Registry:
    """An opened registry: the engine, the vault its sealed fields need, and where looks are handed over."""

    def __init__(self, engine: Engine, vault: Vault, handing: Handing | None = None) -> None:
        self.engine: Final = engine
        self.vault: Final = vault
        self._handing: Final = handing

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection in one transaction that is meant to read (an access record may still be written on PostgreSQL)."""
        with self.engine.connect() as connection, self._handed_over(connection):
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in one transaction; on SQLite it holds the write lock from the start."""
        with self.engine.connect().execution_options(luutru_writes=True) as connection, self._handed_over(connection):
            yield connection

    @contextmanager
    def _handed_over(self, connection: Connection) -> Iterator[None]:
        """Be one transaction; afterwards hand over the looks that stand."""
        with connection.begin():
            handing_over.begin(connection)
            yield
            looks = handing_over.made(connection)
        if looks and self._handing is not None:
            self._handing.hand(looks)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def connect(url: str, *, vault: Vault, handing: Handing | None = None) -> Registry:
    """Open the registry at ``url``, or raise ``Malformed("registry.url")``. Does not create or upgrade tables."""
    return Registry(open_engine(url), vault, handing)


def open_engine(url: str) -> Engine:
    """Return an engine with the settings above; ``connect`` is what callers want."""
    address = make_url(url)
    backend = address.get_backend_name()
    if backend == "sqlite":
        engine = create_engine(url, connect_args={"timeout": 30}, json_serializer=_to_json, json_deserializer=msgspec.json.decode)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        handing_over.listen(engine)
        return engine
    if backend == "postgresql":
        engine = create_engine(
            url,
            connect_args={name: value for name, value in _POSTGRESQL_LINE.items() if name not in address.query},
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            json_serializer=_to_json,
            json_deserializer=msgspec.json.decode,
        )
        handing_over.listen(engine)
        return engine
    raise Malformed("registry.url", "", f"not sqlite or postgresql: {backend}")


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the tables at ``url`` to ``revision`` by the migrations packaged beside this file; ``Refused("registry.tables_newer")``."""
    from alembic import command

    config = migrations()
    engine = open_engine(url)
    try:
        if is_ahead(engine):
            raise Refused("registry.tables_newer")
        with engine.connect().execution_options(luutru_writes=True) as connection, connection.begin():
            if engine.dialect.name == "postgresql":  # whoever waits for a lock lets everybody behind it wait as well
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_WAITS_FOR_A_LOCK}s'")
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()


def migrations() -> Config:
    """Return Alembic's configuration for the packaged migrations; the caller adds the connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(resources.files("registry").joinpath("migrations")))
    return config


def current_revision(engine: Engine) -> str | None:
    """Return the revision the tables are at, None for an empty database."""
    from alembic.migration import MigrationContext

    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """Return the revision this version of the product needs."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(migrations()).get_current_head()


def is_behind(engine: Engine) -> bool:
    """Tell whether the tables are older than this version needs. Newer ones are understood (ADR 41); who cannot be asked now is not called old."""
    try:
        with engine.connect() as connection:
            standing = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    except DBAPIError:
        return False  # away, or without any table: whoever works there says so
    return str(standing) in left_behind(_migration_texts())


def is_ahead(engine: Engine) -> bool:
    """Tell whether the tables are of a later version than this one: it understands them, but does not know all of them."""
    standing = current_revision(engine)
    return standing is not None and standing != newest_revision() and standing not in left_behind(_migration_texts())


def left_behind(migrations: Iterable[str]) -> set[str]:
    """Return the revisions some migration goes on from, by the migrations' texts: a process that only asks needs no Alembic."""
    return {found[1] for text in migrations if (found := _GOES_ON_FROM.search(text))}


def _migration_texts() -> Iterator[str]:
    for each in resources.files("registry").joinpath("migrations", "versions").iterdir():
        if each.name.endswith(".py"):
            yield each.read_text("utf-8")


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # sqlite3 would otherwise begin transactions late and by itself; SQLAlchemy's documented way to take that over.
    connection.isolation_level = None
    cursor = connection.cursor()
    for setting in _SQLITE_SETTINGS:
        cursor.execute(setting)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("luutru_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
