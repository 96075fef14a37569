"""The house's own list against what is declared: who is not declared yet, who is declared and not there, what differs.

- The list is compared and forgotten; names of declared guests are released for the duty of the premises, and the look is on the record.
- An evening is signed off on the list that was compared: it comes again with the form, is compared anew, and each open point needs a reason.
- Whoever is not declared is declared in one step: the form opens with what the list says of them.

Example: paste "Room, Name / 101, Trần Văn An" at ``/desk/house``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from residence.stays.in_house import DeclaredStay
from residence.stays.signing_off import FITS
from server.desk.declare_pages import empty_form, place_for, show_form
from server.desk.house_list import HouseList, read_house_list
from server.desk.own_premises import Workplace, workplace
from server.desk.signing_off import GivenList, Looked, look, sign_off
from server.desk.waits import waits
from server.pages import render
from server.visitor import Caller, Form, SignedIn, signed_in
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]
PREFILLED = ("full_name", "personal_number", "unit", "arrival", "planned_departure")


@router.get("/house")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the empty page."""
    place = place_for(server, account, "list_stays", request.query_params.get("premises", ""))
    return render(
        request,
        "desk/house.html",
        caller=caller,
        place=place,
        listed=HouseList(),
        text="",
        found=None,
        points=(),
        **waits(server, account, place.here),
    )


@router.post("/house")
def compare_lists(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Compare a pasted list with what is declared."""
    text = form.get("list", "")
    listed = read_house_list(text)
    with server.registry.writing() as connection:  # names are released, so the look is written
        place = workplace(server, connection, account, action="list_stays", premises_id=form.get("premises_id", ""))
        looked = None if listed.problems else look(server, connection, account, place=place, given=_given(listed, form))
    return _compared(
        request, caller, place=place, listed=listed, text=text, looked=looked, status=422 if listed.problems else 200
    )


@router.post("/house/sign-off")
def sign(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Sign the evening off on the list, or show what lacks a reason."""
    text = form.get("list", "")
    listed = read_house_list(text)
    with server.registry.writing() as connection:
        place = workplace(server, connection, account, action="close_day", premises_id=form.get("premises_id", ""))
        given = _given(listed, form)
        signed = None if listed.problems else sign_off(server, connection, account, place=place, given=given)
    if signed is not None and signed.kept is not None:
        return RedirectResponse(f"/desk/closes/{signed.kept.close_id}", status_code=303)
    looked = signed.looked if signed else None
    return _compared(request, caller, place=place, listed=listed, text=text, looked=looked, status=422, given=given)


def _given(listed: HouseList, form: Mapping[str, str]) -> GivenList:
    """Return the list with the reasons of the form: fields ``reason:<kind>:<about>``."""
    named = (name.split(":", 2) for name in form if name.startswith("reason:") and name.count(":") > 1)
    reasons = {(kind, about): form[f"reason:{kind}:{about}"] for _, kind, about in named}
    return GivenList(guests=listed.guests, name=str, reasons=reasons)


def _compared(
    request: Request,
    caller: Caller,
    *,
    place: Workplace,
    listed: HouseList,
    text: str,
    looked: Looked | None,
    status: int,
    given: GivenList | None = None,
) -> Response:
    return render(
        request,
        "desk/house.html",
        caller=caller,
        status=status,
        place=place,
        listed=listed,
        text=text,
        found=looked.found if looked else None,
        points=looked.points if looked else (),
        people={each.row: each.full_name for each in listed.guests} | {each.stay_id: each.full_name for each in _stays(looked)},
        reasons=given.reasons if given else None,
        fits=FITS,
        day=looked.figures.day.isoformat() if looked else "",
        numbers={each.row: each.number for each in listed.guests},
        **waits(server_of(request), signed_in(caller), place.here),
    )


def _stays(looked: Looked | None) -> tuple[DeclaredStay, ...]:
    return looked.found.not_in_house if looked else ()


@router.post("/house/declare")
def open_form(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Open the form of a declaration with what the list says of one guest; nothing is recorded yet."""
    place = place_for(server, account, "declare", form.get("premises_id", ""))
    known = {name: form[name] for name in PREFILLED if form.get(name)}
    return show_form(request, caller, place=place, form=empty_form(server, place) | known)
