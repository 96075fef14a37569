"""The single path into the registry: a batch of statements in, rows and signed receipts out.

- One set of look-ups for the whole batch -> check -> reconcile (pure) -> batched writes -> signed receipts, stored and returned.
- ``lap`` is told the end of each stage (look-ups, reconcile, rows, receipts), so that a caller may measure them.
- Idempotent by declaration id and by (kiosk, epoch, sequence): a replay returns the original receipt's bytes.
- The same identity with another body is set aside in quarantine and answered ``refused``; the original stands untouched.
- One bad statement becomes a dead letter, found by halving inside savepoints, and never stops the rest; it is answered
  ``received``. Only the database's or the key provider's own failures get out.
- Statements about the same person inside a batch see each other, in the order given.
- A presence that a standing stay or residence covers leaves no row at all; its receipt is signed anew when asked again.

Example: ``with registry.writing() as connection: results = record(connection, statements, vault=..., ...)``
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError

from registry.people_locks import lock_people
from registry.recording_batch import record_together
from registry.setting_aside import put_aside
from registry.statements import Lap, Means, Origin, Recorded, Source, Statement, no_lap
from registry.vault import Vault, drawn_ahead
from residence.errors import LuutruError
from residence.stays.rules import RuleBook
from residence.wire.signing import SigningKey

__all__ = ["Means", "Origin", "Recorded", "Source", "Statement", "is_outage", "record"]

# The key provider's own trouble, not the statement's.
_KEYS_AWAY: Final = frozenset({"vault.key_retired", "vault.wrong_root"})
_LEADS_NO_MORE: Final = "25006"  # PostgreSQL's "read only transaction": this server leads no longer, another one does
_LIMIT_EXCEEDED: Final = "54"  # PostgreSQL's class "program limit exceeded" is the statement's own fault


def record(
    connection: Connection,
    statements: Sequence[Statement],
    *,
    vault: Vault,
    rules: RuleBook,
    signer: SigningKey,
    now: datetime,
    random_bytes: Callable[[int], bytes],
    lap: Lap = no_lap,
) -> list[Recorded]:
    """Record a batch in the transaction of ``connection``; the caller commits, then acknowledges, then sends the receipts."""
    if not statements:
        return []
    vault = vault.for_batch()
    means = Means(vault=vault, rules=rules, signer=signer, now=now, random_bytes=drawn_ahead(random_bytes), lap=lap)
    lock_people(connection, statements, vault)
    return _record_isolated(connection, statements, means)


def _record_isolated(connection: Connection, statements: Sequence[Statement], means: Means) -> list[Recorded]:
    """Record together in a savepoint; what fails is halved until the one that fails stands alone."""
    try:
        with connection.begin_nested():
            return record_together(connection, statements, means)
    except Exception as error:
        if is_outage(error):
            raise
        if len(statements) == 1:
            return [_record_alone(connection, statements[0], means, fault=error)]
    middle = len(statements) // 2
    return [
        *_record_isolated(connection, statements[:middle], means),
        *_record_isolated(connection, statements[middle:], means),
    ]


def _record_alone(connection: Connection, statement: Statement, means: Means, *, fault: Exception) -> Recorded:
    """Set one failing statement aside; where another process may have been faster, look once more."""
    if _may_be_a_race(fault):
        try:
            with connection.begin_nested():
                return record_together(connection, [statement], means)[0]
        except Exception as error:
            if is_outage(error):
                raise
            fault = error  # not a race after all
    return put_aside(connection, statement, means, code="registry.dead_letter", state="received", fault=fault)


def _may_be_a_race(fault: Exception) -> bool:
    """Tell whether somebody else's commit can have come between two of our look-ups: the same row, or a person's key renewed."""
    return isinstance(fault, IntegrityError) or (isinstance(fault, LuutruError) and fault.code == "vault.damaged")


def is_outage(error: Exception) -> bool:
    """Tell whether the database or the keys are in trouble, rather than the statement."""
    if isinstance(error, LuutruError):
        return error.code in _KEYS_AWAY
    if isinstance(error, OSError | MemoryError | InterfaceError):
        return True
    if isinstance(error, OperationalError):
        return not str(getattr(error.orig, "sqlstate", "") or "").startswith(_LIMIT_EXCEEDED)
    return isinstance(error, DBAPIError) and (
        error.connection_invalidated or getattr(error.orig, "sqlstate", "") == _LEADS_NO_MORE
    )
