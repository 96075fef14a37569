"""How far the drivers of readers are to be trusted: tier, exemptions and what is still to be done, from their quality files.

Example: ``/operators/readers``
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from firmware_config.driver_quality import drivers, quality_of, rules
from server.pages import render
from server.policy import CommuneResource
from server.visitor import Caller, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/operators")
Wired = Annotated[Server, Depends(server_of)]


@router.get("/readers")
def show_drivers(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show every driver with its tier, and why it has no higher one."""
    server.policy.require(account, "list_kiosks", resource=CommuneResource(commune=account.commune_code))
    qualities = {name: quality_of(name) for name in drivers()}
    return render(request, "operators/drivers.html", caller=caller, qualities=qualities, rules=rules())
