"""Files of procedures for the officer: the list by deadline, which names nobody; one file with its form; the next step, with a signed slip.

- Opening a file is a look, on the record, for the purpose ``procedure-file``; the fields are those of the form and no more.
- What a file lacks and the population database has is asked there, by a button: a look at those fields, and the number's telling, both on the record.
- A supplement, a refusal says why; a refusal on which legal basis. Each step tells the person by their page and gives them its slip.
- A file of another commune and one that is not there answer alike.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import RedirectResponse, Response

from registry import access_records
from registry.authority_lines import is_spoken_to
from registry.population_questions import POPULATION, ask_population, question_view
from registry.portal_records import portal_view
from registry.procedure_documents import exported
from registry.procedures import Done, Means, file_of, form_of, open_files, take_step
from registry.release import Look
from residence.access.purposes import PERSONAL, Purpose, released_fields
from residence.cases.population import missing_fields
from residence.cases.procedures import OPEN, OWN_STEPS, last_day, steps_from
from residence.clock import parse_instant
from residence.errors import LuutruError, Problem, Refused, problem
from server.pages import render
from server.policy import Account, CommuneResource
from server.procedure_files import shown_value
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/police/procedures")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show_open(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the files that wait, those with the nearest deadline first."""
    server.policy.require(account, "work_procedures", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        files = open_files(connection, account.commune_code)
    return render(request, "police/procedures.html", caller=caller, files=files, last_day=last_day)


@router.get("/{file_id}")
def show(request: Request, caller: Caller, account: SignedIn, file_id: str) -> Response:
    """Show one file."""
    return _page(request, caller, account, file_id)


@router.post("/{file_id}")
def step(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, file_id: str) -> Response:
    """Take the officer's step."""
    try:
        with server.registry.writing() as connection:
            row = _own(server, connection, account, file_id)
            if form.get("step") == "look-up":
                _ask_population(server, connection, account, row)
                return RedirectResponse(f"/police/procedures/{file_id}#population", status_code=303)
            chosen = next((each for each in steps_from(row.state) if each not in OWN_STEPS and each == form.get("step")), None)
            if chosen is None:
                raise Refused("procedure.step", "/step")
            done = Done(
                step=chosen, by=account.account_id, reason=form.get("reason", ""), legal_basis=form.get("legal_basis", "")
            )
            means = Means(
                vault=server.registry.vault, signer=server.signer, now=server.clock.now(), random_bytes=server.random_bytes
            )
            take_step(connection, file_id, done, means=means)
    except LuutruError as error:
        if error.code == "server.not_allowed":
            raise
        return _page(request, caller, account, file_id, wrong=problem(error.code, error.pointer), form=form)
    return RedirectResponse(f"/police/procedures/{file_id}", status_code=303)


def _own(server: Server, connection: Connection, account: Account, file_id: str) -> Row[Any]:
    row = file_of(connection, file_id)
    if row is None:
        raise Refused("server.not_allowed")
    server.policy.require(account, "work_procedures", resource=CommuneResource(commune=row.commune_code))
    return row


def _look(account: Account, row: Row[Any]) -> Look:
    return Look(
        account_id=account.account_id,
        role="officer",
        purpose=Purpose.PROCEDURE_FILE,
        commune_code=row.commune_code,
        about=row.file_id,
    )


def _ask_population(server: Server, connection: Connection, account: Account, row: Row[Any]) -> None:
    """Let the population database be asked for what an open file lacks; a look at those fields."""
    if row.state not in OPEN:
        raise Refused("procedure.step", "/step")
    form = form_of(connection, row, vault=server.registry.vault)
    ask_population(connection, row, form, look=_look(account, row), now=server.clock.now(), random_bytes=server.random_bytes)


def _page(
    request: Request,
    caller: Visitor,
    account: Account,
    file_id: str,
    *,
    wrong: Problem | None = None,
    form: Form | None = None,
) -> Response:
    server = server_of(request)
    with server.registry.writing() as connection:  # the look is on the record
        row = _own(server, connection, account, file_id)
        look = _look(account, row)
        fields = released_fields("officer", Purpose.PROCEDURE_FILE) & PERSONAL
        now = server.clock.now()
        access_records.add(connection, [row.person_id], look=look, fields=fields, now=now, random_bytes=server.random_bytes)
        made = exported(connection, row, vault=server.registry.vault)
        portal = portal_view(connection, file_id, vault=server.registry.vault)
        asked = question_view(connection, file_id, vault=server.registry.vault)
        form_there = form_of(connection, row, vault=server.registry.vault)
        can_ask = made.state in OPEN and is_spoken_to(connection, POPULATION) and (asked is None or asked.state == "refused")
    return render(
        request,
        "police/procedure.html",
        caller=caller,
        status=422 if wrong else 200,
        made=made,
        due_on=last_day(parse_instant(made.due)) if made.due else None,
        shown={each.name: shown_value(each, caller.language) for each in made.fields},
        portal=portal,
        asked=asked,
        lacking=missing_fields(form_there) if can_ask else (),
        steps=[each for each in steps_from(made.state) if each not in OWN_STEPS],
        wrong=wrong,
        form=form or {},
    )
