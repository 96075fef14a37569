"""The house's own list against what is declared: who is not declared yet, who is declared and not there, what differs.

- The list is compared and forgotten; names of declared guests are released for the duty of the premises, and the look is on the record.
- Whoever is not declared is declared in one step: the form opens with what the list says of them.

Example: paste "Room, Name / 101, Trần Văn An" at ``/desk/house``.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from server.desk.declare_pages import empty_form, place_for, show_form
from server.desk.house_comparison import compared
from server.desk.house_list import HouseList, read_house_list
from server.desk.own_premises import workplace
from server.pages import render
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]
PREFILLED = ("full_name", "personal_number", "unit", "arrival", "planned_departure")


@router.get("/house")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the empty page."""
    place = place_for(server, account, "list_stays", request.query_params.get("premises", ""))
    return render(request, "desk/house.html", caller=caller, place=place, listed=HouseList(), text="", found=None)


@router.post("/house")
def compare_lists(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Compare a pasted list with what is declared."""
    text = form.get("list", "")
    listed = read_house_list(text)
    with server.registry.writing() as connection:  # names are released, so the look is written
        place = workplace(server, connection, account, action="list_stays", premises_id=form.get("premises_id", ""))
        found = None if listed.problems else compared(server, connection, account, premises=place.here, guests=listed.guests)
    return render(
        request,
        "desk/house.html",
        caller=caller,
        status=422 if listed.problems else 200,
        place=place,
        listed=listed,
        text=text,
        found=found,
        numbers={each.row: each.number for each in listed.guests},
    )


@router.post("/house/declare")
def open_form(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Open the form of a declaration with what the list says of one guest; nothing is recorded yet."""
    place = place_for(server, account, "declare", form.get("premises_id", ""))
    known = {name: form[name] for name in PREFILLED if form.get(name)}
    return show_form(request, caller, place=place, form=empty_form(server, place) | known)
