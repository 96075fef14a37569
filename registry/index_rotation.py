"""The key of the indexes of numbers, name words and telephones is renewed while declarations keep coming.

- Three calls, ``settled`` apart: the new key is *announced* (looked for), put *in force* (written), and then every row is written anew from what is
  sealed, page by page, and the former key destroyed. A person is found at every moment in between, and nobody is made twice.
- A page is a transaction, and gives way to whoever works on its people; how far it came is noted after it, so a killed rotation goes on there, and a page done twice is the same.
- A row whose person was erased has nothing to compute from; its index stays and is nobody's any more.
- An order holds no number. Whom it names is in the register: its index follows theirs. Otherwise the former key stays until the order is over
  (``Refused("vault.index_needed")``); so does a step before its time (``vault.not_settled``).

Example: ``rotate_index(registry, keys, now=now).step`` is ``announced``, ten minutes later ``in_force``, ten minutes later ``over``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Table, delete, select, text, update
from sqlalchemy.exc import OperationalError

from registry import tables
from registry.asking import among
from registry.bulk import write_rows
from registry.database import Registry
from registry.index_keys import IndexKeys
from registry.key_provider import FileKeyProvider
from registry.key_rotation import SETTLED, need_no_transaction_before
from registry.persons import token_rows
from registry.vault import Cell, Vault
from residence.errors import Refused
from residence.people.phones import phone_key

PAGE: Final = 200
_NUMBERS, _PERSONS, _TOKENS, _ORDERS = tables.identifiers.c, tables.persons.c, tables.name_tokens.c, tables.orders.c
Step = Literal["none", "announced", "in_force", "broken_off", "over"]
Reached = tuple[str, str, str]  # which work, commune, id
_NOWHERE: Final = ("", "", "")
Ids = tuple[str, list[str]]  # a commune, and ids of rows there
Write = Callable[[Connection, Ids, Vault], int]
_LOCKED: Final = {"55P03", "40P01"}  # PostgreSQL: no lock in time, a circle of them
_TRIES: Final = 200


class IndexRotated(msgspec.Struct, frozen=True, kw_only=True):
    """How far a rotation is. ``renewed``: rows whose index this call wrote anew."""

    step: Step
    key: int
    renewed: int = 0


def rotate_index(
    registry: Registry,
    keys: FileKeyProvider,
    *,
    now: datetime,
    begin: bool = True,
    settled: timedelta = SETTLED,
    go_on: Callable[[], bool] = lambda: True,
) -> IndexRotated:
    """Do the next step of a rotation, or begin one (``begin``); ``Refused("vault.not_settled" | "vault.index_needed")``: try again later."""
    indexes = keys.indexes
    indexes.sweep_up()
    state = indexes.state()
    if state.other is None:
        return IndexRotated(step="announced", key=indexes.announce(now=now).live[-1]) if begin else _done("none", indexes)
    _need_settled(registry, state.since or now, now=now, settled=settled)
    if not state.in_force:
        return IndexRotated(step="in_force", key=indexes.put_in_force(now=now).number)
    renewed, ended = write_anew(registry, reached=state.reached or _NOWHERE, note=indexes.note, go_on=go_on)
    if not ended:
        return _done("broken_off", indexes, renewed)
    with registry.reading() as connection:
        if _orders_of_nobody(connection, before=(state.since or now) + settled):
            raise Refused("vault.index_needed", "/orders")
    indexes.finish()
    return _done("over", indexes, renewed)


def write_anew(
    registry: Registry,
    *,
    reached: Reached = _NOWHERE,
    note: Callable[[Reached], None] = lambda _reached: None,
    go_on: Callable[[], bool] = lambda: True,
) -> tuple[int, bool]:
    """Write every index that is not made with the key in force; returns how many rows, and whether it came to the end.

    Also for a registry brought back from a backup of before a rotation: it needs no former key. ``note``: told how far it came.
    """
    renewed = 0
    for name, (table, own_id, write) in sorted(_WORKS.items()):
        if name < reached[0]:
            continue
        after = reached[1:] if name == reached[0] else ("", "")
        commune_code = _commune(registry, table, after[0], itself=True)
        while commune_code is not None:
            after = after if after[0] == commune_code else (commune_code, "")
            page = partial(_write_page, after=after, table=table, own_id=own_id, write=write, vault=registry.vault)
            done, last = _when_free(registry, page)
            renewed += done
            if last:
                after = (commune_code, last)
                note((name, *after))
            else:
                commune_code = _commune(registry, table, commune_code, itself=False)
            if not go_on():
                return renewed, False
    note(_NOWHERE)
    return renewed, True


def _write_page(
    connection: Connection, *, after: tuple[str, str], table: Table, own_id: str, write: Write, vault: Vault
) -> tuple[int, str]:
    """Write the next ids of a commune anew; returns how many rows, and the last id, empty after the last page."""
    query = select(table.c[own_id]).where(table.c.commune_code == after[0], table.c[own_id] > after[1])
    ids = list(connection.scalars(query.order_by(table.c[own_id]).limit(PAGE)))
    if not ids:
        return 0, ""
    return write(connection, (after[0], ids), vault.for_batch()), ids[-1]


def _when_free(registry: Registry, page: Callable[[Connection], tuple[int, str]]) -> tuple[int, str]:
    """Do a page in a transaction; whoever has its rows locked goes first (PostgreSQL), so that no recording ever waits for us in a circle."""
    for _ in range(_TRIES):
        try:
            with registry.writing() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(text("SET LOCAL lock_timeout = '300ms'"))
                return page(connection)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in _LOCKED:
                raise
    raise Refused("vault.not_settled", "/index")


def _done(step: Step, indexes: IndexKeys, renewed: int = 0) -> IndexRotated:
    return IndexRotated(step=step, key=indexes.state().number, renewed=renewed)


def _need_settled(registry: Registry, since: datetime, *, now: datetime, settled: timedelta) -> None:
    if now < since + settled:
        raise Refused("vault.not_settled", "/index")
    with registry.reading() as connection:
        need_no_transaction_before(connection, since)


def _commune(registry: Registry, table: Table, last: str, *, itself: bool) -> str | None:
    """Return the first commune with rows of a table after one, or from it on, by the table's key."""
    column = table.c.commune_code
    with registry.reading() as connection:
        return connection.scalar(select(column).where(column >= last if itself else column > last).order_by(column).limit(1))


def _write_numbers(connection: Connection, ids: Ids, vault: Vault) -> int:
    mine = (_NUMBERS.commune_code == ids[0], among(_NUMBERS.identifier_id, ids[1], connection))
    rows = connection.execute(select(tables.identifiers).where(*mine).order_by(_NUMBERS.identifier_id).with_for_update()).all()
    keys = vault.load_keys(connection, {row.subject_id for row in rows})
    forms: dict[bytes, bytes] = {}
    for row in rows:
        if row.subject_id not in keys:
            continue
        value = vault.open(keys[row.subject_id], Cell("identifiers", "value", row.identifier_id), row.value_sealed).decode()
        index = bytes(vault.number_index(row.kind, value))
        if row.value_index != index:
            forms[bytes(row.value_index)] = index
            same = (_NUMBERS.commune_code == ids[0], _NUMBERS.identifier_id == row.identifier_id)
            connection.execute(update(tables.identifiers).where(*same).values(value_index=index))
    _let_orders_follow(connection, forms)
    return len(forms)


def _let_orders_follow(connection: Connection, forms: dict[bytes, bytes]) -> None:
    query = select(_ORDERS.commune_code, _ORDERS.order_id, _ORDERS.number_index).where(_ORDERS.number_index.is_not(None))
    for commune_code, order_id, index in connection.execute(query).all() if forms else ():
        if bytes(index) in forms:
            same = (_ORDERS.commune_code == commune_code, _ORDERS.order_id == order_id, _ORDERS.number_index == index)
            connection.execute(update(tables.orders).where(*same).values(number_index=forms[bytes(index)]))


def _write_contacts(connection: Connection, ids: Ids, vault: Vault) -> int:
    mine = (_PERSONS.commune_code == ids[0], among(_PERSONS.person_id, ids[1], connection), _PERSONS.contact_index.is_not(None))
    rows = connection.execute(select(tables.persons).where(*mine).order_by(_PERSONS.person_id).with_for_update()).all()
    keys, renewed = vault.load_keys(connection, {row.person_id for row in rows}), 0
    for row in rows:
        if row.person_id not in keys:
            continue
        said = vault.open_text(keys[row.person_id], Cell("persons", "contact", row.person_id), row.contact_sealed)
        phone = phone_key(said) if said else None
        index = bytes(vault.contact_index(phone)) if phone else None
        if row.contact_index != index:
            same = (_PERSONS.commune_code == ids[0], _PERSONS.person_id == row.person_id)
            connection.execute(update(tables.persons).where(*same).values(contact_index=index))
            renewed += 1
    return renewed


def _write_names(connection: Connection, ids: Ids, vault: Vault) -> int:
    """Turn people's words into the form in force. Words are locked first and names read after: who corrected or erased meanwhile has been heard."""
    theirs = (_TOKENS.commune_code == ids[0], among(_TOKENS.person_id, ids[1], connection))
    query = select(_TOKENS.person_id, _TOKENS.token_index).where(*theirs)
    there: dict[str, set[bytes]] = {}
    for person_id, index in connection.execute(query.order_by(_TOKENS.person_id, _TOKENS.token_index).with_for_update()):
        there.setdefault(person_id, set()).add(bytes(index))
    mine = (_PERSONS.commune_code == ids[0], among(_PERSONS.person_id, ids[1], connection))
    rows = connection.execute(select(_PERSONS.person_id, _PERSONS.full_name_sealed).where(*mine)).all()
    keys, renewed = vault.load_keys(connection, ids[1]), 0
    for row in rows:
        if row.person_id in keys and row.full_name_sealed is not None:
            name = vault.open(keys[row.person_id], Cell("persons", "full_name", row.person_id), row.full_name_sealed).decode()
            tokens = token_rows(name, row.person_id, commune_code=ids[0], vault=vault)
            renewed += _write_tokens(connection, (ids[0], row.person_id), there.get(row.person_id, set()), tokens)
    return renewed


def _write_tokens(connection: Connection, whose: tuple[str, str], there: set[bytes], tokens: list[dict[str, Any]]) -> int:
    """Each row is changed, not made anew: an erasure that waits for it then finds it."""
    mine = (_TOKENS.commune_code == whose[0], _TOKENS.person_id == whose[1])
    wanted = {each["token_index"]: each for each in tokens}
    missing, over = sorted(wanted.keys() - there), sorted(there - wanted.keys())
    for new, old in zip(missing, over, strict=False):
        connection.execute(update(tables.name_tokens).where(*mine, _TOKENS.token_index == old).values(token_index=new))
    if spare := over[len(missing) :]:
        connection.execute(delete(tables.name_tokens).where(*mine, _TOKENS.token_index.in_(spare)))
    if more := missing[len(over) :]:
        write_rows(connection, tables.name_tokens, [wanted[each] for each in more], keep=())
    return max(len(missing), len(over))


def _orders_of_nobody(connection: Connection, *, before: datetime) -> bool:
    """Tell whether an order from before the new key names a number nobody has: its index cannot be computed anew."""
    held = select(_NUMBERS.identifier_id).where(_NUMBERS.value_index == _ORDERS.number_index).exists()
    query = select(_ORDERS.order_id).where(_ORDERS.number_index.is_not(None), _ORDERS.in_force_at < before, ~held)
    return connection.execute(query.limit(1)).first() is not None


# In the order of their names: a rotation that was broken off goes on after the last that was noted.
_WORKS: Final[dict[str, tuple[Table, str, Write]]] = {
    "contacts": (tables.persons, "person_id", _write_contacts),
    "names": (tables.persons, "person_id", _write_names),
    "numbers": (tables.identifiers, "identifier_id", _write_numbers),
}
