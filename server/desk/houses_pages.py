"""The pages over houses: all of a clerk's at a glance, and whether one house's declaring works from end to end.

Example: ``GET /desk/houses`` lists them; ``POST /desk/check`` tries one
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from server.desk.declare_pages import place_for
from server.desk.houses import houses
from server.desk.self_test import self_test
from server.desk.waits import waits
from server.pages import render
from server.policy import PremisesResource
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]


@router.get("/houses")
def show_houses(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show every house of the account."""
    for premises_id in account.premises[:1] or ("",):  # whoever has none is refused as on every page of the desk
        resource = PremisesResource(premises_id=premises_id, commune=account.commune_code)
        server.policy.require(account, "list_stays", resource=resource)
    return render(request, "desk/houses.html", caller=caller, houses=houses(server, account))


@router.get("/check")
def show_check(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show what would be tried; nothing is tried by opening the page."""
    place = place_for(server, account, "declare", request.query_params.get("premises", ""))
    return render(request, "desk/check.html", caller=caller, place=place, tried=None, **waits(server, account, place.here))


@router.post("/check")
def check(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Try every part of one house, with a synthetic guest who is declared nowhere."""
    place = place_for(server, account, "declare", form.get("premises_id", ""))
    return render(
        request,
        "desk/check.html",
        caller=caller,
        place=place,
        tried=self_test(server, place.here),
        **waits(server, account, place.here),
    )
