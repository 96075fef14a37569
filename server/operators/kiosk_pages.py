"""Kiosks for operators: last sign of life, outbox, clock, readers, doors, disk. No stay and no person.

- A kiosk that is online and hears no card is an alarm of its own at the head of the page (``kiosk_health.py``).
- What is listed follows the address: site, state, release, a part of the id, by site or by kiosk, a page at a time (``fleet_view.py``).
- A site all of whose kiosks are lost is one line at the head of the page, however many they are (``fleet.py``).
- Signed settings that are being rolled out are a table of their own: who works by which, how many are lost with it, how many did not take it.
- Numbers of a kiosk's own count that never came although later ones did are an alarm with the numbers, until they come.
- Whoever is muted for maintenance raises no alarm and says who muted it, why and until when (``mute_pages.py``).
- Everything known of one kiosk can be taken away as a file; what only the kiosk itself knows: ``luutru kiosk diagnostics`` there.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from registry.accounts import names_of
from registry.kiosk_calls import waiting_calls
from registry.letter_lists import counts_of
from residence.clock import rfc3339
from residence.errors import Refused
from server.operators.fleet import LOOK_BACK, Patience, Seen, dark_sites, fleet_of, rollout_of
from server.operators.fleet_view import offered_by, read_asked, view_of
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
    now, asked = server.clock.now(), read_asked(request.query_params)
    with server.registry.reading() as connection:
        seen = _seen(connection, server, account.commune_code)
        letters = sum(counts_of(connection, account.commune_code).values())
        calls = waiting_calls(connection, account.commune_code, since=now - LOOK_BACK)
        names = names_of(connection, {each.mute.muted_by for each in seen if each.mute})
    again = bool(request.headers.get("hx-request"))
    heads: dict[str, Any] = {
        "withheld": sum(each.withholds for each in seen),
        "deaf": sum(each.deaf for each in seen),
        "dark": dark_sites(seen),
        "rollout": rollout_of(seen),
        "kiosks": len(seen),
        "letters": letters,
        "calls": calls,
        "names": names,
    }
    template = "operators/kiosk_again.html" if again else "operators/kiosks.html"
    return render(request, template, caller=caller, view=view_of(seen, asked), offered=offered_by(seen), **heads)


@router.get("/kiosks/{kiosk_id}/diagnostics.json")
def take_diagnostics(kiosk_id: str, account: SignedIn, server: Wired) -> Response:
    """Give everything known of one kiosk as a file."""
    server.policy.require(account, "list_kiosks", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        found = [each for each in _seen(connection, server, account.commune_code) if each.kiosk.kiosk_id == kiosk_id]
    if not found:
        raise Refused("kiosk.unknown")
    told = {"at": rfc3339(server.clock.now()), **msgspec.to_builtins(found[0])}
    headers = {"content-disposition": f'attachment; filename="{kiosk_id}.json"'}
    return Response(msgspec.json.format(msgspec.json.encode(told)), media_type="application/json", headers=headers)


def _seen(connection: Connection, server: Server, commune_code: str) -> list[Seen]:
    patience = Patience(silent_after=server.settings.kiosk_silent_after, withheld_after=server.settings.kiosk_withheld_after)
    return fleet_of(connection, commune_code, now=server.clock.now(), patience=patience)
