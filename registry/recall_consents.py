"""A returning guest's consent: given at one house, good there and nowhere else, for a year, until it is taken back.

- Whoever asks with a number learns something of somebody who agreed at that very house, and of nobody else: an unknown number, a guest of another
  house and one who did not agree are answered alike.
- While the person asks for a restriction, or has it (``registry/rights_requests.py``), nobody recalls anything.
- The newest word counts: who agrees anew renews it; who is declared anew and does not agree, or takes it back, ends every earlier one of that house.

Example: ``recallable(connection, place, people, now=now)`` is the newest statement a form may be filled in from
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, exists, insert, or_, select, update

from registry import tables
from registry.desk_lists import Place

GOOD_FOR: Final = timedelta(days=365)  # ours; the retention policy deletes them as old
_CONSENTS: Final = tables.recall_consents.c
_SAID: Final = tables.declarations.c
_SAME: Final = (_SAID.commune_code == _CONSENTS.commune_code) & (_SAID.declaration_id == _CONSENTS.declaration_id)


def give_consent(connection: Connection, place: Place, declaration_id: str, *, account_id: str, now: datetime) -> None:
    """Keep that the guest of a statement agreed; said twice it is kept once."""
    known = select(_CONSENTS.declaration_id).where(
        _CONSENTS.commune_code == place.commune_code, _CONSENTS.declaration_id == declaration_id
    )
    if connection.scalar(known) is None:
        row = {
            "commune_code": place.commune_code,
            "declaration_id": declaration_id,
            "premises_id": place.premises_id,
            "account_id": account_id,
            "given_at": now,
            "ended_at": None,
        }
        connection.execute(insert(tables.recall_consents), [row])


def recallable(connection: Connection, place: Place, people: Iterable[str], *, now: datetime) -> str | None:
    """Return the newest statement of one of these people who agreed at this house, or None."""
    wanted = sorted(set(people))
    if not wanted:
        return None
    query = select(_CONSENTS.declaration_id).join(tables.declarations, _SAME).where(*_standing(now), *_here(place))
    found: str | None = connection.scalar(
        query.where(_SAID.person_id.in_(wanted), ~_restricted())
        .order_by(_CONSENTS.given_at.desc(), _CONSENTS.declaration_id.desc())
        .limit(1)
    )
    return found


def is_recallable(connection: Connection, place: Place, declaration_id: str, *, now: datetime) -> bool:
    """Tell whether the guest of a statement agreed at this house and has not taken it back."""
    query = select(_CONSENTS.declaration_id).where(*_standing(now), *_here(place), _CONSENTS.declaration_id == declaration_id)
    return connection.scalar(query.join(tables.declarations, _SAME).where(~_restricted())) is not None


class Recalling(msgspec.Struct, frozen=True, kw_only=True):
    """A house that may recall a person, and since when."""

    premises_id: str
    given_at: datetime


def houses_of(connection: Connection, person_id: str, *, now: datetime) -> list[Recalling]:
    """Return which houses may recall a person, by when they agreed there last."""
    query = (
        select(_CONSENTS.premises_id, _CONSENTS.given_at)
        .join(tables.declarations, _SAME)
        .where(*_standing(now), _SAID.person_id == person_id)
        .order_by(_CONSENTS.given_at)
    )
    newest = {row.premises_id: Recalling(premises_id=row.premises_id, given_at=row.given_at) for row in connection.execute(query)}
    return list(newest.values())


def end_consents(
    connection: Connection, person_id: str, *, premises_id: str, now: datetime, before: datetime | None = None
) -> None:
    """End what a person agreed to at one house; ``before`` leaves out what was given from then on."""
    theirs = select(_CONSENTS.declaration_id).join(tables.declarations, _SAME)
    theirs = theirs.where(_SAID.person_id == person_id, _CONSENTS.premises_id == premises_id, _CONSENTS.ended_at.is_(None))
    if before is not None:
        theirs = theirs.where(_CONSENTS.given_at < before)
    ids = list(connection.scalars(theirs))
    if ids:
        connection.execute(update(tables.recall_consents).where(_CONSENTS.declaration_id.in_(ids)).values(ended_at=now))


def end_all_consents(connection: Connection, person_id: str, *, now: datetime) -> None:
    """End whatever a person agreed to, at every house."""
    for each in houses_of(connection, person_id, now=now):
        end_consents(connection, person_id, premises_id=each.premises_id, now=now)


def _standing(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (_CONSENTS.ended_at.is_(None), _CONSENTS.given_at > now - GOOD_FOR)


def _restricted() -> ColumnElement[bool]:
    """Tell of a statement's person whether they ask for a restriction or have it."""
    requests = tables.rights_requests.c
    holds = or_(requests.answered_at.is_(None), requests.outcome.in_(("granted", "partly")))
    return exists().where(requests.person_id == _SAID.person_id, requests.right == "restriction", holds)


def _here(place: Place) -> tuple[ColumnElement[bool], ...]:
    return (_CONSENTS.commune_code == place.commune_code, _CONSENTS.premises_id == place.premises_id)
