"""The history of corrections: each a row of its own with before and after, by whom and why, signed where whoever made it holds the authority's key.

- Whoever changes a place (``premises_changes.py``) or where somebody is registered (``permanent_residence.py``) writes it here, in the same transaction.
- The web process signs everything it writes. A command signs when it is given the folder of keys; what was not signed says so.
- A correction is taken back by another one, the latest that stands first: ``Conflict("correction.changed_meanwhile")`` for any other.
- Corrections of a person who was merged are found with whoever stands.

Example: ``corrections_of(connection, "blk-hoa-binh")[0].event`` is that of the latest
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, insert, select

from registry import tables
from registry.asking import among
from registry.changing import LONGEST_REASON
from registry.numbering import Means, Officer
from residence.clock import rfc3339
from residence.errors import Conflict, LuutruError, Problem, Refused
from residence.wire.correction import CorrectedThing, Correction, CorrectionEvent, sign_correction, verify_correction
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey

Signature = Literal["holds", "none", "broken", "unchecked"]
MOST: Final = 200
_COLUMNS: Final = tables.corrections.c


class Hand(msgspec.Struct, frozen=True, kw_only=True):
    """Who corrects, with what; ``signer`` is None where no key of the authority is at hand."""

    officer: Officer
    means: Means
    signer: SigningKey | None


class Corrected(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. With an error among the problems nothing was written; without a ``correction_id`` nothing was to change."""

    correction_id: str | None = None
    row_id: str | None = None
    problems: tuple[Problem, ...] = ()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is written down of one correction. ``sealed``: the values of before as they stood in ``premises``, by column."""

    what: CorrectedThing
    commune_code: str
    subject_id: str
    row_id: str
    event: CorrectionEvent
    before: dict[str, Any]
    after: dict[str, Any]
    sealed: Mapping[str, bytes | None] = {}
    digests: tuple[Mapping[str, str | None], Mapping[str, str | None]] = ({}, {})  # of sealed values, before and after
    answers: str | None = None


class KeptCorrection(msgspec.Struct, frozen=True, kw_only=True):
    """One correction as it is told. ``sealed``: names of sealed fields that changed."""

    correction_id: str
    event: str
    row_id: str
    before: dict[str, Any]
    after: dict[str, Any]
    account_id: str
    reason: str
    recorded_at: datetime
    signature: Signature
    sealed: tuple[str, ...] = ()
    answers: str | None = None


def check_reason(hand: Hand) -> None:
    """Refuse a correction nobody says why of."""
    if not 0 < len(hand.officer.reason.strip()) <= LONGEST_REASON:
        raise Refused("correction.reason", "/reason")


def keep_correction(connection: Connection, change: Change, hand: Hand) -> str:
    """Write a correction down, signed if the hand can; returns its id."""
    said = Correction(
        correction_id=hand.means.new_id(),
        what=change.what,
        subject_id=change.subject_id,
        row_id=change.row_id,
        event=change.event,
        before=change.before | dict(change.digests[0]),
        after=change.after | dict(change.digests[1]),
        corrected_by=hand.officer.account_id,
        corrected_at=rfc3339(hand.means.now.astimezone(UTC)),
        reason=hand.officer.reason.strip(),
        answers=change.answers,
    )
    row = {
        "commune_code": change.commune_code,
        "correction_id": said.correction_id,
        "what": change.what,
        "subject_id": change.subject_id,
        "row_id": change.row_id,
        "event": change.event,
        "before": said.before,
        "after": said.after,
        "name_sealed": change.sealed.get("name_sealed"),
        "address_text_sealed": change.sealed.get("address_text_sealed"),
        "answers": change.answers,
        "account_id": said.corrected_by,
        "reason": said.reason,
        "signed": sign_correction(said, hand.signer) if hand.signer is not None else None,
        "recorded_at": hand.means.now,
    }
    connection.execute(insert(tables.corrections), [row])
    return said.correction_id


def correction_rows(connection: Connection, subject_id: str, *, since: datetime | None = None) -> list[Row[Any]]:
    """Return the corrections of a premises, or of a person and whoever was merged into them, the latest first."""
    persons = tables.persons.c
    ids = [subject_id, *connection.scalars(select(persons.person_id).where(persons.merged_into == subject_id))]
    query = select(tables.corrections).where(among(_COLUMNS.subject_id, ids, connection))
    if since is not None:
        query = query.where(_COLUMNS.recorded_at > since)
    return list(connection.execute(query.order_by(_COLUMNS.recorded_at.desc(), _COLUMNS.correction_id.desc()).limit(MOST)).all())


def corrections_of(connection: Connection, subject_id: str, *, keyring: Keyring | None = None) -> list[KeptCorrection]:
    """Return them as they are told; with a keyring each signature is checked, against the row as well."""
    return [_told(row, keyring) for row in correction_rows(connection, subject_id)]


def correction_to_take_back(connection: Connection, correction_id: str, what: CorrectedThing) -> Row[Any]:
    """Return a correction by id; ``Refused("correction.unknown")`` for none, and for one that itself takes something back."""
    row = connection.execute(select(tables.corrections).where(_COLUMNS.correction_id == correction_id).limit(1)).first()
    if row is None or row.what != what or row.event == "taken_back":
        raise Refused("correction.unknown", "/correction_id")
    return row


def require_latest(connection: Connection, taken: Row[Any], *, subject_id: str) -> None:
    """Refuse to take back what was corrected since, or was taken back already: ``Conflict("correction.changed_meanwhile")``."""
    history = [each for each in correction_rows(connection, subject_id) if each.row_id == taken.row_id]
    answered = {each.answers for each in history}
    standing = (each for each in history if each.event != "taken_back" and each.correction_id not in answered)
    latest = next(standing, None)
    if latest is None or latest.correction_id != taken.correction_id:
        raise Conflict("correction.changed_meanwhile", "/correction_id")


def _told(row: Row[Any], keyring: Keyring | None) -> KeptCorrection:
    return KeptCorrection(
        correction_id=row.correction_id,
        event=row.event,
        row_id=row.row_id,
        before=row.before,
        after=row.after,
        account_id=row.account_id,
        reason=row.reason,
        recorded_at=row.recorded_at,
        signature=_signature(row, keyring),
        sealed=tuple(name for name in ("name", "address_text") if row.before.get(name) != row.after.get(name)),
        answers=row.answers,
    )


def _signature(row: Row[Any], keyring: Keyring | None) -> Signature:
    if row.signed is None:
        return "none"
    if keyring is None:
        return "unchecked"
    try:
        said = verify_correction(row.signed, keyring=keyring)
    except LuutruError:
        return "broken"
    stands = Correction(
        correction_id=row.correction_id,
        what=row.what,
        subject_id=row.subject_id,
        row_id=row.row_id,
        event=row.event,
        before=row.before,
        after=row.after,
        corrected_by=row.account_id,
        corrected_at=rfc3339(row.recorded_at),
        reason=row.reason,
        answers=row.answers,
    )
    return "holds" if said == stands else "broken"
