"""Orders in force held against declarations: one keyed index against those of a commune, forward only, and each comparison counted in the log.

- Asked for by the gateway alone; a test holds that nothing else imports this.
- The question is equality of one index. There is none by name, by part of a number, by place, by how often, or for more than one person.
- An order is held against what is recorded after it is in force, in its own commune, a little later than it is recorded (``LAG``), once.
- While the key of indexes is rotated the numbers of whoever declared are opened for the comparison: an order holds no number to compute its own anew.
- What is over is over by itself: the index goes, with it what was met; the counts stay.

Example: ``hold_orders(registry, now=now, random_bytes=random_bytes)`` is how many declarations met an order
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from registry import tables
from registry.asking import among
from registry.blind_indexes import every
from registry.database import Registry
from registry.look_log import add_statement
from registry.vault import Cell, Vault
from residence.cases.orders import match_text
from residence.clock import rfc3339, uuid7
from residence.transparency.looks import SECRET_BYTES

LAG: Final = timedelta(seconds=30)  # a batch that is being recorded is left to the next turn
_ORDERS, _MATCHES = tables.orders.c, tables.order_matches.c
_SAID, _NUMBERS = tables.declarations.c, tables.identifiers.c
RandomBytes = Callable[[int], bytes]


def hold_orders(registry: Registry, *, now: datetime, random_bytes: RandomBytes) -> int:
    """End what is over and hold what is in force against what was declared since; returns how many declarations met one."""
    met = 0
    with registry.reading() as connection:  # the partial index; where no order is in force this is all there is
        query = select(_ORDERS.commune_code).where(_ORDERS.number_index.is_not(None)).distinct()
        concerned = sorted(connection.scalars(query))
    for commune_code in concerned:
        with registry.writing() as connection:
            _end(connection, commune_code, now=now)
            for order in _in_force(connection, commune_code):
                met += _hold(connection, order, vault=registry.vault, now=now, random_bytes=random_bytes)
    return met


def _in_force(connection: Connection, commune_code: str) -> list[Row[Any]]:
    mine = (_ORDERS.commune_code == commune_code, _ORDERS.number_index.is_not(None))
    return list(connection.execute(select(tables.orders).where(*mine).order_by(_ORDERS.order_id).with_for_update()).all())


def _end(connection: Connection, commune_code: str, *, now: datetime) -> None:
    over = (_ORDERS.commune_code == commune_code, _ORDERS.number_index.is_not(None), _ORDERS.expires_at <= now)
    ended = list(connection.scalars(select(_ORDERS.order_id).where(*over)))
    if ended:
        met = (_MATCHES.commune_code == commune_code, _MATCHES.order_id.in_(ended))
        connection.execute(delete(tables.order_matches).where(*met))
        connection.execute(update(tables.orders).where(*over).values(number_index=None))


def _hold(connection: Connection, order: Row[Any], *, vault: Vault, now: datetime, random_bytes: RandomBytes) -> int:
    until = now - LAG
    said = (_SAID.commune_code == order.commune_code, _SAID.recorded_at >= order.held_until, _SAID.recorded_at < until)
    held = connection.scalar(select(func.count()).select_from(tables.declarations).where(*said)) or 0
    if not held:
        return 0
    people, index = set(connection.scalars(select(_NUMBERS.person_id).where(_NUMBERS.value_index == order.number_index))), None
    if vault.in_two_forms():
        others, index = _in_the_other_form(
            connection, order, list(connection.scalars(select(_SAID.person_id).where(*said))), vault
        )
        people |= others
    of_them = among(_SAID.person_id, sorted(people), connection)
    rows = (
        connection.execute(select(tables.declarations).where(*said, of_them).order_by(_SAID.recorded_at)).all() if people else []
    )
    found = [_match(order, row, now=now, random_bytes=random_bytes) for row in rows]
    if found:
        connection.execute(insert(tables.order_matches), found)
    same = (_ORDERS.commune_code == order.commune_code, _ORDERS.order_id == order.order_id)
    counts: dict[str, Any] = {"held_against": _ORDERS.held_against + held, "matched": _ORDERS.matched + len(found)}
    counts |= {"number_index": index} if index else {}  # the form in force, now that a number to make it from was at hand
    connection.execute(update(tables.orders).where(*same).values(held_until=until, **counts))
    _count(connection, order, held=held, matched=len(found), until=until, now=now, random_bytes=random_bytes)
    return len(found)


def _in_the_other_form(
    connection: Connection, order: Row[Any], declared: list[str | None], vault: Vault
) -> tuple[set[str], bytes | None]:
    """Return who of those that declared holds the order's number, while its index and theirs may be made with different keys, and its form in force."""
    of_them = among(_NUMBERS.person_id, sorted({each for each in declared if each}), connection)
    rows = connection.execute(select(tables.identifiers).where(of_them, _NUMBERS.kind == "personal")).all()
    keys = vault.load_keys(connection, {row.subject_id for row in rows})
    found, form = set(), None
    for row in rows:
        if row.subject_id in keys:
            value = vault.open(keys[row.subject_id], Cell("identifiers", "value", row.identifier_id), row.value_sealed).decode()
            index = vault.number_index("personal", value)
            if order.number_index in every(index):
                found.add(row.person_id)
                form = bytes(index)
    return found, form


def _match(order: Row[Any], row: Row[Any], *, now: datetime, random_bytes: RandomBytes) -> dict[str, Any]:
    return {
        "commune_code": order.commune_code,
        "match_id": str(uuid7(now, random_bytes(10))),
        "order_id": order.order_id,
        "declaration_id": row.declaration_id,
        "premises_id": row.premises_id,
        "unit": row.unit,
        "kind": row.kind,
        "declared_at": row.recorded_at,
        "matched_at": now,
    }


def _count(
    connection: Connection, order: Row[Any], *, held: int, matched: int, until: datetime, now: datetime, random_bytes: RandomBytes
) -> None:
    secret, look_id = random_bytes(SECRET_BYTES), str(uuid7(now, random_bytes(10)))
    window = (rfc3339(order.held_until), rfc3339(until))
    salt = base64.b64encode(secret).decode()
    text = match_text(order.order_id, where=order.commune_code, held=held, matched=matched, salt=salt, window=window)
    add_statement(connection, text, kind="match", place=(order.commune_code, look_id), secret=secret, now=now)
