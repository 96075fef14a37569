"""What a late declaration carries: the cause in the declarant's own word, and the authority's own outages in the time there was to declare.

- An outage is attached by itself, with the authority's signature: the file proves to anybody that the authority took nothing in then.
- It is looked up when it is asked for, so one that was signed after the declaration is there, too.

Example: ``lateness(server, connection, stay).outages``
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from registry.declarations import declaration_row, open_declaration
from registry.outage_windows import outages_between
from registry.stays import StayOnList
from residence.stays.declaration import LateCause
from residence.wire.outages import OutageWindow
from server.wiring import Server


class Lateness(msgspec.Struct, frozen=True, kw_only=True):
    """Why a declaration was late, as far as anybody said or signed."""

    cause: LateCause | None
    outages: tuple[tuple[OutageWindow, bytes], ...]


def lateness(server: Server, connection: Connection, stay: StayOnList) -> Lateness | None:
    """Return what stands about a stay that was declared late; None for one that was not."""
    if stay.on_time is not False or stay.due is None:
        return None
    row = declaration_row(connection, stay.began_with)
    keys = server.registry.vault.load_keys(connection, {row.subject_id}) if row else {}
    opened = open_declaration(row, keys=keys, vault=server.registry.vault) if row else None
    outages = outages_between(connection, stay.premises_id, since=stay.start_at, until=stay.due)
    return Lateness(cause=opened.declaration.late_cause if opened else None, outages=tuple(outages))
