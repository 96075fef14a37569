"""Who is registered for a time at one premises: until when, and that somebody moved out, which the landlord says in one step.

- The landlord's word ends the registration on its day (``registry/temporary_residence.py``); the person hears of it, and it can be taken back.
- Only registrations of the clerk's own premises can be touched; one elsewhere and one that is not there answer alike.
- Names are released for the duty of the premises; the look is on the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.desk_lists import Place
from registry.lodgers import Lodger, lodgers_at
from registry.release import ReleasedPerson, release_persons
from registry.temporary_residence import Done, Means, Teller, move_out, take_back
from residence.access.purposes import Field
from residence.errors import LuutruError, Problem, Refused, problem
from server.desk.own_premises import Workplace, workplace
from server.desk.tonight_pages import duty
from server.pages import render
from server.policy import Account
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk/lodgers")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn) -> Response:
    """Show the registrations."""
    return _page(request, caller, account, premises_id=request.query_params.get("premises", ""))


@router.post("")
def take(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Take the landlord's word that somebody moved out, or that this was a mistake."""
    premises_id = form.get("premises_id", "")
    with server.registry.writing() as connection:
        place = workplace(server, connection, account, action="check_out", premises_id=premises_id)
        try:
            problems = _step(server, connection, account, place=place, form=form).problems
        except LuutruError as error:
            if not error.code.startswith("residence."):
                raise
            problems = (problem(error.code, error.pointer),)
    if problems:
        return _page(request, caller, account, premises_id=premises_id, problems=problems, form=form)
    return RedirectResponse(f"/desk/lodgers?premises={place.here.premises_id}", status_code=303)


def _step(server: Server, connection: Connection, account: Account, *, place: Workplace, form: Mapping[str, str]) -> Done:
    means = _means(server)
    lodger = next((each for each in _lodgers(connection, place, means) if each.residence_id == form.get("residence_id")), None)
    if lodger is None:
        raise Refused("residence.unknown", "/residence_id")
    teller = Teller(told_by="landlord", account_id=account.account_id, reason=form.get("reason", "").strip() or None)
    if form.get("action") == "take_back":
        return take_back(connection, lodger.moved_out or "", teller=teller, means=means)
    try:
        day = date.fromisoformat(form.get("on", ""))
    except ValueError:
        return Done(problems=(problem("server.form_date", "/on"),))
    return move_out(connection, lodger.residence_id, day, teller=teller, means=means)


def _page(
    request: Request,
    caller: Caller,
    account: Account,
    *,
    premises_id: str,
    problems: tuple[Problem, ...] = (),
    form: Mapping[str, str] | None = None,
) -> Response:
    server = server_of(request)
    means = _means(server)
    with server.registry.writing() as connection:  # names are released, so the look is written
        place = workplace(server, connection, account, action="list_stays", premises_id=premises_id)
        lodgers = _lodgers(connection, place, means)
        people = _names(server, connection, account, place=place, lodgers=lodgers)
    shown: dict[str, Any] = {"place": place, "lodgers": lodgers, "people": people, "today": means.today.isoformat()}
    status = 422 if problems else 200
    return render(request, "desk/lodgers.html", caller=caller, status=status, problems=problems, form=dict(form or {}), **shown)


def _names(
    server: Server, connection: Connection, account: Account, *, place: Workplace, lodgers: list[Lodger]
) -> dict[str, ReleasedPerson]:
    return release_persons(
        connection,
        {each.person_id for each in lodgers},
        look=duty(account, about=place.here.premises_id, fields=frozenset({Field.FULL_NAME}), way="list"),
        vault=server.registry.vault,
        now=server.clock.now(),
        random_bytes=server.random_bytes,
    )


def _lodgers(connection: Connection, place: Workplace, means: Means) -> list[Lodger]:
    here = Place(place.here.commune_code, place.here.premises_id)
    return lodgers_at(connection, here, today=means.today, rules=means.rules.temporary_for(means.today))


def _means(server: Server) -> Means:
    return Means(rules=server.rules, now=server.clock.now(), random_bytes=server.random_bytes)
