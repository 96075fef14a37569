"""Closing a day: the clerk states that everybody of the evening is declared; the authority's key signs the counts; the page prints.

- Refused while somebody is still to be declared (``day-close.not_all_declared``): a close never covers anybody up.
- Pressing twice closes once; what changes after it is closed anew, and both closes stand.
- A close shows what was signed, as it was then, and the premises' name of today.

Example: ``POST /desk/close`` with ``premises_id`` leads to ``/desk/closes/<id>``.
"""

from __future__ import annotations

from typing import Annotated

import segno
from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.day_closes import KeptClose, closes_at, keep_close, kept_close, newest_close
from registry.desk_lists import Place
from residence.errors import Conflict, Refused
from residence.wire.day_close import close_text, sign_close
from server.declaring import new_declaration_id
from server.desk.evening import Evening, close_of, evening
from server.desk.own_premises import Workplace, workplace
from server.desk.tonight import tonight
from server.desk.waits import waits
from server.pages import render
from server.policy import Account
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]


@router.post("/close")
def close_day(*, account: SignedIn, server: Wired, form: Form) -> Response:
    """Close the evening, or say why not."""
    with server.registry.writing() as connection:
        place = workplace(server, connection, account, action="close_day", premises_id=form.get("premises_id", ""))
        listed = tonight(server, connection, place.here, look=None)
        figures = evening(listed, rules=server.rules, now=server.clock.now())
        if not figures.can_close:
            raise Conflict("day-close.not_all_declared")
        kept = newest_close(connection, _place(place), day=figures.day.isoformat())
        if kept is None or kept.version != figures.version:
            kept = _close(server, connection, account, place=place, figures=figures)
    return RedirectResponse(f"/desk/closes/{kept.close_id}", status_code=303)


def _close(server: Server, connection: Connection, account: Account, *, place: Workplace, figures: Evening) -> KeptClose:
    now = server.clock.now()
    close = close_of(figures, account, close_id=new_declaration_id(server), premises_id=place.here.premises_id, now=now)
    kept = KeptClose(
        close_id=close.close_id,
        commune_code=place.here.commune_code,
        premises_id=place.here.premises_id,
        day=close.day,
        version=figures.version,
        account_id=account.account_id,
        signed=sign_close(close, server.signer),
        closed_at=now,
    )
    keep_close(connection, kept)
    return kept


@router.get("/closes")
def show_closes(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """List the days that were closed here."""
    with server.registry.reading() as connection:
        place = workplace(server, connection, account, action="list_stays", premises_id=request.query_params.get("premises", ""))
        closes = closes_at(connection, _place(place))
    return render(request, "desk/closes.html", caller=caller, place=place, closes=closes, **waits(server, account, place.here))


@router.get("/closes/{close_id}")
def show_close(request: Request, caller: Caller, *, account: SignedIn, server: Wired, close_id: str) -> Response:
    """Show one closed day, made for printing."""
    with server.registry.reading() as connection:
        kept = kept_close(connection, close_id)
        if kept is None:
            raise Refused("server.not_allowed")
        place = workplace(server, connection, account, action="read_receipt", premises_id=kept.premises_id)
    return render(
        request,
        "desk/close.html",
        caller=caller,
        place=place,
        kept=kept,
        close=kept.close,
        picture=_picture(kept.signed),
        **waits(server, account, place.here),
    )


def _place(place: Workplace) -> Place:
    return Place(place.here.commune_code, place.here.premises_id)


def _picture(signed: bytes) -> Markup:
    svg = segno.make(close_text(signed), error="l", micro=False).svg_inline(
        scale=3, border=4, svgclass="luutru-qr", lineclass=None, omitsize=True
    )
    return Markup(svg)  # noqa: S704  # made by segno from base45 text
