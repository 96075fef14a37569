"""Every key has a successor: the root, a commune's period key, one subject's key; while declarations keep coming.

- **Root**: a new one is made, every key of the folder is wrapped under it (each file replaced whole), the former ones are destroyed. Broken off
  anywhere, both roots are there and the next call goes on. The same way the root moves from one keeper to another.
- **Period key**: the period gets a further key, whoever makes keys uses it from then on, every living key is wrapped under it page by page.
  The former one stays until ``destroy_period``, so that backups can be brought back as long as that is wanted.
- **Subject**: the row holds the new key and the former one; every cell is sealed anew; ``finish_subject`` drops the former one later.
- Nothing is destroyed while somebody may still be about to use it: only ``settled`` after its successor came into force, only when no
  transaction is open that began before that, and only when no row needs it. ``Refused("vault.not_settled")`` means: try again later.

Example: ``rotate_period(registry, keys, "79-demo", now=now)``, a month later ``destroy_period(registry, keys, "79-demo:2026", now=now, why="...")``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, func, select, text, update

from registry import tables
from registry.database import Registry
from registry.key_provider import FileKeyProvider
from registry.root_keepers import KeeperSettings, open_keeper, read_keeper, write_keeper
from registry.sealed_columns import SEALED, SEALED_AS, SEALED_BESIDES, Sealed
from registry.vault import Cell, SubjectKey, Vault, period_key_id
from residence.errors import Refused

PAGE: Final = 500
SETTLED: Final = timedelta(minutes=10)  # longer than any transaction of ours
_KEYS: Final = tables.subject_keys
_HIDDEN: Final = "<insufficient privilege>"


class Rotated(msgspec.Struct, frozen=True, kw_only=True):
    """What a rotation did. ``renewed``: how many keys, or of a subject cells, are under the new one now."""

    former: str
    new: str
    renewed: int


def rotate_root(keys: FileKeyProvider, *, names: Iterable[str] = (), to: KeeperSettings | None = None) -> Rotated:
    """Give the folder a new root, with its own keeper or with another (``to``), and destroy the former ones.

    ``names``: period keys the registry knows (``registry.backups.period_keys``), for files that do not say theirs.
    """
    with keys.changing():
        if to is not None:
            _begin_move(keys, to)
        keys.open_keeper_again()
        keeper = keys.keeper
        there = keeper.ids()
        mine = [each for each in there if each.startswith(keeper.prefix)]
        half_done = len(there) > 1 and bool(mine)
        new = mine[-1] if half_done else keeper.make()
        renewed = keys.rewrap_all(new, keeper=keeper, names=names)
        settings = read_keeper(keys.directory)
        for each in there:
            if each != new:
                keeper.destroy(each)
        if settings.former is not None:
            write_keeper(keys.directory, msgspec.structs.replace(settings, former=None))
        keys.open_keeper_again()
        keys.notes.bump()
    return Rotated(former=", ".join(each for each in there if each != new), new=new, renewed=renewed)


def _begin_move(keys: FileKeyProvider, to: KeeperSettings) -> None:
    """Say in the folder that its root moves; a keeper that has roots already keeps them for another folder."""
    began = read_keeper(keys.directory)
    if began.former is None:
        if open_keeper(keys.directory, random_bytes=keys.random_bytes, settings=to).ids():
            raise Refused("vault.keeper_taken", "/to", to.kind)
        write_keeper(keys.directory, msgspec.structs.replace(to, former=began))


def rotate_period(registry: Registry, keys: FileKeyProvider, commune_code: str, *, now: datetime) -> Rotated:
    """Give a commune a new key for the period that runs, and wrap every living key of the commune under it."""
    period = period_key_id(commune_code, now)
    former = keys.generation(period)
    new = keys.begin_generation(period, now=now)
    return Rotated(former=former, new=new, renewed=rewrap_commune(registry, commune_code, now=now))


def rewrap_commune(registry: Registry, commune_code: str, *, now: datetime, go_on: Callable[[], bool] = lambda: True) -> int:
    """Wrap every key of a commune that is not under the key in force; returns how many. Each page is a transaction, asked for before by ``go_on``."""
    vault, renewed, after = registry.vault, 0, ""
    while True:
        with registry.writing() as connection:
            in_force = vault.period_in_force(commune_code, now)
            old = (_KEYS.c.commune_code == commune_code) & (_KEYS.c.kek_id != in_force) & (_KEYS.c.subject_id > after)
            rows = connection.execute(select(_KEYS).where(old).order_by(_KEYS.c.subject_id).limit(PAGE)).all()
            for row in rows:
                renewed += _put(connection, row, vault.rewrap(row._asdict(), now=now))
        if len(rows) < PAGE or not go_on():
            return renewed
        after = rows[-1].subject_id


def destroy_period(
    registry: Registry, keys: FileKeyProvider, kek_id: str, *, now: datetime, why: str, settled: timedelta = SETTLED
) -> int:
    """Destroy a period key that is not in force any more; returns how many keys had still to be wrapped anew. No backup made before opens then."""
    commune_code = kek_id.rpartition(":")[0]
    in_force = registry.vault.period_in_force(commune_code, now)
    if kek_id == in_force:
        raise Refused("vault.period_in_use", "/kek_id", kek_id)
    closed = keys.closed_at(kek_id)
    if now < closed + settled:
        raise Refused("vault.not_settled", "/kek_id", kek_id)
    with registry.reading() as connection:
        need_no_transaction_before(connection, closed)
    renewed = rewrap_commune(registry, commune_code, now=now)
    with registry.writing() as connection:
        if connection.scalar(select(func.count()).select_from(_KEYS).where(_KEYS.c.kek_id == kek_id)):
            raise Refused("vault.not_settled", "/kek_id", kek_id)
    keys.retire(kek_id, now=now, why=why)
    return renewed


def rotate_subject(connection: Connection, subject_id: str, *, vault: Vault, now: datetime) -> Rotated:
    """Give a subject a new key and seal every cell of theirs under it; the former key still opens until ``finish_subject``."""
    row = _key_row(connection, subject_id)
    renewed = vault.with_new_key(row._asdict(), now=now) | {"created_at": now}
    if not _put(connection, row, renewed):
        raise Refused("vault.not_settled", "/subject_id", subject_id)
    key = vault.unwrap(subject_id, renewed["kek_id"], renewed["wrapped_key"])
    return Rotated(former=subject_id, new=subject_id, renewed=_seal_anew(connection, key, vault))


def finish_subject(
    connection: Connection, subject_id: str, *, vault: Vault, now: datetime, settled: timedelta = SETTLED
) -> Rotated:
    """Seal anew what somebody sealed under the former key meanwhile, and drop that key."""
    row = _key_row(connection, subject_id)
    key = vault.unwrap(subject_id, row.kek_id, row.wrapped_key)
    if now < row.created_at + settled:
        raise Refused("vault.not_settled", "/subject_id", subject_id)
    need_no_transaction_before(connection, row.created_at)
    renewed = _seal_anew(connection, key, vault)
    if not _put(connection, row, vault.with_first_key_only(row._asdict(), now=now)):
        raise Refused("vault.not_settled", "/subject_id", subject_id)
    return Rotated(former=subject_id, new=subject_id, renewed=renewed)


def _key_row(connection: Connection, subject_id: str) -> Row[Any]:
    query = select(_KEYS).where(_KEYS.c.subject_id == subject_id).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise Refused("vault.subject_unknown", "/subject_id", subject_id)
    return row


def _put(connection: Connection, row: Row[Any], renewed: dict[str, Any]) -> int:
    """Write a renewed key row if the row is still as it was read; a subject erased meanwhile stays erased."""
    same = (
        (_KEYS.c.commune_code == row.commune_code)
        & (_KEYS.c.subject_id == row.subject_id)
        & (_KEYS.c.wrapped_key == row.wrapped_key)
    )
    values = {name: renewed[name] for name in ("kek_id", "wrapped_key", "created_at")}
    return connection.execute(update(_KEYS).where(same).values(**values)).rowcount


def _seal_anew(connection: Connection, key: SubjectKey, vault: Vault) -> int:
    """Seal every cell of a subject under the first of its keys; returns how many."""
    return sum(_seal_table_anew(connection, each, key, vault) for each in (*SEALED, *SEALED_BESIDES))


def _seal_table_anew(connection: Connection, sealed: Sealed, key: SubjectKey, vault: Vault) -> int:
    table, own_id, subject, columns = sealed
    sealed_in, sealed_by = SEALED_AS.get(table.name, (table.name, own_id))
    done = 0
    for row in connection.execute(select(table).where(table.c[subject] == key.subject_id)).all():
        values: dict[str, bytes | None] = {}
        for column in columns:
            cell, content = Cell(sealed_in, column, getattr(row, sealed_by)), getattr(row, f"{column}_sealed")
            if content:  # an unsealed statement's body is empty
                values[f"{column}_sealed"] = vault.seal(key, cell, vault.open(key, cell, content))
        if values:
            same = (table.c.commune_code == row.commune_code) & (table.c[own_id] == getattr(row, own_id))
            connection.execute(update(table).where(same).values(**values))
            done += len(values)
    return done


def need_no_transaction_before(connection: Connection, moment: datetime) -> None:
    """See that every transaction which began before a moment has ended; SQLite has one writer, and we were it."""
    if connection.dialect.name != "postgresql":
        return
    others = text(
        "SELECT count(*) FILTER (WHERE xact_start < :moment) AS older, count(*) FILTER (WHERE query = :hidden) AS hidden"
        " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    found = connection.execute(others, {"moment": moment, "hidden": _HIDDEN}).one()
    if found.hidden:
        raise Refused("vault.transactions_hidden")
    if found.older:
        raise Refused("vault.not_settled")
