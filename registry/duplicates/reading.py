"""Read the registry's persons for a search: page by page, opened in memory, handed on, forgotten.

- Only what is compared is opened: name, birth, sex, contact, residence, numbers. Nobody looks at it, so nothing is written to the access
  record; what a person sees of a pair later goes through ``registry/release.py``.
- Left out: who was merged into somebody, who was erased, who has no key any more. A number that was only stated proves nothing and is
  left out, too. Of several numbers of a kind the youngest in force is compared, and of former personal numbers the youngest.
- Each page is a transaction of its own; a search of a living registry sees it as it changes, and the next search sees the rest.

Example: ``for page in candidate_pages(registry): ...``
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, cast

from sqlalchemy import Connection, select

from registry.database import Registry
from registry.duplicates.columns import Candidate
from registry.persons import STATED, opened, read_birth
from registry.tables_people import identifiers, persons, subject_keys
from registry.vault import Cell, SubjectKey, Vault
from residence.people.person import Sex

PAGE: Final = 5_000
_COLUMNS: Final = ("person_id", "full_name_sealed", "birth_sealed", "sex_sealed", "residence_text_sealed", "contact_sealed")


def candidate_pages(registry: Registry, *, page: int = PAGE) -> Iterator[list[Candidate]]:
    """Return everybody a search compares, in pages by id."""
    after: str | None = ""
    while after is not None:
        with registry.reading() as connection:
            found, after = _page(connection, after, page, registry.vault)
        if found:
            yield found


def _page(connection: Connection, after: str, page: int, vault: Vault) -> tuple[list[Candidate], str | None]:
    """Return the candidates among the next persons, and the id to go on after (None: that was all)."""
    columns = persons.c
    keyed = (subject_keys.c.subject_id == columns.person_id) & (subject_keys.c.commune_code == columns.commune_code)
    query = (
        select(*(columns[name] for name in _COLUMNS), columns.merged_into, subject_keys.c.kek_id, subject_keys.c.wrapped_key)
        .select_from(persons.outerjoin(subject_keys, keyed))
        .where(columns.person_id > after)
        .order_by(columns.person_id)
        .limit(page)
    )
    rows = connection.execute(query).all()
    if not rows:
        return [], None
    last: str = rows[-1].person_id
    readable = [
        row for row in rows if row.merged_into is None and row.wrapped_key is not None and row.full_name_sealed is not None
    ]
    keys = vault.unwrap_living((row.person_id, row.kek_id, row.wrapped_key) for row in readable)
    readable = [row for row in readable if row.person_id in keys]
    numbers = _numbers(connection, (after, last), keys, vault)
    return [_candidate(row, keys[row.person_id], numbers[row.person_id], vault) for row in readable], last


def _numbers(
    connection: Connection, between: tuple[str, str], keys: dict[str, SubjectKey], vault: Vault
) -> defaultdict[str, dict[str, str]]:
    """Return field -> number by person; a number of somebody merged is still sealed under their own key."""
    columns = identifiers.c
    query = (
        select(columns.identifier_id, columns.person_id, columns.kind, columns.value_sealed, columns.status, columns.subject_id)
        .where(columns.person_id > between[0], columns.person_id <= between[1], columns.status != STATED)
        .order_by(columns.recorded_at, columns.identifier_id)
    )
    rows = [row for row in connection.execute(query) if row.person_id in keys]
    keys = keys | vault.load_keys(connection, {row.subject_id for row in rows} - set(keys))
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if row.subject_id in keys:
            value = vault.open(keys[row.subject_id], Cell("identifiers", "value", row.identifier_id), row.value_sealed)
            found[row.person_id][_field(row)] = value.decode()
    return found


def _field(row: Any) -> str:
    return "personal_before" if row.kind == "personal" and row.status != "active" else cast("str", row.kind)


def _candidate(row: Any, key: SubjectKey, numbers: dict[str, str], vault: Vault) -> Candidate:
    return Candidate(
        person_id=row.person_id,
        full_name=opened(row, "full_name", key, vault),
        birth=read_birth(opened(row, "birth", key, vault)),
        sex=cast("Sex | None", opened(row, "sex", key, vault)),
        personal=numbers.get("personal"),
        personal_before=numbers.get("personal_before"),
        old=numbers.get("old"),
        document=numbers.get("document"),
        phone=opened(row, "contact", key, vault),
        address=opened(row, "residence_text", key, vault),
    )
