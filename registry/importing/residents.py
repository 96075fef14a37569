"""Rows of residents: new people with their numbers and homes, people already known, and numbers that two people claim.

- Equal personal numbers with names that are the same and births that do not conflict are one person: what the row adds (a home, an old
  number) is added to them, nothing is overwritten.
- Any other shared number is a finding about both people, and both stand: a human looks. A row is never refused for it.
- The same reference in several rows is one person with several homes. What else a row says is in ``additions.py``.

Example: ``take_residents(connection, {1: read.resident}, means).counts["persons"] == 1``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, select

from registry import tables
from registry.asking import among
from registry.importing.additions import Additions
from registry.importing.checking import Home, Resident, person_content
from registry.importing.places import premises_known, unit_rows
from registry.importing.taking import Means, Rejected, Row, Seen, Taken, seen_before
from registry.persons import Stamp, holders, identifier_row, matching_persons, person_row, token_rows
from registry.vault import Cell, SubjectKey
from residence.people.names import compare_names
from residence.people.person import PartialDate
from residence.people.phones import phone_key
from residence.stays.identity import births_conflict
from residence.stays.known import KnownNumber, numbers_of

_POINTERS: Final = {"personal": "/person/personal_number", "old": "/person/old_number", "document": "/person/document/number"}


class Holder(NamedTuple):
    """Somebody who has a number: in the registry, or of this batch."""

    person_id: str
    name: str
    birth: PartialDate | None
    key: SubjectKey
    numbers: set[bytes]


def take_residents(connection: Connection, rows: Mapping[int, Resident], means: Means) -> Taken:
    """Take over residents. ``rows``: by row number."""
    return _Residents(connection, rows, means).take()


class _Residents:
    """One batch."""

    def __init__(self, connection: Connection, rows: Mapping[int, Resident], means: Means) -> None:
        self._means, self._rows, self._taken = means, rows, Taken()
        self._row_ids = {number: means.row_id("person", each.reference) for number, each in rows.items()}
        self._seen = seen_before(connection, self._row_ids.values())
        homes = [each.home for each in rows.values() if each.home]
        self._premises = premises_known(connection, (home.premises_id for home in homes))
        self._households = {
            ref: means.row_id("household", ref) for ref in {home.household_ref for home in homes if home.household_ref}
        }
        self._household_rows = seen_before(connection, self._households.values())
        self._numbers = {number: self._numbers_of(each) for number, each in rows.items()}
        self._by_index, self._by_id = self._known_holders(connection)
        again = {number for number, row_id in self._row_ids.items() if row_id in self._seen}
        self._homes = self._homes_known(connection, again)
        self._additions = Additions(connection, rows, again, means)

    def take(self) -> Taken:
        for number, resident in self._rows.items():
            fault = self._home_fault(resident)
            if fault is not None:
                self._taken.rejected.append(Rejected(number, *fault))
                continue
            content = self._means.content(person_content(resident))
            before = self._seen.get(self._row_ids[number])
            if before is not None and before.content != content:
                self._taken.rejected.append(Rejected(number, "full_name", "import.row_changed"))
                continue
            person_id = before.subject_id if before else self._person(number, resident, content)
            added = self._add_home(person_id, resident) | self._add_others(number, person_id, resident)
            if before is not None and not added:
                self._taken.counts["unchanged"] += 1
        return self._taken

    def _numbers_of(self, resident: Resident) -> list[tuple[KnownNumber, bytes]]:
        vault = self._means.vault
        return [(each, vault.number_index(each.kind, each.value)) for each in numbers_of(resident.person)]

    def _known_holders(self, connection: Connection) -> tuple[dict[bytes, list[Holder]], dict[str, Holder]]:
        """Look up and open who holds a number of this batch: nearly nobody in a first import."""
        vault = self._means.vault
        found = holders(connection, (index for each in self._numbers.values() for _, index in each))
        ids = sorted({person_id for each in found.values() for person_id in each})
        by_id = {
            each.known.person_id: Holder(
                each.known.person_id,
                each.known.full_name,
                each.known.birth,
                each.key,
                {vault.number_index(number.kind, number.value) for number in each.known.numbers},
            )
            for each in matching_persons(connection, ids, vault=vault)
        }
        by_index = {index: [by_id[each] for each in sorted(who) if each in by_id] for index, who in found.items()}
        return by_index, by_id

    def _homes_known(self, connection: Connection, again: set[int]) -> set[str]:
        """Return which homes of people seen before are there already."""
        wanted = [self._home_id(each, each.home) for number in again if (each := self._rows[number]).home]
        if not wanted:
            return set()
        columns = tables.residences.c
        communes = sorted({self._premises.get(self._rows[each].home.premises_id, "") for each in again if self._rows[each].home})  # type: ignore[union-attr]  # asked
        query = select(columns.residence_id).where(
            columns.commune_code.in_(communes), among(columns.residence_id, wanted, connection)
        )
        return set(connection.scalars(query))

    def _home_id(self, resident: Resident, home: Home) -> str:
        parts = (resident.reference, home.premises_id, home.unit or "", home.kind, home.valid_from)
        return self._means.row_id("residence", "\n".join(parts))

    def _home_fault(self, resident: Resident) -> tuple[str, str] | None:
        home = resident.home
        if home is None:
            return None
        if home.premises_id not in self._premises:
            return "premises_ref", "import.premises_unknown"
        if home.household_ref and self._households[home.household_ref] not in self._household_rows:
            return "household_ref", "import.household_unknown"
        return None

    def _person(self, number: int, resident: Resident, content: bytes) -> str:
        """Return the id of the person of a row not seen before, made if nobody is them yet."""
        same, others = self._claims(number, resident)
        holder = same or self._make(number, resident)
        for known, index in self._numbers[number]:
            if index not in holder.numbers:
                holder.numbers.add(index)
                self._by_index.setdefault(index, []).append(holder)
                self._taken.add(tables.identifiers, self._identifier(known, holder, resident.commune_code))
                self._taken.counts["numbers"] += 1
        for code, kind, other in others:
            if other.person_id != holder.person_id:
                about = (holder.person_id, other.person_id)
                self._taken.find(self._means, code, _POINTERS[kind], about, commune_code=resident.commune_code)
        row_id = self._row_ids[number]
        self._taken.remember(
            self._means, row_id, number, commune_code=resident.commune_code, subject_id=holder.person_id, content=content
        )
        self._seen[row_id] = Seen(holder.person_id, content)
        self._taken.counts["known_persons" if same else "persons"] += 1
        return holder.person_id

    def _claims(self, number: int, resident: Resident) -> tuple[Holder | None, list[tuple[str, str, Holder]]]:
        """Return who this is if somebody known, and with whom a number is shared (finding's code, kind of number, who)."""
        same: Holder | None = None
        others: list[tuple[str, str, Holder]] = []
        for known, index in self._numbers[number]:
            for holder in self._by_index.get(index, ()):
                agrees = compare_names(resident.person.full_name, holder.name).result == "same" and not births_conflict(
                    resident.person.birth, holder.birth
                )
                if known.kind == "personal" and agrees and same is None:
                    same = holder
                else:
                    code = "person.number_of_two_persons" if known.kind == "personal" else "import.number_of_another"
                    others.append((code, known.kind, holder))
        return same, others

    def _make(self, number: int, resident: Resident) -> Holder:
        means, person_id = self._means, self._row_ids[number]
        commune = resident.commune_code
        key, key_row = means.vault.new_key(person_id, "person", commune_code=commune, now=means.now)
        row = person_row(resident.person, person_id, key=key, stamp=Stamp(commune, means.now, None), vault=means.vault)
        row["contact_sealed"] = means.vault.seal(key, Cell("persons", "contact", person_id), resident.contact)
        phone = phone_key(resident.contact) if resident.contact else None
        row["contact_index"] = bytes(means.vault.contact_index(phone)) if phone else None
        if resident.deceased:
            row["status"] = "deceased"
        self._taken.add(tables.subject_keys, key_row)
        self._taken.add(tables.persons, row)
        self._taken.add(
            tables.name_tokens, *token_rows(resident.person.full_name, person_id, commune_code=commune, vault=means.vault)
        )
        self._additions.add_key(person_id, key)
        return Holder(person_id, resident.person.full_name, resident.person.birth, key, set())

    def _add_others(self, number: int, person_id: str, resident: Resident) -> bool:
        """Collect what the row says beside person and home; tells whether any of it is new."""
        home = resident.home
        household_id = self._households[home.household_ref] if home and home.household_ref else None
        for row in self._additions.relations(resident, person_id, row_id=self._row_ids[number], household_id=household_id):
            commune = self._premises[home.premises_id] if home and row["kind"] == "head" else resident.commune_code
            self._taken.add(tables.relations, row | {"commune_code": commune})
        added = list(self._additions.rows(resident, person_id))
        for table, row in added:
            self._taken.add(table, row)
            self._taken.counts[table.name] += 1
        return bool(added)

    def _identifier(self, known: KnownNumber, holder: Holder, commune_code: str) -> Row:
        means = self._means
        return identifier_row(
            known,
            holder.person_id,
            key=holder.key,
            identifier_id=means.number_id(holder.person_id, known),
            stamp=Stamp(commune_code, means.now, None),
            vault=means.vault,
        )

    def _add_home(self, person_id: str, resident: Resident) -> bool:
        home = resident.home
        if home is None:
            return False
        residence_id = self._home_id(resident, home)
        if residence_id in self._homes:
            return False
        self._homes.add(residence_id)
        commune = self._premises[home.premises_id]
        if home.unit:
            self._taken.add(tables.units, *unit_rows(home.premises_id, [home.unit], commune_code=commune, means=self._means))
        self._taken.add(
            tables.residences,
            {
                "commune_code": commune,
                "residence_id": residence_id,
                "person_id": person_id,
                "premises_id": home.premises_id,
                "unit": home.unit,
                "household_id": self._households[home.household_ref] if home.household_ref else None,
                "kind": home.kind,
                "relation": home.relation,
                "valid_from": home.valid_from,
                "valid_to": home.valid_to,
                "registration_ref": None,
                "recorded_by": self._means.import_id,
                "recorded_at": self._means.now,
            },
        )
        self._taken.counts["residences"] += 1
        return True
