"""What the registry knows around one batch of statements: looked up once, kept up to date in memory while the batch is read.

- ``registry/looking_up.py`` looks it up.
- The list of what must be looked up is in ``residence/stays/known.py``; this is its other half.
- ``take_in`` makes a recorded statement part of the picture, so the next one in the batch sees it.

Example: ``look_up(connection, declarations, seen=(), vault=vault).known_for(declaration)``
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec

from registry.declarations import KeptDeclaration
from registry.persons import number_indexes
from registry.vault import SubjectKey, Vault
from residence.people.person import Person
from residence.stays.declaration import StayDeclaration
from residence.stays.known import Known, KnownPerson, KnownResidence, KnownStay
from residence.stays.reconcile import PersonChange, Reconciliation

_NOTHING: Final = Known()  # what is known around nearly every newcomer


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
            received={each: self.kept[each].received_at for each in statements},
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

    def take_in(self, kept: KeptDeclaration, outcome: Reconciliation, *, commune_code: str) -> None:
        """Make a statement that was just recorded part of the picture; it belongs to the outcome's person."""
        declaration = kept.declaration
        for change in (outcome.person, *outcome.split):
            self._take_person(change, declaration)
        for index in number_indexes(declaration.person, self.vault):
            self.holders.setdefault(index, set()).add(outcome.person.person_id)
        self.keep(msgspec.structs.replace(kept, person_id=outcome.person.person_id))
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
            self.keep_stay(stay)

    def take_in_refused(
        self, kept: KeptDeclaration, outcome: Reconciliation, *, named: frozenset[str], commune_code: str
    ) -> None:
        """Make a refused statement part of the picture: it belongs to nobody, and may yet fit. ``named``: people it is written for."""
        declaration = kept.declaration
        for change in (outcome.person, *outcome.split):
            if change.person_id in named:
                self._take_person(change, declaration)
        self.keep(kept)
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
            self.keep_stay(msgspec.structs.replace(self.stays[stay_id], person_id=into))
        self.residences_of[into] += [
            msgspec.structs.replace(each, person_id=into) for each in self.residences_of.pop(person_id, [])
        ]

    def keep(self, kept: KeptDeclaration) -> None:
        """Add or replace a statement."""
        own_id = kept.declaration.declaration_id
        self.kept[own_id] = kept
        if kept.person_id:
            self.statements_of[kept.person_id].add(own_id)
        if kept.declaration.about:
            self.naming[kept.declaration.about].add(own_id)

    def keep_stay(self, stay: KnownStay) -> None:
        """Add or replace a stay."""
        before = self.stays.get(stay.stay_id)
        if before is not None:
            self.stays_of[before.person_id].discard(stay.stay_id)
        self.stays[stay.stay_id] = stay
        self.stays_of[stay.person_id].add(stay.stay_id)
