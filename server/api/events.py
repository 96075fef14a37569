"""What happened at the account's premises, from a cursor on: nothing is missed, and anything can be read again.

- Every statement about a stay is an event, whichever way it came in: a kiosk's, the desk's, a program's. It names no guest.
- ``next`` is always there: it is where to go on, now or tomorrow. ``more`` says whether another page is ready at once.
- An event appears a few seconds after it was recorded, in the order of the registry's time; the same cursor gives the same events again.

Example: ``GET /v1/events?cursor=...`` -> ``{"items": [{"type": "declaration.accepted", ...}], "next": "...", "more": false}``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.stay_events import SETTLED, events_after, told
from residence.clock import parse_instant
from residence.errors import Refused
from residence.wire.stay_events import EventAnswer
from server.api.answers import answer
from server.api.callers import ApiCaller, Calling, CountedRoute
from server.api.paging import Place, read_cursor, read_limit, write_cursor
from server.policy import PremisesResource
from server.wiring import Server, server_of

router = APIRouter(prefix="/v1/events", route_class=CountedRoute)
Wired = Annotated[Server, Depends(server_of)]
FIRST = "00000000-0000-0000-0000-000000000000"


class EventsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page of events, oldest first. ``next``: where to go on; ``more``: another page is ready."""

    items: tuple[EventAnswer, ...]
    next: str
    more: bool


@router.get("")
def get_events(request: Request, caller: Calling, server: Wired) -> Response:
    """Answer with events beyond a cursor, or beyond an instant (``since``), or of the last day."""
    limit, cursor = read_limit(request.query_params.get("limit")), read_cursor(request.query_params.get("cursor"))
    premises = _premises(server, caller)
    now = server.clock.now()
    begin = cursor or Place(at=_since(request, now), own_id=FIRST)
    with server.registry.reading() as connection:
        found = events_after(connection, premises, after=(begin.at, begin.own_id), before=now - SETTLED, limit=limit + 1)
    page = found[:limit]
    end = Place(at=page[-1].recorded_at, own_id=page[-1].declaration_id) if page else begin
    return answer(EventsAnswer(items=tuple(told(each) for each in page), next=write_cursor(end), more=len(found) > limit))


def _premises(server: Server, caller: ApiCaller) -> tuple[str, ...]:
    reached = caller.premises("read")
    commune = caller.account.commune_code
    for each in reached:
        server.policy.require(caller.account, "list_stays", resource=PremisesResource(premises_id=each, commune=commune))
    if not reached:
        raise Refused("server.not_allowed")
    return reached


def _since(request: Request, now: datetime) -> datetime:
    asked = request.query_params.get("since")
    return parse_instant(asked, "/since") if asked else now - timedelta(days=1)
