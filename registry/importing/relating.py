"""Who owns, manages, heads or guards, as rows name them: by the source's own reference, before or after that person is listed.

- Whoever is known already is named at once. Anybody else waits (``stated_row``) and is named when the residents are in (``settle``).
- Who is registered as head of a household is its head from the day their residence began; the household's own row may say so too.
- An owner or manager without a reference has only a name: a company, or somebody who lives elsewhere.

Example: ``Relating(connection, refs, means).row("owner", "hsh-1", ref="HK-1", commune_code="demo-01")``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from registry import tables
from registry.importing.checking import reference_of
from registry.importing.taking import Means, Row, Seen, seen_before
from residence.places.relations import RelationKind

PAGE: Final = 5_000


class Relating:
    """Relations of one batch."""

    def __init__(self, connection: Connection, refs: Iterable[str | None], means: Means) -> None:
        self._means = means
        self._rows = {ref: means.row_id("person", reference_of(ref)) for ref in set(refs) if ref}
        self._seen: Mapping[str, Seen] = seen_before(connection, self._rows.values())

    def row(
        self,
        kind: RelationKind,
        subject_id: str,
        *,
        ref: str | None = None,
        name_sealed: bytes | None = None,
        said: str = "",
        commune_code: str,
        valid_from: str | None = None,
    ) -> Row:
        """Return a relation to whoever has this reference, or a name only. ``said`` tells two names apart."""
        stated = self._rows[ref] if ref else None
        known = self._seen.get(stated) if stated else None
        return relation_row(
            kind,
            subject_id,
            person_id=known.subject_id if known else None,
            stated_row=stated,
            means=self._means,
            said=said,
        ) | {"name_sealed": name_sealed, "commune_code": commune_code, "valid_from": valid_from}


def relation_row(
    kind: RelationKind, subject_id: str, *, person_id: str | None, stated_row: str | None, means: Means, said: str = ""
) -> Row:
    """Return a row of ``relations``; the same person named again for the same is the same row."""
    return {
        "relation_id": means.row_id("relation", "\n".join((kind, subject_id, stated_row or said))),
        "kind": kind,
        "subject_id": subject_id,
        "person_id": person_id,
        "stated_row": None if person_id else stated_row,
        "name_sealed": None,
        "valid_from": None,
        "valid_to": None,
        "recorded_by": means.import_id,
        "recorded_at": means.now,
    }


def settle(connection: Connection) -> int:
    """Name everybody who was waited for and is in by now; returns how many relations that were."""
    relations, rows = tables.relations.c, tables.imported_rows.c
    # Nearly always of the same commune: one statement that stays within it.
    known = (
        select(rows.subject_id)
        .where(rows.row_id == relations.stated_row, rows.commune_code == relations.commune_code)
        .scalar_subquery()
    )
    near = update(tables.relations).where(relations.stated_row.is_not(None), known.is_not(None))
    return connection.execute(near.values(person_id=known, stated_row=None)).rowcount + _settle_far(connection)


def _settle_far(connection: Connection) -> int:
    """Name those of other communes."""
    relations, after, settled = tables.relations.c, ("", ""), 0
    change = update(tables.relations).where(
        relations.relation_id == bindparam("own_id"), relations.commune_code == bindparam("commune")
    )
    waiting = select(relations.stated_row, relations.relation_id, relations.commune_code).where(relations.stated_row.is_not(None))
    while True:
        page = connection.execute(
            waiting.where(
                (relations.stated_row > after[0]) | ((relations.stated_row == after[0]) & (relations.relation_id > after[1]))
            )
            .order_by(relations.stated_row, relations.relation_id)
            .limit(PAGE)
        ).all()
        seen = seen_before(connection, (row.stated_row for row in page))
        found = [
            {
                "own_id": row.relation_id,
                "commune": row.commune_code,
                "person_id": seen[row.stated_row].subject_id,
                "stated_row": None,
            }
            for row in page
            if row.stated_row in seen
        ]
        if found:
            connection.execute(change, found)
        settled += len(found)
        if len(page) < PAGE:
            return settled
        after = (page[-1].stated_row, page[-1].relation_id)
