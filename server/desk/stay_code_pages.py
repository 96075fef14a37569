"""A code for a guest's own page of their stay, from the front desk: printed, with a code to scan, shown once.

- For whoever has no slip of a kiosk, or lost it. A new code takes the place of every one before, and closes what those opened.
- Whoever may correct a stay may hand it out. What it opens is that stay, which the desk sees already, and no yes in the guest's name (ADR 120).

Example: ``POST /desk/stays/<id>/code``
"""

from __future__ import annotations

from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.responses import Response

from registry.stay_codes import Tools, issue_code
from residence.wire.receipts import receipt_code
from server.desk.one_stay import open_stay
from server.pages import render
from server.visitor import Caller, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]


@router.post("/stays/{stay_id}/code")
def make_code(request: Request, caller: Caller, *, account: SignedIn, server: Wired, stay_id: str) -> Response:
    """Issue a code and show it for printing."""
    server.person_attempts.count(account.account_id)
    tools = Tools(vault=server.registry.vault, now=server.clock.now(), random_bytes=server.random_bytes)
    with server.registry.writing() as connection:
        opened = open_stay(server, connection, account, action="correct", stay_id=stay_id)
        declaration_id, code = issue_code(connection, opened.stay, by=account.account_id, tools=tools)
    receipt = receipt_code(declaration_id)
    address = f"{server.settings.base_url}/stay"
    picture = _picture(f"{address}#{receipt}.{code}")
    return render(
        request, "desk/stay_code.html", caller=caller, opened=opened, receipt=receipt, code=code, address=address, picture=picture
    )


def _picture(address: str) -> Markup:
    svg = segno.make(address, error="m", micro=False).svg_inline(
        scale=4, border=4, svgclass="luutru-qr", lineclass=None, omitsize=True
    )
    return Markup(svg)  # noqa: S704  # made by segno from our own address
