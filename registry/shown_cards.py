"""Cards that a front desk's own kiosk read for its clerk: which wait to be declared, and what one says.

- A presence of kind ``desk`` (``Presence.for_desk``): sealed under its own key, deleted when its holder is declared or their time is over.
- Only the premises it was read at is asked about; one of another house, or one that is gone, is the same to the asker.
- Listing opens nothing. Opening is for the clerk's form; showing it is a look (``note_look``), with what the purpose releases.

Example: ``open_shown(connection, presence_id, place, vault=vault)`` is a ``Presence`` or None
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from registry import access_records, tables
from registry.declarations import message_json
from registry.desk_lists import Place
from registry.presences import pseudonym_of
from registry.release import Look
from registry.vault import Cell, Vault
from residence.access.purposes import PERSONAL, released_fields
from residence.people.person import Person
from residence.wire.messages import Presence

MOST: Final = 60  # a bus


class WaitingCard(msgspec.Struct, frozen=True, kw_only=True):
    """One card that was read and whose holder is not declared yet."""

    presence_id: str
    seen_at: datetime


def cards_since(connection: Connection, place: Place, *, since: datetime) -> list[WaitingCard]:
    """Return the cards read at the desk's kiosk since then, the oldest first."""
    columns = tables.presences.c
    query = select(columns.presence_id, columns.seen_at).where(
        columns.commune_code == place.commune_code,
        columns.premises_id == place.premises_id,
        columns.kind == "desk",
        columns.recorded_at >= since,
    )
    rows = connection.execute(query.order_by(columns.seen_at, columns.presence_id).limit(MOST))
    return [WaitingCard(presence_id=row.presence_id, seen_at=row.seen_at) for row in rows]


def open_shown(connection: Connection, presence_id: str, place: Place, *, vault: Vault) -> Presence | None:
    """Return what was read, while it is kept and if it was read here for the desk."""
    columns = tables.presences.c
    row = connection.execute(
        select(tables.presences).where(
            columns.commune_code == place.commune_code,
            columns.presence_id == presence_id,
            columns.premises_id == place.premises_id,
            columns.kind == "desk",
        )
    ).first()
    key = vault.load_keys(connection, [presence_id]).get(presence_id) if row else None
    if row is None or key is None:
        return None
    body = vault.open(key, Cell("presences", "reading", presence_id), row.reading_sealed)
    return msgspec.json.decode(message_json(body, from_kiosk=row.kiosk_id is not None), type=Presence)


def note_look(
    connection: Connection,
    person: Person,
    *,
    premises_id: str,
    look: Look,
    vault: Vault,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> None:
    """Put on the record, under the pseudonym of whoever it is, that a clerk was shown a card's fields."""
    who = pseudonym_of(person, premises_id, vault).hex()
    fields = released_fields(look.role, look.purpose) & PERSONAL
    access_records.add(connection, [who], look=look, fields=fields, now=now, random_bytes=random_bytes)
