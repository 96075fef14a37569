"""What reconciliation says about people, as rows: a new person, more numbers, a merge, a corrected name.

- A new person gets a key, sealed fields, numbers and name words; all of it hangs on that key.
- The end of a permitted stay is kept as each statement said it; the latest said counts.
- Numbers are added, never replaced; two people may hold one number until somebody looks.
- A correction of the statement a person was made from replaces the person's fields; the fields before go to ``person_versions``.

Example: ``person_id, key = writer.write(message, outcome, commune_code)``
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from registry import tables
from registry.persons import STATED, Stamp, identifier_row, person_row, token_rows
from registry.surroundings import Surroundings
from registry.vault import SubjectKey
from registry.writing import Pending
from residence.clock import uuid7_text
from residence.stays.declaration import StayDeclaration
from residence.stays.known import KnownPerson, numbers_of
from residence.stays.reconcile import PersonChange, Reconciliation

if TYPE_CHECKING:
    from registry.statements import Means


class PersonWriter:
    """Collects the rows about people of one group of statements."""

    def __init__(self, picture: Surroundings, pending: Pending, means: Means) -> None:
        self._picture = picture
        self._pending = pending
        self._means = means

    def write(self, message: StayDeclaration, outcome: Reconciliation, commune_code: str) -> tuple[str, SubjectKey | None]:
        """Collect the person rows of one outcome; returns the person's id and key (None: erased meanwhile)."""
        for change in (outcome.person, *outcome.split):
            self._write_one(change, message, commune_code)
        person_id = outcome.person.person_id
        self._note_stated_numbers(outcome.person, message, commune_code)
        if message.permitted_stay_until is not None:
            self._note_permit(person_id, message, commune_code)
        if message.kind == "correction" and outcome.person.action == "known":
            self._correct(person_id, message)
        return person_id, self._picture.keys.get(person_id)

    def write_others(self, message: StayDeclaration, outcome: Reconciliation, commune_code: str) -> frozenset[str]:
        """Collect the person rows a refused statement brings about for *other* statements; it names nobody itself.

        Returns whose rows those are. Nearly always empty: something that waited for it now fits.
        """
        staying = {each.person_id for each in outcome.stay.stays} if outcome.stay else set[str]()
        changes = [each for each in (outcome.person, *outcome.split) if each.merges or each.person_id in staying]
        for change in changes:
            self._write_one(change, message, commune_code)
        return frozenset(each.person_id for each in changes)

    def key_for_statement(self, declaration_id: str, commune_code: str) -> SubjectKey:
        """Make a key for a statement that belongs to nobody known."""
        key, row = self._means.vault.new_key(declaration_id, "declaration", commune_code=commune_code, now=self._means.now)
        self._pending.inserts[tables.subject_keys].append(row)
        return key

    def _write_one(self, change: PersonChange, message: StayDeclaration, commune_code: str) -> None:
        self._pending.merges.extend((merged, change.person_id, message.declaration_id) for merged in change.merges)
        if change.action == "known" and not change.add_numbers:
            return
        kept = self._picture.kept.get(change.stated_in)
        source = kept.declaration if kept and change.stated_in != message.declaration_id else message
        stamp = Stamp(commune_code, self._means.now, source.declaration_id)
        numbers = change.add_numbers
        if change.action == "new" and change.person_id not in self._picture.persons:
            self._insert(change.person_id, source, stamp)
            # A person split off keeps what their own statement says.
            numbers = numbers or (numbers_of(source.person) if source is not message else ())
        key = self._picture.keys.get(change.person_id)
        if key is not None:
            self._pending.inserts[tables.identifiers] += [
                identifier_row(
                    number, change.person_id, key=key, identifier_id=self._new_id(), stamp=stamp, vault=self._means.vault
                )
                for number in numbers
            ]

    def _note_stated_numbers(self, change: PersonChange, message: StayDeclaration, commune_code: str) -> None:
        """Keep numbers that were stated and not taken over (status ``stated``): found by, so that no order of arrival can show."""
        known = self._picture.persons.get(change.person_id)
        held = {(each.kind, each.value) for each in (*change.add_numbers, *(known.numbers if known else ()))}
        told = [each for each in numbers_of(message.person) if (each.kind, each.value) not in held]
        key = self._picture.keys.get(change.person_id)
        if key is None or not told:
            return
        stamp = Stamp(commune_code, self._means.now, message.declaration_id)
        for number in told:
            row = identifier_row(
                number, change.person_id, key=key, identifier_id=self._new_id(), stamp=stamp, vault=self._means.vault
            )
            self._pending.inserts[tables.identifiers].append(row | {"status": STATED})

    def _note_permit(self, person_id: str, message: StayDeclaration, commune_code: str) -> None:
        row = {
            "commune_code": commune_code,
            "permit_id": message.declaration_id,
            "person_id": person_id,
            "valid_to": message.permitted_stay_until,
            "recorded_by": message.declaration_id,
            "recorded_at": self._means.now,
        }
        self._pending.inserts[tables.permitted_stays].append(row)

    def _insert(self, person_id: str, source: StayDeclaration, stamp: Stamp) -> None:
        vault = self._means.vault
        key, key_row = vault.new_key(person_id, "person", commune_code=stamp.commune_code, now=stamp.now)
        self._picture.keys[person_id] = key
        self._picture.person_communes[person_id] = stamp.commune_code
        self._pending.inserts[tables.subject_keys].append(key_row)
        self._pending.inserts[tables.persons].append(person_row(source.person, person_id, key=key, stamp=stamp, vault=vault))
        self._add_tokens(source.person.full_name, person_id, stamp.commune_code)

    def _correct(self, person_id: str, message: StayDeclaration) -> None:
        """Take over corrected fields, when the person's own were taken from the statement that is corrected."""
        known = self._picture.persons.get(person_id)
        key = self._picture.keys.get(person_id)
        if known is None or key is None or known.declared_by not in self._picture.chain_of(message):
            return
        vault, commune_code = self._means.vault, self._picture.person_communes[person_id]
        version_id = self._new_id()
        self._pending.outdated.append(
            {
                "commune_code": commune_code,
                "version_id": version_id,
                "person_id": person_id,
                "declaration_id": message.declaration_id,
                "recorded_at": self._means.now,
            }
        )
        stamp = Stamp(commune_code, self._means.now, known.declared_by)
        row = person_row(message.person, person_id, key=key, stamp=stamp, vault=vault)
        sealed = {name: value for name, value in row.items() if name.endswith("_sealed") and name != "contact_sealed"}
        self._pending.corrected[person_id] = sealed | {"name_quality": row["name_quality"], "changed_at": stamp.now}
        self._picture.persons[person_id] = _with_fields(known, message)
        self._add_tokens(message.person.full_name, person_id, commune_code)

    def _add_tokens(self, full_name: str, person_id: str, commune_code: str) -> None:
        for row in token_rows(full_name, person_id, commune_code=commune_code, vault=self._means.vault):
            self._pending.tokens[row["commune_code"], row["token_index"], person_id] = row

    def _new_id(self) -> str:
        return uuid7_text(self._means.now, self._means.random_bytes(10))


def _with_fields(known: KnownPerson, message: StayDeclaration) -> KnownPerson:
    person = message.person
    return msgspec.structs.replace(known, full_name=person.full_name, birth=person.birth, sex=person.sex)
