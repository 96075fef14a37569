"""What a person's proof of a stay says, made from rows that do not change; and how the statement stands now.

- A proof is of one statement: its receipt's state and times, the rule it was judged by, and, for whoever may know it, where and when.
- The state now: ``superseded`` by a correction that stands, ``withdrawn``, or still what the receipt said. Only follow-ups that belong to the
  stay count (``residence/stays/chains.py`` has judged them): a stranger's withdrawal changes nothing here either.
- ``disputed`` while the person says that the stay, as it stands, is wrong (``registry/stay_disputes.py``).
- Nothing is kept of a proof: it is made again when it is asked for, and signed then.

Example: ``standing_now(connection, stored).state == "withdrawn"``
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, select

from registry import tables
from registry.asking import among
from registry.declarations import declaration_row
from registry.receipts import StoredReceipt
from registry.retention_policy import read_policy
from registry.stays import REMOVED
from residence.clock import rfc3339
from residence.errors import Refused
from residence.stays.rules import RuleBook
from residence.stays.turns import sealed_turn
from residence.wire.messages import ReceiptState
from residence.wire.receipts import receipt_code
from residence.wire.stay_proofs import StayProof

_FOREIGN: Final = frozenset({"foreigner", "foreigner_remote"})


class StandingNow(msgspec.Struct, frozen=True, kw_only=True):
    """How a statement stands: its receipt's state, or what became of it since, by which receipt and when."""

    state: ReceiptState | Literal["superseded", "withdrawn", "disputed"]
    by: str | None = None  # the code of the receipt that changed it
    at: datetime | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What of place and time whoever asked may know."""

    place: str | None = None
    unit: str | None = None
    arrival: str | None = None
    departure: str | None = None
    with_premises: bool = False


def proof_of(
    connection: Connection, stored: StoredReceipt, *, shown: Shown, rules: RuleBook, issuer: str, now: datetime
) -> StayProof:
    """Return what a proof of this statement says, or raise ``Refused("server.no_receipts")`` when it is no statement about a stay."""
    row = declaration_row(connection, stored.declaration_id)
    if row is None:
        raise Refused("server.no_receipts")
    receipt = stored.receipt
    return StayProof(
        declaration_id=stored.declaration_id,
        issuer=issuer,
        signed_at=rfc3339(now),
        state=stored.state,
        kept_at=receipt.kept_at,
        received_at=rfc3339(row.received_at),
        accepted_at=receipt.accepted_at,
        due=receipt.due,
        on_time=receipt.on_time,
        rule_set=receipt.rule_set,
        rule=receipt.rule,
        article=article_of(rules, receipt.rule_set, receipt.rule),
        premises_id=row.premises_id if shown.with_premises else None,
        place=shown.place,
        unit=shown.unit,
        arrival=shown.arrival,
        departure=shown.departure,
        declared_by=row.declarant_role,
        evidence_level=row.evidence_level,
        kept_until=_kept_until(row),
        log=receipt.log,
    )


def article_of(rules: RuleBook, rule_set: str | None, rule: str | None) -> str | None:
    """Return the article a deadline comes from; None when this rule book does not know the set."""
    found = next((each for each in rules.sets if each.id == rule_set), None)
    if found is None:
        return None
    return found.foreigner_article if rule in _FOREIGN else found.article


def _kept_until(row: Row[Any]) -> str | None:
    """Return until when the policy keeps the stay; None while it sets no period."""
    kept = next(each for each in read_policy().classes if each.tables[0] == "stays")
    return rfc3339(row.recorded_at + kept.period) if kept.keep_days else None


def standing_now(connection: Connection, stored: StoredReceipt) -> StandingNow:
    """Return how the statement of a receipt stands."""
    row = declaration_row(connection, stored.declaration_id)
    members, objected_at = _members(connection, row) if row is not None else ({}, None)
    taken_back: dict[str, Row[Any]] = {}
    for each in members.values():  # newest first: what is said later decides about what it names
        if each.kind == "withdrawal" and each.declaration_id not in taken_back:
            taken_back.setdefault(each.about, each)
    said = members.get(stored.declaration_id)
    above = said
    while above is not None:
        if above.declaration_id in taken_back:
            return _changed("withdrawn", taken_back[above.declaration_id])
        above = members.get(above.about)
    meant = _corrected(said, members) if said is not None else None
    for each in members.values():
        if each.kind == "correction" and each.declaration_id not in taken_back and _corrected(each, members) == meant:
            return _as_said(stored, objected_at) if each is said else _changed("superseded", each)
    return _as_said(stored, objected_at)


def _as_said(stored: StoredReceipt, objected_at: datetime | None) -> StandingNow:
    return StandingNow(state="disputed", at=objected_at) if objected_at else StandingNow(state=stored.state)


def _changed(state: Literal["superseded", "withdrawn"], by: Row[Any]) -> StandingNow:
    return StandingNow(state=state, by=receipt_code(by.declaration_id), at=by.recorded_at)


def _corrected(said: Row[Any], members: Mapping[str, Row[Any]]) -> str:
    """Return the statement a correction is of in the end, or the statement itself."""
    while said.kind == "correction" and said.about in members:
        said = members[said.about]
    return str(said.declaration_id)


def _members(connection: Connection, row: Row[Any]) -> tuple[dict[str, Row[Any]], datetime | None]:
    """Return the statements that make the stay this one belongs to, newest first, and since when the person says it is wrong."""
    stays, columns = tables.stays.c, tables.declarations.c
    of_person = select(stays.declaration_ids, stays.objected_at).where(stays.person_id == row.person_id, stays.status != REMOVED)
    found = next(((ids, since) for ids, since in connection.execute(of_person) if row.declaration_id in ids), None)
    if found is None:
        return {}, None
    own_ids, objected_at = found
    query = select(*(columns[name] for name in ("declaration_id", "kind", "about", "received_at", "recorded_at")))
    query = query.where(among(columns.declaration_id, sorted(own_ids), connection))
    rows = sorted(connection.execute(query), key=lambda each: sealed_turn(each.declaration_id, each.received_at), reverse=True)
    return {each.declaration_id: each for each in rows}, objected_at
