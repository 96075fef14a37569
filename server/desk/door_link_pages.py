"""A door pass for a guest's phone, from the front desk: a link as a code to scan, shown once.

- Whoever may correct a stay may hand out its pass; nobody else sees the link, and the desk does not see the pass.
- A new link makes the one before worthless.

Example: ``POST /desk/stays/<id>/door-link`` shows the code.
"""

from __future__ import annotations

from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.responses import Response

from registry.door_passes import add_link
from server.desk.one_stay import open_stay
from server.pages import render
from server.visitor import Caller, SignedIn, new_token
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]


@router.post("/stays/{stay_id}/door-link")
def make_link(request: Request, caller: Caller, *, account: SignedIn, server: Wired, stay_id: str) -> Response:
    """Make a link to the stay's pass and show it as a code."""
    secret = new_token(server)
    with server.registry.writing() as connection:
        opened = open_stay(server, connection, account, action="correct", stay_id=stay_id)
        ends = add_link(connection, stay_id, secret, now=server.clock.now())
    address = f"{server.settings.base_url}/door/open/{secret}"
    return render(request, "desk/door_link.html", caller=caller, opened=opened, ends=ends, picture=_picture(address))


def _picture(address: str) -> Markup:
    svg = segno.make(address, error="m", micro=False).svg_inline(
        scale=4, border=4, svgclass="luutru-qr", lineclass=None, omitsize=True
    )
    return Markup(svg)  # noqa: S704  # made by segno from our own address
