"""Where a person is permanently registered, corrected by an officer who has the paper: recorded, moved, put right, ended, each taken back.

- Whoever comes is found by their number (``/police/numbers``); no name is shown here, numbers are masked, and the look is on the record.
- What may be done is ``registry/permanent_residence.py``; the same as ``luutru registry home``. Every correction is signed by this process.
- Both homes of a step lie in the officer's own commune. Who moves in from another commune is recorded here and ended there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, select
from starlette.responses import RedirectResponse, Response

from registry import tables
from registry.correcting import Corrected, Hand, corrections_of
from registry.permanent_residence import HomeCorrection, NewHome, correct, end, homes_of, move, record, take_back
from registry.premises import load_premises, premises_of
from registry.release import Look, release_numbers
from residence.access.purposes import Purpose
from residence.clock import VIETNAM
from residence.errors import LuutruError, Problem, Refused, has_errors, problem
from server.pages import render
from server.police.premises_correcting_pages import hand_of, history_of, to_take_back
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/homes/{person_id}")
Wired = Annotated[Server, Depends(server_of)]
_PERSONS = tables.persons.c


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, person_id: str) -> Response:
    """Show where a person is registered, and what was corrected of it."""
    return _page(request, caller, account, person_id)


@router.post("")
def step(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, person_id: str) -> Response:
    """Take one step with this person's permanent residence."""
    try:
        with server.registry.writing() as connection:
            _own(server, connection, account, person_id)
            done = _step(server, connection, account, person_id=person_id, form=form)
    except LuutruError as error:
        if not error.code.startswith(("correction.", "permanent.", "residence.", "registry.premises_unknown")):
            raise
        done = Corrected(problems=(problem(error.code, error.pointer),))
    if has_errors(done.problems):
        return _page(request, caller, account, person_id, problems=done.problems, form=form)
    return RedirectResponse(f"/police/homes/{person_id}", status_code=303)


def _own(server: Server, connection: Connection, account: Account, person_id: str) -> None:
    standing = (_PERSONS.person_id == person_id, _PERSONS.merged_into.is_(None), _PERSONS.status != "erased")
    commune = connection.scalar(select(_PERSONS.commune_code).where(*standing))
    if commune is None:
        raise Refused("server.not_allowed")
    _require(server, account, commune)


def _require(server: Server, account: Account, commune: str) -> None:
    server.policy.require(account, "correct_register", resource=CommuneResource(commune=commune))


def _step(server: Server, connection: Connection, account: Account, *, person_id: str, form: Mapping[str, str]) -> Corrected:
    hand, action = hand_of(server, account, form), form.get("action")
    if action == "take-back":
        return _take_back(server, connection, account, hand=hand, person_id=person_id, correction_id=form.get("correction", ""))
    try:
        day = date.fromisoformat(form.get("on", ""))
    except ValueError:
        return Corrected(problems=(problem("server.form_date", "/on"),))
    residence_id = form.get("residence", "")
    if action in {"move", "correct", "end"}:
        home = next((row for row in homes_of(connection, person_id) if row.residence_id == residence_id), None)
        if home is None:
            raise Refused("residence.unknown", "/residence")
        _require(server, account, home.commune_code)
    if action == "end":
        return end(connection, residence_id, day, hand=hand)
    return _to_a_place(server, connection, account, hand=hand, person_id=person_id, asked=_home(form, day), form=form)


def _take_back(
    server: Server, connection: Connection, account: Account, *, hand: Hand, person_id: str, correction_id: str
) -> Corrected:
    """Take a correction back; the homes it is of, both of a move, are of the officer's own commune."""
    kept = {each.correction_id: each for each in corrections_of(connection, person_id)}
    communes = {row.residence_id: row.commune_code for row in homes_of(connection, person_id)}
    taken = kept.get(correction_id)
    if taken is None:
        raise Refused("correction.unknown", "/correction")
    for each in (taken, kept.get(taken.before.get("ended_by", ""))):
        if each is not None:
            _require(server, account, communes.get(each.row_id, ""))
    return take_back(connection, correction_id, hand=hand)


def _to_a_place(
    server: Server,
    connection: Connection,
    account: Account,
    *,
    hand: Hand,
    person_id: str,
    asked: NewHome,
    form: Mapping[str, str],
) -> Corrected:
    place = load_premises(connection, [asked.premises_id], vault=server.registry.vault).get(asked.premises_id)
    if place is None or place.commune_code != account.commune_code:  # elsewhere and nowhere answer alike
        raise Refused("registry.premises_unknown", "/premises")
    match form.get("action"):
        case "move":
            return move(connection, form["residence"], asked, hand=hand)
        case "correct":
            right = HomeCorrection(
                premises_id=asked.premises_id, unit=asked.unit, household_id=asked.household_id, first=asked.first
            )
            return correct(connection, form["residence"], right, hand=hand)
        case _:
            return record(connection, person_id, asked, hand=hand)


def _home(form: Mapping[str, str], day: date) -> NewHome:
    said = {name: form.get(name, "").strip() or None for name in ("unit", "household")}
    return NewHome(premises_id=form.get("premises", "").strip(), first=day, unit=said["unit"], household_id=said["household"])


def _page(
    request: Request,
    caller: Visitor,
    account: Account,
    person_id: str,
    *,
    problems: tuple[Problem, ...] = (),
    form: Mapping[str, str] | None = None,
) -> Response:
    server = server_of(request)
    look = Look(
        account_id=account.account_id,
        role="officer",
        purpose=Purpose.NUMBER_CHANGE,
        commune_code=account.commune_code,
        about=person_id,
    )
    now, vault = server.clock.now(), server.registry.vault
    with server.registry.writing() as connection:  # the look is on the record
        _own(server, connection, account, person_id)
        masks = release_numbers(connection, person_id, look=look, vault=vault, now=now, random_bytes=server.random_bytes)
        homes = [row for row in homes_of(connection, person_id) if row.kind == "permanent"]
        kept, names = history_of(server, connection, person_id)
        here = premises_of(connection, account.commune_code, vault=vault)
        places = load_premises(connection, {row.premises_id for row in homes}, vault=vault)
    today = now.astimezone(VIETNAM).date().isoformat()
    shown: dict[str, Any] = {"person_id": person_id, "masks": sorted(masks.values()), "homes": homes, "places": places}
    return render(
        request,
        "police/homes.html",
        caller=caller,
        status=422 if problems else 200,
        problems=problems,
        form=dict(form or {}),
        here=here,
        today=today,
        lives=any(row.valid_to is None or row.valid_to >= today for row in homes),
        history=kept,
        names=names,
        undo=to_take_back(kept),
        **shown,
    )
