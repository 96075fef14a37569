"""Kiosks for operators: last sign of life, outbox, clock, readers. No stay and no person."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.chip_judgements import Doubts, doubts_by_kiosk
from registry.kiosk_calls import waiting_calls
from registry.kiosks import kiosks_of
from registry.letter_lists import counts_of
from server.operators.kiosk_health import health_of
from server.pages import render
from server.policy import CommuneResource
from server.visitor import Caller, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/operators")
Wired = Annotated[Server, Depends(server_of)]
LOOK_BACK: Final = timedelta(days=30)  # how long a doubted claim is shown


@router.get("/kiosks")
def show_kiosks(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """List the commune's kiosks, those that need a hand first."""
    server.policy.require(account, "list_kiosks", resource=CommuneResource(commune=account.commune_code))
    now = server.clock.now()
    with server.registry.reading() as connection:
        kiosks = kiosks_of(connection, account.commune_code)
        doubts = doubts_by_kiosk(connection, account.commune_code, since=now - LOOK_BACK)
        letters = sum(counts_of(connection, account.commune_code).values())
        calls = waiting_calls(connection, account.commune_code, since=now - LOOK_BACK)
    silent = server.settings.kiosk_silent_after
    counted = {each.kiosk_id: doubts.get(each.kiosk_id, Doubts()) for each in kiosks}
    rows = [(each, health_of(each, now=now, silent_after=silent, doubts=counted[each.kiosk_id].not_shown)) for each in kiosks]
    rows.sort(key=lambda row: (row[1].state != "lost", row[1].state != "degraded", row[0].kiosk_id))
    template = "operators/kiosk_list.html" if request.headers.get("hx-request") else "operators/kiosks.html"
    return render(request, template, caller=caller, rows=rows, doubts=counted, letters=letters, calls=calls)
