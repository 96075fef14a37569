"""Tonight's list, and the part of it that is asked for again every few seconds.

- The polled answer swaps states only; when a row appeared or went, it asks the browser to load the page again.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.release import Look
from residence.access.purposes import Field, Purpose
from server.desk.own_premises import workplace
from server.desk.tonight import tonight
from server.pages import render
from server.policy import Account
from server.visitor import Caller, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]


def duty(account: Account, *, about: str, fields: frozenset[Field] | None = None) -> Look:
    """Return the look a clerk takes for the duty of the premises."""
    return Look(
        account_id=account.account_id,
        role="clerk",
        purpose=Purpose.DECLARE_GUEST,
        commune_code=account.commune_code,
        about=about,
        fields=fields,
    )


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show tonight's list of one premises."""
    with server.registry.writing() as connection:  # names are released, so the look is written
        place = workplace(server, connection, account, action="list_stays", premises_id=request.query_params.get("premises", ""))
        look = duty(account, about=place.here.premises_id, fields=frozenset({Field.FULL_NAME}))
        listed = tonight(server, connection, place.here, look=look)
    return render(request, "desk/tonight.html", caller=caller, place=place, tonight=listed)


@router.get("/states")
def states(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Answer with the states alone."""
    with server.registry.reading() as connection:
        place = workplace(server, connection, account, action="list_stays", premises_id=request.query_params.get("premises", ""))
        listed = tonight(server, connection, place.here, look=None)
    if listed.version != request.query_params.get("known"):
        return Response(status_code=204, headers={"hx-refresh": "true"})
    return render(request, "desk/states.html", caller=caller, place=place, tonight=listed)
