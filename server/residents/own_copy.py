"""Everything that is held of a person and may be told to them, as one value: for their page and for a program.

- The fields a look at oneself releases (numbers masked, as on ``/me``), homes, stays with how they stand, receipts by code, who looked, what was
  disputed and asked for with the answers, addresses for messages, consents, the lock.
- Nobody else: of a house its id and name, of a look the unit, never an account; what a look was bound to is left out (ADR 97).
- It is a look by way of a file, on the record.

Example: ``own_copy(server, account).stays[0].receipts`` are the codes
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from registry.contact_points import addresses_of
from registry.disclosures import MOST, Disclosure, Span, disclosures_of
from registry.disputing import disputes_of
from registry.households import known_residences
from registry.own_words import lock_of, words_of
from registry.premises import load_premises
from registry.recall_consents import houses_of
from registry.release import Look, release_persons
from registry.rights_requests import requests_of
from registry.stays import StayOnList, stays_of_person
from residence.access.purposes import Purpose
from residence.clock import rfc3339
from residence.wire.receipts import receipt_code
from server.policy import Account
from server.residents.own_stays import own_person
from server.wiring import Server

FORMAT: Final = "luutru-copy/1"


class CopiedStay(msgspec.Struct, frozen=True, kw_only=True):
    """One stay. ``own_word``: own, confirmed, asked or asked_locked."""

    premises_id: str
    premises: str
    unit: str | None
    status: str
    arrival: str
    departure: str | None
    own_word: str | None
    disputed_since: str | None
    receipts: tuple[str, ...]


class CopiedLook(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the person."""

    at: str
    unit: str
    role: str
    purpose: str
    way: str
    fields: tuple[str, ...]


class CopiedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was disputed or asked for, and what came of it."""

    kind: str
    about: str
    said: str
    at: str
    outcome: str | None
    reason: str | None
    answered_at: str | None


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """The copy. Times RFC 3339, UTC."""

    format: str
    made_at: str
    fields: dict[str, str]
    disputed_fields: tuple[str, ...]
    homes: tuple[dict[str, str | None], ...]
    stays: tuple[CopiedStay, ...]
    looks: tuple[CopiedLook, ...]
    sealed_looks: int
    answers: tuple[CopiedAnswer, ...]
    addresses: tuple[str, ...]
    recalled_by: tuple[str, ...]
    locked_since: str | None


def own_copy(server: Server, account: Account) -> Copy:
    """Make the copy of whoever is signed in."""
    vault, now = server.registry.vault, server.clock.now()
    with server.registry.writing() as connection:  # a look at oneself is on the record, too
        person_id = own_person(server, connection, account)
        looks = disclosures_of(connection, person_id, span=Span(limit=MOST), now=now, vault=vault)
        released = release_persons(
            connection, [person_id], look=_look(account), vault=vault, now=now, random_bytes=server.random_bytes
        )[person_id]
        lock = lock_of(connection, person_id)
        homes = known_residences(connection, [person_id])
        places = load_premises(connection, {each.premises_id for each in homes}, vault=vault)
        return Copy(
            format=FORMAT,
            made_at=rfc3339(now),
            fields={field.value: value for field, value in released.fields.items()},
            disputed_fields=tuple(sorted(field.value for field in released.disputed)),
            homes=tuple(
                {
                    "premises_id": each.premises_id,
                    "premises": places[each.premises_id].name if each.premises_id in places else None,
                    "unit": each.unit,
                    "kind": each.kind,
                    "from": each.valid_from,
                    "to": each.valid_to,
                }
                for each in homes
            ),
            stays=_stays(server, connection, person_id),
            looks=tuple(_looked(each) for each in looks.items),
            sealed_looks=looks.sealed,
            answers=tuple(_answers(connection, person_id)),
            addresses=tuple(each.address for each in addresses_of(connection, person_id, vault=vault)),
            recalled_by=tuple(each.premises_id for each in houses_of(connection, person_id, now=now)),
            locked_since=rfc3339(lock.set_at) if lock else None,
        )


def _look(account: Account) -> Look:
    return Look(
        account_id=account.account_id,
        role="resident",
        purpose=Purpose.OWN_STAYS,
        commune_code=account.commune_code,
        about=account.account_id,
        way="export",
    )


def _stays(server: Server, connection: Connection, person_id: str) -> tuple[CopiedStay, ...]:
    stays, now = stays_of_person(connection, person_id), server.clock.now()
    words = words_of(connection, stays)
    places = load_premises(connection, {each.premises_id for each in stays}, vault=server.registry.vault)
    names = {premises_id: place.name for premises_id, place in places.items()}
    return tuple(
        CopiedStay(
            premises_id=each.premises_id,
            premises=names.get(each.premises_id, each.premises_id),
            unit=each.unit,
            status=each.shown(now),
            arrival=rfc3339(each.start_at),
            departure=_departure(each),
            own_word=words.get(each.stay_id),
            disputed_since=rfc3339(each.objected_at) if each.objected_at else None,
            receipts=tuple(receipt_code(own_id) for own_id in each.declaration_ids),
        )
        for each in stays
    )


def _departure(stay: StayOnList) -> str | None:
    leaves = stay.ended_at or stay.planned_end
    return rfc3339(leaves) if leaves else None


def _looked(look: Disclosure) -> CopiedLook:
    return CopiedLook(
        at=rfc3339(look.at), unit=look.unit.name, role=look.role, purpose=look.purpose, way=look.way, fields=look.fields
    )


def _answers(connection: Connection, person_id: str) -> Iterable[CopiedAnswer]:
    for row in disputes_of(connection, person_id):
        yield _answer(
            row, kind="dispute", about=row.field, said=row.reason, asked=(row.raised_at, row.settled_reason, row.settled_at)
        )
    for row in requests_of(connection, person_id):
        yield _answer(row, kind="request", about=row.right, said=row.said, asked=(row.asked_at, row.reason, row.answered_at))


def _answer(row: Any, *, kind: str, about: str, said: str | None, asked: tuple[Any, str | None, Any]) -> CopiedAnswer:
    at, reason, answered_at = asked
    return CopiedAnswer(
        kind=kind,
        about=about,
        said=said or "",
        at=rfc3339(at),
        outcome=row.outcome,
        reason=reason,
        answered_at=rfc3339(answered_at) if answered_at else None,
    )
