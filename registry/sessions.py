"""Sessions: who is signed in where, how they proved it and when, and everything that ends them.

- A session ends by idleness, by age, by signing out, by being ended from another device, by its identity provider, or with its account.
  ``last_seen_at`` is written at most once a minute.
- ``proved_at`` is when somebody last proved to be the account's holder, which need not be when the session began.
- A locked session is nobody's until it is proved anew; what proves it makes a new token and ends the old one.
- A bearer is a program's: it is not idle, not locked, and not in the list of devices.

Example: ``session_of(connection, token, now=clock.now(), idle=timedelta(minutes=30))``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, insert, or_, select, update

from registry.accounts import KnownAccount, account_from, hash_of
from registry.tables_accounts import accounts, sessions

KEEP_ALIVE: Final = timedelta(minutes=1)
BEARER: Final = "bearer"
LONGEST_DEVICE: Final = 64


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session. ``session_id`` is the hash of its token, ``provider`` the identity provider it came by, or None."""

    session_id: str
    account_id: str
    commune_code: str
    method: str
    device: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    proved_at: datetime
    locked: bool
    provider: str | None


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """How a session begins. ``method``: passkey, setup-link, claim-code, paper, kiosk, provider or bearer. ``provider_session``: the provider's ``sid``."""

    method: str
    device: str = ""
    provider: str | None = None
    provider_session: str | None = None


def open_session(
    connection: Connection,
    account: KnownAccount,
    token: str,
    *,
    beginning: Beginning,
    now: datetime,
    lifetime: timedelta,
) -> None:
    """Begin a session."""
    provider, sid = beginning.provider, beginning.provider_session
    connection.execute(
        insert(sessions).values(
            commune_code=account.commune_code,
            session_hash=hash_of(token),
            account_id=account.account_id,
            csrf_token="",  # derived from the token itself, see server/visitor.py
            method=beginning.method,
            device=beginning.device[:LONGEST_DEVICE] or None,
            provider=provider,
            provider_session=provider_session(provider, sid) if provider and sid else None,
            created_at=now,
            last_seen_at=now,
            proved_at=now,
            expires_at=now + lifetime,
        )
    )


def provider_session(provider: str, sid: str) -> str:
    """Return what is kept of a provider's own session id."""
    return sha256(f"{provider}\0{sid}".encode()).hexdigest()


def session_of(connection: Connection, token: str, *, now: datetime, idle: timedelta) -> tuple[KnownAccount, Session] | None:
    """Return a live session, locked or not, with its account. Bearers do not end by idleness."""
    awake = or_(sessions.c.method == BEARER, sessions.c.last_seen_at > now - idle)
    row = connection.execute(
        select(accounts, *_columns())
        .join(sessions, and_(sessions.c.account_id == accounts.c.account_id, sessions.c.commune_code == accounts.c.commune_code))
        .where(sessions.c.session_hash == hash_of(token), awake, accounts.c.disabled_at.is_(None), *_alive(now))
    ).first()
    return (account_from(row), _session(row)) if row else None


def _alive(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return sessions.c.ended_at.is_(None), sessions.c.expires_at > now


def _columns() -> list[ColumnElement[Any]]:
    names = ("session_hash", "method", "device", "last_seen_at", "expires_at", "proved_at", "locked_at", "provider")
    begun = sessions.c.created_at.label("begun_at")  # an account has one of that name
    return [begun, *(sessions.c[name] for name in names)]


def _session(row: Row[Any]) -> Session:
    return Session(
        session_id=row.session_hash,
        account_id=row.account_id,
        commune_code=row.commune_code,
        method=row.method,
        device=row.device or "",
        created_at=row.begun_at,
        last_seen_at=row.last_seen_at,
        expires_at=row.expires_at,
        proved_at=row.proved_at or row.begun_at,
        locked=row.locked_at is not None,
        provider=row.provider,
    )


def devices_of(connection: Connection, account: KnownAccount | Session, *, now: datetime, idle: timedelta) -> list[Session]:
    """Return the sessions of an account that could act now or after a proof, the one seen last first."""
    same = (sessions.c.commune_code == account.commune_code, sessions.c.account_id == account.account_id)
    query = select(sessions.c.account_id, sessions.c.commune_code, *_columns()).where(
        *same, sessions.c.method != BEARER, sessions.c.last_seen_at > now - idle, *_alive(now)
    )
    return [_session(row) for row in connection.execute(query.order_by(sessions.c.last_seen_at.desc()).limit(100))]


def keep_alive(connection: Connection, token: str, *, now: datetime) -> None:
    """Note that a session was used."""
    connection.execute(update(sessions).where(sessions.c.session_hash == hash_of(token)).values(last_seen_at=now))


def lock_session(connection: Connection, token: str, *, now: datetime) -> None:
    """Lock a session until it is proved anew; locking a bearer or a session that is not there does nothing."""
    same = (sessions.c.session_hash == hash_of(token), sessions.c.method != BEARER, sessions.c.locked_at.is_(None))
    connection.execute(update(sessions).where(*same, *_alive(now)).values(locked_at=now))


def end_session(connection: Connection, token: str, *, now: datetime) -> None:
    """End a session; ending one that is not there is no error."""
    _end(connection, sessions.c.session_hash == hash_of(token), now=now)


def end_device(connection: Connection, account: KnownAccount | Session, session_id: str, *, now: datetime) -> int:
    """End one session of an account by its id; returns how many that were, 0 when it is nobody's or another's."""
    same = (sessions.c.commune_code == account.commune_code, sessions.c.account_id == account.account_id)
    return _end(connection, *same, sessions.c.session_hash == session_id, sessions.c.method != BEARER, now=now)


def end_others(connection: Connection, account: KnownAccount | Session, keep: str, *, now: datetime) -> int:
    """End every session of an account but one, bearers aside."""
    same = (sessions.c.commune_code == account.commune_code, sessions.c.account_id == account.account_id)
    return _end(connection, *same, sessions.c.session_hash != keep, sessions.c.method != BEARER, now=now)


def end_by_provider(connection: Connection, provider: str, sid: str, *, begun_by: datetime, now: datetime) -> int:
    """End what began with a session of an identity provider, no later than the provider said so."""
    known = (sessions.c.provider_session == provider_session(provider, sid), sessions.c.created_at <= begun_by)
    return _end(connection, *known, now=now)


def end_of_account_by_provider(
    connection: Connection, account: KnownAccount, provider: str, *, begun_by: datetime, now: datetime
) -> int:
    """End every session of an account that came by a provider, no later than the provider said so."""
    same = (sessions.c.commune_code == account.commune_code, sessions.c.account_id == account.account_id)
    return _end(connection, *same, sessions.c.provider == provider, sessions.c.created_at <= begun_by, now=now)


def end_account(connection: Connection, account: KnownAccount, *, now: datetime) -> int:
    """End an account for good, with every session and bearer of it; returns how many those were. Its programs go with it."""
    same = (accounts.c.commune_code == account.commune_code, accounts.c.account_id == account.account_id)
    connection.execute(update(accounts).where(*same, accounts.c.disabled_at.is_(None)).values(disabled_at=now))
    return _end(connection, sessions.c.commune_code == account.commune_code, sessions.c.account_id == account.account_id, now=now)


def _end(connection: Connection, *where: ColumnElement[bool], now: datetime) -> int:
    return connection.execute(update(sessions).where(*where, sessions.c.ended_at.is_(None)).values(ended_at=now)).rowcount
