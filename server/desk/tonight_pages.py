"""Tonight's list, and the part of it that is asked for again every few seconds.

- The polled answer swaps states only; when a row appeared or went, it asks the browser to load the page again.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.alarm_channels import channels_of
from registry.day_closes import newest_close
from registry.desk_lists import Place
from registry.notices import Notice, say_visitor
from registry.release import Look
from residence.access.purposes import Field, Purpose, Way
from residence.cases.notices import NoticeKind, addressee
from residence.errors import Refused
from residence.places.premises import Premises
from server.desk.evening import SHOWN, evening, is_reopened
from server.desk.own_premises import workplace
from server.desk.question_pages import count_questions
from server.desk.tonight import SeenRow, seen_here, tonight
from server.desk.waits import waits
from server.pages import render
from server.policy import Account
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]


def duty(account: Account, *, about: str, fields: frozenset[Field] | None = None, way: Way = "single") -> Look:
    """Return the look a clerk takes for the duty of the premises."""
    return Look(
        account_id=account.account_id,
        role="clerk",
        purpose=Purpose.DECLARE_GUEST,
        commune_code=account.commune_code,
        about=about,
        fields=fields,
        way=way,
    )


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show tonight's list of one premises."""
    with server.registry.writing() as connection:  # names are released, so the look is written
        place = workplace(server, connection, account, action="list_stays", premises_id=request.query_params.get("premises", ""))
        look = duty(account, about=place.here.premises_id, fields=frozenset({Field.FULL_NAME}), way="list")
        listed = tonight(server, connection, place.here, look=look)
        figures = evening(listed, rules=server.rules, now=server.clock.now())
        here = Place(place.here.commune_code, place.here.premises_id)
        closed = newest_close(connection, here, day=figures.day.isoformat())
        questions = count_questions(connection, place.here.premises_id)
        channels = channels_of(connection, place.here.premises_id)
    asked = _asked(request)
    return render(
        request,
        "desk/tonight.html",
        caller=caller,
        place=place,
        tonight=listed,
        evening=figures,
        rows=figures.rows(asked, listed.guests),
        asked=asked,
        closed=closed,
        reopened=is_reopened(closed, figures),
        questions=questions,
        dead_channels=[each for each in channels if each.state == "fails"],
        **waits(server, account, place.here),
        fines=server.rules.fines_for(server.clock.now()),
    )


def _asked(request: Request) -> str:
    """Return which figure's guests are asked for; empty: everybody."""
    asked = request.query_params.get("show", "")
    return asked if asked in SHOWN else ""


@router.post("/seen")
def answer(*, account: SignedIn, server: Wired, form: Form) -> Response:
    """Take the clerk's word that somebody seen here is a visitor who does not stay the night."""
    now = server.clock.now()
    with server.registry.writing() as connection:
        place = workplace(server, connection, account, action="declare", premises_id=form.get("premises_id", ""))
        row = next((each for each in seen_here(server, connection, place.here) if each.sighting.who == form.get("who")), None)
        if row is None:
            raise Refused("notice.nobody_seen", "/who")
        say_visitor(connection, _about(row, place.here), by=account.account_id, now=now, random_bytes=server.random_bytes)
    return RedirectResponse(f"/desk?premises={place.here.premises_id}", status_code=303)


def _about(row: SeenRow, premises: Premises) -> Notice:
    seen = row.sighting
    return Notice(
        kind=NoticeKind.PLEASE_DECLARE,
        about=seen.presence_id,
        who=seen.who,
        premises_id=premises.premises_id,
        commune_code=premises.commune_code,
        addressee=addressee(NoticeKind.PLEASE_DECLARE, premises.kind_at(seen.seen_at)),
        unit=seen.unit,
        due=row.deadline.due,
        rule_set=row.deadline.rule_set,
        article=row.deadline.article,
    )


@router.get("/states")
def states(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Answer with the states alone."""
    with server.registry.reading() as connection:
        place = workplace(server, connection, account, action="list_stays", premises_id=request.query_params.get("premises", ""))
        listed = tonight(server, connection, place.here, look=None)
    if listed.version != request.query_params.get("known"):
        return Response(status_code=204, headers={"hx-refresh": "true"})
    figures = evening(listed, rules=server.rules, now=server.clock.now())
    return render(request, "desk/states.html", caller=caller, place=place, rows=figures.rows(_asked(request), listed.guests))
