"""Dead letters as one commune's operator sees them: its own, and those whose sender nobody knows; never a payload.

Example: ``letters_of(connection, "demo-01")``
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from registry import tables
from registry.quarantine import NOWHERE, StoredLetter
from residence.wire.receipts import read_unverified

_TABLE: Final = tables.quarantine
_WAITING: Final = ("new", "retry")
_LOOKED_AT: Final = 5_000


class LetterSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One letter as its page shows it. ``answer``: what its sender was told, None when nobody proven sent it."""

    letter: StoredLetter
    digest: str  # SHA-256 of the bytes that came, hex
    answer: str | None


def letters_of(connection: Connection, commune_code: str, *, limit: int = 100) -> list[StoredLetter]:
    """Return the letters that wait, the newest first."""
    query = (
        select(*(_TABLE.c[name] for name in StoredLetter.__struct_fields__))
        .where(_TABLE.c.state.in_(_WAITING), _TABLE.c.commune_code.in_((commune_code, NOWHERE)))
        .order_by(_TABLE.c.received_at.desc(), _TABLE.c.quarantine_id)
        .limit(limit)
    )
    return [StoredLetter(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001  # SQLAlchemy's public name


def counts_of(connection: Connection, commune_code: str) -> dict[str, int]:
    """Return how often each code came, over the letters that wait."""
    query = (
        select(_TABLE.c.code, func.sum(_TABLE.c.seen_count))
        .where(_TABLE.c.state.in_(_WAITING), _TABLE.c.commune_code.in_((commune_code, NOWHERE)))
        .group_by(_TABLE.c.code)
        .order_by(_TABLE.c.code)
    )
    return {code: int(total) for code, total in connection.execute(query)}


def letter_of(connection: Connection, commune_code: str, quarantine_id: str) -> LetterSeen | None:
    """Return one letter of this commune or of nobody, in any state; None when there is no such letter."""
    listed = [_TABLE.c[name] for name in StoredLetter.__struct_fields__]
    query = select(*listed, _TABLE.c.payload_digest, _TABLE.c.receipt_bytes).where(
        _TABLE.c.quarantine_id == quarantine_id, _TABLE.c.commune_code.in_((commune_code, NOWHERE))
    )
    row = connection.execute(query.limit(1)).first()
    if row is None:
        return None
    fields = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name
    digest, receipt = fields.pop("payload_digest"), fields.pop("receipt_bytes")
    answer = read_unverified(receipt).state if receipt is not None else None
    return LetterSeen(letter=StoredLetter(**fields), digest=bytes(digest).hex(), answer=answer)


def owed_since(connection: Connection, commune_code: str) -> dict[str, datetime]:
    """Return, by kiosk, since when we hold a declaration of its that we answered ``received`` and have not recorded."""
    columns = _TABLE.c
    query = (
        select(columns.kiosk_id, columns.received_at, columns.receipt_bytes)
        .where(columns.state.in_(_WAITING), columns.commune_code == commune_code)
        .where(columns.receipt_bytes.is_not(None), columns.kiosk_id.is_not(None))
        .order_by(columns.received_at)
        .limit(_LOOKED_AT)
    )
    since: dict[str, datetime] = {}
    for row in connection.execute(query):
        if row.kiosk_id not in since and read_unverified(row.receipt_bytes).state == "received":
            since[row.kiosk_id] = row.received_at
    return since


class LetterEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing done with a letter. ``sign_in_name`` is None when it was done on the command line."""

    action: str
    at: datetime
    reason: str | None
    sign_in_name: str | None


def events_of_letter(connection: Connection, quarantine_id: str) -> list[LetterEvent]:
    """Return what was done with a letter by hand and by whom (sign-in name, None on the command line), oldest first."""
    events, accounts = tables.letter_events.c, tables.accounts.c
    query = select(events.action, events.at, events.reason, events.account_id).where(events.quarantine_id == quarantine_id)
    rows = connection.execute(query.order_by(events.at, events.event_id)).all()
    # Two questions, not a join: a letter of nobody known and the account that settled it stand in different communes.
    wanted = accounts.account_id.in_(sorted({row.account_id for row in rows if row.account_id}))
    names: dict[str, str] = {
        row[0]: row[1] for row in connection.execute(select(accounts.account_id, accounts.sign_in_name).where(wanted))
    }
    return [
        LetterEvent(action=row.action, at=row.at, reason=row.reason, sign_in_name=names.get(row.account_id or "")) for row in rows
    ]
