"""What has run out and is still on the books, for the officer: by rule, with the place, the day and what was tried; no name.

- Nothing is decided here: a lapse goes when the register says otherwise (renewed, moved out, checked out, a newer paper), or is found no more.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.lapses import standing_lapses
from registry.premises import load_premises
from server.pages import render
from server.policy import CommuneResource
from server.visitor import Caller, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/lapses")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the commune's lapses that stand."""
    commune = account.commune_code
    server.policy.require(account, "list_undeclared", resource=CommuneResource(commune=commune))
    with server.registry.reading() as connection:
        lapses = standing_lapses(connection, commune)
        places = load_premises(connection, {each.premises_id for each in lapses}, vault=server.registry.vault)
    return render(request, "police/lapses.html", caller=caller, lapses=lapses, places=places)
