"""Who has an e-ID and signs in with it, as far as anybody saw or a register says: what coverage counts, and whom to help to get one.

- An officer records that somebody signed in with their e-ID before them; a register taken over may say since when (``e_id_on``).
- Having none is never a reason for anything; no page but the count and the person's own numbers asks for it.
- Said by mistake it is withdrawn, with a reason, and its row stays (``changing.py``).

Example: ``note_e_id(connection, person_id, on=date(2026, 7, 10), officer=officer, means=means)``
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, insert, select

from registry import tables
from registry.changing import LONGEST_REASON, Cause, change_row
from registry.locking import locked_row
from registry.numbering import Means, Officer
from residence.clock import VIETNAM
from residence.errors import Conflict, Refused

Source = Literal["officer", "register"]
_COLUMNS: Final = tables.e_id_sightings.c


def note_e_id(connection: Connection, person_id: str, *, on: date, officer: Officer, means: Means) -> str:
    """Record that a person signed in with their e-ID on a day; ``Refused("e-id.day")``, ``Conflict("e-id.known")``."""
    person = locked_row(connection, tables.persons, person_id)
    if person is None or person.merged_into is not None or person.status == "erased":
        raise Refused("registry.person_unknown", "/person_id")
    if on > means.now.astimezone(VIETNAM).date():
        raise Refused("e-id.day", "/on")
    if any(row.withdrawn_at is None and row.source == "officer" for row in e_ids_of(connection, person_id)):
        raise Conflict("e-id.known", "/person_id")
    sighting_id = means.new_id()
    row = {
        "commune_code": person.commune_code,
        "sighting_id": sighting_id,
        "person_id": person_id,
        "source": "officer",
        "seen_on": on.isoformat(),
        "recorded_by": officer.account_id,
        "recorded_at": means.now,
        "withdrawn_at": None,
    }
    connection.execute(insert(tables.e_id_sightings), [row])
    return sighting_id


def withdraw_e_id(connection: Connection, sighting_id: str, *, officer: Officer, means: Means) -> None:
    """Say that this was said by mistake; ``Refused("e-id.unknown")``, ``Refused("number.reason")``."""
    if not 0 < len(officer.reason.strip()) <= LONGEST_REASON:
        raise Refused("number.reason", "/reason")
    row = locked_row(connection, tables.e_id_sightings, sighting_id)
    if row is None or row.withdrawn_at is not None:
        raise Refused("e-id.unknown", "/sighting_id")
    cause = Cause(kind="account", cause_id=officer.account_id, reason=officer.reason.strip())
    gone = {"withdrawn_at": means.now}
    change_row(connection, tables.e_id_sightings, sighting_id, gone, cause=cause, now=means.now, random_bytes=means.random_bytes)


def e_ids_of(connection: Connection, person_id: str) -> list[Row[Any]]:
    """Return who said of a person that they sign in with an e-ID, the oldest first, withdrawn ones too."""
    query = select(tables.e_id_sightings).where(_COLUMNS.person_id == person_id)
    return list(connection.execute(query.order_by(_COLUMNS.recorded_at, _COLUMNS.sighting_id)).all())
