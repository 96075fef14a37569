"""What a search found, as rows for people: proposed, found again, no longer found.

- A pair's id follows from the two persons' ids: searching twice proposes once.
- A search changes only what is still ``proposed`` or ``withdrawn``. A pair a person decided keeps the decision, whatever a later search says.
- A proposed pair a whole search no longer finds is withdrawn: something was corrected meanwhile.
- Written in small transactions, so that a search never holds up recording.

Example: ``propose(registry, pairs, model="3f2a...", now=now)``
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid5

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, or_, select, update

from registry.asking import among
from registry.bulk import write_rows
from registry.database import Registry
from registry.duplicates.pairing import Pair, Said
from registry.tables_duplicates import duplicate_pairs
from registry.tables_people import persons
from residence.stays.findings import NAMESPACE

BATCH: Final = 500
MOST_LISTED: Final = 200
PROPOSED: Final = "proposed"
WITHDRAWN: Final = "withdrawn"
DECIDED: Final = ("same", "different")
_OPEN: Final = (PROPOSED, WITHDRAWN)


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the pairs of one search."""

    new: int = 0
    again: int = 0
    decided: int = 0  # found again, and a person has decided long ago
    withdrawn: int = 0


class KnownPair(msgspec.Struct, frozen=True, kw_only=True):
    """One pair as it stands."""

    pair_id: str
    commune_code: str
    other_commune: str
    one_id: str
    other_id: str
    state: str
    bits: float
    said: tuple[Said, ...]
    found_at: datetime
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str | None = None
    later_until: datetime | None = None


def pair_id_of(one: str, other: str) -> str:
    """Return the id of a pair, the same whichever way round."""
    return str(uuid5(NAMESPACE, "\n".join(("duplicate", *sorted((one, other))))))


def propose(registry: Registry, pairs: Sequence[Pair], *, model: str, now: datetime) -> Proposed:
    """Write what a search of the whole registry found."""
    new = again = decided = 0
    for start in range(0, len(pairs), BATCH):
        with registry.writing() as connection:
            counts = _write(connection, pairs[start : start + BATCH], model=model, now=now)
        new, again, decided = new + counts[0], again + counts[1], decided + counts[2]
    columns = duplicate_pairs.c
    gone = update(duplicate_pairs).where(columns.state == PROPOSED, columns.seen_at < now).values(state=WITHDRAWN)
    with registry.writing() as connection:
        withdrawn = connection.execute(gone).rowcount
    return Proposed(new=new, again=again, decided=decided, withdrawn=withdrawn)


def listed(
    connection: Connection, *, commune_code: str | None = None, limit: int = MOST_LISTED, at: datetime | None = None
) -> list[KnownPair]:
    """Return the pairs somebody has to decide, the surest first; of one commune or of all. ``at``: without those put off until later."""
    columns = duplicate_pairs.c
    query = select(duplicate_pairs).where(columns.state == PROPOSED)
    if commune_code is not None:
        query = query.where(_of(commune_code))
    if at is not None:
        query = query.where(or_(columns.later_until.is_(None), columns.later_until <= at))
    return _pairs(connection, query.order_by(columns.bits.desc(), columns.pair_id), limit)


def put_off_pairs(connection: Connection, commune_code: str, *, at: datetime, limit: int = MOST_LISTED) -> list[KnownPair]:
    """Return the pairs of a commune that were put off, those that come back first."""
    columns = duplicate_pairs.c
    query = select(duplicate_pairs).where(columns.state == PROPOSED, _of(commune_code), columns.later_until > at)
    return _pairs(connection, query.order_by(columns.later_until, columns.pair_id), limit)


def decided_pairs(connection: Connection, commune_code: str, *, limit: int) -> list[KnownPair]:
    """Return the pairs of a commune people decided, the latest first."""
    columns = duplicate_pairs.c
    query = select(duplicate_pairs).where(columns.state.in_(DECIDED), _of(commune_code))
    return _pairs(connection, query.order_by(columns.decided_at.desc(), columns.pair_id), limit)


def pair_of(connection: Connection, pair_id: str) -> KnownPair | None:
    """Return a pair in whatever state, or None."""
    row = connection.execute(select(duplicate_pairs).where(duplicate_pairs.c.pair_id == pair_id)).one_or_none()
    return None if row is None else known_pair(row._asdict())


def known_pair(row: dict[str, Any]) -> KnownPair:
    """Read a row."""
    return msgspec.convert({name: row[name] for name in KnownPair.__struct_fields__}, KnownPair)


def _of(commune_code: str) -> ColumnElement[bool]:
    return or_(duplicate_pairs.c.commune_code == commune_code, duplicate_pairs.c.other_commune == commune_code)


def _pairs(connection: Connection, query: Select[Any], limit: int) -> list[KnownPair]:
    return [known_pair(row._asdict()) for row in connection.execute(query.limit(min(limit, MOST_LISTED)))]


def _write(connection: Connection, pairs: Sequence[Pair], *, model: str, now: datetime) -> tuple[int, int, int]:
    """Write some pairs; returns how many are new, were open already, are decided."""
    by_id = {pair_id_of(each.one, each.other): each for each in pairs}
    columns = duplicate_pairs.c
    states: dict[str, str] = {
        row[0]: row[1]
        for row in connection.execute(
            select(columns.pair_id, columns.state).where(among(columns.pair_id, sorted(by_id), connection))
        )
    }
    communes = _communes(connection, {person for each in pairs for person in (each.one, each.other)})
    fresh = [each for each in by_id if each not in states and by_id[each].one in communes and by_id[each].other in communes]
    write_rows(connection, duplicate_pairs, [_row(each, by_id[each], communes, model=model, now=now) for each in fresh])
    standing = [each for each, state in states.items() if state in _OPEN]
    for each in standing:
        values = {"bits": by_id[each].bits, "said": msgspec.to_builtins(by_id[each].said), "model": model, "seen_at": now}
        connection.execute(update(duplicate_pairs).where(columns.pair_id == each).values(state=PROPOSED, **values))
    return len(fresh), len(standing), len(states) - len(standing)


def _row(pair_id: str, pair: Pair, communes: dict[str, str], *, model: str, now: datetime) -> dict[str, Any]:
    return {
        "commune_code": communes[pair.one],
        "pair_id": pair_id,
        "one_id": pair.one,
        "other_id": pair.other,
        "other_commune": communes[pair.other],
        "state": PROPOSED,
        "bits": pair.bits,
        "said": msgspec.to_builtins(pair.said),
        "model": model,
        "found_at": now,
        "seen_at": now,
    }


def _communes(connection: Connection, people: set[str]) -> dict[str, str]:
    """Return the commune of each person that still stands: who was erased or merged meanwhile is nobody's duplicate."""
    columns = persons.c
    asked = among(columns.person_id, sorted(people), connection)
    query = select(columns.person_id, columns.commune_code).where(
        asked, columns.merged_into.is_(None), columns.status != "erased"
    )
    return {row[0]: row[1] for row in connection.execute(query)}
