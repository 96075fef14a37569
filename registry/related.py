"""What stands around a case at the same premises: other cases, declared people of the same room, what was sent to whom and what came back.

- Same person, same room, same premises, each said as such. The same person at other premises is not looked for, and cannot be found: whoever is
  not known is a pseudonym of these premises alone, and nobody's comings and goings are put together (architecture, section 10).
- Nothing personal is here: ids, rooms, times, codes. Whose house a message went to is said, never the address it went to.

Example: ``related_cases(connection, case)[0].how == "same_unit"``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, select

from registry import tables
from registry.asking import among
from registry.desk_lists import Place, list_stays
from residence.stays.spans import normal_unit

How = Literal["same_person_here", "same_unit", "same_place"]
AT_MOST: Final = 8
_LOOKED_AT: Final = 200
_BACK: Final = timedelta(days=365)
_ORDER: Final[dict[How, int]] = {"same_person_here": 0, "same_unit": 1, "same_place": 2}


class RelatedCase(msgspec.Struct, frozen=True, kw_only=True):
    """Another case, and how it has to do with this one."""

    how: How
    case_id: str
    unit: str | None
    rule: str
    state: str
    closing_code: str | None
    opened_at: datetime


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One notice: what, to whom, how it went out, and what was answered by whom (an account, where somebody did)."""

    kind: str
    addressee: str
    at: datetime
    messages: tuple[tuple[str, str, datetime | None], ...]  # recipient, state of the message, when it went
    answered_at: datetime | None
    answer: str | None
    answered_by: str | None


class InRoom(msgspec.Struct, frozen=True, kw_only=True):
    """How many people are declared in the room of a case now, and since when."""

    people: int
    since: datetime | None


def related_cases(connection: Connection, case: Row[Any]) -> list[RelatedCase]:
    """Return other cases at the same premises within a year, the nearest to this one first, then the newest."""
    columns = tables.cases.c
    here = (columns.premises_id == case.premises_id, columns.commune_code == case.commune_code)
    others = (columns.case_id != case.case_id, columns.opened_at >= case.opened_at - _BACK)
    query = select(tables.cases).where(*here, *others).order_by(columns.opened_at.desc(), columns.case_id.desc())
    found = [
        RelatedCase(
            how=_how(row, case),
            case_id=row.case_id,
            unit=row.unit,
            rule=row.rule,
            state=row.state,
            closing_code=row.closing_code,
            opened_at=row.opened_at,
        )
        for row in connection.execute(query.limit(_LOOKED_AT))
    ]
    return sorted(found, key=lambda each: _ORDER[each.how])[:AT_MOST]  # a stable sort: the newest stay first


def _how(row: Row[Any], case: Row[Any]) -> How:
    if row.who == case.who:
        return "same_person_here"
    same = case.unit is not None and row.unit is not None and normal_unit(row.unit) == normal_unit(case.unit)
    return "same_unit" if same else "same_place"


def declared_in_room(connection: Connection, case: Row[Any], *, now: datetime) -> InRoom:
    """Return how many stays stand in the room of a case; a case without a room asks about nobody."""
    if case.unit is None:
        return InRoom(people=0, since=None)
    stays = list_stays(connection, Place(case.commune_code, case.premises_id), since=now)
    there = [
        each
        for each in stays
        if each.ended_at is None and each.unit and normal_unit(each.unit) == normal_unit(case.unit) and not each.is_expected(now)
    ]
    return InRoom(people=len({each.person_id for each in there}), since=min((each.start_at for each in there), default=None))


def told_about(connection: Connection, case: Row[Any]) -> list[Told]:
    """Return every notice about whoever a case is about at these premises, the oldest first, with what became of its messages."""
    columns = tables.notices.c
    about = (columns.commune_code == case.commune_code, columns.premises_id == case.premises_id, columns.who == case.who)
    notices = connection.execute(select(tables.notices).where(*about).order_by(columns.created_at, columns.notice_id)).all()
    sent = _messages(connection, [row.notice_id for row in notices])
    return [
        Told(
            kind=row.kind,
            addressee=row.addressee,
            at=row.created_at,
            messages=tuple(sent.get(row.notice_id, ())),
            answered_at=row.answered_at,
            answer=row.answer,
            answered_by=row.answered_by,
        )
        for row in notices
    ]


def _messages(connection: Connection, notice_ids: list[str]) -> dict[str, list[tuple[str, str, datetime | None]]]:
    columns = tables.messages.c
    if not notice_ids:
        return {}
    found: dict[str, list[tuple[str, str, datetime | None]]] = {}
    query = select(tables.messages).where(among(columns.about, notice_ids, connection)).order_by(columns.message_id)
    for row in connection.execute(query):
        found.setdefault(row.about, []).append((row.recipient, row.state, row.sent_at))
    return found
