"""A DuckDB of one process for one search: in memory only, gone when the search ends.

- Nothing spills. DuckDB's own build encrypts spilled pages only with an extension that has to be fetched from elsewhere; without it they
  would be plain. A registry that needs more memory than is given is refused with a sentence that says so.
- Nothing is loaded from outside: extensions are neither installed nor loaded, the file system is closed, settings are locked.

Example: ``with private_duckdb(memory_mib=2048, threads=2) as api: load(api, "persons", batches)``
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from residence.errors import Refused

if TYPE_CHECKING:
    from splink import DuckDBAPI

_SETTINGS: Final = (
    "SET temp_directory = ''",
    "SET preserve_insertion_order = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


@contextmanager
def private_duckdb(*, memory_mib: int, threads: int) -> Iterator[DuckDBAPI]:
    """Give a database that nobody else sees and that is gone afterwards; ``Refused("duplicates.memory")`` when it is too small."""
    import duckdb
    from splink import DuckDBAPI
    from splink.internals.exceptions import SplinkException

    connection = duckdb.connect(":memory:")
    try:
        connection.execute(f"SET memory_limit = '{memory_mib}MiB'")
        connection.execute(f"SET threads = {threads}")
        for each in _SETTINGS:
            connection.execute(each)
        yield DuckDBAPI(connection)
    except (duckdb.OutOfMemoryException, SplinkException) as error:
        if isinstance(error, SplinkException) and not isinstance(error.__cause__, duckdb.OutOfMemoryException):
            raise
        raise Refused("duplicates.memory", "/memory", f"{memory_mib} MiB") from error
    finally:
        connection.close()
