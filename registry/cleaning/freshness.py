"""How fresh each field of a person is: when it was last confirmed, and by what or whom.

- A card read or compared (evidence level 1 and above) in an accepted declaration confirms name, birth, sex and number. What was only stated
  confirms nothing.
- A register confirms what it brought, on the day it was taken over; a residence, on the day it was recorded.
- Somebody who asked the person again confirms the fields of the item they decided (``confirmations``).
- The latest counts. A field somebody does not have is not in the answer.

Example: ``last_confirmed(connection, ["a-1"])["a-1"]["residence"].by == "register"``
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, Select, case, func, select

from registry import tables
from registry.asking import among
from residence.cleaning.rules import Freshness

_BY_CARD: Final[tuple[Freshness, ...]] = ("full_name", "birth", "sex", "personal_number")
_SEALED: Final[tuple[Freshness, ...]] = ("full_name", "birth", "sex", "contact")
LEAST_LEVEL: Final = 1


class Confirmed(NamedTuple):
    """When, and by what: ``register``, ``declaration``, ``card``, or the account that asked."""

    at: datetime
    by: str


Keep = Callable[[str, Freshness, Confirmed], None]


def last_confirmed(connection: Connection, person_ids: Sequence[str]) -> dict[str, dict[Freshness, Confirmed]]:
    """Return the fields these persons have, each with its latest confirmation; one query for each source."""
    found: defaultdict[str, dict[Freshness, Confirmed]] = defaultdict(dict)

    def keep(person_id: str, field: Freshness, confirmed: Confirmed) -> None:
        known = found[person_id].get(field)
        if known is None or known.at < confirmed.at:
            found[person_id][field] = confirmed

    _from_registers(connection, person_ids, keep)
    for field, query in _recorded(connection, person_ids).items():
        for person_id, at in connection.execute(query):
            keep(person_id, field, Confirmed(at, "register"))
    for person_id, at in connection.execute(_by_card(connection, person_ids)):
        for field in set(_BY_CARD) & set(found[person_id]):
            keep(person_id, field, Confirmed(at, "card"))
    for row in _asked(connection, person_ids):
        if row.field in found[row.person_id]:
            keep(row.person_id, row.field, Confirmed(row.confirmed_at, row.confirmed_by))
    return dict(found)


def _from_registers(connection: Connection, person_ids: Sequence[str], keep: Keep) -> None:
    columns = tables.persons.c
    there = [case((columns[f"{field}_sealed"].is_not(None), 1), else_=0).label(field) for field in _SEALED]
    query = select(columns.person_id, columns.created_at, columns.declaration_id, *there)
    for row in connection.execute(query.where(among(columns.person_id, person_ids, connection))):
        by = "declaration" if row.declaration_id else "register"
        for field in _SEALED:
            if getattr(row, field):
                keep(row.person_id, field, Confirmed(row.created_at, by))


def _recorded(connection: Connection, person_ids: Sequence[str]) -> dict[Freshness, Select[str, datetime]]:
    """Return how to ask when a number and a home were last recorded."""
    numbers, homes = tables.identifiers.c, tables.residences.c
    held = (numbers.kind == "personal", numbers.status == "active", among(numbers.person_id, person_ids, connection))
    lived = among(homes.person_id, person_ids, connection)
    return {
        "personal_number": select(numbers.person_id, func.max(numbers.recorded_at)).where(*held).group_by(numbers.person_id),
        "residence": select(homes.person_id, func.max(homes.recorded_at)).where(lived).group_by(homes.person_id),
    }


def _asked(connection: Connection, person_ids: Sequence[str]) -> Sequence[Row[Any]]:
    return connection.execute(
        select(tables.confirmations).where(among(tables.confirmations.c.person_id, person_ids, connection))
    ).all()


def _by_card(connection: Connection, person_ids: Sequence[str]) -> Select[str, datetime]:
    columns = tables.declarations.c
    return (
        select(columns.person_id, func.max(columns.recorded_at))
        .where(
            among(columns.person_id, person_ids, connection),
            columns.state == "accepted",
            columns.evidence_level >= LEAST_LEVEL,
        )
        .group_by(columns.person_id)
    )
