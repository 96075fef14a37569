"""The smallest registry that obeys reconciliation: what a real one must do, in a page, for tests to fold declarations with."""

from __future__ import annotations

from datetime import datetime

import msgspec
from factories import EVENING

from residence.stays.declaration import StayDeclaration
from residence.stays.findings import Finding
from residence.stays.known import Known, KnownPerson, KnownResidence, KnownStay
from residence.stays.reconcile import PersonChange, Reconciliation, reconcile
from residence.stays.rules import load_rule_book

RULES = load_rule_book()


class MemoryRegistry:
    """Keeps everything in dictionaries and looks everything up for every declaration."""

    def __init__(self, persons: tuple[KnownPerson, ...] = (), residences: tuple[KnownResidence, ...] = ()) -> None:
        self.persons = {each.person_id: each for each in persons}
        self.residences = residences
        self.declarations: dict[str, StayDeclaration] = {}
        self.received: dict[str, datetime] = {}
        self.stays: dict[str, KnownStay] = {}
        self.findings: dict[str, Finding] = {}

    def receive(self, declaration: StayDeclaration, *, at: datetime = EVENING) -> Reconciliation:
        result = reconcile(declaration, self.known(), rules=RULES, received_at=at)
        self.declarations[declaration.declaration_id] = declaration
        self.received.setdefault(declaration.declaration_id, at)
        self._write_person(result.person)
        for each in result.split:
            self._write_person(each)
        if result.stay:
            self.stays.update({each.stay_id: each for each in result.stay.stays})
            for each in result.stay.removed:
                del self.stays[each]
        for each in result.cleared:
            del self.findings[each.finding_id]
        self.findings.update({each.finding_id: each for each in result.findings})
        return result

    def known(self) -> Known:
        return Known(
            persons=tuple(self.persons.values()),
            stays=tuple(self.stays.values()),
            residences=self.residences,
            declarations=tuple(self.declarations.values()),
            received=dict(self.received),
        )

    def _write_person(self, change: PersonChange) -> None:
        if change.action == "new":
            assert change.person_id not in self.persons
            stated = self.declarations[change.stated_in].person
            self.persons[change.person_id] = KnownPerson(
                person_id=change.person_id, full_name=stated.full_name, birth=stated.birth, declared_by=change.stated_in
            )
        person = self.persons[change.person_id]
        merged = [self.persons.pop(each) for each in change.merges]
        numbers = dict.fromkeys((*person.numbers, *change.add_numbers, *(each for one in merged for each in one.numbers)))
        self.persons[change.person_id] = msgspec.structs.replace(person, numbers=tuple(numbers))

    def picture(self) -> tuple[frozenset, frozenset]:
        """What stands, with persons told apart by the stays they share instead of by surrogate ids."""
        together = {}
        for stay in self.stays.values():
            together.setdefault(stay.person_id, set()).add(stay.stay_id)
        stays = frozenset(
            (msgspec.structs.replace(stay, person_id=""), frozenset(together[stay.person_id])) for stay in self.stays.values()
        )
        return stays, frozenset(self.findings.values())
