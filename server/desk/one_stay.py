"""What the desk needs of one stay: whose premises, what stands declared, its receipts; and the statement that ends it.

- What stands declared is the arrival as corrected (``residence/stays/chains.py``); what is said next is about the arrival, so that a correction
  after an extension changes the stay and not the extension, and leaves the arrival's own end as it was.
- Undoing takes back the newest statement that stands, whatever it was; pressed again, the one before. When nothing is left, it brings back.
- Opening a declaration here serves the next declaration and is never shown as it is: what a clerk sees is released for a purpose.

Example: ``opened = open_stay(server, connection, account, action="correct", stay_id=stay_id)``
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection

from registry import tables
from registry.declarations import KeptDeclaration, matching_declarations, open_declaration, turns_among
from registry.door_passes import has_pass
from registry.receipts import StoredReceipt, receipts_by_id
from registry.stays import StayOnList, stay, stays_of_person
from residence.clock import rfc3339
from residence.credentials.chip.claims import said_again
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.errors import Refused
from residence.stays.chains import chain_up
from residence.stays.declaration import Declarant, DeclarationKind, StayDeclaration
from residence.stays.findings import derived_id
from residence.stays.turns import Turns
from server.desk.own_premises import Workplace, workplace
from server.policy import Account
from server.wiring import Server

_UUID7: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
UNDO: Final = "undo"  # the note of a withdrawal that undoes


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


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What stands of a stay after all that was said of it. ``content``: the arrival as corrected, under its own id."""

    content: StayDeclaration
    extended_to: str | None  # an extension says when the guest leaves, and a correction no longer does
    last: StayDeclaration  # what undoing takes back
    others: tuple[StayDeclaration, ...] = ()  # the other arrivals the stay rests on, as corrected
    last_beside: tuple[StayDeclaration, ...] = ()  # what was said besides ``last`` (server/desk/beside.py)


def said_of(server: Server, connection: Connection, found: StayOnList) -> Said:
    """Return what stands of a stay, or raise ``Refused("server.not_found")`` when it was erased."""
    kept = _opened(server, connection, found.declaration_ids)
    declarations, turns = [each.declaration for each in kept], turns_among(kept)
    chains = chain_up(declarations, turns).chains
    if not chains:
        raise Refused("server.not_found")
    chain = max(chains, key=lambda each: each.root.declaration_id)
    ends = [each.planned_departure for each in chain.steps if each.kind == "extension" and each.planned_departure]
    last = _last_standing(declarations, turns)
    same = [each for each in stays_of_person(connection, found.person_id) if each.premises_id == found.premises_id]
    ids = {each for stay in same for each in stay.declaration_ids} | set(found.declaration_ids)
    sisters = {beside_id(last.declaration_id, each) for each in ids} & ids
    return Said(
        content=chain.content,
        extended_to=ends[-1] if ends else None,
        last=last,
        others=tuple(each.content for each in chains if each is not chain and not each.withdrawn),
        last_beside=tuple(each.declaration for each in _opened(server, connection, sisters)),
    )


def _opened(server: Server, connection: Connection, declaration_ids: Collection[str]) -> list[KeptDeclaration]:
    """Return the declarations that can still be opened."""
    if not declaration_ids:
        return []
    rows = matching_declarations(connection, tables.declarations.c.declaration_id.in_(declaration_ids))
    keys = server.registry.vault.load_keys(connection, {row.subject_id for row in rows})
    opened = [open_declaration(row, keys=keys, vault=server.registry.vault) for row in rows]
    return [each for each in opened if each is not None]


def beside_id(step_id: str, about: str) -> str:
    """Return the id of what is said besides a step: a millisecond before it, so that the step stays the newest."""
    if _UUID7.fullmatch(step_id) is None:  # refused by the check in a moment
        return step_id
    before = f"{int(step_id[:8] + step_id[9:13], 16) - 1:012x}"
    return derived_id(f"beside:{about}", f"{before[:8]}-{before[8:]}{step_id[13:]}")


def _last_standing(declarations: list[StayDeclaration], turns: Turns) -> StayDeclaration:
    """Return the newest statement nobody took back and that is no undoing itself; the newest of all when there is none."""
    newest_first = sorted(declarations, key=lambda each: turns[each.declaration_id], reverse=True)
    taken_back: set[str | None] = set()
    for each in newest_first:
        if each.kind == "withdrawal" and each.declaration_id not in taken_back:
            taken_back.add(each.about)
    left = [each for each in newest_first if each.declaration_id not in taken_back]
    return next((each for each in left if not (each.kind == "withdrawal" and each.note == UNDO)), newest_first[0])


def standing_declaration(server: Server, connection: Connection, found: StayOnList) -> StayDeclaration:
    """Return what a correction or departure is about, or raise ``Refused("server.not_found")`` when it was erased."""
    return said_of(server, connection, found).content


def follow_up(
    said: StayDeclaration, account: Account, *, kind: DeclarationKind, declaration_id: str, now: datetime, **changes: str | None
) -> StayDeclaration:
    """Return a statement about a stay that stands, by the house, with what it says anew."""
    return msgspec.structs.replace(
        said,
        evidence=said_again(said.evidence),
        declaration_id=declaration_id,
        declared_at=rfc3339(now),
        kind=kind,
        about=said.declaration_id,
        declarant=Declarant(role="host", name=account.name, account=account.account_id),
        **changes,
    )


def departure_of(
    before: StayDeclaration, account: Account, *, declaration_id: str, now: datetime, left_at: str | None
) -> StayDeclaration:
    """Return the statement that the guest has left. ``left_at``: RFC 3339; None means now."""
    left = left_at or rfc3339(now)
    said = follow_up(before, account, kind="departure", declaration_id=declaration_id, now=now, planned_departure=left)
    evidence = Evidence(level=EvidenceLevel.STATED, source="typed", reader="desk:typed")
    return msgspec.structs.replace(said, evidence=evidence)
