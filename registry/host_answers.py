"""Overnight guests who say that they stay with a resident, and what the resident says to that on their own page.

- Asked of whoever lives in that apartment today (a residence that stands at the same premises and unit), about stays others declared for
  themselves there and that are not over. Declared by the household with the resident's card, nothing is asked.
- What the resident sees is when and how long, and no name: a page of one's own is no way to look up who stays where.
- One answer, by whoever of the household is first. It changes no stay: a refusal is a word, not a proof. The guest's receipt and the law's
  deadlines go on as before; the kiosk where it was declared says it to whoever still stands there, and the officer's list of the premises'
  stays says it beside the stay (ADR 86).

Example: ``waiting_guests(connection, "person-1", now=now)``
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, insert, select

from registry import tables
from registry.asking import among
from registry.households import known_residences
from registry.stays import StayOnList, current_stays
from residence.clock import VIETNAM
from residence.errors import Conflict, Refused
from residence.wire.kiosk_answers import HostAnswer

_ANSWERS: Final = tables.host_answers
SHOWN_FOR: Final = timedelta(days=30)


class HostGuest(msgspec.Struct, frozen=True, kw_only=True):
    """One guest of a household, by their stay: no name. ``answer`` once somebody of the household has spoken."""

    declaration_id: str
    stay_id: str
    commune_code: str
    premises_id: str
    kiosk_id: str | None
    unit: str
    start_at: datetime
    planned_end: datetime | None
    reason: str | None
    answer: str | None = None
    answered_at: datetime | None = None


def guests_of(connection: Connection, person_id: str, *, now: datetime) -> list[HostGuest]:
    """Return the guests of this person's household who declared for themselves, those to be answered first."""
    today = now.astimezone(VIETNAM).date().isoformat()
    homes = {
        (each.premises_id, each.unit)
        for each in known_residences(connection, [person_id])
        if each.unit and each.valid_from <= today <= (each.valid_to or today)
    }
    if not homes:
        return []
    standing = [
        each
        for each in current_stays(connection, {premises for premises, _ in homes}, now=now)
        if (each.premises_id, each.unit) in homes and each.person_id != person_id and each.start_at > now - SHOWN_FOR
    ]
    said = _own_words(connection, [each.began_with for each in standing])
    answers = _answers(connection, said)
    guests = [_guest(each, said, answers) for each in standing if each.began_with in said]
    return sorted(guests, key=lambda each: (each.answer is not None, -each.start_at.timestamp()))


def answer_guest(
    connection: Connection, person_id: str, declaration_id: str, answer: HostAnswer, *, by: str, now: datetime
) -> None:
    """Keep the resident's word. ``Refused`` when this guest is none of theirs, ``Conflict`` when the household has spoken."""
    guest = next((each for each in guests_of(connection, person_id, now=now) if each.declaration_id == declaration_id), None)
    if guest is None:
        raise Refused("server.not_allowed")
    if guest.answer is not None:
        raise Conflict("host.answered")
    row = {
        "commune_code": guest.commune_code,
        "declaration_id": declaration_id,
        "stay_id": guest.stay_id,
        "premises_id": guest.premises_id,
        "kiosk_id": guest.kiosk_id,
        "answer": answer,
        "answered_by": by,
        "answered_at": now,
    }
    connection.execute(insert(_ANSWERS), [row])


def answers_about(connection: Connection, declaration_ids: Iterable[str]) -> dict[str, HostAnswer]:
    """Return declaration -> what the household said to it."""
    return {declaration_id: row.answer for declaration_id, row in _answers(connection, declaration_ids).items()}


def host_answers_by_kiosk(connection: Connection, *, since: datetime, limit: int = 5000) -> dict[str, dict[str, HostAnswer]]:
    """Return kiosk -> declaration -> answer, of the newest answers."""
    columns = _ANSWERS.c
    query = select(columns.kiosk_id, columns.declaration_id, columns.answer).where(
        columns.answered_at > since, columns.kiosk_id.is_not(None)
    )
    told: dict[str, dict[str, HostAnswer]] = {}
    for kiosk_id, declaration_id, answer in connection.execute(query.order_by(columns.answered_at.desc()).limit(limit)):
        told.setdefault(kiosk_id, {})[declaration_id] = answer
    return told


def _own_words(connection: Connection, declaration_ids: Iterable[str]) -> dict[str, str | None]:
    """Return declaration -> kiosk of those in which a guest spoke for themselves."""
    wanted = sorted(set(declaration_ids))
    if not wanted:
        return {}
    columns = tables.declarations.c
    query = select(columns.declaration_id, columns.kiosk_id).where(
        among(columns.declaration_id, wanted, connection), columns.declarant_role == "self"
    )
    return {declaration_id: kiosk_id for declaration_id, kiosk_id in connection.execute(query)}  # noqa: C416 - rows, not pairs


def _answers(connection: Connection, declaration_ids: Iterable[str]) -> dict[str, Row[Any]]:
    wanted = sorted(set(declaration_ids))
    if not wanted:
        return {}
    query = select(_ANSWERS).where(among(_ANSWERS.c.declaration_id, wanted, connection))
    return {row.declaration_id: row for row in connection.execute(query)}


def _guest(stay: StayOnList, said: dict[str, str | None], answers: dict[str, Row[Any]]) -> HostGuest:
    declaration_id = stay.began_with
    answered = answers.get(declaration_id)
    return HostGuest(
        declaration_id=declaration_id,
        stay_id=stay.stay_id,
        commune_code=stay.commune_code,
        premises_id=stay.premises_id,
        kiosk_id=said[declaration_id],
        unit=stay.unit or "",
        start_at=stay.start_at,
        planned_end=stay.planned_end,
        reason=stay.reason,
        answer=answered.answer if answered else None,
        answered_at=answered.answered_at if answered else None,
    )
