"""The daily sign-off by program: the program's list against what is declared, each open point with a reason, signed; and the days closed before.

- Without reasons the answer is a 422 that names every point that needs one: kind and reference, in the pointer.
- Nobody's name is in what is signed. The points come back so that the program can keep them: the close holds their digest.
- The same list and reasons again are the close that stands (200).

Example: ``POST /v1/premises/htl-sao-mai/closes`` with ``{"guests": [...], "reasons": [{"kind": "differs", "about": "R-1", "reason": "list-wrong"}]}``
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.day_closes import KeptClose, closes_at
from registry.desk_lists import Place
from residence.stays.signing_off import OpenCount, PointKind, ReasonedPoint, Why
from residence.wire.day_close import close_text
from server.api.answers import answer
from server.api.callers import Calling, CountedRoute
from server.api.paging import tagged
from server.api.reconciliation import House, HouseGuest, listed_guests, read_house, sent_house
from server.desk.own_premises import workplace
from server.desk.signing_off import GivenList, sign_off
from server.problems import InputProblems
from server.wiring import Server, server_of

router = APIRouter(prefix="/v1/premises", route_class=CountedRoute)
Wired = Annotated[Server, Depends(server_of)]


class PointReason(msgspec.Struct, frozen=True, kw_only=True):
    """Why one point stands open. ``about``: the guest's reference or the stay's id; left out for people seen and statements to put right."""

    kind: PointKind
    reason: Why
    about: str = ""


class SignOff(msgspec.Struct, frozen=True, kw_only=True):
    """Everybody who sleeps in the house, and why what does not agree does not."""

    guests: tuple[HouseGuest, ...]
    reasons: tuple[PointReason, ...] = ()


class CloseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A closed day. ``text`` is the signed close (``LD1:...``); ``listed`` is null for one closed without a list; ``open`` counts people."""

    close_id: str
    premises_id: str
    day: str
    closed_at: str
    closed_by: str
    arrivals: int
    in_house: int
    listed: int | None
    alike: int
    open: tuple[OpenCount, ...]
    text: str


class SignOffAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The close, and the points it holds the digest of."""

    close: CloseAnswer
    points: tuple[ReasonedPoint, ...]


class ClosesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Closed days, the latest evening first."""

    items: tuple[CloseAnswer, ...]


@router.post("/{premises_id}/closes")
def post_close(caller: Calling, server: Wired, premises_id: str, *, body: Annotated[bytes, Depends(sent_house)]) -> Response:
    """Sign the evening off on the program's list."""
    said = read_house(body, SignOff)
    given = GivenList(
        guests=listed_guests(House(guests=said.guests)),
        name=lambda row: said.guests[row].reference,
        reasons={(each.kind, each.about): each.reason for each in said.reasons},
    )
    with server.registry.writing() as connection:  # names are released, so the look is written
        place = workplace(server, connection, caller.account, action="close_day", premises_id=premises_id)
        caller.require("reconcile", premises_id)
        signed = sign_off(server, connection, caller.account, place=place, given=given, way="api")
    if signed.kept is None:
        raise InputProblems(signed.reasoned.problems)
    return answer(SignOffAnswer(close=_shown(signed.kept), points=signed.reasoned.points), status=201 if signed.new else 200)


@router.get("/{premises_id}/closes")
def get_closes(request: Request, caller: Calling, server: Wired, premises_id: str) -> Response:
    """Answer with the days that were closed here."""
    with server.registry.reading() as connection:
        here = workplace(server, connection, caller.account, action="list_stays", premises_id=premises_id).here
        caller.require("read", premises_id)
        found = closes_at(connection, Place(here.commune_code, premises_id))
    return tagged(request, ClosesAnswer(items=tuple(_shown(each) for each in found)))


def _shown(kept: KeptClose) -> CloseAnswer:
    close = kept.close
    return CloseAnswer(
        close_id=close.close_id,
        premises_id=close.premises_id,
        day=close.day,
        closed_at=close.closed_at,
        closed_by=close.closed_by,
        arrivals=close.arrivals,
        in_house=close.in_house,
        listed=close.listed,
        alike=close.alike,
        open=close.open,
        text=close_text(kept.signed),
    )
