"""Looking up what is known around a batch of statements, before any of them is judged: the picture ``registry/surroundings.py`` keeps.

- Everything is asked for by one question over the whole batch: the number of queries does not grow with the batch.
- Chains of statements are followed a few rounds; stays and statements are those near the batch's arrivals.
- Who never said anything and has no stay costs one question.

Example: ``look_up(connection, declarations, seen=(), vault=vault).people_with(person)``
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, and_, or_, select

from registry import tables
from registry.asking import among, ask, askable
from registry.declarations import matching_declarations, open_declaration
from registry.households import known_residences
from registry.persons import holders, matching_persons
from registry.stays import REMOVED, known_stay
from registry.surroundings import Surroundings
from registry.vault import Vault
from residence.people.person import Person
from residence.stays.declaration import StayDeclaration
from residence.stays.known import numbers_of
from residence.stays.spans import instant

# Twice the longest stay on either side of the batch's arrivals: what can touch them, and what that can touch.
WINDOW: Final = timedelta(days=60)
Window = tuple[datetime, datetime]
_NAMED: Final = "SELECT DISTINCT about FROM declarations WHERE about {among}"
_SPOKE: Final = """
    SELECT value FROM {asked} WHERE EXISTS (SELECT 1 FROM declarations WHERE person_id = asked.value)
    OR EXISTS (SELECT 1 FROM stays WHERE person_id = asked.value)"""
_LONGEST_CHAIN: Final = 8  # rounds of look-ups; a longer chain is loaded as far as that


def look_up(
    connection: Connection, declarations: Sequence[StayDeclaration], *, seen: Iterable[tuple[Person, datetime]], vault: Vault
) -> Surroundings:
    """Look up everything around a batch: its declarations, and the people its presences saw."""
    picture = Surroundings(vault)
    sightings = list(seen)
    people_stated = [*(each.person for each in declarations), *(person for person, _ in sightings)]
    stated = {vault.number_index(each.kind, each.value): each.value for person in people_stated for each in numbers_of(person)}
    picture.holders = holders(connection, stated)
    chain_rows = _chain_rows(connection, declarations)
    people = {each for ids in picture.holders.values() for each in ids} | {row.person_id for row in chain_rows if row.person_id}
    moments = [moment for each in declarations if (moment := instant(each.arrival))] + [moment for _, moment in sightings]
    moments += [row.arrival_at for row in chain_rows if row.arrival_at]
    window = (min(moments) - WINDOW, max(moments) + WINDOW) if moments else None
    for each in matching_persons(connection, people, vault=vault, stated=stated):
        picture.keys[each.known.person_id] = each.key
        picture.persons[each.known.person_id] = each.known
        picture.person_communes[each.known.person_id] = each.commune_code
    for residence in known_residences(connection, people):
        picture.residences_of[residence.person_id].append(residence)
    spoke = {row[0] for row in ask(connection, _SPOKE, sorted(people))} if people and window else set[str]()
    if chain_rows or spoke:  # nearly everybody is heard of for the first time
        _load_statements(connection, picture, spoke, chain_rows=chain_rows, window=window)
    return picture


def _load_statements(
    connection: Connection, picture: Surroundings, people: set[str], *, chain_rows: list[Row[Any]], window: Window | None
) -> None:
    """Add what these people have said, and their stays. ``window`` is None only for a batch without a readable time."""
    columns = tables.declarations.c
    stay_rows = _stay_rows(connection, people, window) if window and people else []
    rows = {row.declaration_id: row for row in chain_rows}
    if people and window:
        near = and_(among(columns.person_id, sorted(people), connection), columns.arrival_at.between(*window))
        rows |= {row.declaration_id: row for row in matching_declarations(connection, near)}
    missing = sorted({each for row in stay_rows for each in row.declaration_ids} - rows.keys())
    if missing:
        rows |= {row.declaration_id: row for row in matching_declarations(connection, columns.declaration_id.in_(missing))}
    # A stay stands where any of its statements says, not where the newest came from.
    picture.communes |= {row.premises_id: row.commune_code for row in rows.values()}
    rows |= _refused_about(connection, rows.keys())
    subjects = {row.subject_id for row in rows.values()} - picture.keys.keys()
    keys = {**picture.keys, **picture.vault.load_keys(connection, subjects)}
    for row in rows.values():
        kept = open_declaration(row, keys=keys, vault=picture.vault)
        if kept is not None:
            picture.keep(kept)
    for row in stay_rows:
        if all(each in picture.kept for each in row.declaration_ids):  # a stay of somebody erased meanwhile cannot be judged
            picture.keep_stay(known_stay(row))
            picture.communes[row.premises_id] = row.commune_code


def _refused_about(connection: Connection, about: Iterable[str]) -> dict[str, Row[Any]]:
    """Load refused statements that name any of these, and what names those; they name no person, so nothing else finds them."""
    columns = tables.declarations.c
    found: dict[str, Row[Any]] = {}
    wanted = set(about)
    for _ in range(_LONGEST_CHAIN):
        if not wanted:
            break
        condition = and_(columns.state == "refused", among(columns.about, sorted(wanted), connection))
        fresh = {row.declaration_id: row for row in matching_declarations(connection, condition)}
        wanted = fresh.keys() - found.keys()
        found |= fresh
    return found


def _stay_rows(connection: Connection, people: set[str], window: Window) -> list[Row[Any]]:
    columns = tables.stays.c
    near = columns.start_at.between(window[0] - WINDOW, window[1] + WINDOW)
    query = select(tables.stays).where(among(columns.person_id, sorted(people), connection), columns.status != REMOVED, near)
    return list(connection.execute(query).all())


def _chain_rows(connection: Connection, declarations: Sequence[StayDeclaration]) -> list[Row[Any]]:
    """Load what the batch names, what names the batch, and so on. No statement of the batch is on record yet."""
    columns = tables.declarations.c
    found: dict[str, Row[Any]] = {}
    batch = sorted(askable({each.declaration_id for each in declarations}))
    wanted = {row[0] for row in ask(connection, _NAMED, batch)} if batch else set[str]()
    wanted |= {each.about for each in declarations if each.about}
    asked: set[str] = set()
    for _ in range(_LONGEST_CHAIN):
        fresh = sorted(askable(wanted - asked))
        if not fresh:
            break
        asked |= wanted
        condition = or_(among(columns.declaration_id, fresh, connection), among(columns.about, fresh, connection))
        for row in matching_declarations(connection, condition):
            found[row.declaration_id] = row
            wanted |= {row.declaration_id} | ({row.about} if row.about else set())
    return list(found.values())
