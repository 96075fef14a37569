"""The house's own list against what is declared: who is not declared yet, who is declared and not there, what differs.

- The list is compared and forgotten; names of declared guests are released for the duty of the premises, and the look is on the record.
- Whoever is not declared is declared in one step: the form opens with what the list says of them.

Example: paste "Room, Name / 101, Trần Văn An" at ``/desk/house``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from registry.desk_lists import OPEN, Place, list_stays
from registry.house_lists import holders_among
from registry.release import release_persons
from residence.access.purposes import Field
from residence.clock import VIETNAM
from residence.places.premises import Premises
from residence.stays.in_house import DeclaredStay, HouseComparison, InHouse, compare
from server.desk.declare_pages import empty_form, place_for, show_form
from server.desk.house_list import HouseList, ListedGuest, read_house_list
from server.desk.own_premises import workplace
from server.desk.tonight_pages import duty
from server.pages import render
from server.policy import Account
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
        found = None if listed.problems else _compared(server, connection, account, premises=place.here, listed=listed)
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


def _compared(
    server: Server, connection: Connection, account: Account, *, premises: Premises, listed: HouseList
) -> HouseComparison:
    now = server.clock.now()
    here = Place(premises.commune_code, premises.premises_id)
    stays = [each for each in list_stays(connection, here, since=now) if each.status in OPEN]
    people = {each.person_id for each in stays}
    released = release_persons(
        connection,
        people,
        look=duty(account, about=premises.premises_id, fields=frozenset({Field.FULL_NAME})),
        vault=server.registry.vault,
        now=now,
        random_bytes=server.random_bytes,
    )
    holders = holders_among(connection, people, vault=server.registry.vault)
    guests = [_listed(each, holders) for each in listed.guests]
    declared = [
        DeclaredStay(
            stay_id=each.stay_id,
            person_id=each.person_id,
            full_name=released[each.person_id].fields.get(Field.FULL_NAME, "") if each.person_id in released else "",
            name_disputed=each.person_id in released and Field.FULL_NAME in released[each.person_id].disputed,
            unit=each.unit,
            numbered=any(each.person_id in people for people in holders.values()),
            start=each.start_at.astimezone(VIETNAM).date(),
            planned_end=each.planned_end.astimezone(VIETNAM).date() if each.planned_end else None,
        )
        for each in stays
    ]
    return compare(guests, declared, today=_today(now))


def _listed(guest: ListedGuest, holders: Mapping[str, frozenset[str]]) -> InHouse:
    return InHouse(
        row=guest.row,
        full_name=guest.full_name,
        unit=guest.unit,
        arrival=guest.arrival,
        departure=guest.departure,
        numbered=bool(guest.number),
        holders=holders.get(guest.number, frozenset()) if guest.number else frozenset(),
    )


def _today(now: datetime) -> date:
    return now.astimezone(VIETNAM).date()
