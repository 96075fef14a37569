"""What the registry knows around one batch of statements: loaded by a few set queries, kept up to date in memory while the batch is read.

- The list of what must be looked up is in ``residence/stays/known.py``; this is its other half.
- Everything is asked for by ``IN (...)`` over the whole batch: the number of queries does not grow with it.
- ``take_in`` makes a recorded statement part of the picture, so the next one in the batch sees it.

Example: ``load(connection, statements, vault=vault).known_for(declaration)``
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, and_, or_, select

from registry import tables
from registry.asking import among, ask, askable
from registry.declarations import Facts, KeptDeclaration, matching_declarations, open_declaration
from registry.households import known_residences
from registry.persons import holders, matching_persons, number_indexes
from registry.stays import REMOVED, known_stay
from registry.vault import SubjectKey, Vault
from residence.people.person import Person
from residence.stays.declaration import StayDeclaration
from residence.stays.known import Known, KnownPerson, KnownResidence, KnownStay, numbers_of
from residence.stays.reconcile import PersonChange, Reconciliation
from residence.stays.spans import instant

# Twice the longest stay on either side of the batch's arrivals: what can touch them, and what that can touch.
WINDOW: Final = timedelta(days=60)
Window = tuple[datetime, datetime]
_NAMED: Final = "SELECT DISTINCT about FROM declarations WHERE about {among}"
_SPOKE: Final = """
    SELECT value FROM {asked} WHERE EXISTS (SELECT 1 FROM declarations WHERE person_id = asked.value)
    OR EXISTS (SELECT 1 FROM stays WHERE person_id = asked.value)"""
_NOTHING: Final = Known()  # what is known around nearly every newcomer
_LONGEST_CHAIN: Final = 8  # rounds of look-ups; a longer chain is loaded as far as that


class Surroundings:
    """The picture. Ids map to values; every ``*_of`` maps a person or declaration id to ids."""

    def __init__(self, vault: Vault) -> None:
        self.vault: Final = vault
        self.keys: dict[str, SubjectKey] = {}
        self.persons: dict[str, KnownPerson] = {}
        self.holders: dict[bytes, set[str]] = {}
        self.kept: dict[str, KeptDeclaration] = {}
        self.statements_of: defaultdict[str, set[str]] = defaultdict(set)
        self.naming: defaultdict[str, set[str]] = defaultdict(set)
        self.stays: dict[str, KnownStay] = {}
        self.stays_of: defaultdict[str, set[str]] = defaultdict(set)
        self.residences_of: defaultdict[str, list[KnownResidence]] = defaultdict(list)
        self.person_communes: dict[str, str] = {}
        self.communes: dict[str, str] = {}  # premises id -> commune, of every stay here

    def people_with(self, person: Person) -> set[str]:
        """Return ids of everyone holding a number that ``person`` states."""
        return {each for index in number_indexes(person, self.vault) for each in self.holders.get(index, ())}

    def chain_of(self, declaration: StayDeclaration) -> set[str]:
        """Return the ids of a declaration's chain as far as it is here."""
        waiting, chain = {declaration.declaration_id, declaration.about or declaration.declaration_id}, set[str]()
        while waiting:
            each = waiting.pop()
            chain.add(each)
            kept = self.kept.get(each)
            near = set(self.naming.get(each, ()))
            if kept is not None and kept.declaration.about:
                near.add(kept.declaration.about)
            waiting |= near - chain
        return chain

    def known_for(self, declaration: StayDeclaration) -> Known:
        """Return everything that bears on one declaration."""
        if declaration.about is None and declaration.declaration_id not in self.naming:
            people = self.people_with(declaration.person)
            if not any(self.statements_of.get(each) or self.stays_of.get(each) for each in people):
                return self._known_of(people)  # nearly always: nobody here has said anything about them
        chain = {each for each in self.chain_of(declaration) if each in self.kept}
        people = self.people_with(declaration.person) | {owner for each in chain if (owner := self.kept[each].person_id)}
        statements = chain.union(*(self.statements_of.get(each, ()) for each in people))
        stays = {stay for each in people for stay in self.stays_of.get(each, ())}
        # A stay may rest on statements of somebody it was laid together with.
        statements.update(each for stay in stays for each in self.stays[stay].declaration_ids if each in self.kept)
        statements |= self._told_about(statements)
        return msgspec.structs.replace(
            self._known_of(people),
            stays=tuple(self.stays[each] for each in sorted(stays)),
            declarations=tuple(self.kept[each].declaration for each in sorted(statements)),
        )

    def _known_of(self, people: set[str]) -> Known:
        if not people:
            return _NOTHING
        named = sorted(people)
        return Known(
            persons=tuple([self.persons[each] for each in named if each in self.persons]),
            residences=tuple([residence for each in named for residence in self.residences_of.get(each, ())]),
        )

    def _told_about(self, statements: set[str]) -> set[str]:
        """Return whatever names these statements, and what names that: refused ones belong to nobody and are found here alone."""
        found, waiting = set[str](), set(statements)
        while waiting:
            near = {each for named in waiting for each in self.naming.get(named, ())} - found
            found |= near
            waiting = near
        return found

    def stays_and_homes(self, person: Person) -> tuple[list[KnownStay], list[KnownResidence]]:
        """Return the stays and residences of everyone holding one of a person's numbers."""
        people = self.people_with(person)
        return self.stays_of_people(people), [residence for each in people for residence in self.residences_of.get(each, ())]

    def stays_of_people(self, people: Iterable[str]) -> list[KnownStay]:
        """Return the stays here of these people."""
        return [self.stays[stay] for each in people for stay in self.stays_of.get(each, ())]

    def take_in(self, declaration: StayDeclaration, outcome: Reconciliation, facts: Facts, *, commune_code: str) -> None:
        """Make a statement that was just recorded part of the picture."""
        for change in (outcome.person, *outcome.split):
            self._take_person(change, declaration)
        for index in number_indexes(declaration.person, self.vault):
            self.holders.setdefault(index, set()).add(outcome.person.person_id)
        self._keep(KeptDeclaration(declaration=declaration, person_id=outcome.person.person_id, facts=facts))
        self.communes.setdefault(declaration.premises_id, commune_code)
        self._take_stays(outcome)

    def _take_stays(self, outcome: Reconciliation) -> None:
        if outcome.stay is None:
            return
        for stay_id in outcome.stay.removed:
            gone = self.stays.pop(stay_id, None)
            if gone is not None:
                self.stays_of[gone.person_id].discard(stay_id)
        for stay in outcome.stay.stays:
            self._keep_stay(stay)

    def take_in_refused(
        self, declaration: StayDeclaration, outcome: Reconciliation, facts: Facts, *, named: frozenset[str], commune_code: str
    ) -> None:
        """Make a refused statement part of the picture: it belongs to nobody, and may yet fit. ``named``: people it is written for."""
        for change in (outcome.person, *outcome.split):
            if change.person_id in named:
                self._take_person(change, declaration)
        self._keep(KeptDeclaration(declaration=declaration, person_id=None, facts=facts))
        self.communes.setdefault(declaration.premises_id, commune_code)
        self._take_stays(outcome)

    def _take_person(self, change: PersonChange, declaration: StayDeclaration) -> None:
        if not (change.add_numbers or change.merges) and change.person_id in self.persons:
            return
        source = declaration if change.stated_in == declaration.declaration_id else self.kept[change.stated_in].declaration
        known = self.persons.get(change.person_id) or KnownPerson(
            person_id=change.person_id,
            full_name=source.person.full_name,
            birth=source.person.birth,
            sex=source.person.sex,
            declared_by=source.declaration_id,
        )
        merged = [self.persons.pop(each) for each in change.merges if each in self.persons]
        numbers = dict.fromkeys((*known.numbers, *(number for each in merged for number in each.numbers), *change.add_numbers))
        self.persons[change.person_id] = msgspec.structs.replace(known, numbers=tuple(numbers))
        for number in numbers:
            self.holders.setdefault(self.vault.number_index(number.kind, number.value), set()).add(change.person_id)
        for each in change.merges:
            self._move(each, change.person_id)

    def _move(self, person_id: str, into: str) -> None:
        for owners in self.holders.values():
            if person_id in owners:
                owners.discard(person_id)
                owners.add(into)
        self.statements_of[into] |= self.statements_of.pop(person_id, set())
        self.kept |= {each: msgspec.structs.replace(self.kept[each], person_id=into) for each in self.statements_of[into]}
        for stay_id in self.stays_of.pop(person_id, set()):
            self._keep_stay(msgspec.structs.replace(self.stays[stay_id], person_id=into))
        self.residences_of[into] += [
            msgspec.structs.replace(each, person_id=into) for each in self.residences_of.pop(person_id, [])
        ]

    def _keep(self, kept: KeptDeclaration) -> None:
        own_id = kept.declaration.declaration_id
        self.kept[own_id] = kept
        if kept.person_id:
            self.statements_of[kept.person_id].add(own_id)
        if kept.declaration.about:
            self.naming[kept.declaration.about].add(own_id)

    def _keep_stay(self, stay: KnownStay) -> None:
        before = self.stays.get(stay.stay_id)
        if before is not None:
            self.stays_of[before.person_id].discard(stay.stay_id)
        self.stays[stay.stay_id] = stay
        self.stays_of[stay.person_id].add(stay.stay_id)


def load(
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
    for known, key, commune_code in matching_persons(connection, people, vault=vault, stated=stated):
        own_id = known.person_id
        picture.keys[own_id], picture.persons[own_id], picture.person_communes[own_id] = key, known, commune_code
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
    stay_rows: list[Row[Any]] = []
    rows = {row.declaration_id: row for row in chain_rows}
    if people and window:
        stay_rows = _stay_rows(connection, people, window)
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
            picture._keep(kept)  # noqa: SLF001 - the loader fills the picture
    for row in stay_rows:
        if all(each in picture.kept for each in row.declaration_ids):  # a stay of somebody erased meanwhile cannot be judged
            picture._keep_stay(known_stay(row))  # noqa: SLF001 - as above
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
