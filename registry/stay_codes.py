"""Codes on slips (``residence/wire/stay_codes.py``): one opens an account that is bound to one stay, and to nobody.

- Only the statement that began a stay has a code that opens it: whoever declares somebody a second time gets no way into the first one's stay.
- Used once. For ``AFTER_USE`` it may be used again, for whoever lost the answer on the way; each use ends the session of the one before, and a
  passkey added ends it at once. It is good while the stay stands and for ``AFTER_END`` after it.
- A desk's new code takes the place of every code before it: what those opened is closed, passkeys included.
- What was tried in vain is counted, and told to whoever holds the page. Every no is one answer, ``Refused("server.stay_code")``.
- The account has no person: nothing about the person but this stay can be reached through it, whatever page is asked.

Example: ``open_by_code(connection, "RD7D-QQWQ-DW4X", "RE29-ZTQ1-PV06", tools=Tools(vault=vault, now=now, random_bytes=random_bytes))``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from registry import tables
from registry.accounts import KnownAccount, add_account, live_account
from registry.declarations import SALT_BYTES, declaration_row
from registry.locking import locked_row
from registry.receipts import receipt_by_code
from registry.sessions import end_others
from registry.stays import StayOnList, stays_of_person
from registry.vault import Cell, Vault
from residence.clock import uuid7
from residence.errors import Malformed, Refused
from residence.wire.stay_codes import code_of, is_code_of

AFTER_USE: Final = timedelta(minutes=10)
AFTER_END: Final = timedelta(days=7)
LONGEST_STAY: Final = timedelta(days=30)
OPENS: Final = frozenset({"open", "ended", "disputed"})
_CODES: Final = tables.stay_codes.c
_ACCOUNTS: Final = tables.accounts.c


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What opening and issuing need beside the registry."""

    vault: Vault
    now: datetime
    random_bytes: Callable[[int], bytes]


class _Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A stay and the statement that began it."""

    statement: Row[Any]
    stay: StayOnList


def issue_code(connection: Connection, stay: StayOnList, *, by: str, tools: Tools) -> tuple[str, str]:
    """Issue a new code at a desk; returns the statement it belongs to and the code. What earlier codes opened is closed."""
    declaration_id = stay.began_with
    locked_row(connection, tables.stays, stay.stay_id)
    row = _row(connection, declaration_id) or _begin(connection, declaration_id, stay)
    if row.account_id is not None:
        _close_account(connection, stay.commune_code, row.account_id, now=tools.now)
    values = {"issue": row.issue + 1, "issued_by": by, "issued_at": tools.now} | dict.fromkeys(
        ("first_used_at", "closed_at", "account_id")
    )
    connection.execute(update(tables.stay_codes).where(*_this(row)).values(**values))
    return declaration_id, code_of(tools.vault.stay_code_seed(declaration_id, row.issue + 1))


def open_by_code(connection: Connection, receipt: str, typed: str, *, tools: Tools) -> KnownAccount:
    """Return the account of the stay this code opens, made at its first use, or raise ``Refused("server.stay_code")``."""
    begun = _begun_by(connection, receipt)
    if begun is None:
        raise Refused("server.stay_code")
    locked_row(connection, tables.stays, begun.stay.stay_id)
    row = _row(connection, begun.statement.declaration_id)
    seed = _seed(connection, begun.statement, row.issue if row else 0, vault=tools.vault)
    if seed is None or not is_code_of(seed, typed) or not _is_good(begun.stay, row, now=tools.now):
        raise Refused("server.stay_code")
    row = row or _begin(connection, begun.statement.declaration_id, begun.stay)
    account = _account(connection, begun.stay, row, tools=tools)
    values = {"first_used_at": row.first_used_at or tools.now, "account_id": account.account_id}
    connection.execute(update(tables.stay_codes).where(*_this(row)).values(**values))
    end_others(connection, account, "", now=tools.now)
    return account


def count_wrong(connection: Connection, receipt: str) -> str | None:
    """Count that something else was tried in a code's place; returns the commune of the stay, None when there is none."""
    begun = _begun_by(connection, receipt)
    if begun is None:
        return None
    locked_row(connection, tables.stays, begun.stay.stay_id)
    row = _row(connection, begun.statement.declaration_id) or _begin(connection, begun.statement.declaration_id, begun.stay)
    connection.execute(update(tables.stay_codes).where(*_this(row)).values(wrong=_CODES.wrong + 1))
    return begun.stay.commune_code


def wrong_tries(connection: Connection, account_id: str) -> int:
    """Return how often something wrong was tried in place of the code that opened this account."""
    return connection.scalar(select(_CODES.wrong).where(_CODES.account_id == account_id).limit(1)) or 0


def is_long_over(stay: StayOnList, *, now: datetime) -> bool:
    """Tell whether a stay ended so long ago that nothing a slip opened shows it any more."""
    return now > (stay.ended_at or stay.planned_end or stay.start_at + LONGEST_STAY) + AFTER_END


def close_code(connection: Connection, account_id: str, *, now: datetime) -> None:
    """Let a code open nothing any more: its holder has something better now."""
    here = _CODES.account_id == account_id
    connection.execute(update(tables.stay_codes).where(here, _CODES.closed_at.is_(None)).values(closed_at=now))


def _begun_by(connection: Connection, receipt: str) -> _Begun | None:
    try:
        stored = receipt_by_code(connection, receipt)
    except Malformed:
        return None
    statement = declaration_row(connection, stored.declaration_id) if stored else None
    if statement is None or statement.person_id is None:
        return None
    own = (each for each in stays_of_person(connection, statement.person_id) if each.status in OPENS)
    begun = next((each for each in own if each.began_with == statement.declaration_id), None)
    return _Begun(statement=statement, stay=begun) if begun else None


def _is_good(stay: StayOnList, row: Row[Any] | None, *, now: datetime) -> bool:
    if is_long_over(stay, now=now) or (row is not None and row.closed_at is not None):
        return False
    return row is None or row.first_used_at is None or now - row.first_used_at <= AFTER_USE


def _seed(connection: Connection, statement: Row[Any], issue: int, *, vault: Vault) -> bytes | None:
    """Return what the code follows from; None where a kiosk gave none or the person was erased."""
    return vault.stay_code_seed(statement.declaration_id, issue) if issue else slip_seed(connection, statement, vault=vault)


def slip_seed(connection: Connection, statement: Row[Any], *, vault: Vault) -> bytes | None:
    """Return the random bytes a kiosk's statement begins with, 16 of them; None where no kiosk made it or the person was erased."""
    key = vault.load_keys(connection, {statement.subject_id}).get(statement.subject_id)
    if key is None or statement.signed is None:
        return None
    return vault.open(key, Cell("declarations", "body", statement.declaration_id), statement.body_sealed)[:SALT_BYTES]


def _account(connection: Connection, stay: StayOnList, row: Row[Any], *, tools: Tools) -> KnownAccount:
    if row.account_id is not None:
        known = live_account(connection, stay.commune_code, row.account_id)
        if known is None:
            raise Refused("server.stay_code")
        return known
    made = KnownAccount(
        account_id=str(uuid7(tools.now, tools.random_bytes(10))),
        commune_code=stay.commune_code,
        sign_in_name=f"s-{tools.random_bytes(5).hex()}",
        role="resident",
        areas=(),
        created_at=tools.now,
        stay_id=stay.stay_id,
    )
    add_account(connection, made)
    return made


def _close_account(connection: Connection, commune_code: str, account_id: str, *, now: datetime) -> None:
    same = (_ACCOUNTS.commune_code == commune_code, _ACCOUNTS.account_id == account_id, _ACCOUNTS.disabled_at.is_(None))
    connection.execute(update(tables.accounts).where(*same).values(disabled_at=now))


def _row(connection: Connection, declaration_id: str) -> Row[Any] | None:
    return connection.execute(select(tables.stay_codes).where(_CODES.declaration_id == declaration_id)).first()


def _begin(connection: Connection, declaration_id: str, stay: StayOnList) -> Row[Any]:
    row = {"commune_code": stay.commune_code, "declaration_id": declaration_id, "stay_id": stay.stay_id, "issue": 0, "wrong": 0}
    connection.execute(insert(tables.stay_codes), [row])
    return connection.execute(select(tables.stay_codes).where(_CODES.declaration_id == declaration_id)).one()


def _this(row: Row[Any]) -> tuple[Any, Any]:
    return _CODES.declaration_id == row.declaration_id, _CODES.commune_code == row.commune_code
