"""What the desk needs of one stay: whose premises, what stands declared, its receipts; and the statement that ends it.

- What stands declared is the youngest arrival, correction or extension; a correction or departure is about that one.
- Opening a declaration here serves the next declaration and is never shown as it is: what a clerk sees is released for a purpose.

Example: ``opened = open_stay(server, connection, account, action="correct", stay_id=stay_id)``
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from registry import tables
from registry.declarations import matching_declarations, open_declaration
from registry.door_passes import has_pass
from registry.receipts import StoredReceipt, receipts_by_id
from registry.stays import StayOnList, stay
from residence.clock import rfc3339
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.errors import Refused
from residence.stays.declaration import Declarant, StayDeclaration
from server.desk.own_premises import Workplace, workplace
from server.policy import Account
from server.wiring import Server


class OpenedStay(msgspec.Struct, frozen=True, kw_only=True):
    """One stay of one's own premises."""

    stay: StayOnList
    place: Workplace
    receipts: tuple[StoredReceipt, ...]
    has_pass: bool = False  # for the doors of the house


def open_stay(server: Server, connection: Connection, account: Account, *, action: str, stay_id: str) -> OpenedStay:
    """Return a stay after asking the policy, or raise ``Refused("server.not_allowed")`` for one that is not there or not theirs."""
    found = stay(connection, stay_id)
    if found is None:
        raise Refused("server.not_allowed")
    place = workplace(server, connection, account, action=action, premises_id=found.premises_id)
    receipts = receipts_by_id(connection, found.declaration_ids)
    in_order = tuple(sorted(receipts.values(), key=lambda each: each.declaration_id))
    return OpenedStay(stay=found, place=place, receipts=in_order, has_pass=has_pass(connection, stay_id))


def standing_declaration(server: Server, connection: Connection, found: StayOnList) -> StayDeclaration:
    """Return the declaration a correction or departure is about, or raise ``Refused("server.not_found")`` when it was erased."""
    rows = matching_declarations(connection, tables.declarations.c.declaration_id.in_(found.declaration_ids))
    keys = server.registry.vault.load_keys(connection, {row.subject_id for row in rows})
    opened = [open_declaration(row, keys=keys, vault=server.registry.vault) for row in rows]
    said = [each.declaration for each in opened if each is not None and each.declaration.kind != "departure"]
    if not said:
        raise Refused("server.not_found")
    return max(said, key=lambda each: each.declaration_id)


def departure_of(
    before: StayDeclaration, account: Account, *, declaration_id: str, now: datetime, left_at: str | None
) -> StayDeclaration:
    """Return the statement that the guest has left. ``left_at``: RFC 3339; None means now."""
    return msgspec.structs.replace(
        before,
        declaration_id=declaration_id,
        declared_at=rfc3339(now),
        kind="departure",
        about=before.declaration_id,
        planned_departure=left_at or rfc3339(now),
        evidence=Evidence(level=EvidenceLevel.STATED, source="typed", reader="desk:typed"),
        declarant=Declarant(role="host", name=account.name, account=account.account_id),
    )
