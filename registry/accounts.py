"""Accounts and how they are entered: one-time links, passkeys, and the audit of both. Sessions: ``registry/sessions.py``.

- A token (cookie, link, API bearer) is 32 random bytes made by the caller; only its SHA-256 is stored.
- A link works once: it is spent in the statement that finds it, so two tabs cannot both win.
- A passkey's use is recorded with its counter; a counter that does not grow (and is not always zero) is a copied key.

Example: ``find_account(connection, "letan")``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal, cast

import msgspec
from sqlalchemy import Connection, Row, and_, func, insert, select, update

from registry import tables_people
from registry.tables_accounts import accounts, passkeys, setup_links, sign_in_audit
from residence.clock import uuid7
from residence.errors import Conflict, Refused

Right = Literal["declare", "read", "none"]


class KnownAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One account. ``areas`` are premises ids for a clerk and empty for the other roles."""

    account_id: str
    commune_code: str
    sign_in_name: str
    role: str
    areas: tuple[str, ...]
    created_at: datetime
    disabled_at: datetime | None = None
    reads_only: tuple[str, ...] = ()  # of a clerk's areas
    person_id: str | None = None  # whose account a resident's is
    stay_id: str | None = None  # the one stay it is for, when it was opened by the code on a slip


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """One registered passkey. ``credential_id`` is base64url."""

    credential_id: str
    account_id: str
    commune_code: str
    public_key: bytes
    sign_count: int
    label: str
    created_at: datetime
    transports: tuple[str, ...] = ()
    last_used_at: datetime | None = None


def hash_of(token: str) -> str:
    """Return what the registry stores of a token."""
    return sha256(token.encode()).hexdigest()


def add_account(connection: Connection, account: KnownAccount) -> None:
    """Add an account, or raise ``Conflict("account.name_taken")``."""
    if find_account(connection, account.sign_in_name) is not None:
        raise Conflict("account.name_taken")
    lists = {"areas": list(account.areas), "reads_only": list(account.reads_only) or None}
    row = msgspec.structs.asdict(account) | lists | {"display_name_sealed": None}
    connection.execute(insert(accounts).values(row))


def names_of(connection: Connection, account_ids: Iterable[str]) -> dict[str, str]:
    """Return the sign-in names of accounts; one that is no account (a command line's word for who) is left out."""
    wanted = sorted(set(account_ids))
    query = select(accounts.c.account_id, accounts.c.sign_in_name).where(accounts.c.account_id.in_(wanted))
    return {row[0]: row[1] for row in connection.execute(query)} if wanted else {}


def find_account(connection: Connection, sign_in_name: str) -> KnownAccount | None:
    """Return the account with this sign-in name; names are unique over all communes of one registry."""
    row = connection.execute(select(accounts).where(accounts.c.sign_in_name == sign_in_name)).first()
    return account_from(row) if row else None


def give_rights(connection: Connection, account: KnownAccount, premises_id: str, *, right: Right) -> KnownAccount:
    """Say what a clerk may do at one house: ``declare``, ``read`` or ``none``; returns the account as it is then."""
    if account.role != "clerk":
        raise Refused("account.not_a_clerk", "/role")
    others = tuple(each for each in account.areas if each != premises_id)
    areas = account.areas if right != "none" and premises_id in account.areas else others
    if right != "none" and premises_id not in areas:
        areas = (*others, premises_id)
    reads_only = tuple(each for each in account.reads_only if each != premises_id) + ((premises_id,) if right == "read" else ())
    same = (accounts.c.commune_code == account.commune_code, accounts.c.account_id == account.account_id)
    values = {"areas": list(areas), "reads_only": list(reads_only) or None}
    connection.execute(update(accounts).where(*same).values(**values))
    return msgspec.structs.replace(account, areas=areas, reads_only=reads_only)


def list_accounts(connection: Connection, *, limit: int = 500) -> list[KnownAccount]:
    """Return accounts by name."""
    return [account_from(row) for row in connection.execute(select(accounts).order_by(accounts.c.sign_in_name).limit(limit))]


def account_from(row: Row[Any]) -> KnownAccount:
    """Return the account a row of ``accounts`` says."""
    return KnownAccount(
        account_id=row.account_id,
        commune_code=row.commune_code,
        sign_in_name=row.sign_in_name,
        role=row.role,
        areas=tuple(row.areas),
        reads_only=tuple(row.reads_only or ()),
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        person_id=row.person_id,
        stay_id=row.stay_id,
    )


def person_of(connection: Connection, account_id: str) -> str | None:
    """Return the person an account is of, or whoever stands for them since."""
    persons = tables_people.persons.c
    # Two questions: the person may be of another commune than the account, and such rows are not joined.
    person_id = connection.scalar(select(accounts.c.person_id).where(accounts.c.account_id == account_id))
    if person_id is None:
        return None
    stands = select(func.coalesce(persons.merged_into, persons.person_id)).where(persons.person_id == person_id)
    found: str | None = connection.scalar(stands)
    return found


def add_link(connection: Connection, account: KnownAccount, token: str, *, now: datetime, lifetime: timedelta) -> None:
    """Keep the hash of a one-time link's token."""
    connection.execute(
        insert(setup_links).values(
            commune_code=account.commune_code,
            link_hash=hash_of(token),
            account_id=account.account_id,
            created_at=now,
            expires_at=now + lifetime,
        )
    )


def spend_link(connection: Connection, token: str, *, now: datetime) -> KnownAccount:
    """Spend a link and return its account, or raise ``Refused("server.link_spent")`` for unknown, used and expired alike."""
    spent = connection.execute(
        update(setup_links)
        .where(setup_links.c.link_hash == hash_of(token), setup_links.c.used_at.is_(None), setup_links.c.expires_at > now)
        .values(used_at=now)
        .returning(setup_links.c.account_id, setup_links.c.commune_code)
    ).first()
    found = live_account(connection, spent.commune_code, spent.account_id) if spent else None
    if found is None:
        raise Refused("server.link_spent")
    return found


def live_account(connection: Connection, commune_code: str, account_id: str) -> KnownAccount | None:
    """Return an account that may sign in, by its id."""
    row = connection.execute(
        select(accounts).where(
            accounts.c.commune_code == commune_code, accounts.c.account_id == account_id, accounts.c.disabled_at.is_(None)
        )
    ).first()
    return account_from(row) if row else None


def add_passkey(connection: Connection, passkey: Passkey) -> None:
    """Keep a new passkey, or raise ``Conflict("account.passkey_known")``."""
    if find_passkey(connection, passkey.credential_id) is not None:
        raise Conflict("account.passkey_known")
    row = msgspec.structs.asdict(passkey) | {"transports": list(passkey.transports)}
    connection.execute(insert(passkeys).values(row))


def find_passkey(connection: Connection, credential_id: str) -> Passkey | None:
    """Return a passkey of an account that may sign in."""
    row = connection.execute(
        select(passkeys)
        .join(accounts, and_(accounts.c.account_id == passkeys.c.account_id, accounts.c.commune_code == passkeys.c.commune_code))
        .where(passkeys.c.credential_id == credential_id, accounts.c.disabled_at.is_(None))
    ).first()
    return _passkey(row) if row else None


def passkey_account(connection: Connection, passkey: Passkey) -> KnownAccount:
    """Return the account a passkey opens."""
    return cast("KnownAccount", live_account(connection, passkey.commune_code, passkey.account_id))


def passkeys_of(connection: Connection, account_id: str) -> list[Passkey]:
    """Return an account's passkeys, oldest first."""
    rows = connection.execute(select(passkeys).where(passkeys.c.account_id == account_id).order_by(passkeys.c.created_at))
    return [_passkey(row) for row in rows]


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(
        credential_id=row.credential_id,
        account_id=row.account_id,
        commune_code=row.commune_code,
        public_key=bytes(row.public_key),
        sign_count=row.sign_count,
        label=row.label or "",
        created_at=row.created_at,
        transports=tuple(row.transports),
        last_used_at=row.last_used_at,
    )


def use_passkey(connection: Connection, passkey: Passkey, *, sign_count: int, now: datetime) -> None:
    """Record a sign-in with this passkey. Of two that raced with one counter, the second raises ``Conflict``."""
    changed = connection.execute(
        update(passkeys)
        .where(passkeys.c.credential_id == passkey.credential_id, passkeys.c.sign_count == passkey.sign_count)
        .values(sign_count=sign_count, last_used_at=now)
    )
    if changed.rowcount != 1:
        raise Conflict("account.passkey_raced")


def remove_passkey(connection: Connection, account_id: str, credential_id: str) -> None:
    """Remove one of the account's own passkeys."""
    connection.execute(passkeys.delete().where(passkeys.c.account_id == account_id, passkeys.c.credential_id == credential_id))


def audit(
    connection: Connection, event: str, *, commune_code: str, account_id: str | None, now: datetime, noise: bytes, code: str = ""
) -> None:
    """Write one line of the sign-in audit. ``noise``: 10 random bytes for the row's id."""
    connection.execute(
        insert(sign_in_audit).values(
            commune_code=commune_code,
            event_id=str(uuid7(now, noise)),
            account_id=account_id,
            event=event,
            code=code or None,
            at=now,
        )
    )
