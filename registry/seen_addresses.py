"""Whether whoever was seen gave an address: asked when a notice about them is sent, and answered by the address alone.

- By the numbers read at the door, held by one person and no other. Who that was is written nowhere: a message's row names the presence.
- A presence that is gone, covered or too old, leads to nobody.

Example: ``address_of_seen(connection, presence_id, vault=vault)`` is None for whoever gave none
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, select

from registry import tables
from registry.contact_points import Contact, address_for
from registry.declarations import message_json
from registry.persons import holders, number_indexes
from registry.vault import Cell, Vault
from residence.wire.messages import Presence


def address_of_seen(connection: Connection, presence_id: str, *, vault: Vault) -> Contact | None:
    """Return the address of whoever one presence is of."""
    presences, persons = tables.presences.c, tables.persons.c
    row = connection.execute(select(tables.presences).where(presences.presence_id == presence_id).limit(1)).first()
    key = vault.load_keys(connection, [presence_id]).get(presence_id) if row else None
    if row is None or key is None:
        return None
    body = vault.open(key, Cell("presences", "reading", presence_id), row.reading_sealed)
    person = msgspec.json.decode(message_json(body, from_kiosk=row.kiosk_id is not None), type=Presence).person
    held = set().union(*holders(connection, number_indexes(person, vault)).values())
    standing = select(func.coalesce(persons.merged_into, persons.person_id)).where(persons.person_id.in_(sorted(held)))
    people = set(connection.scalars(standing)) if held else set[str]()
    return address_for(connection, "person", people.pop(), vault=vault) if len(people) == 1 else None
