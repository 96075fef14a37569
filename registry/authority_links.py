"""Which premises' stays another authority is told of, and under which of its accounts.

- Binding a premises makes rows for its stays that began yesterday or later, in the same transaction; what began before was somebody else's to tell.
- Unbinding keeps the link with its end, and leaves what is under way to be finished.
- The account's name (``facility``) finds its secrets (``gateway/authorities/secrets.py``); none of them is in the registry.

Example: ``bind(connection, Binding(premises_id="htl-sao-mai", authority="kbtt", facility="sao-mai"), now=now, random_bytes=random_bytes)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from registry import tables
from registry.authority_records import note_stay
from residence.clock import VIETNAM
from residence.errors import Refused


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """One premises, told of to one authority."""

    premises_id: str
    authority: str
    facility: str


def bind(connection: Connection, binding: Binding, *, now: datetime, random_bytes: Callable[[int], bytes]) -> int:
    """Bind a premises, and note its young stays; returns how many. ``Refused("registry.premises_unknown")``."""
    places, links, stays = tables.premises, tables.authority_links, tables.stays
    commune_code = connection.scalar(select(places.c.commune_code).where(places.c.premises_id == binding.premises_id))
    if commune_code is None:
        raise Refused("registry.premises_unknown", "/premises_id", binding.premises_id)
    row = msgspec.structs.asdict(binding) | {"commune_code": commune_code, "since": now, "ended_at": None}
    connection.execute(delete(links).where(_same(binding)))
    connection.execute(insert(links), [row])
    link = connection.execute(select(links).where(_same(binding))).one()
    yesterday = datetime.combine(now.astimezone(VIETNAM).date() - timedelta(days=1), time(), VIETNAM)
    young = select(stays.c.stay_id).where(
        stays.c.premises_id == binding.premises_id,
        stays.c.status.in_(("open", "disputed", "ended")),
        stays.c.start_at >= yesterday,
    )
    found = connection.scalars(young).all()
    for stay_id in found:
        note_stay(connection, link, stay_id, now=now, random_bytes=random_bytes)
    return len(found)


def unbind(connection: Connection, premises_id: str, authority: str, *, now: datetime) -> bool:
    """End a binding; False when there was none."""
    columns = tables.authority_links.c
    standing = (columns.premises_id == premises_id, columns.authority == authority, columns.ended_at.is_(None))
    return connection.execute(update(tables.authority_links).where(*standing).values(ended_at=now)).rowcount > 0


def bindings(connection: Connection, *, commune_code: str | None = None, limit: int = 500) -> list[Row[Any]]:
    """Return the bindings that stand, by premises."""
    columns = tables.authority_links.c
    query = select(tables.authority_links).where(columns.ended_at.is_(None))
    if commune_code is not None:
        query = query.where(columns.commune_code == commune_code)
    return list(connection.execute(query.order_by(columns.premises_id, columns.authority).limit(limit)).all())


def _same(binding: Binding) -> Any:
    columns = tables.authority_links.c
    return (columns.premises_id == binding.premises_id) & (columns.authority == binding.authority)
