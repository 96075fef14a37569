"""What becomes of a number, for the officer who has it on a paper: cancelled, replaced by another, and that taken back.

- Whoever comes with a number finds who has or had it in their own commune; a list of people there is not, and no name is shown. Numbers come back with all
  but their last digits hidden, and that look is on the record.
- What may be done, and what each step leads to, is ``registry/numbering.py``; the same as ``luutru registry numbers``.
- Beside the numbers an officer records that the person signed in with their e-ID before them; the search page says how many of the commune did.
- A person of another commune and one that is not there answer alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, select
from starlette.responses import RedirectResponse, Response

from registry import tables
from registry.disputing import disputed_fields
from registry.e_ids import e_ids_of, note_e_id, withdraw_e_id
from registry.numbering import Means, Officer, Stepped, cancel_number, numbers_held, replace_number, take_back
from registry.persons import search_by_number
from registry.release import Look, release_numbers
from registry.scoreboard.counting import kept_days
from residence.access.purposes import Field, Purpose
from residence.clock import VIETNAM
from residence.errors import LuutruError, Problem, Refused, has_errors, problem
from residence.stays.known import OLD_NUMBER_LENGTH, PERSONAL_NUMBER_LENGTH
from server.pages import render
from server.police.scoreboard_lines import MeasureLine, first_day, lines_of
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/numbers")
Wired = Annotated[Server, Depends(server_of)]
KINDS: Final = {PERSONAL_NUMBER_LENGTH: "personal", OLD_NUMBER_LENGTH: "old"}
COVERAGE: Final = ("card", "chip", "e_id")
_PERSONS: Final = tables.persons.c


@router.get("")
def show_search(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Ask for a number."""
    server.policy.require(account, "change_numbers", resource=CommuneResource(commune=account.commune_code))
    return render(request, "police/numbers.html", caller=caller, people=[], wrong=None, coverage=_coverage(server, account))


@router.post("")
def search(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Find who has or had a number; one person is shown at once."""
    server.policy.require(account, "change_numbers", resource=CommuneResource(commune=account.commune_code))
    number = "".join(form.get("number", "").split())
    with server.registry.reading() as connection:
        people = _own_people(server, connection, account, number)
    if len(people) == 1:
        return RedirectResponse(f"/police/numbers/{people[0]}", status_code=303)
    wrong = None if people else problem("number.nobody", "/number")
    shown = {"people": people, "wrong": wrong, "coverage": _coverage(server, account)}
    return render(request, "police/numbers.html", caller=caller, status=422 if wrong else 200, **shown)


@router.get("/{person_id}")
def show(request: Request, caller: Caller, account: SignedIn, person_id: str) -> Response:
    """Show a person's numbers and what was done with each."""
    return _page(request, caller, account, person_id)


@router.post("/{person_id}")
def step(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, person_id: str) -> Response:
    """Take one step with a number of this person."""
    with server.registry.writing() as connection:
        _own(server, connection, account, person_id)
        try:
            done = _step(server, connection, account, person_id=person_id, form=form)
        except LuutruError as error:
            if not error.code.startswith(("number.", "e-id.")):
                raise
            done = Stepped(problems=(problem(error.code, error.pointer),))
    if has_errors(done.problems):
        return _page(request, caller, account, person_id, problems=done.problems, form=form)
    told = "?shared=1" if done.problems else ""
    return RedirectResponse(f"/police/numbers/{person_id}{told}", status_code=303)


def _coverage(server: Server, account: Account) -> list[MeasureLine]:
    """Return how many of the commune were seen with a card, a chip, an e-ID, as it was counted last."""
    today = server.clock.now().astimezone(VIETNAM).date()
    with server.registry.reading() as connection:
        cells = kept_days(connection, since=first_day(today).isoformat(), commune_code=account.commune_code)
    return [each for each in lines_of(cells, today=today) if each.measure in COVERAGE]


def _own_people(server: Server, connection: Connection, account: Account, number: str) -> list[str]:
    kind = KINDS.get(len(number)) if number.isascii() and number.isdigit() else None
    ids = search_by_number(connection, kind, number, vault=server.registry.vault) if kind else []
    here = (_PERSONS.person_id.in_(ids), _PERSONS.commune_code == account.commune_code, _PERSONS.merged_into.is_(None))
    return sorted(connection.scalars(select(_PERSONS.person_id).where(*here))) if ids else []


def _own(server: Server, connection: Connection, account: Account, person_id: str) -> None:
    standing = (_PERSONS.person_id == person_id, _PERSONS.merged_into.is_(None), _PERSONS.status != "erased")
    commune = connection.scalar(select(_PERSONS.commune_code).where(*standing))
    if commune is None:
        raise Refused("server.not_allowed")
    server.policy.require(account, "change_numbers", resource=CommuneResource(commune=commune))


def _step(server: Server, connection: Connection, account: Account, *, person_id: str, form: Mapping[str, str]) -> Stepped:
    officer = Officer(account_id=account.account_id, reason=form.get("reason", ""))
    means = Means(vault=server.registry.vault, now=server.clock.now(), random_bytes=server.random_bytes)
    held, action = numbers_held(connection, person_id), form.get("action")
    if action == "no-e-id":
        if form.get("sighting") not in {each.sighting_id for each in e_ids_of(connection, person_id)}:
            raise Refused("e-id.unknown", "/sighting")
        withdraw_e_id(connection, form["sighting"], officer=officer, means=means)
        return Stepped()
    if action == "take-back":
        if not any(form.get("event") == event_id for each in held for _, _, event_id in each.events):
            raise Refused("number.event_unknown", "/event")
        return take_back(connection, form["event"], officer=officer, means=means)
    number = form.get("number_id", "")
    if action != "e-id" and number not in {each.identifier_id for each in held}:
        raise Refused("number.unknown", "/number_id")
    try:
        day = date.fromisoformat(form.get("on", ""))
    except ValueError:
        return Stepped(problems=(problem("server.form_date", "/on"),))
    if action == "e-id":
        note_e_id(connection, person_id, on=day, officer=officer, means=means)
        return Stepped()
    if action == "replace":
        value = "".join(form.get("value", "").split())
        return replace_number(connection, number, value, on=day, officer=officer, means=means)
    return cancel_number(connection, number, on=day, officer=officer, means=means)


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
    now = server.clock.now()
    with server.registry.writing() as connection:  # the look is on the record
        _own(server, connection, account, person_id)
        held = numbers_held(connection, person_id)
        e_ids = [each for each in e_ids_of(connection, person_id) if each.withdrawn_at is None]
        masks = release_numbers(
            connection, person_id, look=look, vault=server.registry.vault, now=now, random_bytes=server.random_bytes
        )
        disputed = Field.PERSONAL_NUMBER_MASKED in disputed_fields(connection, [person_id]).get(person_id, frozenset())
    shared = problem("number.somebody_elses", "/value") if request.query_params.get("shared") else None
    return render(
        request,
        "police/number.html",
        caller=caller,
        status=422 if problems else 200,
        person_id=person_id,
        held=held,
        masks=masks,
        disputed=disputed,
        e_ids=e_ids,
        undone={each.identifier_id: _latest_to_undo(each.events, each.status) for each in held},
        today=now.astimezone(VIETNAM).date().isoformat(),
        problems=problems,
        shared=shared,
        form=dict(form or {}),
    )


def _latest_to_undo(events: tuple[tuple[str, str, str], ...], status: str) -> str | None:
    """Return the event that made a number what it is now, where it can be taken back."""
    made = {status, "joined"} if status == "active" else {status}
    return next((event_id for event, _, event_id in reversed(events) if event in made), None)
