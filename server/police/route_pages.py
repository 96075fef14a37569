"""A list to walk by, made for printing: the cases of one queue by house, with room for what was found there. No name.

- Which cases: those of a queue and filter, as the address of the queue says. Which houses come first is by their address, then the room, so that
  a street is walked once.
- The paper says whose it is and when it was printed, and to destroy it: it tells where somebody may be undeclared.

Example: ``/police/route/mine?rule=night_check``
"""

from __future__ import annotations

import re
from typing import Annotated
from unicodedata import combining, normalize

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.premises import load_premises
from residence.cases.queues import passes, read_filter
from residence.cases.transitions import CLOSED
from residence.errors import Refused
from residence.places.premises import Premises
from server.pages import render
from server.police.queue_lines import Item
from server.police.work_queue_pages import asked_queue, require_queues, shelf_of
from server.visitor import Caller, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/route")
Wired = Annotated[Server, Depends(server_of)]


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """One house of the way, and the cases there by room."""

    place: Premises
    items: list[Item]


@router.get("/{queue}")
def show(request: Request, caller: Caller, *, account: SignedIn, server: Wired, queue: str) -> Response:
    """Show the houses of a queue's cases in the order of their addresses."""
    require_queues(server, account)
    chosen, asked = asked_queue(server, queue), read_filter(request.query_params)
    if chosen.closed:
        raise Refused("server.not_allowed")
    with server.registry.reading() as connection:
        items = shelf_of(server, connection, account, chosen=chosen).items
        items = [each for each in items if passes(asked, each.queued, me=account.account_id)]
        places = load_premises(connection, {each.row.premises_id for each in items}, vault=server.registry.vault)
    open_ones = [each for each in items if each.queued.state not in CLOSED and each.row.premises_id in places]
    return render(
        request,
        "police/route.html",
        caller=caller,
        queue=chosen,
        written=asked.written,
        stops=stops_of(open_ones, places),
        visits=len(open_ones),
    )


def stops_of(items: list[Item], places: dict[str, Premises]) -> list[Stop]:
    """Return the houses in the order of their addresses, each with its cases by room."""
    at: dict[str, list[Item]] = {}
    for each in sorted(items, key=lambda item: (walked(item.row.unit or ""), item.row.case_id)):
        at.setdefault(each.row.premises_id, []).append(each)
    stops = [Stop(place=places[premises_id], items=found) for premises_id, found in at.items()]
    return sorted(
        stops, key=lambda stop: (_street(stop.place.address_text), walked(stop.place.address_text), stop.place.premises_id)
    )


def _street(address: str) -> str:
    """Return an address without its first number, so that houses of one street stand together."""
    words = re.sub(r"\d+\w*", "", address, count=1).casefold().replace("đ", "d").strip()
    # Letters first, then their marks: by code point alone, Đ would come after every other letter.
    return "".join(each for each in normalize("NFD", words) if not combining(each)) + "\0" + words


def walked(text: str) -> tuple[tuple[int, str], ...]:
    """Return what house numbers and rooms are sorted by: numbers as numbers.

    >>> walked("Số 9") < walked("Số 10")
    True
    """
    return tuple((int(each), "") if each.isdecimal() else (-1, each.casefold()) for each in re.split(r"(\d+)", text) if each)
