"""Programs that call in an account's place: registered with scopes, let in by a secret, known by tokens that end soon.

- A client speaks for one account, within its area, and only as far as its grants reach. A scope is a word for all of the account's
  premises (``declare``) or a word and one premises (``declare:htl-sao-mai``).
- Secrets and tokens are 32 random bytes made by the caller; only their SHA-256 is stored, compared in constant time.
- A new secret leaves the one before good for a while, never beyond its own end, so that a program can be changed over without a gap.
- A secret may have an end; its house is told before (``registry/credentials.py``). Without one it is good until it is renewed.
- A token ends with its hour, with its client, or with the account.

>>> covers(("declare:htl-sao-mai", "read"), "read:htl-sao-mai"), covers(("declare:htl-sao-mai",), "declare")
(True, False)
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, and_, insert, select, update

from registry.accounts import KnownAccount, account_from, hash_of
from registry.tables_accounts import accounts
from registry.tables_api import api_clients, api_tokens
from residence.errors import Malformed, Refused

SCOPES: Final = ("declare", "read", "reconcile")
CHANGE_OVER: Final = timedelta(hours=24)
_CLIENTS: Final = api_clients.c
_TOKENS: Final = api_tokens.c


class ApiClient(msgspec.Struct, frozen=True, kw_only=True):
    """One registered program."""

    client_id: str
    commune_code: str
    account_id: str
    label: str
    grants: tuple[str, ...]
    created_at: datetime
    secret_ends: datetime | None = None
    disabled_at: datetime | None = None


class ProgramCaller(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a live token speaks for, and how far."""

    client_id: str
    scopes: tuple[str, ...]
    account: KnownAccount


def covers(grants: Sequence[str], scope: str) -> bool:
    """Tell whether a scope lies within these: a word alone covers the word at every premises."""
    return scope in grants or scope.partition(":")[0] in grants


def check_scopes(scopes: Sequence[str], *, areas: Sequence[str]) -> tuple[str, ...]:
    """Return the scopes in order, or raise ``Malformed("api.scope_unknown")`` for a word or premises there is not."""
    for each in scopes:
        word, colon, premises_id = each.partition(":")
        if word not in SCOPES or (colon and premises_id not in areas):
            raise Malformed("api.scope_unknown", "/scope", each)
    if not scopes:
        raise Malformed("api.scope_unknown", "/scope")
    return tuple(sorted(set(scopes)))


def add_client(connection: Connection, client: ApiClient, secret: str) -> None:
    """Register a program under the hash of its secret."""
    row = msgspec.structs.asdict(client) | {"grants": list(client.grants), "secret_hash": hash_of(secret)}
    connection.execute(insert(api_clients).values(former_hash=None, former_until=None, **row))


def renew_secret(
    connection: Connection, client_id: str, secret: str, *, now: datetime, ends: datetime | None = None
) -> ApiClient:
    """Give a client a new secret; the one before stays good for ``CHANGE_OVER``. ``Refused("api.client_unknown")`` if there is none."""
    row = _live(connection, client_id)
    if row is None:
        raise Refused("api.client_unknown")
    until = min(now + CHANGE_OVER, row.secret_ends or now + CHANGE_OVER)
    values = {"secret_hash": hash_of(secret), "secret_ends": ends, "former_hash": row.secret_hash, "former_until": until}
    connection.execute(update(api_clients).where(_CLIENTS.client_id == client_id).values(values))
    return msgspec.structs.replace(_client(row), secret_ends=ends)


def disable_client(connection: Connection, client_id: str, *, now: datetime) -> ApiClient:
    """End a client and with it every token it holds."""
    row = _live(connection, client_id)
    if row is None:
        raise Refused("api.client_unknown")
    connection.execute(update(api_clients).where(_CLIENTS.client_id == client_id).values(disabled_at=now))
    return _client(row)


def list_clients(connection: Connection, *, limit: int = 500) -> list[ApiClient]:
    """Return the clients, newest first."""
    query = select(api_clients).order_by(_CLIENTS.client_id.desc()).limit(limit)
    return [_client(row) for row in connection.execute(query)]


def clients_of(connection: Connection, account_id: str, *, limit: int = 100) -> list[ApiClient]:
    """Return the clients that speak for an account, newest first."""
    query = select(api_clients).where(_CLIENTS.account_id == account_id).order_by(_CLIENTS.client_id.desc()).limit(limit)
    return [_client(row) for row in connection.execute(query)]


def known_client(connection: Connection, client_id: str, secret: str, *, now: datetime) -> ApiClient | None:
    """Return the client whose secret this is, or None for unknown, wrong and ended alike."""
    row = _live(connection, client_id)
    given = hash_of(secret)
    good = [row.secret_hash] if row and (row.secret_ends is None or now < row.secret_ends) else []
    if row and row.former_hash and now < row.former_until:
        good.append(row.former_hash)
    matches = [hmac.compare_digest(given, each) for each in good]
    return _client(row) if row and any(matches) else None


def add_token(
    connection: Connection, client: ApiClient, token: str, *, scopes: Sequence[str], now: datetime, lifetime: timedelta
) -> None:
    """Keep the hash of an access token."""
    connection.execute(
        insert(api_tokens).values(
            commune_code=client.commune_code,
            token_hash=hash_of(token),
            client_id=client.client_id,
            scopes=list(scopes),
            created_at=now,
            expires_at=now + lifetime,
        )
    )


def program_of(connection: Connection, token: str, *, now: datetime) -> ProgramCaller | None:
    """Return whom a live token speaks for."""
    same_client = and_(_CLIENTS.client_id == _TOKENS.client_id, _CLIENTS.commune_code == _TOKENS.commune_code)
    same_account = and_(accounts.c.account_id == _CLIENTS.account_id, accounts.c.commune_code == _CLIENTS.commune_code)
    row = connection.execute(
        select(accounts, _TOKENS.scopes, _TOKENS.client_id)
        .select_from(api_tokens)
        .join(api_clients, same_client)
        .join(accounts, same_account)
        .where(
            _TOKENS.token_hash == hash_of(token),
            _TOKENS.expires_at > now,
            _CLIENTS.disabled_at.is_(None),
            accounts.c.disabled_at.is_(None),
        )
    ).first()
    if row is None:
        return None
    return ProgramCaller(client_id=row.client_id, scopes=tuple(row.scopes), account=account_from(row))


def _live(connection: Connection, client_id: str) -> Row[Any] | None:
    live = (_CLIENTS.client_id == client_id, _CLIENTS.disabled_at.is_(None))
    return connection.execute(select(api_clients).where(*live).limit(1)).first()


def _client(row: Row[Any]) -> ApiClient:
    told = {name: getattr(row, name) for name in ApiClient.__struct_fields__}
    return ApiClient(**{**told, "grants": tuple(row.grants)})
