"""Kiosks and keys: which machine stands where, which public keys speak for it, and its last sign of life.

- Enrolment writes the kiosk and its signing key; retiring revokes nothing by itself, ``revoke_key`` does.
- ``keyring_entries`` is the trust anchor of a gateway: public halves only.
- The last state replaces the one before; a late death of an old connection is not believed (``residence.wire.state.is_newer``).

Example: ``Keyring(keyring_entries(connection)).find(key_id, "kiosk-sign", owner="kiosk-lobby-1", at=now)``
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from registry import tables
from registry.asking import among
from registry.kiosk_signs import keep_signs
from residence.clock import parse_instant, rfc3339
from residence.errors import Malformed
from residence.wire.keyring import KeyEntry
from residence.wire.state import CHIP_TRUST, KioskState, is_newer

KEYS_LOCK: Final = (0x6B657973, 1)  # two numbers: another space than the locks of recording


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """One kiosk at one premises."""

    kiosk_id: str
    premises_id: str
    commune_code: str
    profile: str


class KioskOnList(msgspec.Struct, frozen=True, kw_only=True):
    """A kiosk with its last sign of life, for the operator's page."""

    kiosk_id: str
    premises_id: str
    commune_code: str
    profile: str
    enrolled_at: datetime
    retired_at: datetime | None
    session: int | None
    online: bool | None
    state_at: datetime | None  # the kiosk's clock
    seen_at: datetime | None  # ours
    outbox_depth: int | None
    oldest_unsent_at: datetime | None
    time_state: str | None
    readers: dict[str, str] | None
    version: str | None


def enrol_kiosk(connection: Connection, enrolment: Enrolment, *, keys: Iterable[KeyEntry], now: datetime) -> None:
    """Insert a kiosk with its public keys."""
    connection.execute(insert(tables.kiosks), [msgspec.structs.asdict(enrolment) | {"enrolled_at": now}])
    for key in keys:
        add_key(connection, key, commune_code=enrolment.commune_code)


def retire_kiosk(connection: Connection, kiosk_id: str, *, now: datetime) -> None:
    """Take a kiosk out of service and revoke its keys."""
    _hold_keys(connection, lock=func.pg_advisory_xact_lock)
    connection.execute(update(tables.kiosks).where(tables.kiosks.c.kiosk_id == kiosk_id).values(retired_at=now))
    connection.execute(
        update(tables.keys).where(tables.keys.c.owner == kiosk_id, tables.keys.c.revoked_at.is_(None)).values(revoked_at=now)
    )


def add_key(connection: Connection, key: KeyEntry, *, commune_code: str) -> None:
    """Insert one public key."""
    row = {
        "commune_code": commune_code,
        "key_id": key.key_id,
        "use": key.use,
        "owner": key.owner,
        "public_key": key.public_key,
        "valid_from": parse_instant(key.valid_from),
        "valid_to": parse_instant(key.valid_to) if key.valid_to else None,
        "revoked_at": parse_instant(key.revoked_at) if key.revoked_at else None,
    }
    connection.execute(insert(tables.keys), [row])


def revoke_key(connection: Connection, key_id: str, *, now: datetime) -> None:
    """Refuse a key from now on; no batch that still believed it is committed later."""
    _hold_keys(connection, lock=func.pg_advisory_xact_lock)
    columns = tables.keys.c
    connection.execute(update(tables.keys).where(columns.key_id == key_id, columns.revoked_at.is_(None)).values(revoked_at=now))


def revoked_keys(connection: Connection) -> frozenset[str]:
    """Return every revoked key, and let none be revoked until this transaction ends: what it records, it records before."""
    _hold_keys(connection, lock=func.pg_advisory_xact_lock_shared)
    return frozenset(row[0] for row in connection.exec_driver_sql("SELECT key_id FROM keys WHERE revoked_at IS NOT NULL").all())


def _hold_keys(connection: Connection, *, lock: Any) -> None:
    # Taken together by batches, alone by a revocation, which so waits for the batches that looked before it. SQLite has one writer anyway.
    if connection.dialect.name == "postgresql":
        connection.execute(select(lock(*KEYS_LOCK)))


def keyring_entries(connection: Connection) -> tuple[KeyEntry, ...]:
    """Return every key, revoked and ended ones too, so that old records verify."""
    return tuple(_entry(row) for row in connection.execute(select(tables.keys).order_by(tables.keys.c.key_id)))


def kiosk_keys(connection: Connection, key_id: str) -> tuple[tuple[KeyEntry, ...], str]:
    """Return one key as entries for a ring, none when it is unknown, and the commune it belongs to."""
    row = connection.execute(select(tables.keys).where(tables.keys.c.key_id == key_id).limit(1)).first()
    return ((), "") if row is None else ((_entry(row),), row.commune_code)


def enrolled(connection: Connection) -> list[Enrolment]:
    """Return every kiosk in service: whose envelopes a gateway may take, and from where."""
    columns = tables.kiosks.c
    query = select(columns.kiosk_id, columns.premises_id, columns.commune_code, columns.profile)
    return [Enrolment(**row._mapping) for row in connection.execute(query.where(columns.retired_at.is_(None)))]  # noqa: SLF001 - SQLAlchemy's public name


def trust_stamp(connection: Connection) -> str:
    """Return a text that changes whenever a key or kiosk is added, ended, revoked or retired; cheap enough for every second."""
    keys, kiosks = tables.keys.c, tables.kiosks.c
    revoked = (func.count(keys.revoked_at), func.max(keys.revoked_at))
    ended = (
        func.count(keys.valid_to),
        func.min(keys.valid_to),
        func.max(keys.valid_to),
    )  # ending the old of two keys moves the least
    of_keys = select(func.count(), *revoked, *ended)
    of_kiosks = select(func.count(), func.count(kiosks.retired_at), func.max(kiosks.enrolled_at), func.max(kiosks.retired_at))
    return repr((tuple(connection.execute(of_keys).one()), tuple(connection.execute(of_kiosks).one())))


def keep_state(connection: Connection, state: KioskState, *, now: datetime) -> bool:
    """Keep a kiosk's last state; returns False for an unknown kiosk or a state older than the one kept."""
    row = connection.execute(select(tables.kiosks).where(tables.kiosks.c.kiosk_id == state.kiosk_id).limit(1)).first()
    if row is None or not is_newer(state, _last_state(row)):
        return False
    values = {
        "session": state.session,
        "counting": state.counting,
        "online": state.online,
        "state_at": _instant(state.at),
        "seen_at": now,
        "outbox_depth": state.outbox_depth,
        "oldest_unsent_at": _instant(state.oldest_unsent_at),
        "time_state": state.time_state,
        "readers": state.readers,
        "version": state.version,
    }
    if not state.online:
        # A will was written when the connection began; of the counts only the last live ones mean anything.
        values = {"session": state.session, "counting": state.counting, "online": False, "seen_at": now}
    connection.execute(update(tables.kiosks).where(tables.kiosks.c.kiosk_id == state.kiosk_id).values(**values))
    if state.online:
        keep_signs(connection, state, commune_code=row.commune_code, now=now)
    return True


def kiosks_of(connection: Connection, commune_code: str, *, limit: int = 1000) -> list[KioskOnList]:
    """Return a commune's kiosks by id."""
    columns = tables.kiosks.c
    query = select(tables.kiosks).where(columns.commune_code == commune_code).order_by(columns.kiosk_id).limit(limit)
    return [_listed(row) for row in connection.execute(query)]


def kiosks_among(connection: Connection, kiosk_ids: Iterable[str]) -> list[KioskOnList]:
    """Return these kiosks, wherever they stand, by id; whom the registry does not know is not among them."""
    query = select(tables.kiosks).where(among(tables.kiosks.c.kiosk_id, sorted(set(kiosk_ids)), connection))
    return [_listed(row) for row in connection.execute(query.order_by(tables.kiosks.c.kiosk_id))]


def kiosks_at(connection: Connection, commune_code: str, premises_ids: Sequence[str]) -> list[KioskOnList]:
    """Return the kiosks at some premises of a commune, by id, however many the commune has."""
    columns = tables.kiosks.c
    here = (columns.commune_code == commune_code, among(columns.premises_id, premises_ids, connection))
    return [_listed(row) for row in connection.execute(select(tables.kiosks).where(*here).order_by(columns.kiosk_id))]


def reads_chips(connection: Connection, commune_code: str, premises_id: str) -> bool:
    """Tell whether a kiosk in service at this premises said, when last heard, that it reads chips."""
    columns = tables.kiosks.c
    here = (columns.commune_code == commune_code, columns.premises_id == premises_id, columns.retired_at.is_(None))
    return any(CHIP_TRUST in (readers or {}) for readers in connection.scalars(select(columns.readers).where(*here).limit(100)))


def communes_of_kiosks(connection: Connection, kiosk_ids: Iterable[str]) -> dict[str, str]:
    """Return kiosk id -> commune, in one query."""
    columns = tables.kiosks.c
    wanted = sorted(set(kiosk_ids))
    if not wanted:
        return {}
    return {
        row[0]: row[1]
        for row in connection.execute(select(columns.kiosk_id, columns.commune_code).where(columns.kiosk_id.in_(wanted)))
    }


def _entry(row: Row[Any]) -> KeyEntry:
    return KeyEntry(
        key_id=row.key_id,
        use=row.use,
        owner=row.owner,
        public_key=bytes(row.public_key),
        valid_from=rfc3339(row.valid_from),
        valid_to=rfc3339(row.valid_to) if row.valid_to else None,
        revoked_at=rfc3339(row.revoked_at) if row.revoked_at else None,
    )


def _listed(row: Row[Any]) -> KioskOnList:
    return KioskOnList(**{name: getattr(row, name) for name in KioskOnList.__struct_fields__})


def _last_state(row: Row[Any]) -> KioskState | None:
    if row.session is None:
        return None
    return KioskState(kiosk_id=row.kiosk_id, session=row.session, counting=row.counting or "", online=bool(row.online), at="")


def _instant(text: str | None) -> datetime | None:
    """Read a kiosk's time; an unreadable one is only unknown, never a reason to lose the state."""
    try:
        return parse_instant(text) if text else None
    except Malformed:
        return None
