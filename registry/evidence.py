"""What a case rests on, in the order it happened: sightings with the kiosk's signature checked anew, notices, outages, steps.

- A sighting's signature is checked against the very bytes that were sealed away, with the key that was in force when they came in, and the row
  against what was signed: whatever was changed since, by anybody, shows as ``failed``.
- Outages are the authority's signed windows; one whose signature does not hold is shown as such, never left out.
- What whoever was seen says is wrong about them, from when and until when it was settled: the field, never a value.
- Nothing personal is here: times, kiosks, evidence levels, codes. Sightings that have expired are counted only.

Example: ``case_evidence(connection, row, vault=vault).moments[0].kind == "seen"``
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, or_, select

from registry import tables
from registry.case_grounds import grounds_of
from registry.cases import events_of
from registry.declarations import message_json
from registry.disputing import disputes_of
from registry.kiosks import keyring_entries
from registry.persons import holders, number_indexes
from registry.vault import Cell, SubjectKey, Vault
from registry.visits import visits_of
from residence.clock import parse_instant
from residence.credentials.chip.claims import level_without_bytes
from residence.errors import LuutruError, Untrusted
from residence.people.person import Person
from residence.wire.envelope import verify_statement
from residence.wire.keyring import Keyring
from residence.wire.messages import Presence
from residence.wire.outages import read_outage, verify_outage
from residence.wire.signing import read_sign1

Signature = Literal["held", "failed", "none"]
MomentKind = Literal["seen", "notice", "answer", "outage", "dispute", "step", "visit"]
_BEFORE: Final = timedelta(days=2)  # an outage shortly before the first sighting may have cost the time to declare


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. ``facts`` by kind: ids, codes and words of tables, never a name."""

    at: datetime
    kind: MomentKind
    facts: dict[str, Any]


class CaseEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """All moments, oldest first, and how many sightings are deleted already."""

    moments: tuple[Moment, ...]
    expired: int


def case_evidence(connection: Connection, case: Row[Any], *, vault: Vault) -> CaseEvidence:
    """Return what the case of this row rests on, every signature checked."""
    keyring = Keyring(keyring_entries(connection))
    seen, people = _sightings(connection, case, vault=vault, keyring=keyring)
    moments = [*seen, *_notices(connection, case), *_outages(connection, case, keyring), *_steps(connection, case.case_id)]
    moments += [*_disputes(connection, people, vault), *_visits(connection, case.case_id)]
    moments.sort(
        key=lambda each: (each.at, each.facts.get("action") != "opened")
    )  # it is given to somebody in the round that opens it
    return CaseEvidence(moments=tuple(moments), expired=len(set(case.presence_ids)) - len(seen))


def seen_before(evidence: CaseEvidence, at: datetime) -> CaseEvidence:
    """Return what there was before a case was closed, without what officers wrote or how an earlier closing ended: for whoever sees it again blind."""
    moments = []
    for each in evidence.moments:
        if each.at >= at or (each.kind == "step" and each.facts["code"] is not None):
            continue
        facts = each.facts | {"reason": None, "ground": None} if each.kind == "step" else each.facts
        moments.append(Moment(at=each.at, kind=each.kind, facts=facts))
    return CaseEvidence(moments=tuple(moments), expired=evidence.expired)


def _sightings(connection: Connection, case: Row[Any], *, vault: Vault, keyring: Keyring) -> tuple[list[Moment], list[Person]]:
    """Return the sightings, and who was read at them."""
    columns = tables.presences.c
    wanted = columns.presence_id.in_(sorted(case.presence_ids))
    rows = connection.execute(select(tables.presences).where(columns.commune_code == case.commune_code, wanted)).all()
    keys = vault.load_keys(connection, [row.presence_id for row in rows])
    people: list[Person] = []
    return [_sighting(row, keys.get(row.presence_id), people, vault=vault, keyring=keyring) for row in rows], people


def _sighting(row: Row[Any], key: SubjectKey | None, people: list[Person], *, vault: Vault, keyring: Keyring) -> Moment:
    facts: dict[str, Any] = {
        "sighting": row.kind,
        "kiosk_id": row.kiosk_id,
        "unit": row.unit,
        "evidence_level": row.evidence_level,
        "signature": "none",
        "code": None,
        "time_state": None,
        "checks": {},
        "received_at": row.recorded_at,
    }
    if row.signed is None or key is None:
        return Moment(at=row.seen_at, kind="seen", facts=facts)
    try:
        body = vault.open(key, Cell("presences", "reading", row.presence_id), row.reading_sealed)
        header = verify_statement(row.signed, body, keyring=keyring, at=row.recorded_at)
        signed = msgspec.json.decode(message_json(body, from_kiosk=True), type=Presence)
        _compare(row, signed, header.kiosk_id)
        people.append(signed.person)
        facts |= {"signature": "held", "time_state": header.times.time_state, "checks": dict(signed.evidence.checks)}
    except LuutruError as error:
        facts |= {"signature": "failed", "code": error.code}
    return Moment(at=row.seen_at, kind="seen", facts=facts)


def _compare(row: Row[Any], signed: Presence, kiosk_id: str) -> None:
    """Raise ``Untrusted("case.evidence_altered")`` when a row says something else than was signed."""
    stored = (row.presence_id, row.premises_id, row.unit, row.kind, row.kiosk_id, row.evidence_level, row.seen_at)
    level, seen_at = int(level_without_bytes(signed.evidence)), parse_instant(signed.seen_at)
    if stored != (signed.declaration_id, signed.premises_id, signed.unit, signed.kind, kiosk_id, level, seen_at):
        raise Untrusted("case.evidence_altered")


def _notices(connection: Connection, case: Row[Any]) -> list[Moment]:
    columns = tables.notices.c
    about = (columns.commune_code == case.commune_code, columns.premises_id == case.premises_id, columns.who == case.who)
    found: list[Moment] = []
    for row in connection.execute(select(tables.notices).where(*about)):
        found.append(Moment(at=row.created_at, kind="notice", facts={"notice": row.kind, "addressee": row.addressee}))
        if row.answered_at is not None:
            found.append(Moment(at=row.answered_at, kind="answer", facts={"answer": row.answer}))
    return found


def _outages(connection: Connection, case: Row[Any], keyring: Keyring) -> list[Moment]:
    columns = tables.outages.c
    here = or_(columns.premises_id.is_(None), columns.premises_id == case.premises_id)
    then = (columns.ended_at >= case.first_seen - _BEFORE, columns.began_at <= case.last_seen)
    rows: Sequence[Row[Any]] = connection.execute(select(tables.outages).where(here, *then)).all()
    return [each for row in rows if (each := _outage(row, case.premises_id, keyring)) is not None]


def _outage(row: Row[Any], premises_id: str, keyring: Keyring) -> Moment | None:
    try:
        window, signature, code = verify_outage(row.signed, keyring=keyring), "held", None
    except LuutruError as error:
        window, signature, code = read_outage(read_sign1(row.signed).payload), "failed", error.code
    if not window.concerns(premises_id):
        return None
    return Moment(
        at=row.began_at, kind="outage", facts={"cause": row.cause, "until": row.ended_at, "signature": signature, "code": code}
    )


def _disputes(connection: Connection, people: Sequence[Person], vault: Vault) -> list[Moment]:
    """Return what was said to be wrong of whoever holds a number that was read."""
    indexes = {index for person in people for index in number_indexes(person, vault)}
    held = set().union(*holders(connection, indexes).values())
    found: list[Moment] = []
    for row in (row for person_id in sorted(held) for row in disputes_of(connection, person_id)):
        found.append(Moment(at=row.raised_at, kind="dispute", facts={"field": row.field, "outcome": None}))
        if row.settled_at is not None:
            found.append(Moment(at=row.settled_at, kind="dispute", facts={"field": row.field, "outcome": row.outcome}))
    return found


def _steps(connection: Connection, case_id: str) -> list[Moment]:
    grounds = grounds_of(connection, case_id)
    return [
        Moment(
            at=row.at,
            kind="step",
            facts={"action": row.action, "code": row.code, "reason": row.reason, "ground": grounds.get(row.event_id)},
        )
        for row in events_of(connection, case_id)
    ]


def _visits(connection: Connection, case_id: str) -> list[Moment]:
    """Return what officers found when they went there; a visit's signature is its phone's."""
    return [
        Moment(
            at=row.kept_at,
            kind="visit",
            facts={"outcome": row.outcome, "people": row.people, "signature": signature, "received_at": row.received_at},
        )
        for row, signature in visits_of(connection, case_id)
    ]
