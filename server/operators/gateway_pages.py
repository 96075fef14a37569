"""The gateways for operators: how each worker fares now and over the last hour; kiosks of the own commune that lag. No person.

- A worker serves many communes, so its rates are everybody's; of kiosks only the own commune's are named.
- The drawing is made here and sent as it is; the same figures stand in a table below it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.gateway_reports import KEPT_FOR, is_silent, latest_reports, reports_since
from registry.kiosks import communes_of_kiosks
from registry.letter_lists import counts_of
from server.operators.gateway_plot import hours_of
from server.pages import render
from server.policy import CommuneResource
from server.visitor import Caller, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/operators")
Wired = Annotated[Server, Depends(server_of)]
LAGGING = 1.0  # seconds; below that nobody waits


@router.get("/gateway")
def show_gateways(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show every worker of this registry."""
    server.policy.require(account, "watch_gateways", resource=CommuneResource(commune=account.commune_code))
    now = server.clock.now()
    with server.registry.reading() as connection:
        reports = latest_reports(connection, since=now - KEPT_FOR)
        hours = hours_of(reports_since(connection, now - KEPT_FOR), now=now)
        lags = {lag.kiosk_id: lag for each in reports if not is_silent(each, now=now) for lag in each.lags}
        communes = communes_of_kiosks(connection, lags)
        letters = sum(counts_of(connection, account.commune_code).values())
    template = "operators/gateway_live.html" if request.headers.get("hx-request") else "operators/gateway.html"
    return render(
        request,
        template,
        caller=caller,
        workers=[(each, is_silent(each, now=now), hours.get(each.worker)) for each in reports],
        lags=sorted(
            (lag for lag in lags.values() if communes.get(lag.kiosk_id) == account.commune_code and lag.seconds >= LAGGING),
            key=lambda lag: -lag.seconds,
        ),
        letters=letters,
        began=now - KEPT_FOR,
    )
