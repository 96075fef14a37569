"""Failures that are the machine's beyond doubt, so that no statement is ever suspected because of them.

- A full or broken disk fails some statements and not others: taking a batch apart would set the largest aside, innocently.
- SQLite: full, input or output error, read-only, cannot open, corrupt, not a database. PostgreSQL: classes 08 (connection),
  53 (insufficient resources), 57 (operator intervention), 58 (system error).

Example: ``is_machines_fault(error)`` is True for "database or disk is full".
"""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import DBAPIError

# https://www.sqlite.org/rescode.html
_SQLITE: Final = {8: "readonly", 10: "ioerr", 11: "corrupt", 13: "full", 14: "cantopen", 26: "notadb"}
_PRIMARY: Final = 0xFF  # SQLite's extended codes carry the primary one in their low byte
_POSTGRESQL: Final = ("08", "53", "57", "58")


def is_machines_fault(error: BaseException) -> bool:
    """Tell whether disk, connection or server failed, whatever was being written."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, OSError)
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & _PRIMARY in _SQLITE
    return str(getattr(error.orig, "sqlstate", None) or "").startswith(_POSTGRESQL)
