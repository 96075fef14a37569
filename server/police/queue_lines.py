"""The rows of a work queue as text, column by column: worked out here once for all, for a template takes five times as long for a thousand.

- A line says a place, a room, codes in words and times; nothing of whoever a case is about.

Example: ``lines_of(items, queue, shown)[0].why``
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

import msgspec
from sqlalchemy import Row

from residence.cases.queues import QueuedCase
from residence.cases.triage import Triaged, Urgency
from residence.places.premises import Premises
from server.languages import Language, translate
from server.pages import wall
from server.wording import word

TAGS = {
    Urgency.NOW: "govuk-tag--red",
    Urgency.SOON: "govuk-tag--orange",
    Urgency.IN_TURN: "govuk-tag--blue",
    Urgency.WAITING: "govuk-tag--grey",
    Urgency.DONE: "govuk-tag--grey",
}


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One case of a queue."""

    row: Row[Any]
    stands: Triaged
    queued: QueuedCase


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What rows are written with."""

    language: Language
    places: Mapping[str, Premises]
    holders: Mapping[str, str]
    merged: Mapping[str, int]  # lead -> cases worked on with it


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One row as it is shown."""

    case_id: str
    place: str
    tag: str
    urgency: str
    rule: str
    holder: str
    why: str
    clock: str
    ended: str


def lines_of(items: Iterable[Item], shown: Shown) -> list[Line]:
    """Return the rows of these cases."""
    say = lru_cache(maxsize=None)(partial(word, language=shown.language))
    at = lru_cache(maxsize=4096)(partial(wall, language=shown.language))
    text = {each: translate(shown.language, each) for each in ("room", "Last seen", "deadline was", "Rests until")}
    return [_line(item, shown, say=say, at=at, text=text) for item in items]


def _line(item: Item, shown: Shown, *, say: Any, at: Any, text: Mapping[str, str]) -> Line:
    row, stands = item.row, item.stands
    place = shown.places.get(row.premises_id)
    name = place.name if place else row.premises_id
    more = shown.merged.get(row.case_id)
    return Line(
        case_id=row.case_id,
        place=(f"{name}, {text['room']} {row.unit}" if row.unit else name) + (f" +{more}" if more else ""),
        tag=TAGS[stands.urgency],
        urgency=say("urgency", stands.urgency.value),
        rule=say("rule_short", row.rule),
        holder=shown.holders.get(item.queued.holder or "", ""),
        why=f"{say('rule', row.lapsed or row.rule)}. {say('why', stands.why).format(at=at(stands.at))}",
        clock=f"{text['Last seen']} {at(row.last_seen)} · {text['deadline was']} {at(row.due)}",
        ended=_ended(row, say=say, at=at, rests=text["Rests until"]),
    )


def _ended(row: Row[Any], *, say: Any, at: Any, rests: str) -> str:
    """Return until when a case rests, or what a closed one was, and when."""
    until: datetime | None = row.held_until
    if row.closing_code is None and until is not None:
        return f"{rests} {at(until)}"
    return f"{say('closing', row.closing_code) if row.closing_code else say('case', row.state)} · {at(row.changed_at)}"
