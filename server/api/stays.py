"""Stays as they stand, and what happens to them after they were declared, each said in one step with a receipt of its own.

- A stay is shown without a name: whoever declared it knows whose it is by the declaration's id.
- Checking out and changing are statements about the stay, made here from what stands declared and recorded by the one path. The
  Idempotency-Key makes each of them one; ``dry_run=true`` needs no key and records nothing.
- ``If-Match`` with the stay's tag refuses a step (412) when the stay has changed since it was read.

Example: ``POST /v1/stays/<id>/changes`` with ``{"change": "extend", "until": "2026-07-14T12:00:00+07:00"}``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Header, Request
from starlette.responses import Response

from registry.api_requests import Taken
from registry.desk_lists import Place, standing_stays
from registry.premises import load_premises
from registry.stays import StayOnList
from residence.clock import rfc3339
from residence.errors import Malformed, Refused, has_errors
from residence.stays.declaration import StayDeclaration
from server.api.callers import ApiCaller, Calling, CountedRoute
from server.api.declarations import Dry, Sent, check_answer, receipt_answer, recorded_answer
from server.api.once import Key, once
from server.api.paging import Place as PagePlace
from server.api.paging import read_cursor, read_limit, tag_of, tagged, write_cursor
from server.declaring import check, given_receipt, new_declaration_id
from server.desk.beside import beside
from server.desk.one_stay import UNDO, Said, departure_of, follow_up, open_stay, said_of
from server.desk.own_premises import workplace
from server.policy import Account, PremisesResource
from server.problems import InputProblems, Unreadable
from server.wiring import Server, server_of

router = APIRouter(prefix="/v1", route_class=CountedRoute)
Wired = Annotated[Server, Depends(server_of)]
IfMatch = Annotated[str | None, Header(alias="If-Match")]


class StayAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One stay. ``status``: expected, open, disputed, ended or withdrawn; ``rule``: which deadline it was judged by."""

    stay_id: str
    premises_id: str
    unit: str | None
    status: str
    start_at: str
    planned_end: str | None
    ended_at: str | None
    due: str | None
    on_time: bool | None
    rule: str | None
    rule_set: str | None
    declaration_ids: tuple[str, ...]


class PremisesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One of the account's premises. ``units``: the rooms as they are declared."""

    premises_id: str
    name: str
    kind: str
    units: tuple[str, ...]


class StaysAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of stays; ``next`` is the cursor of the page that follows, null on the last."""

    items: tuple[StayAnswer, ...]
    next: str | None


class CheckOut(msgspec.Struct, frozen=True, kw_only=True):
    """The guest has left. ``left_at``: RFC 3339; left out, it is now."""

    left_at: str | None = None


class Extend(msgspec.Struct, frozen=True, kw_only=True, tag_field="change", tag="extend"):
    """The guest stays longer."""

    until: str


class Move(msgspec.Struct, frozen=True, kw_only=True, tag_field="change", tag="move"):
    """The guest is in another room of the house."""

    unit: str


class Withdraw(msgspec.Struct, frozen=True, kw_only=True, tag_field="change", tag="withdraw"):
    """The guest did not come, or was declared by mistake."""

    why: Literal["no-show", "mistake"]


class Undo(msgspec.Struct, frozen=True, kw_only=True, tag_field="change", tag="undo"):
    """Take back what was said last."""


Change = Extend | Move | Withdraw | Undo
T = TypeVar("T")
Says = Callable[[Said, Account, str, datetime], StayDeclaration]


@router.get("/premises")
def get_premises(request: Request, caller: Calling, server: Wired) -> Response:
    """Answer with the account's premises that the caller may read of, with their rooms."""
    wanted = caller.premises("read")
    with server.registry.reading() as connection:
        known = load_premises(connection, wanted, vault=server.registry.vault)
    found = [known[each] for each in wanted if each in known]
    for each in found:
        where = PremisesResource(premises_id=each.premises_id, commune=each.commune_code)
        server.policy.require(caller.account, "list_stays", resource=where)
    if not found:
        raise Refused("server.not_allowed")
    return tagged(
        request,
        [PremisesAnswer(premises_id=each.premises_id, name=each.name, kind=each.kind, units=each.units) for each in found],
    )


@router.get("/premises/{premises_id}/stays")
def get_stays(request: Request, caller: Calling, server: Wired, premises_id: str) -> Response:
    """Answer with the stays that stand at one of the account's premises, oldest arrival first."""
    limit, cursor = read_limit(request.query_params.get("limit")), read_cursor(request.query_params.get("cursor"))
    with server.registry.reading() as connection:
        here = workplace(server, connection, caller.account, action="list_stays", premises_id=premises_id).here
        caller.require("read", premises_id)
        after = (cursor.at, cursor.own_id) if cursor else None
        found = standing_stays(connection, Place(here.commune_code, premises_id), after=after, limit=limit + 1)
    more = write_cursor(PagePlace(at=found[limit - 1].start_at, own_id=found[limit - 1].stay_id)) if len(found) > limit else None
    return tagged(request, StaysAnswer(items=tuple(_shown(server, each) for each in found[:limit]), next=more))


@router.get("/stays/{stay_id}")
def get_stay(request: Request, caller: Calling, server: Wired, stay_id: str) -> Response:
    """Answer with one stay."""
    with server.registry.reading() as connection:
        found = open_stay(server, connection, caller.account, action="list_stays", stay_id=stay_id).stay
    caller.require("read", found.premises_id)
    return tagged(request, _shown(server, found))


@router.post("/stays/{stay_id}/check-out")
def post_check_out(
    caller: Calling, server: Wired, stay_id: str, *, body: Sent, dry: Dry, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Say that the guest has left."""
    asked = decoded(body or b"{}", CheckOut)

    def says(said: Said, account: Account, own_id: str, at: datetime) -> StayDeclaration:
        return departure_of(said.content, account, declaration_id=own_id, now=at, left_at=asked.left_at)

    step = _Step(action="check_out", stay_id=stay_id, says=says, if_match=if_match, content=body)
    return _take(server, caller, step, dry=dry, key=key)


@router.post("/stays/{stay_id}/changes")
def post_change(
    caller: Calling, server: Wired, stay_id: str, *, body: Sent, dry: Dry, key: Key = None, if_match: IfMatch = None
) -> Response:
    """Say what has changed of a stay."""
    asked: Change = decoded(body, Change)  # type: ignore[arg-type]  # a union is a type to msgspec

    def says(said: Said, account: Account, own_id: str, at: datetime) -> StayDeclaration:
        match asked:
            case Extend():
                return follow_up(
                    said.content, account, kind="extension", declaration_id=own_id, now=at, planned_departure=asked.until
                )
            case Move():
                return follow_up(said.content, account, kind="correction", declaration_id=own_id, now=at, unit=asked.unit)
            case Withdraw():
                return follow_up(said.content, account, kind="withdrawal", declaration_id=own_id, now=at, note=asked.why)
            case Undo():
                return follow_up(said.last, account, kind="withdrawal", declaration_id=own_id, now=at, note=UNDO)

    step = _Step(action="correct", stay_id=stay_id, says=says, if_match=if_match, content=body)
    return _take(server, caller, step, dry=dry, key=key)


class _Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step: what has to be allowed, about which stay, what it says, and what tells it from another."""

    action: str
    stay_id: str
    says: Says
    if_match: str | None
    content: bytes


def _take(server: Server, caller: ApiCaller, step: _Step, *, dry: bool, key: str | None) -> Response:
    if dry:
        own_id, at = new_declaration_id(server), server.clock.now()
        return check_answer(server, _stated(server, caller, step, own_id=own_id, at=at)[0])

    def work(taken: Taken) -> Response:
        given = given_receipt(server, taken.request_id)
        if given is not None:  # recorded by a worker that died before it could answer
            return receipt_answer(given.receipt, given.receipt_bytes, status=201)
        statement, besides = _stated(server, caller, step, own_id=taken.request_id, at=taken.began_at)
        problems = check(server, statement).problems
        if has_errors(problems):
            raise InputProblems(problems)
        return recorded_answer(server, caller, statement, beside=besides)

    operation = f"{step.action} {step.stay_id}"[:64]
    return once(server, caller, key=key, operation=operation, content=step.content, work=work)


def _stated(
    server: Server, caller: ApiCaller, step: _Step, *, own_id: str, at: datetime
) -> tuple[StayDeclaration, tuple[StayDeclaration, ...]]:
    """Return what the step says, and what has to be said besides."""
    with server.registry.reading() as connection:
        opened = open_stay(server, connection, caller.account, action=step.action, stay_id=step.stay_id)
        caller.require("declare", opened.stay.premises_id)
        if step.if_match not in {None, "*", _tag(server, opened.stay)}:
            raise Malformed("api.changed_meanwhile")
        said = said_of(server, connection, opened.stay)
    statement = step.says(said, caller.account, own_id, at)
    return statement, beside(said, statement)


def _tag(server: Server, found: StayOnList) -> str:
    return tag_of(msgspec.json.encode(_shown(server, found)))


def _shown(server: Server, found: StayOnList) -> StayAnswer:
    def told(at: datetime | None) -> str | None:
        return rfc3339(at) if at else None

    return StayAnswer(
        stay_id=found.stay_id,
        premises_id=found.premises_id,
        unit=found.unit,
        status=found.shown(server.clock.now()),
        start_at=rfc3339(found.start_at),
        planned_end=told(found.planned_end),
        ended_at=told(found.ended_at),
        due=told(found.due),
        on_time=found.on_time,
        rule=found.rule,
        rule_set=found.rule_set,
        declaration_ids=found.declaration_ids,
    )


def decoded(body: bytes, kind: type[T]) -> T:
    """Read what was sent, or raise ``Malformed("server.input_unreadable")`` naming the field."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(error, kind) from error
