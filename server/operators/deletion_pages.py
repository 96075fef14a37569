"""What the nights deleted, for operators: counts by class of data, by which policy, and whether a night was broken off; never whose.

- A registry serves many communes and its nights are everybody's, so nothing here is of one commune.
- The policy beside it is the built-in one; a night carried out by another says so by its digest.

Example: ``/operators/deletions``
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.deletions import reports
from registry.retention_policy import read_policy
from server.pages import render
from server.policy import CommuneResource
from server.visitor import Caller, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/operators")
Wired = Annotated[Server, Depends(server_of)]
NIGHTS: Final = 31


@router.get("/deletions")
def show_deletions(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the last nights' reports and how long what is kept."""
    server.policy.require(account, "list_deletions", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        nights = reports(connection, limit=NIGHTS)
    return render(request, "operators/deletions.html", caller=caller, nights=nights, policy=read_policy())
