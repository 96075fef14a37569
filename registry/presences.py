"""Presences: that somebody undeclared was seen at a premises, for a while, under a pseudonym.

- The pseudonym is keyed per premises: rows of two premises cannot be joined without the key, and none names a person.
- A presence that a standing stay or a registered residence covers is not written at all; a declaration that covers earlier ones
  deletes them. What is left is who is not declared, and it expires.
- What covers is decided in ``residence/cases/covering.py`` alone.
- The reading itself (what the kiosk read) is sealed under the row's own key.

Example: ``sightings(connection, ["htl-sao-mai"], since=yesterday)`` is what the sweep judges.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, or_, select

from registry import tables
from registry.asking import ask, askable
from registry.sweep_marks import mark
from registry.vault import Vault
from residence.cases.covering import stays_then
from residence.cases.triage import EVIDENCE_KEPT
from residence.cases.undeclared import Sighting
from residence.people.letters import plain_key
from residence.people.names import words_of
from residence.people.person import PartialDate, Person
from residence.stays.known import KnownStay, numbers_of
from residence.stays.rules import RuleBook

KEPT_FOR: Final = EVIDENCE_KEPT
PAGE: Final = 5_000
_WATCHED: Final = "SELECT value FROM {asked} WHERE EXISTS (SELECT 1 FROM presences WHERE premises_id = asked.value)"
_SEEN: Final = [
    tables.presences.c[name]
    for name in ("presence_id", "pseudonym_index", "premises_id", "kind", "seen_at", "unit", "person_kind")
]


def identities(person: Person) -> tuple[str, ...]:
    """Return what a person can be recognised by, strongest first; name and birth date last."""
    numbers = [f"{number.kind}:{number.value}" for number in numbers_of(person) if number.status == "active"]
    return (*numbers, name_identity(person.full_name, person.birth))


def name_identity(full_name: str, birth: PartialDate | None) -> str:
    """Return the weakest thing to recognise a person by: plain name and birth date."""
    return f"name:{words_of(plain_key(full_name))}:{birth.value if birth else ''}"


def pseudonym_of(person: Person, premises_id: str, vault: Vault) -> bytes:
    """Return the pseudonym a sighting of this person is kept under."""
    return vault.pseudonym(premises_id, identities(person)[0])


def delete_covered(
    connection: Connection,
    covers: Iterable[tuple[bytes, KnownStay]],
    *,
    rules: RuleBook,
    seen_at: Iterable[tuple[str, str]] = (),
) -> set[tuple[str, bytes]]:
    """Delete the presences that stays now cover, given (pseudonym, stay) pairs; returns whose: (premises, pseudonym).

    ``seen_at``: where somebody was seen besides, as (commune, premises). All these premises are marked for the sweep at once, in one order.
    """
    columns = tables.presences.c
    pairs = list(covers)
    if not pairs:
        mark(connection, seen_at)
        return set()
    wanted = sorted({pseudonym for pseudonym, _ in pairs})
    names = ("commune_code", "presence_id", "premises_id", "pseudonym_index", "seen_at", "person_kind")
    query = select(*(columns[name] for name in names))
    gone = [
        row
        for row in connection.execute(query.where(columns.pseudonym_index.in_(wanted)))
        if any(
            bytes(row.pseudonym_index) == pseudonym and stays_then(stay, row.seen_at, person=row.person_kind, rules=rules)
            for pseudonym, stay in pairs
        )
    ]
    mark(connection, {*seen_at, *((row.commune_code, row.premises_id) for row in gone)})
    _delete(connection, [row.presence_id for row in gone])
    return {(row.premises_id, bytes(row.pseudonym_index)) for row in gone}


def delete_presences(connection: Connection, presence_ids: list[str]) -> None:
    """Delete presences with their keys and receipts; whoever else was seen there is judged anew without them."""
    if presence_ids:
        columns = tables.presences.c
        where = select(columns.commune_code, columns.premises_id).where(columns.presence_id.in_(presence_ids)).distinct()
        mark(connection, [(row.commune_code, row.premises_id) for row in connection.execute(where)])
        _delete(connection, presence_ids)


def _delete(connection: Connection, presence_ids: list[str]) -> None:
    if presence_ids:
        connection.execute(delete(tables.presences).where(tables.presences.c.presence_id.in_(presence_ids)))
        connection.execute(delete(tables.subject_keys).where(tables.subject_keys.c.subject_id.in_(presence_ids)))
        connection.execute(delete(tables.receipts).where(tables.receipts.c.declaration_id.in_(presence_ids)))


def sightings(connection: Connection, premises_ids: Iterable[str], *, since: datetime, page: int = PAGE) -> tuple[Sighting, ...]:
    """Return all presences at these premises since then, oldest first, asked for in pages; ``who`` is the pseudonym in hex."""
    columns = tables.presences.c
    wanted, after = columns.premises_id.in_(sorted(set(premises_ids))), columns.seen_at >= since
    query = select(*_SEEN).where(wanted).order_by(columns.seen_at, columns.presence_id).limit(page)
    found: list[Sighting] = []
    while True:
        rows = connection.execute(query.where(after)).all()
        found += map(_sighting, rows)
        if len(rows) < page:
            return tuple(found)
        last = rows[-1]
        after = or_(columns.seen_at > last.seen_at, and_(columns.seen_at == last.seen_at, columns.presence_id > last.presence_id))


def first_seen(connection: Connection, presence_id: str) -> datetime | None:
    """Return when one presence was, while it is kept."""
    columns = tables.presences.c
    seen: datetime | None = connection.scalar(select(columns.seen_at).where(columns.presence_id == presence_id).limit(1))
    return seen


def premises_with_presences(
    connection: Connection, *, commune_code: str | None = None, after: str = "", limit: int = 1000
) -> list[str]:
    """Return the premises at which anybody undeclared was seen, by id, those beyond ``after``: what the sweep has to look at."""
    columns, places = tables.presences.c, tables.premises.c
    if commune_code is not None:
        # From the commune's premises: the presences of all communes together are far more.
        seen = select(columns.presence_id).where(
            columns.commune_code == places.commune_code, columns.premises_id == places.premises_id
        )
        own = select(places.premises_id).where(places.commune_code == commune_code, places.premises_id > after, seen.exists())
        return list(connection.scalars(own.order_by(places.premises_id).limit(limit)))
    query = select(columns.premises_id).where(columns.premises_id > after).distinct()
    return list(connection.scalars(query.order_by(columns.premises_id).limit(limit)))


def watched_among(connection: Connection, premises_ids: Iterable[str]) -> set[str]:
    """Return those of the premises at which anybody undeclared was seen."""
    wanted = sorted(askable(set(premises_ids)))
    if not wanted:
        return set()
    return {row[0] for row in ask(connection, _WATCHED, wanted)}


def _sighting(row: Any) -> Sighting:
    return Sighting(
        presence_id=row.presence_id,
        who=bytes(row.pseudonym_index).hex(),
        premises_id=row.premises_id,
        kind=row.kind,
        seen_at=row.seen_at,
        unit=row.unit,
        person=row.person_kind,
    )
