"""Which account an identity of another provider opens: bound by the account's holder, or by a number the provider vouches for.

- An identity is issuer and subject together, kept as a keyed blind index. One identity opens one account, an account may have several.
- ``account_by_number`` finds whom an active personal number is of, and makes a resident's account where that person has none. Only a
  provider that was told to (``number_claim``) is believed about a number.

Example: ``account_of(connection, vault.identity_index(issuer, subject), now=now)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from registry import tables_people
from registry.accounts import KnownAccount, account_from, add_account, live_account
from registry.blind_indexes import every
from registry.locking import locked_row
from registry.tables_accounts import accounts
from registry.tables_identities import identities
from registry.vault import Vault
from residence.clock import uuid7
from residence.errors import Conflict

_COLUMNS = identities.c


def bind(connection: Connection, account: KnownAccount, identity: bytes, *, provider: str, now: datetime) -> None:
    """Let an identity open an account, or raise ``Conflict("account.identity_known")`` when it opens one already."""
    if connection.scalar(select(_COLUMNS.account_id).where(_COLUMNS.identity_id == identity.hex())) is not None:
        raise Conflict("account.identity_known")
    values = {
        "commune_code": account.commune_code,
        "identity_id": identity.hex(),
        "account_id": account.account_id,
        "provider": provider,
        "created_at": now,
    }
    connection.execute(insert(identities).values(values))


def account_of(connection: Connection, identity: bytes, *, now: datetime | None = None) -> KnownAccount | None:
    """Return the account an identity opens, if it may sign in. ``now``: note that it was used."""
    row = connection.execute(
        select(_COLUMNS.commune_code, _COLUMNS.account_id).where(_COLUMNS.identity_id == identity.hex())
    ).first()
    if row is None:
        return None
    if now is not None:
        same = (_COLUMNS.commune_code == row.commune_code, _COLUMNS.identity_id == identity.hex())
        connection.execute(update(identities).where(*same).values(last_used_at=now))
    return live_account(connection, row.commune_code, row.account_id)


def identities_of(connection: Connection, account_id: str) -> list[Row[Any]]:
    """Return an account's identities, the oldest first."""
    query = select(identities).where(_COLUMNS.account_id == account_id).order_by(_COLUMNS.created_at)
    return list(connection.execute(query).all())


def remove(connection: Connection, account_id: str, identity_id: str) -> bool:
    """Let an identity of one's own open nothing any more; False when there was none."""
    same = (_COLUMNS.account_id == account_id, _COLUMNS.identity_id == identity_id)
    return connection.execute(delete(identities).where(*same)).rowcount == 1


def account_by_number(
    connection: Connection, number: str, *, vault: Vault, now: datetime, random_bytes: Callable[[int], bytes]
) -> KnownAccount | None:
    """Return the resident's account of whom a personal number is now, made where they have none; None when that is nobody or not one."""
    names, persons = tables_people.identifiers.c, tables_people.persons.c
    index = vault.number_index("personal", number)
    holding = select(names.person_id).where(names.value_index.in_(every(index)), names.status == "active")
    whose = set(connection.scalars(holding))
    if len(whose) != 1:
        return None
    person = connection.execute(select(persons.person_id, persons.commune_code).where(persons.person_id == whose.pop(), persons.status == "living")).first()  # fmt: skip
    if person is None:
        return None
    return resident_account(connection, person.person_id, commune_code=person.commune_code, now=now, random_bytes=random_bytes)


def resident_account(
    connection: Connection, person_id: str, *, commune_code: str, now: datetime, random_bytes: Callable[[int], bytes]
) -> KnownAccount | None:
    """Return a person's own account, made where they have none; None when it was disabled."""
    locked_row(connection, tables_people.persons, person_id)  # two at once would make two, and a recovery closes one
    own = (accounts.c.person_id == person_id, accounts.c.role == "resident")
    row = connection.execute(select(accounts).where(*own).order_by(accounts.c.created_at).limit(1)).first()
    if row is not None:
        return account_from(row) if row.disabled_at is None else None
    account_id = str(uuid7(now, random_bytes(10)))
    made = KnownAccount(
        account_id=account_id,
        commune_code=commune_code,
        sign_in_name=f"r-{random_bytes(5).hex()}",  # a handle, and says nothing of whose it is
        role="resident",
        areas=(),
        created_at=now,
        person_id=person_id,
    )
    add_account(connection, made)
    return made
