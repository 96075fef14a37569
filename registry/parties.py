"""Who came together: a party is known by the declaration of whoever was declared first (``StayDeclaration.party``).

- Each member is declared, receipted, corrected and withdrawn by themselves; a party is only a way to find the others.
- Asked by premises: a statement that names a party of another house finds nobody there.

Example: ``party_of(connection, place, declaration_id)`` -> ``Party(party_id=..., members=(first, second))``
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from registry import tables
from registry.desk_lists import Place
from residence.stays.declaration import StayDeclaration

MOST: Final = 200


class PartyMember(msgspec.Struct, frozen=True, kw_only=True):
    """One member's arrival, and the grown-up who came with them."""

    declaration_id: str
    accompanied_by: str | None = None


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody of one party, the first one first. Somebody who came alone is a party of one."""

    party_id: str
    members: tuple[PartyMember, ...]


def party_row(message: StayDeclaration, *, commune_code: str) -> dict[str, Any]:
    """Return the row of a statement that names its party."""
    return {
        "commune_code": commune_code,
        "declaration_id": message.declaration_id,
        "premises_id": message.premises_id,
        "party_id": message.party,
        "accompanied_by": message.accompanied_by,
    }


def party_of(connection: Connection, place: Place, declaration_id: str) -> Party:
    """Return the party a declaration belongs to, or begins."""
    columns = tables.stay_parties.c
    here = (columns.commune_code == place.commune_code, columns.premises_id == place.premises_id)
    named = connection.scalar(select(columns.party_id).where(*here, columns.declaration_id == declaration_id))
    party_id = named or declaration_id
    query = select(columns.declaration_id, columns.accompanied_by).where(*here, columns.party_id == party_id)
    rows = connection.execute(query.order_by(columns.declaration_id).limit(MOST)).all()
    later = [PartyMember(declaration_id=row.declaration_id, accompanied_by=row.accompanied_by) for row in rows]
    return Party(party_id=party_id, members=(PartyMember(declaration_id=party_id), *later))
