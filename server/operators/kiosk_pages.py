"""Kiosks for operators: last sign of life, outbox, clock, readers. No stay and no person."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.kiosks import kiosks_of
from registry.letter_lists import counts_of
from server.operators.kiosk_health import health_of
from server.pages import render
from server.policy import CommuneResource
from server.visitor import Caller, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/operators")
Wired = Annotated[Server, Depends(server_of)]


@router.get("/kiosks")
def show_kiosks(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """List the commune's kiosks, those that need a hand first."""
    server.policy.require(account, "list_kiosks", resource=CommuneResource(commune=account.commune_code))
    now = server.clock.now()
    with server.registry.reading() as connection:
        kiosks = kiosks_of(connection, account.commune_code)
        letters = sum(counts_of(connection, account.commune_code).values())
    rows = [(each, health_of(each, now=now, silent_after=server.settings.kiosk_silent_after)) for each in kiosks]
    rows.sort(key=lambda row: (row[1].state != "lost", row[1].state != "degraded", row[0].kiosk_id))
    template = "operators/kiosk_list.html" if request.headers.get("hx-request") else "operators/kiosks.html"
    return render(request, template, caller=caller, rows=rows, letters=letters)
