"""What an officer must not decide about: their own address, a relative or a relative's address, their own establishment.

- The register tells it when an officer's account is bound to a person: where they and whoever shares or shared a household with them, or stands
  in a guardian's relation to them, live today; and what any of these owns or manages today. Whatever it does not know, somebody declares.
- An address is the whole premises: an officer decides about no neighbour of the same house.
- A case an officer is to see again blind (``registry/second_views.py``) is kept from them like one of these until they have said what they see.
- Nothing of this is shown to anybody but as "not yours to decide"; it is worked out when asked and kept nowhere.

Example: ``conflicted(rows, interests_of(connection, account_id, on=date(2026, 7, 10)))``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, Final, Literal, get_args

import msgspec
from sqlalchemy import Connection, Row, insert, or_, select, update

from registry import tables
from registry.accounts import KnownAccount, person_of
from registry.asking import among
from registry.households import household_members, known_residences
from residence.clock import uuid7
from residence.errors import Refused

InterestKind = Literal["own-address", "relative", "own-establishment"]
KINDS: Final[tuple[InterestKind, ...]] = get_args(InterestKind)
_COLUMNS: Final = tables.officer_interests.c


class Interests(msgspec.Struct, frozen=True, kw_only=True):
    """Premises and people somebody must not decide about."""

    places: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()  # cases they are to see again without knowing how they ended

    def bars(self, case: Row[Any]) -> bool:
        """Tell whether somebody must not read or work on a case."""
        return case.case_id in self.unseen or self.concerns(case)

    def concerns(self, case: Row[Any]) -> bool:
        """Tell whether a case is about one of these places or people."""
        return case.premises_id in self.places or case.who in self.people


def interests_of(connection: Connection, account_id: str, *, on: date) -> Interests:
    """Return what an officer must not decide about on a day."""
    declared = set(connection.scalars(select(_COLUMNS.premises_id).where(_COLUMNS.account_id == account_id, _STANDS)))
    person = person_of(connection, account_id)
    known = interests_known(connection, person, on.isoformat()) if person else Interests()
    return Interests(places=known.places | declared, people=known.people, unseen=_to_see_again(connection, account_id))


def _to_see_again(connection: Connection, account_id: str) -> frozenset[str]:
    """Return the cases an officer is asked for a second view of: until it is given, their page would say how they ended."""
    columns = tables.second_views.c
    second = select(columns.case_id).where(columns.reviewer_id == account_id, columns.said_at.is_(None))
    third = select(columns.case_id).where(columns.third_id == account_id, columns.third_at.is_(None))
    return frozenset(each for query in (second, third) for each in connection.scalars(query))


def interests_known(connection: Connection, person: str, day: str) -> Interests:
    """Return what the register knows that bears on somebody."""
    kin = {person, *household_members(connection, [person]), *_wards_and_guardians(connection, person)}
    homes = {
        each.premises_id
        for each in known_residences(connection, kin)
        if each.valid_from <= day and (each.valid_to is None or day <= each.valid_to)
    }
    return Interests(places=frozenset(homes | _establishments(connection, kin, day)), people=frozenset(kin))


def conflicted(cases: Iterable[Row[Any]], interests: Interests) -> set[str]:
    """Return which of these cases somebody with these interests must not work on."""
    return {case.case_id for case in cases if interests.bars(case)}


def declare_interest(
    connection: Connection,
    account: KnownAccount,
    place: tuple[InterestKind, str],
    *,
    by: str,
    now: datetime,
    random_bytes: Callable[[int], bytes],
) -> str:
    """Keep that an officer has an interest in a premises; returns its id. Declared again it is the same."""
    kind, premises_id = place
    same = (_COLUMNS.account_id == account.account_id, _COLUMNS.kind == kind, _COLUMNS.premises_id == premises_id, _STANDS)
    standing = connection.scalar(select(_COLUMNS.interest_id).where(*same))
    if standing is not None:
        return str(standing)
    if account.role != "officer":
        raise Refused("account.not_officer", "/name")
    places = tables.premises.c
    if connection.scalar(select(places.premises_id).where(places.premises_id == premises_id)) is None:
        raise Refused("registry.premises_unknown", "/premises")
    row = {
        "commune_code": account.commune_code,
        "interest_id": str(uuid7(now, random_bytes(10))),
        "account_id": account.account_id,
        "kind": kind,
        "premises_id": premises_id,
        "declared_by": by,
        "declared_at": now,
        "ended_at": None,
    }
    connection.execute(insert(tables.officer_interests), [row])
    return str(row["interest_id"])


def end_interest(connection: Connection, account_id: str, interest_id: str, *, now: datetime) -> None:
    """End a declared interest; its row stays."""
    same = (_COLUMNS.interest_id == interest_id, _COLUMNS.account_id == account_id, _STANDS)
    if not connection.execute(update(tables.officer_interests).where(*same).values(ended_at=now)).rowcount:
        raise Refused("account.interest_unknown", "/interest_id")


def declared_interests(connection: Connection, account_id: str) -> list[Row[Any]]:
    """Return what was declared of an officer and stands, oldest first."""
    query = select(tables.officer_interests).where(_COLUMNS.account_id == account_id, _STANDS)
    return list(connection.execute(query.order_by(_COLUMNS.interest_id)).all())


_STANDS: Final = _COLUMNS.ended_at.is_(None)


def _wards_and_guardians(connection: Connection, person: str) -> set[str]:
    columns = tables.relations.c
    either = or_(columns.person_id == person, columns.subject_id == person)
    rows = connection.execute(select(columns.person_id, columns.subject_id).where(columns.kind == "guardian", either))
    return {each for row in rows for each in row if each is not None}


def _establishments(connection: Connection, kin: set[str], day: str) -> set[str]:
    columns = tables.relations.c
    held = (columns.kind.in_(("owner", "manager")), among(columns.person_id, sorted(kin), connection))
    rows = connection.execute(select(columns.subject_id, columns.valid_from, columns.valid_to).where(*held))
    return {row.subject_id for row in rows if (row.valid_from or "") <= day and (row.valid_to is None or day <= row.valid_to)}
