"""Which premises' stays another authority is told of, and under which of its accounts.

- Binding a premises makes rows for its stays that began yesterday or later, in the same transaction; what began before was somebody else's to tell.
- Unbinding keeps the link with its end, and leaves what is under way to be finished.
- The rooms of one building may belong to several establishments: a binding may name its rooms, and one without rooms takes all the others. A room
  is of one establishment; a stay in a room of none is told to nobody, and counted as such (``registry/authority_houses.py``).
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
from registry.authority_records import link_for, links_of, note_stay
from residence.clock import VIETNAM
from residence.errors import Refused
from residence.stays.spans import normal_unit


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """One premises, or some of its rooms, told of to one authority under one account. No ``units``: all that no other account has."""

    premises_id: str
    authority: str
    facility: str
    units: tuple[str, ...] = ()


def bind(connection: Connection, binding: Binding, *, now: datetime, random_bytes: Callable[[int], bytes]) -> int:
    """Bind a premises or rooms of it, and note their young stays; returns how many.

    ``Refused("registry.premises_unknown")``, or ``Refused("authority.room_bound")`` for a room another account has.
    """
    places, links, stays = tables.premises, tables.authority_links, tables.stays
    commune_code = connection.scalar(select(places.c.commune_code).where(places.c.premises_id == binding.premises_id))
    if commune_code is None:
        raise Refused("registry.premises_unknown", "/premises_id", binding.premises_id)
    units = [unit for each in binding.units if (unit := normal_unit(each))]
    others = [each for each in links_of(connection, [binding.premises_id]) if each.authority == binding.authority]
    if any(set(units) & set(each.units or ()) for each in others if each.facility != binding.facility):
        raise Refused("authority.room_bound", "/units", ", ".join(units))
    fields = {"units": units or None, "commune_code": commune_code, "since": now, "ended_at": None}
    connection.execute(delete(links).where(_same(binding)))
    connection.execute(insert(links), [msgspec.structs.asdict(binding) | fields])
    yesterday = datetime.combine(now.astimezone(VIETNAM).date() - timedelta(days=1), time(), VIETNAM)
    young = select(stays.c.stay_id, stays.c.unit).where(
        stays.c.premises_id == binding.premises_id,
        stays.c.status.in_(("open", "disputed", "ended")),
        stays.c.start_at >= yesterday,
    )
    standing = links_of(connection, [binding.premises_id])
    noted = 0
    for row in connection.execute(young).all():
        link = link_for(standing, binding.premises_id, row.unit, authority=binding.authority)
        if link is not None and link.facility == binding.facility:
            note_stay(connection, link, row.stay_id, now=now, random_bytes=random_bytes)
            noted += 1
    return noted


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
    return list(connection.execute(query.order_by(columns.premises_id, columns.authority, columns.facility).limit(limit)).all())


def _same(binding: Binding) -> Any:
    """Return which rows a binding takes the place of: its account's, and for a whole house whoever had it."""
    columns = tables.authority_links.c
    here = (columns.premises_id == binding.premises_id) & (columns.authority == binding.authority)
    own = columns.facility == binding.facility
    return here & (own if binding.units else own | columns.units.is_(None) | columns.ended_at.is_not(None))
