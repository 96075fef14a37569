"""An officer's looks as the rules want them: which person, where that is, what the officer did about it; and whom the officer is tied to.

- A case is where it is; a look for anything else is where the person is registered today, as far as the register knows.
- Steps are read from where they are kept: of cases, of visits, of pairs, of what waits for a second person.
- Who was seen and is not known is a pseudonym; a tie to somebody is found by the ids the register knows of them.

Example: ``looks_of(connection, "demo-01", since=since)`` and ``ties_of(connection, account_ids, on=date(2026, 7, 10))``
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, select

from registry import tables
from registry.accounts import person_of
from registry.asking import among
from registry.households import known_residences
from registry.interests import interests_of
from residence.access.fishing import OfficersLook, Ties
from residence.cases.transitions import CaseAction

# What an officer does with a case only to have it, or to let it go.
NO_STEP: Final = frozenset(
    {CaseAction.CLAIM.value, CaseAction.RELEASE.value, "given", "handed-back", "held", "resumed", "undone"}
)
_LOOKS: Final = tables.access_records.c
Step = tuple[str, str]  # account, what it was about


def looks_of(connection: Connection, commune_code: str, *, since: datetime) -> list[OfficersLook]:
    """Return the looks officers of a commune took since a moment, with what they did about each."""
    query = select(_LOOKS.access_id, _LOOKS.account_id, _LOOKS.at, _LOOKS.person_id, _LOOKS.about, _LOOKS.purpose)
    accounts = _officers(connection, commune_code)
    mine = (among(_LOOKS.account_id, accounts, connection), _LOOKS.role == "officer", _LOOKS.at >= since)
    rows = connection.execute(query.where(*mine).order_by(_LOOKS.at, _LOOKS.access_id)).all()
    abouts = sorted({row.about for row in rows if row.about})
    places, steps = _places(connection, abouts), steps_of(connection, abouts)
    homes = _homes(connection, {row.person_id for row in rows if row.about not in places})
    return [
        OfficersLook(
            access_id=row.access_id,
            account_id=row.account_id,
            at=row.at,
            person_id=row.person_id,
            about=row.about,
            purpose=row.purpose,
            premises_id=places.get(row.about) or homes.get(row.person_id),
            steps=tuple(sorted(steps.get((row.account_id, row.about), ()))),
        )
        for row in rows
    ]


def ties_of(connection: Connection, account_ids: Iterable[str], *, on: date) -> dict[str, Ties]:
    """Return whom and which addresses each officer is tied to on a day."""
    found = {}
    for account_id in sorted(set(account_ids)):
        interests, person = interests_of(connection, account_id, on=on), person_of(connection, account_id)
        own = {person} if person else set[str]()
        found[account_id] = Ties(own=frozenset(own), kin=interests.people - own, places=interests.places)
    return found


def _officers(connection: Connection, commune_code: str) -> list[str]:
    columns = tables.accounts.c
    query = select(columns.account_id).where(columns.commune_code == commune_code, columns.role == "officer")
    return sorted(connection.scalars(query))


def _places(connection: Connection, abouts: list[str]) -> dict[str, str]:
    """Return the premises of each case, and of each opening of a case elsewhere."""
    cases, breaks = tables.cases.c, tables.glass_breaks.c
    opened = {
        row.break_id: row.case_id
        for row in connection.execute(select(breaks.break_id, breaks.case_id).where(among(breaks.break_id, abouts, connection)))
    }
    ids = sorted({*abouts, *opened.values()})
    found: dict[str, str] = {
        row.case_id: row.premises_id
        for row in connection.execute(select(cases.case_id, cases.premises_id).where(among(cases.case_id, ids, connection)))
    }
    return found | {break_id: found[case_id] for break_id, case_id in opened.items() if case_id in found}


def _homes(connection: Connection, people: set[str]) -> dict[str, str]:
    return {each.person_id: each.premises_id for each in known_residences(connection, people) if each.valid_to is None}


def steps_of(connection: Connection, abouts: list[str]) -> dict[Step, list[datetime]]:
    """Return when whom did what about these cases and pairs: (account, about) -> instants."""
    found: defaultdict[Step, list[datetime]] = defaultdict(list)
    for query in _asked(connection, abouts):
        for row in connection.execute(query):
            account_id, about, at = row[0], row[1], row[2]
            if account_id is not None and at is not None:
                found[account_id, about].append(at)
    return found


def _asked(connection: Connection, abouts: list[str]) -> list[Select[Any]]:
    events, visits = tables.case_events.c, tables.visits.c
    pairs, asked = tables.duplicate_steps.c, tables.proposals.c

    def of(column: ColumnElement[str]) -> ColumnElement[bool]:
        return among(column, abouts, connection)  # type: ignore[arg-type]  # every one of them is a column

    return [
        select(events.account_id, events.case_id, events.at).where(of(events.case_id), events.action.not_in(sorted(NO_STEP))),
        select(visits.account_id, visits.case_id, visits.received_at).where(of(visits.case_id)),
        select(pairs.by, pairs.pair_id, pairs.at).where(of(pairs.pair_id)),
        select(asked.asked_by, asked.subject, asked.asked_at).where(of(asked.subject)),
        select(asked.settled_by, asked.subject, asked.settled_at).where(of(asked.subject)),
    ]
