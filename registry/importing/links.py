"""Rows that link an old number to the holder of a personal number.

- The holder must be in the registry and be one person; otherwise the row is set aside, a human decides.
- An old number somebody else has too is linked all the same, with a finding about both.

Example: ``take_links(connection, {1: row}, means).counts["numbers"]``
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from registry import tables
from registry.asking import among
from registry.importing.taking import Means, Rejected, Row, Taken
from registry.persons import Stamp, holders, identifier_row
from residence.people.old_number import is_old_number
from residence.stays.known import KnownNumber


def take_links(connection: Connection, rows: Mapping[int, Row], means: Means) -> Taken:
    """Take over links. ``rows``: by row number."""
    taken, vault = Taken(), means.vault
    indexes = {
        number: (vault.number_index("personal", row["personal_number"]), vault.number_index("old", row["old_number"]))
        for number, row in rows.items()
    }
    held = holders(connection, (index for both in indexes.values() for index in both))
    people = sorted({next(iter(who)) for who, _ in ((held.get(one, ()), old) for one, old in indexes.values()) if len(who) == 1})
    keys, communes = vault.load_keys(connection, people), _communes(connection, people)
    for number, row in rows.items():
        personal, old = indexes[number]
        who = held.get(personal, set())
        if who and who <= held.get(old, set()):
            taken.counts["unchanged"] += 1
            continue
        fault = _fault(row, who if len(who) > 1 else who & keys.keys())
        if fault is not None:
            taken.rejected.append(Rejected(number, *fault))
            continue
        person_id = next(iter(who))
        others = held.setdefault(old, set()) - {person_id}
        held[old].add(person_id)
        stamp = Stamp(communes[person_id], means.now, None)
        known = KnownNumber(kind="old", value=row["old_number"])
        identifier_id = means.number_id(person_id, known)
        taken.add(
            tables.identifiers,
            identifier_row(known, person_id, key=keys[person_id], identifier_id=identifier_id, stamp=stamp, vault=vault),
        )
        taken.counts["numbers"] += 1
        for other in sorted(others):
            taken.find(
                means, "import.number_of_another", "/person/old_number", (person_id, other), commune_code=communes[person_id]
            )
    return taken


def _fault(row: Row, who: set[str]) -> tuple[str, str] | None:
    if not is_old_number(row["old_number"]):
        return "old_number", "import.old_number"
    if not who:
        return "personal_number", "import.person_unknown"
    if len(who) > 1:
        return "personal_number", "import.person_ambiguous"
    return None


def _communes(connection: Connection, person_ids: list[str]) -> dict[str, str]:
    columns = tables.persons.c
    if not person_ids:
        return {}
    query = select(columns.person_id, columns.commune_code).where(among(columns.person_id, person_ids, connection))
    return {row[0]: row[1] for row in connection.execute(query)}
