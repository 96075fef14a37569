"""Subscriptions to what happens at houses: made by an account or one of its programs, for the account's own houses, ended by either.

- A program sees and changes its own subscriptions, the account all of its own. Nobody else's are found.
- The address and the keys are sealed under the subscription's own key; ending it deletes that key, its row and its messages.
- A new key signs beside the one before for ``CHANGE_OVER``, so that a receiver can change over without losing a message.
- What a subscription reaches is worked out when something is to be told: rights that were taken back, an account or a program that was
  ended, reach nothing from then on.

Example: ``hooks_of(connection, HookOwner(account_id="acc-1", client_id=None), vault=vault)``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, and_, delete, insert, select, update

from registry.tables_accounts import accounts
from registry.tables_api import api_clients
from registry.tables_people import subject_keys
from registry.tables_webhooks import webhook_deliveries, webhooks
from registry.vault import Cell, SubjectKey, Vault
from residence.clock import uuid7
from residence.errors import Conflict, Refused
from residence.wire.webhooks import KEY_BYTES, HookKey, Signing

HookState = Literal["active", "paused", "gone", "given_up"]
CHANGE_OVER: Final = timedelta(hours=24)
MOST: Final = 20  # of one account
BEFORE_ALL: Final = "00000000-0000-0000-0000-000000000000"
_HOOKS: Final = webhooks.c


class HookOwner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose subscriptions are meant: an account's, or those one of its programs made."""

    account_id: str
    client_id: str | None


class HookGiven(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription as it was asked for. ``types`` empty: all."""

    owner: HookOwner
    commune_code: str
    url: str
    premises: tuple[str, ...]
    types: tuple[str, ...]
    signing: Signing


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription. ``failures``: in a row; ``fault``: of the last message that failed."""

    hook_id: str
    commune_code: str
    account_id: str
    client_id: str | None
    premises: tuple[str, ...]
    types: tuple[str, ...]
    signing: Signing
    state: HookState
    fault: str | None
    cursor_at: datetime
    cursor_id: str
    created_at: datetime
    delivered_at: datetime | None
    failing_since: datetime | None
    failures: int
    quiet_until: datetime | None
    former_until: datetime | None
    url: str


class HookKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What a subscription's messages are signed with now, the newest first."""

    keys: tuple[HookKey, ...]
    former_until: datetime | None


def add_hook(
    connection: Connection, given: HookGiven, *, hook_id: str, vault: Vault, now: datetime, random_bytes: Callable[[int], bytes]
) -> None:
    """Keep a subscription, told of what happens from now on; one that stands already is left. ``Conflict("webhook.too_many")``."""
    mine = select(_HOOKS.hook_id).where(_HOOKS.account_id == given.owner.account_id)
    standing = set(connection.scalars(mine))
    if hook_id in standing:  # taken up again after its worker died
        return
    if len(standing) >= MOST:
        raise Conflict("webhook.too_many")
    key, row = vault.new_key(hook_id, "webhook", commune_code=given.commune_code, now=now)
    connection.execute(insert(subject_keys), [row])
    values = {
        "commune_code": given.commune_code,
        "hook_id": hook_id,
        "account_id": given.owner.account_id,
        "client_id": given.owner.client_id,
        "premises": list(given.premises),
        "types": list(given.types),
        "signing": given.signing,
        "url_sealed": vault.seal(key, _cell("url", hook_id), given.url),
        "key_sealed": vault.seal(key, _cell("key", hook_id), random_bytes(KEY_BYTES)),
        "former_sealed": None,
        "former_until": None,
        "state": "active",
        "fault": None,
        "cursor_at": now,
        "cursor_id": BEFORE_ALL,
        "created_at": now,
        "delivered_at": None,
        "failing_since": None,
        "failures": 0,
        "quiet_until": None,
    }
    connection.execute(insert(webhooks), [values])


def hooks_of(connection: Connection, owner: HookOwner, *, vault: Vault) -> list[Hook]:
    """Return an owner's subscriptions, the oldest first."""
    query = select(webhooks).where(*_owned(owner)).order_by(_HOOKS.hook_id).limit(MOST)
    return _opened(connection, connection.execute(query).all(), vault)


def hook_of(connection: Connection, hook_id: str, owner: HookOwner, *, vault: Vault) -> Hook:
    """Return one of an owner's subscriptions, or raise ``Refused("server.not_found")``."""
    row = connection.execute(select(webhooks).where(_HOOKS.hook_id == hook_id, *_owned(owner)).limit(1)).first()
    found = _opened(connection, [row], vault) if row is not None else []
    if not found:
        raise Refused("server.not_found")
    return found[0]


def keys_of(connection: Connection, hook_id: str, *, vault: Vault, now: datetime) -> HookKeys:
    """Return what a subscription's messages are signed with."""
    row = connection.execute(select(webhooks).where(_HOOKS.hook_id == hook_id).limit(1)).one()
    key = vault.load_keys(connection, [hook_id])[hook_id]
    raw = [vault.open(key, _cell("key", hook_id), row.key_sealed)]
    until = row.former_until if row.former_until and now < row.former_until else None
    if until is not None:
        raw.append(vault.open(key, _cell("former", hook_id), row.former_sealed))
    return HookKeys(keys=tuple(HookKey(signing=row.signing, raw=each) for each in raw), former_until=until)


def renew_key(connection: Connection, hook: Hook, *, vault: Vault, now: datetime, random_bytes: Callable[[int], bytes]) -> None:
    """Give a subscription a new key; the one before signs beside it for ``CHANGE_OVER``."""
    key = vault.load_keys(connection, [hook.hook_id])[hook.hook_id]
    before = keys_of(connection, hook.hook_id, vault=vault, now=now).keys[0].raw
    values = {
        "key_sealed": vault.seal(key, _cell("key", hook.hook_id), random_bytes(KEY_BYTES)),
        "former_sealed": vault.seal(key, _cell("former", hook.hook_id), before),
        "former_until": now + CHANGE_OVER,
    }
    connection.execute(update(webhooks).where(_HOOKS.hook_id == hook.hook_id).values(values))


def change_state(connection: Connection, hook: Hook, state: HookState) -> None:
    """Stop a subscription, or let it go on from where it stood, with a clean slate."""
    values: dict[str, Any] = {"state": state}
    if state == "active":
        values |= {"fault": None, "failures": 0, "failing_since": None, "quiet_until": None}
    connection.execute(update(webhooks).where(_HOOKS.hook_id == hook.hook_id).values(values))


def tell_again(connection: Connection, hook: Hook, *, since: datetime) -> None:
    """Put a subscription's place back to an instant; a later one than it has is left."""
    back = (_HOOKS.hook_id == hook.hook_id, _HOOKS.cursor_at > since)
    connection.execute(update(webhooks).where(*back).values(cursor_at=since, cursor_id=BEFORE_ALL))


def end_hook(connection: Connection, hook: Hook) -> None:
    """Delete a subscription, its key and its messages."""
    own_id = hook.hook_id
    connection.execute(delete(webhook_deliveries).where(webhook_deliveries.c.hook_id == own_id))
    connection.execute(delete(webhooks).where(_HOOKS.hook_id == own_id))
    connection.execute(delete(subject_keys).where(subject_keys.c.subject_id == own_id))


def reached(connection: Connection, hook_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the premises each subscription may be told of now; what its account or program lost is left out."""
    same_account = and_(accounts.c.account_id == _HOOKS.account_id, accounts.c.commune_code == _HOOKS.commune_code)
    same_client = and_(api_clients.c.client_id == _HOOKS.client_id, api_clients.c.commune_code == _HOOKS.commune_code)
    query = (
        select(
            _HOOKS.hook_id,
            _HOOKS.premises,
            _HOOKS.client_id,
            accounts.c.areas,
            api_clients.c.grants,
            api_clients.c.disabled_at,
        )
        .select_from(webhooks)
        .join(accounts, same_account)
        .outerjoin(api_clients, same_client)
        .where(_HOOKS.hook_id.in_(sorted(set(hook_ids))), accounts.c.disabled_at.is_(None))
    )
    return {row.hook_id: _within(row) for row in connection.execute(query)}


def new_hook_id(now: datetime, random_bytes: Callable[[int], bytes]) -> str:
    """Return an id for a subscription."""
    return str(uuid7(now, random_bytes(10)))


def _within(row: Any) -> tuple[str, ...]:
    areas = [each for each in row.premises if each in row.areas]
    if row.client_id is None:
        return tuple(areas)
    if row.grants is None or row.disabled_at is not None:
        return ()
    return tuple(each for each in areas if "read" in row.grants or f"read:{each}" in row.grants)


def _owned(owner: HookOwner) -> tuple[Any, ...]:
    mine = (_HOOKS.account_id == owner.account_id,)
    return mine if owner.client_id is None else (*mine, _HOOKS.client_id == owner.client_id)


def _opened(connection: Connection, rows: Iterable[Row[Any]], vault: Vault) -> list[Hook]:
    found = list(rows)
    keys = vault.load_keys(connection, {each.hook_id for each in found})
    return [hook_from(row, keys[row.hook_id], vault=vault) for row in found if row.hook_id in keys]


def hook_from(row: Row[Any], key: SubjectKey, *, vault: Vault) -> Hook:
    """Return the subscription a row says."""
    told = {name: getattr(row, name) for name in Hook.__struct_fields__ if name != "url"}
    url = vault.open(key, _cell("url", row.hook_id), row.url_sealed).decode()
    return Hook(**{**told, "premises": tuple(row.premises), "types": tuple(row.types), "url": url})


def _cell(column: str, hook_id: str) -> Cell:
    return Cell("webhooks", column, hook_id)
