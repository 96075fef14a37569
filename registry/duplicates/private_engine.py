"""A DuckDB of one process for one search: names and numbers stay in memory, and what spills to disk is encrypted and deleted.

- The database is in memory. What does not fit goes to a folder only this user may enter; its pages are encrypted under a key DuckDB
  draws and never writes, and the folder is deleted when the search ends, however it ends.
- Nothing is loaded from outside: extensions are neither installed nor loaded, the file system is closed once the folder is set, and
  settings are locked.
- Memory is bounded; a larger registry takes longer and more of the folder, not more memory.

Example: ``with private_duckdb(folder=None, memory_mib=2048, threads=2) as api: register(api, persons)``
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splink import DuckDBAPI


@contextmanager
def private_duckdb(*, folder: Path | None, memory_mib: int, threads: int) -> Iterator[DuckDBAPI]:
    """Give a database that nobody else sees and that is gone afterwards. ``folder``: where it may spill; the system's if None."""
    import duckdb
    from splink import DuckDBAPI

    with tempfile.TemporaryDirectory(prefix="luutru-duplicates-", dir=folder) as spill:  # mode 0700
        connection = duckdb.connect(":memory:")
        try:
            connection.execute("SET temp_file_encryption = true")
            connection.execute("SET temp_directory = ?", [spill])
            connection.execute("SET memory_limit = ?", [f"{memory_mib}MiB"])
            connection.execute("SET threads = ?", [threads])
            connection.execute("SET preserve_insertion_order = false")
            connection.execute("SET autoinstall_known_extensions = false")
            connection.execute("SET autoload_known_extensions = false")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield DuckDBAPI(connection)
        finally:
            connection.close()
