"""Fields under dispute: somebody says a value is wrong, and until that is settled whoever gets the value is told.

- A dispute is about one field of one person; the value goes on standing, and is never hidden for it.
- It is settled as upheld (the value was right), corrected or withdrawn, by whom and why; a settled one keeps its row.
- A finding that stands about the person (two persons with one number) puts the field it points at under dispute as well.
- Authorities that were told of the person's stays are looked at again: what they know carries the flag, or a person is told that it does not.
- A masked number is under dispute with the number.
- One dispute of a field stands at a time; whoever else doubts it finds that it is said already.
- That a whole stay is wrong is a dispute as well, with a table of consumers of its own (``registry/stay_disputes.py``).
- By when one is answered is the law's time for a correction (``residence/access/rights.py``). What settles it is signed, where the key is at hand.

Example: ``disputed_fields(connection, ["person-1"])`` is ``{"person-1": frozenset({Field.BIRTH_DATE})}``
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from registry import tables
from registry.asking import among
from registry.authority_records import wake_stays_of
from registry.changing import is_keepable
from registry.locking import locked_row
from residence.access.purposes import PERSONAL, Field
from residence.access.rights import Clocks, clocks, legal_basis, load_rights
from residence.clock import rfc3339, uuid7
from residence.errors import Conflict, Refused
from residence.wire.answers import Answer, sign_answer
from residence.wire.signing import SigningKey

Outcome = Literal["upheld", "corrected", "withdrawn"]
_POINTED: Final[Mapping[str, Field]] = {
    "/person/full_name": Field.FULL_NAME,
    "/person/birth": Field.BIRTH_DATE,
    "/person/sex": Field.SEX,
    "/person/personal_number": Field.PERSONAL_NUMBER,
    "/person/old_number": Field.OLD_NUMBER,
    "/person/document/number": Field.DOCUMENT,
}


def raise_dispute(
    connection: Connection,
    person_id: str,
    field: Field,
    *,
    by: str,
    reason: str,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> str:
    """Put a field under dispute; returns the dispute's id. ``Refused`` for no such person, no personal field or no reason."""
    commune = connection.scalar(select(tables.persons.c.commune_code).where(tables.persons.c.person_id == person_id))
    if commune is None:
        raise Refused("registry.person_unknown", "/person_id")
    if field not in PERSONAL:
        raise Refused("dispute.field", "/field")
    _check_reason(reason)
    columns, named = tables.disputes.c, _whole(field).value
    same = (columns.person_id == person_id, columns.field == named, columns.settled_at.is_(None))
    if connection.scalar(select(columns.dispute_id).where(*same).limit(1)) is not None:
        raise Conflict("dispute.standing", "/field")
    dispute_id = str(uuid7(now, random_bytes(10)))
    row = {
        "commune_code": commune,
        "dispute_id": dispute_id,
        "person_id": person_id,
        "field": named,
        "reason": reason.strip(),
        "raised_by": by,
        "raised_at": now,
    }
    connection.execute(insert(tables.disputes), [row])
    wake_stays_of(connection, person_id, now=now)
    return dispute_id


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What settles a dispute, by whom and why. ``signer``: the authority's key; None leaves the answer unsigned."""

    outcome: Outcome
    by: str
    reason: str
    signer: SigningKey | None = None


def settle_dispute(connection: Connection, dispute_id: str, settlement: Settlement, *, now: datetime) -> None:
    """Settle a dispute; ``Conflict("dispute.settled")`` when it is not there or somebody was faster."""
    _check_reason(settlement.reason)
    columns, row = tables.disputes.c, dispute(connection, dispute_id)
    values = {
        "outcome": settlement.outcome,
        "settled_by": settlement.by,
        "settled_reason": settlement.reason.strip(),
        "settled_at": now,
        "answer": _signed(row, settlement, now) if row is not None else None,
    }
    standing = (columns.dispute_id == dispute_id) & columns.settled_at.is_(None)
    if row is None or connection.execute(update(tables.disputes).where(standing).values(**values)).rowcount != 1:
        raise Conflict("dispute.settled", "/dispute_id")
    if row.stay_id is not None:
        mark_stay(connection, row.stay_id)
    wake_stays_of(connection, row.person_id, now=now)


def clocks_of(row: Row[Any]) -> Clocks:
    """Return by when a dispute has to be answered, and what is wrong put right."""
    return clocks("correction", asked_at=row.raised_at, rules=load_rights())


def mark_stay(connection: Connection, stay_id: str) -> None:
    """Write since when the oldest dispute about a stay stands into its row, where every list finds it.

    The row is locked before the disputes are read: of two who settle and raise at once, the second sees what the first did.
    """
    row = locked_row(connection, tables.stays, stay_id)
    if row is None:
        return
    columns, stays = tables.disputes.c, tables.stays.c
    oldest = select(func.min(columns.raised_at)).where(columns.stay_id == stay_id, columns.settled_at.is_(None))
    since = connection.scalar(oldest)
    same = (stays.commune_code == row.commune_code) & (stays.stay_id == stay_id)
    connection.execute(update(tables.stays).where(same).values(objected_at=since))


def _signed(row: Row[Any], settlement: Settlement, now: datetime) -> bytes | None:
    if settlement.signer is None:
        return None
    answer = Answer(
        answer_id=row.dispute_id,
        answers="dispute",
        subject=row.field,
        asked_at=rfc3339(row.raised_at),
        due=rfc3339(clocks_of(row).act_by),
        outcome=settlement.outcome,
        reason=settlement.reason.strip(),
        answered_at=rfc3339(now),
        legal_basis=legal_basis(row.raised_at, load_rights()),
    )
    return sign_answer(answer, settlement.signer)


def waiting_disputes(connection: Connection, commune_code: str, *, limit: int = 200) -> list[Row[Any]]:
    """Return a commune's disputes nobody has settled, oldest first."""
    columns = tables.disputes.c
    query = select(tables.disputes).where(columns.commune_code == commune_code, columns.settled_at.is_(None))
    return list(connection.execute(query.order_by(columns.raised_at, columns.dispute_id).limit(limit)).all())


def dispute(connection: Connection, dispute_id: str) -> Row[Any] | None:
    """Return one dispute."""
    return connection.execute(select(tables.disputes).where(tables.disputes.c.dispute_id == dispute_id).limit(1)).first()


def disputes_of(connection: Connection, person_id: str) -> list[Row[Any]]:
    """Return the disputes about a person, settled ones too, oldest first."""
    columns = tables.disputes.c
    query = select(tables.disputes).where(columns.person_id == person_id).order_by(columns.raised_at, columns.dispute_id)
    return list(connection.execute(query).all())


def disputed_fields(connection: Connection, person_ids: Iterable[str]) -> dict[str, frozenset[Field]]:
    """Return the fields under dispute of each person that has any."""
    wanted = sorted(set(person_ids))
    if not wanted:
        return {}
    disputes, links, findings = tables.disputes.c, tables.finding_links.c, tables.findings.c
    found: defaultdict[str, set[Field]] = defaultdict(set)
    raised = select(disputes.person_id, disputes.field).where(
        among(disputes.person_id, wanted, connection), disputes.settled_at.is_(None), disputes.stay_id.is_(None)
    )
    for person_id, field in connection.execute(raised):
        found[person_id].add(Field(field))
    pointing = (
        select(links.about_id, findings.pointer)
        .join(
            tables.findings,
            (findings.finding_id == links.finding_id) & (findings.commune_code == links.commune_code),
        )
        .where(among(links.about_id, wanted, connection), findings.cleared_at.is_(None), findings.severity != "info")
    )
    for person_id, pointer in connection.execute(pointing):
        if pointer in _POINTED:
            found[person_id].add(_POINTED[pointer])
    return {person_id: frozenset(fields | _masked(fields)) for person_id, fields in found.items()}


def _whole(field: Field) -> Field:
    return Field.PERSONAL_NUMBER if field is Field.PERSONAL_NUMBER_MASKED else field


def _masked(fields: set[Field]) -> set[Field]:
    return {Field.PERSONAL_NUMBER_MASKED} if Field.PERSONAL_NUMBER in fields else set()


def _check_reason(reason: str) -> None:
    if not reason.strip() or not is_keepable(reason):
        raise Refused("dispute.reason", "/reason")
