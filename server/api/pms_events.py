"""What a property-management system says of one guest, as a CloudEvent: five events, each a statement with a receipt of its own.

- One event, one person, everything in it: members of a group fail by themselves, and nobody has to be asked back.
- ``source``, ``reservation``, ``person.ref`` and ``visit`` are who and which stay: they make the arrival's id, keyed. A later event finds its
  stay by the same four and needs no id of ours; checking in twice with other words is a conflict, and the first stands.
- ``source`` and ``id`` are the event (CloudEvents 1.0): sent again it has its first receipt and does nothing.
- Events of one stay are ordered by their ``time``, none later than it reached us (ADR 159); two of the same instant in no order.
- What comes before its check-in is a conflict (``pms.stay_unknown``): send it again after it.

Example: ``POST /v1/pms-events`` with ``{"specversion": "1.0", "type": "stay.guest.checked_in", ...}``
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Depends
from starlette.responses import Response

from registry.stays import stay
from residence.clock import parse_instant, rfc3339, uuid7_text
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.errors import Conflict, Malformed, has_errors
from residence.people.person import Document, PartialDate, Person, Sex
from residence.stays.declaration import Declarant, Reason, StayDeclaration
from residence.stays.findings import derived_id
from server.api.callers import ApiCaller, Calling, CountedRoute
from server.api.declarations import Dry, Sent, check_answer, commune_of, receipt_answer, recorded_answer
from server.api.stating import may_state
from server.api.stays import decoded
from server.declaring import check, given_receipt
from server.desk.beside import beside
from server.desk.one_stay import Said, departure_of, follow_up, open_stay, said_of
from server.policy import Account
from server.problems import InputProblems
from server.wiring import Server, server_of

router = APIRouter(prefix="/v1/pms-events", route_class=CountedRoute)
Wired = Annotated[Server, Depends(server_of)]
# An arrival's id is made of what names the stay and of nothing that may change, so it bears no time of its own; any later id sorts after it.
BEFORE_ALL: Final = datetime(2026, 1, 1, tzinfo=UTC)
A_DAY: Final = len("2026-07-12")
LONGEST_REF, MOST_VISITS = 200, 999
Named = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_REF)]


class PmsEventType(StrEnum):
    """What happened to a guest."""

    CHECKED_IN = "stay.guest.checked_in"
    MOVED = "stay.guest.moved"
    EXTENDED = "stay.guest.extended"
    CHECKED_OUT = "stay.guest.checked_out"
    CANCELLED = "stay.guest.cancelled"


class PmsPerson(msgspec.Struct, frozen=True, kw_only=True):
    """The guest. ``ref``: what the system calls them, the same in every event."""

    ref: Named
    full_name: str
    birth: PartialDate | None = None
    sex: Sex | None = None
    nationality: str = "VNM"
    personal_number: str | None = None
    document: Document | None = None
    residence_text: str | None = None


class PmsGuest(msgspec.Struct, frozen=True, kw_only=True):
    """One guest of one reservation. ``visit``: counts check-ins of the same guest on it; a departure may be a day or an instant."""

    premises_id: str
    reservation: Named
    arrival: str
    person: PmsPerson
    visit: Annotated[int, msgspec.Meta(ge=1, le=MOST_VISITS)] = 1
    room: str | None = None
    departure_planned: str | None = None
    departed_at: str | None = None
    purpose_of_stay: Reason | None = None
    permitted_stay_until: str | None = None
    why: Literal["no-show", "mistake"] = "mistake"


class PmsEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A CloudEvent in JSON. ``source``: the system and its property."""

    specversion: Literal["1.0"]
    id: Named
    source: Named
    type: PmsEventType
    time: str
    data: PmsGuest
    datacontenttype: Literal["application/json"] = "application/json"


@router.post("")
def post_pms_event(caller: Calling, server: Wired, body: Sent, *, dry: Dry) -> Response:
    """Record what an event says and answer with the receipt."""
    event: PmsEvent = decoded(body, PmsEvent)
    at = parse_instant(event.time, "/time")
    arrives = event.type is PmsEventType.CHECKED_IN
    own_id = arrival_id(server, event) if arrives else _event_id(server, event, at)
    if not arrives and not dry:
        given = given_receipt(server, own_id)
        if given is not None:
            _may(server, caller, event, _arrival(server, caller.account, event, own_id=own_id, at=at))
            return receipt_answer(given.receipt, given.receipt_bytes, status=200)
    besides: tuple[StayDeclaration, ...] = ()
    if arrives:
        statement = _arrival(server, caller.account, event, own_id=own_id, at=at)
    else:
        statement, besides = _follow_up(server, caller, event, own_id=own_id, at=at)
    _may(server, caller, event, statement)
    if dry:
        return check_answer(server, statement)
    problems = check(server, statement).problems
    if has_errors(problems) and given_receipt(server, own_id) is None:
        raise InputProblems(problems)
    return recorded_answer(server, caller, statement, beside=besides)


def arrival_id(server: Server, event: PmsEvent) -> str:
    """Return the id of the arrival an event is about; nobody can tell from it who is meant."""
    said = event.data
    named = msgspec.json.encode((event.source, said.reservation, said.person.ref, said.visit))
    return uuid7_text(BEFORE_ALL, bytes.fromhex(server.registry.vault.state_digest(f"pms-stay:{said.premises_id}", named)))


def _event_id(server: Server, event: PmsEvent, at: datetime) -> str:
    named = msgspec.json.encode((event.source, event.id))
    return uuid7_text(at, bytes.fromhex(server.registry.vault.state_digest(f"pms-event:{event.data.premises_id}", named)))


def _may(server: Server, caller: ApiCaller, event: PmsEvent, statement: StayDeclaration) -> None:
    may_state(server, caller, statement, commune=commune_of(server, event.data.premises_id))


def _arrival(server: Server, account: Account, event: PmsEvent, *, own_id: str, at: datetime) -> StayDeclaration:
    said = event.data
    person = Person(**{name: getattr(said.person, name) for name in PmsPerson.__struct_fields__ if name != "ref"})
    return StayDeclaration(
        declaration_id=own_id,
        declared_at=rfc3339(at),
        person=person,
        evidence=Evidence(level=EvidenceLevel.STATED, source="typed", reader="pms"),
        declarant=Declarant(role="host", name=account.name, account=account.account_id),
        premises_id=said.premises_id,
        arrival=said.arrival,
        unit=said.room,
        planned_departure=_leaving(server, said.departure_planned),
        reason=said.purpose_of_stay,
        permitted_stay_until=said.permitted_stay_until,
    )


def _follow_up(
    server: Server, caller: ApiCaller, event: PmsEvent, *, own_id: str, at: datetime
) -> tuple[StayDeclaration, tuple[StayDeclaration, ...]]:
    stay_id = derived_id("stay", arrival_id(server, event))
    with server.registry.reading() as connection:
        caller.require("declare", event.data.premises_id)
        if stay(connection, stay_id) is None:
            raise Conflict("pms.stay_unknown", "/data")
        action = "check_out" if event.type is PmsEventType.CHECKED_OUT else "correct"
        opened = open_stay(server, connection, caller.account, action=action, stay_id=stay_id)
        stands = said_of(server, connection, opened.stay)
    statement = _said(server, caller.account, event, stands, own_id=own_id, at=at)
    return statement, beside(stands, statement)


def _said(server: Server, account: Account, event: PmsEvent, stands: Said, *, own_id: str, at: datetime) -> StayDeclaration:
    said = event.data
    match event.type:
        case PmsEventType.CHECKED_OUT:
            return departure_of(stands.content, account, declaration_id=own_id, now=at, left_at=said.departed_at)
        case PmsEventType.MOVED:
            _needed(said.room, "/data/room")
            return follow_up(stands.content, account, kind="correction", declaration_id=own_id, now=at, unit=said.room)
        case PmsEventType.EXTENDED:
            until = _leaving(server, _needed(said.departure_planned, "/data/departure_planned"))
            return follow_up(stands.content, account, kind="extension", declaration_id=own_id, now=at, planned_departure=until)
        case (
            PmsEventType.CANCELLED | PmsEventType.CHECKED_IN
        ):  # a check-in is no word about a stay that stands, and never comes here
            return follow_up(stands.content, account, kind="withdrawal", declaration_id=own_id, now=at, note=said.why)


def _needed(value: str | None, pointer: str) -> str:
    if not value:
        raise Malformed("pms.field_missing", pointer)
    return value


def _leaving(server: Server, text: str | None) -> str | None:
    """Return a departure as an instant; a day alone is its check-out hour."""
    return f"{text}T{server.settings.check_out_hour:02}:00:00+07:00" if text and len(text) == A_DAY else text
