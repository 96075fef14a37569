"""Orders as rows: entered by two, read by the accounts of the unit they name, over by themselves.

- Nothing here finds a person: an order is held against declarations in the gateway alone (``registry/order_matching.py``).
- Whoever looks at what an order met has a look on the record of whom it met, sealed until the order is over (``registry/sealed_looks.py``).

Example: ``order_for(connection, order_id, account_id, now=now)`` is None for everybody the order does not name
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Text, cast, insert, select

from registry import access_records, tables
from registry.asking import among
from registry.release import Look
from residence.access.purposes import Purpose, released_fields
from residence.cases.orders import Order

_ORDERS, _MATCHES = tables.orders.c, tables.order_matches.c


def put_in_force(
    connection: Connection,
    order: Order,
    *,
    place: tuple[str, str],
    index: bytes,
    by: tuple[str, str],
    until: datetime,
    now: datetime,
) -> None:
    """Enter an order. ``place``: commune and the order's id; ``by``: who entered it, who granted it."""
    row = {
        "commune_code": place[0],
        "order_id": place[1],
        "kind": order.kind,
        "paper": order.paper,
        "issuer": order.issuer,
        "unit": order.unit,
        "receivers": list(order.receivers),
        "number_index": bytes(index),
        "in_force_at": now,
        "expires_at": until,
        "held_until": now,
        "entered_by": by[0],
        "granted_by": by[1],
        "held_against": 0,
        "matched": 0,
    }
    connection.execute(insert(tables.orders), [row])


def orders_for(connection: Connection, commune_code: str, account_id: str, *, now: datetime, limit: int = 200) -> list[Row[Any]]:
    """Return the orders in force that name an account, the one that ends first first."""
    named = cast(_ORDERS.receivers, Text).contains(f'"{account_id}"', autoescape=True)  # the list as its text, on both engines
    mine = (_ORDERS.commune_code == commune_code, _ORDERS.expires_at > now, _ORDERS.number_index.is_not(None), named)
    query = select(tables.orders).where(*mine).order_by(_ORDERS.expires_at, _ORDERS.order_id).limit(limit)
    return [row for row in connection.execute(query).all() if account_id in row.receivers]


def order_for(connection: Connection, order_id: str, account_id: str, *, now: datetime) -> Row[Any] | None:
    """Return one order in force that names this account, or None."""
    row = connection.execute(select(tables.orders).where(_ORDERS.order_id == order_id)).one_or_none()
    if row is None or account_id not in row.receivers or row.expires_at <= now or row.number_index is None:
        return None
    return row


def look_at_matches(
    connection: Connection, order: Row[Any], *, account_id: str, now: datetime, random_bytes: Callable[[int], bytes]
) -> list[Row[Any]]:
    """Return what an order met, the youngest first; a look at whom it met, on the record."""
    query = select(tables.order_matches).where(_MATCHES.order_id == order.order_id, _MATCHES.commune_code == order.commune_code)
    rows = list(connection.execute(query.order_by(_MATCHES.declared_at.desc(), _MATCHES.match_id.desc()).limit(200)).all())
    look = Look(
        account_id=account_id, role="officer", purpose=Purpose.ISSUED_ORDER, commune_code=order.commune_code, about=order.order_id
    )
    said = tables.declarations.c
    met = among(said.declaration_id, sorted({row.declaration_id for row in rows}), connection)
    people = sorted(set(connection.scalars(select(said.person_id).where(met, said.person_id.is_not(None)))))
    fields = released_fields("officer", Purpose.ISSUED_ORDER)
    access_records.add(connection, people, look=look, fields=fields, now=now, random_bytes=random_bytes)
    return rows
