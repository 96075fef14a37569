"""The desk's page of a returning guest: asked by a number, answered with a filled form, and forgotten when the guest says so.

- Nobody who did not agree at this house is found, and that is said in the same words as "unknown".

Example: ``POST /desk/recall`` with ``number`` opens the form of a declaration, filled in
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.recall_consents import end_consents
from residence.errors import problem
from server.desk.declare_pages import empty_form, place_for, show_form
from server.desk.one_stay import open_stay
from server.desk.parties import next_of_party
from server.desk.recall import find_guest
from server.desk.shown_cards import note_shown
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]


@router.post("/recall")
def recall(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Fill the form in with what a guest who agreed here declared last time."""
    place = place_for(server, account, "declare", form.get("premises_id", ""))
    party = next_of_party(server, place.here, declaration_id=form.get("party", ""))
    fields = empty_form(server, place) | party.fields
    card = find_guest(server, place.here, number=form.get("number", ""), country=form.get("country", ""))
    if card is None:
        return show_form(request, caller, place=place, form=fields, problems=(problem("desk.nobody_recalled", "/number"),))
    note_shown(server, account, place.here, card)
    known = card.fields | party.beside(card.reading.person, fields["arrival"]) | {"recalled": card.presence_id, "recall": "yes"}
    return show_form(request, caller, place=place, form=fields | known, card=card)


@router.post("/stays/{stay_id}/forget")
def forget(*, account: SignedIn, server: Wired, stay_id: str) -> Response:
    """End the guest's consent to being recalled here."""
    with server.registry.writing() as connection:
        opened = open_stay(server, connection, account, action="correct", stay_id=stay_id)
        premises_id = opened.stay.premises_id
        end_consents(connection, opened.stay.person_id, premises_id=premises_id, now=server.clock.now())
    return RedirectResponse(f"/desk/stays/{stay_id}", status_code=303)
