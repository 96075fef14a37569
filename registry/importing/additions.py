"""What a row of residents says beside a person and a home: a time away, the end of a permitted stay, an e-ID, a guardian, being head.

- Each is a row of its own, recognised by who and when: said again it is there already, said otherwise it stands beside; nothing is overwritten.
- What is said of an absence is sealed under the absent person's key.

Example: ``Additions(connection, rows, row_ids, means).rows(number, resident, person_id)``
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, Table, select

from registry import tables
from registry.asking import among
from registry.importing.checking import Resident
from registry.importing.relating import Relating, relation_row
from registry.importing.taking import Means, Row
from registry.vault import Cell, SubjectKey


class Additions:
    """Those of one batch. ``again``: numbers of rows that were taken over before."""

    def __init__(self, connection: Connection, rows: Mapping[int, Resident], again: set[int], means: Means) -> None:
        self._connection, self._means = connection, means
        self._relating = Relating(connection, (each.guardian_ref for each in rows.values()), means)
        known = [rows[number] for number in again]
        self._there = self._known(tables.absences, [each for who in known if (each := self._absence_id(who))])
        self._there |= self._known(tables.permitted_stays, [each for who in known if (each := self._permit_id(who))])
        self._there |= self._known(tables.e_id_sightings, [each for who in known if (each := self._e_id(who))])
        self._keys: dict[str, SubjectKey] = {}

    def add_key(self, person_id: str, key: SubjectKey) -> None:
        """Remember a key that was just made or loaded."""
        self._keys[person_id] = key

    def rows(self, resident: Resident, person_id: str) -> Iterator[tuple[Table, Row]]:
        """Return the rows that are not there yet."""
        absence_id, permit_id = self._absence_id(resident), self._permit_id(resident)
        if absence_id and absence_id not in self._there:
            self._there.add(absence_id)
            yield tables.absences, self._absence(resident, absence_id, person_id)
        if permit_id and permit_id not in self._there:
            self._there.add(permit_id)
            stated = self._stamp(resident, person_id)
            yield tables.permitted_stays, stated | {"permit_id": permit_id, "valid_to": resident.permitted_until}
        e_id = self._e_id(resident)
        if e_id and e_id not in self._there:
            self._there.add(e_id)
            said = {"sighting_id": e_id, "source": "register", "seen_on": resident.e_id_on, "withdrawn_at": None}
            yield tables.e_id_sightings, self._stamp(resident, person_id) | said

    def relations(self, resident: Resident, person_id: str, *, row_id: str, household_id: str | None) -> Iterator[Row]:
        """Return the person's being head, and their guardian."""
        home = resident.home
        if home is not None and household_id is not None and home.relation == "head":
            head = relation_row("head", household_id, person_id=person_id, stated_row=row_id, means=self._means)
            yield head | {"valid_from": home.valid_from, "valid_to": home.valid_to}
        if resident.guardian_ref:
            yield self._relating.row("guardian", person_id, ref=resident.guardian_ref, commune_code=resident.commune_code)

    def _absence_id(self, resident: Resident) -> str | None:
        away = resident.absence
        return self._id("absence", resident, away.valid_from, away.valid_to or "") if away else None

    def _permit_id(self, resident: Resident) -> str | None:
        until = resident.permitted_until
        return self._id("permit", resident, until) if until else None

    def _e_id(self, resident: Resident) -> str | None:
        return self._id("e-id", resident) if resident.e_id_on else None

    def _id(self, kind: str, resident: Resident, *parts: str) -> str:
        return self._means.row_id(kind, "\n".join((resident.reference, *parts)))

    def _known(self, table: Table, wanted: list[str]) -> set[str]:
        own_id = next(each for each in table.primary_key if each.name != "commune_code")
        if not wanted:
            return set()
        return set(self._connection.scalars(select(own_id).where(among(own_id, wanted, self._connection))))

    def _stamp(self, resident: Resident, person_id: str) -> Row:
        return {
            "commune_code": resident.commune_code,
            "person_id": person_id,
            "recorded_by": self._means.import_id,
            "recorded_at": self._means.now,
        }

    def _absence(self, resident: Resident, absence_id: str, person_id: str) -> Row:
        away = resident.absence
        row = self._stamp(resident, person_id) | {"absence_id": absence_id, "subject_id": person_id}
        if away is None:
            return row
        row |= {"valid_from": away.valid_from, "valid_to": away.valid_to}
        return row | {
            f"{name}_sealed": self._sealed(person_id, Cell("absences", name, absence_id), text)
            for name, text in (("reason", away.reason), ("destination", away.destination))
        }

    def _sealed(self, person_id: str, cell: Cell, text: str | None) -> bytes | None:
        if text is None:
            return None
        vault = self._means.vault
        if person_id not in self._keys:
            self._keys |= vault.load_keys(self._connection, [person_id])
        key = self._keys.get(person_id)
        return vault.seal(key, cell, text) if key else None
