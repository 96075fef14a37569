"""What lets a house's programs in and ends by itself: tokens of its accounts and secrets of its programs. Known by name and end alone.

- A token that ended within ``REMEMBERED`` is still told of: a program that stopped working last week is looked for here.

Example: ``tokens_of_house(connection, Place("demo-01", "htl-sao-mai"), now=now)``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from registry.desk_lists import Place
from registry.sessions import BEARER
from registry.tables_accounts import accounts, sessions
from registry.tables_api import api_clients
from residence.cases.endings import STEPS

REMEMBERED: Final = timedelta(days=14)
MOST: Final = 1000


class EndingToken(msgspec.Struct, frozen=True, kw_only=True):
    """One token or secret: whose, since when, until when. ``token_id`` is its hash; ``program``: the program's label, empty for a token."""

    token_id: str
    sign_in_name: str
    premises: tuple[str, ...]
    commune_code: str
    created_at: datetime
    ends: datetime
    program: str = ""

    @property
    def called(self) -> str:
        """Return what people know it by."""
        return self.program or self.sign_in_name


def ending_credentials(connection: Connection, *, now: datetime) -> list[EndingToken]:
    """Return every token and secret that ends within the longest step, or ended lately, the first to end first."""
    return sorted([*ending_tokens(connection, now=now), *ending_secrets(connection, now=now)], key=lambda each: each.ends)


def ending_secrets(connection: Connection, *, now: datetime, limit: int = MOST) -> list[EndingToken]:
    """Return the secrets of programs that end within the longest step, or ended lately; a renewed secret has the new end."""
    soon = (
        api_clients.c.secret_ends <= now + timedelta(days=max(STEPS)),
        api_clients.c.secret_ends > now - REMEMBERED,
        api_clients.c.disabled_at.is_(None),
        accounts.c.disabled_at.is_(None),
    )
    same = (api_clients.c.commune_code == accounts.c.commune_code) & (api_clients.c.account_id == accounts.c.account_id)
    columns = (api_clients.c.secret_hash, api_clients.c.created_at, api_clients.c.secret_ends, api_clients.c.label)
    query = select(*columns, accounts.c.sign_in_name, accounts.c.areas, accounts.c.commune_code).join(accounts, same)
    return [
        EndingToken(
            token_id=row.secret_hash,
            sign_in_name=row.sign_in_name,
            premises=tuple(row.areas),
            commune_code=row.commune_code,
            created_at=row.created_at,
            ends=row.secret_ends,
            program=row.label,
        )
        for row in connection.execute(query.where(*soon).order_by(api_clients.c.secret_ends).limit(limit))
    ]


def ending_tokens(connection: Connection, *, now: datetime, limit: int = MOST) -> list[EndingToken]:
    """Return every token that ends within the longest step, or ended lately, the first to end first."""
    soon = (
        sessions.c.method == BEARER,
        sessions.c.ended_at.is_(None),
        sessions.c.expires_at <= now + timedelta(days=max(STEPS)),
        sessions.c.expires_at > now - REMEMBERED,
        accounts.c.disabled_at.is_(None),
    )
    same = (sessions.c.commune_code == accounts.c.commune_code) & (sessions.c.account_id == accounts.c.account_id)
    query = select(
        sessions.c.session_hash,
        sessions.c.created_at,
        sessions.c.expires_at,
        accounts.c.sign_in_name,
        accounts.c.areas,
        accounts.c.commune_code,
    )
    rows = connection.execute(query.join(accounts, same).where(*soon).order_by(sessions.c.expires_at).limit(limit))
    return [
        EndingToken(
            token_id=row.session_hash,
            sign_in_name=row.sign_in_name,
            premises=tuple(row.areas),
            commune_code=row.commune_code,
            created_at=row.created_at,
            ends=row.expires_at,
        )
        for row in rows
    ]


def tokens_of_house(connection: Connection, place: Place, *, now: datetime) -> list[EndingToken]:
    """Return those of one house, without what a newer token of the same account stands in for."""
    own = [each for each in ending_credentials(connection, now=now) if place.premises_id in each.premises]
    fresh = select(accounts.c.sign_in_name).join(sessions, sessions.c.account_id == accounts.c.account_id)
    renewed = set(
        connection.scalars(
            fresh.where(
                accounts.c.sign_in_name.in_(sorted({each.sign_in_name for each in own})),
                sessions.c.method == BEARER,
                sessions.c.ended_at.is_(None),
                sessions.c.expires_at > now + timedelta(days=max(STEPS)),
            )
        )
    )
    return [each for each in own if each.program or each.sign_in_name not in renewed]
