"""Procedures around one's own stay: chosen, a form mostly filled in already, filed, followed, taken along.

- What the register, a chip or the account says is shown with where it comes from and is not asked; only the rest has a field.
- A file shows its state, what is still to be brought, the deadline, and each step with its signed slip; it is taken along as PDF and as JSON for the
  public service portal (``registry/procedure_documents.py``).
- Where a portal is connected a file is sent there because its person says so, once; what the portal says of it is shown.
- Files of one's own only; any other is refused as if it were not there.

Example: ``GET /me/procedures/new/confirmation``
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import RedirectResponse, Response

from registry import access_records
from registry.population_questions import question_view
from registry.portal_records import portal_is_there, portal_view, send_to_portal
from registry.procedure_documents import Exported, exported
from registry.procedures import Done, Filing, Means, file_of, file_procedure, files_of, take_step
from registry.release import Look
from residence.access.purposes import PERSONAL, Purpose, released_fields
from residence.cases.procedures import (
    KINDS,
    OPEN,
    OWN_STEPS,
    Procedure,
    asked_fields,
    asked_papers,
    due_before,
    filled,
    last_day,
    procedure_on,
    steps_from,
)
from residence.clock import VIETNAM, parse_instant
from residence.errors import Conflict, LuutruError, Problem, Refused, problem
from server.pages import render
from server.papers import pdf
from server.policy import Account
from server.procedure_files import procedure_paper, shown_value
from server.residents.own_form import OwnForm, OwnPlace, own_form
from server.residents.own_stays import own_person
from server.visitor import Caller, Form, SignedIn, Visitor, own_language
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/me/procedures")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show_all(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show what can be asked for and the files there are."""
    with server.registry.reading() as connection:
        files = files_of(connection, own_person(server, connection, account))
    today = server.clock.now().astimezone(VIETNAM).date()
    return render(
        request,
        "residents/procedures.html",
        caller=caller,
        last_day=last_day,
        files=files,
        offered=[procedure_on(each, today) for each in KINDS],
    )


@router.get("/new/{kind}")
def ask(request: Request, caller: Caller, account: SignedIn, *, kind: str, place: int = 0) -> Response:
    """Show the form, filled in as far as it is known."""
    return _form_page(request, caller, account, kind, place=place)


@router.post("/new/{kind}")
def file_it(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, kind: str) -> Response:
    """Keep the file."""
    server.person_attempts.count(account.account_id)
    rules, place = _rules(server, kind), int(form.get("place", "0")) if form.get("place", "0").isdecimal() else 0
    try:
        with server.registry.writing() as connection:
            own = own_form(server, connection, account, rules)
            at, known = _chosen(rules, own, place)
            values, problems = filled(rules, known, form)
            if not problems:
                given = Filing(
                    person_id=own.person_id,
                    procedure=rules,
                    form=values,
                    papers=asked_papers(rules, at.relations if at else ()),
                    premises_id=at.premises_id if at else None,
                    by=account.account_id,
                )
                file_id = file_procedure(connection, given, means=_means(server))
                return RedirectResponse(f"/me/procedures/{file_id}", status_code=303)
    except (Refused, Conflict) as error:
        if not error.code.startswith("procedure."):
            raise
        problems = (problem(error.code, error.pointer),)
    return _form_page(request, caller, account, kind, place=place, problems=problems, typed=form)


@router.get("/{file_id}")
def show(request: Request, caller: Caller, *, account: SignedIn, file_id: str) -> Response:
    """Show one file."""
    return _file_page(request, caller, account, file_id)


@router.post("/{file_id}")
def step(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, file_id: str) -> Response:
    """Take the file back, or say that what was missing was brought."""
    chosen = next((each for each in OWN_STEPS if each == form.get("step")), None)
    try:
        with server.registry.writing() as connection:
            row = _own(server, connection, account, file_id)
            if form.get("step") == "portal" and portal_is_there(connection):
                send_to_portal(connection, row, by=account.account_id, now=server.clock.now())
                return RedirectResponse(f"/me/procedures/{file_id}#portal", status_code=303)
            if chosen is None:
                raise Refused("procedure.step", "/step")
            done = Done(step=chosen, by=account.account_id, reason=form.get("reason", ""))
            take_step(connection, file_id, done, means=_means(server))
    except LuutruError as error:
        if not error.code.startswith(("procedure.", "portal.")):
            raise
        return _file_page(request, caller, account, file_id, wrong=problem(error.code, error.pointer))
    return RedirectResponse(f"/me/procedures/{file_id}", status_code=303)


@router.get("/{file_id}/file.json")
def give_json(*, account: SignedIn, server: Wired, file_id: str) -> Response:
    """Give the file to the public service portal."""
    made = _exported(server, account, file_id)
    headers = {"content-disposition": f'attachment; filename="luutru-{file_id}.json"'}
    return Response(msgspec.json.format(msgspec.json.encode(made), indent=2), media_type="application/json", headers=headers)


@router.get("/{file_id}/pdf")
def give_pdf(caller: Caller, *, account: SignedIn, server: Wired, file_id: str) -> Response:
    """Give the file to be printed and signed."""
    return pdf(server, procedure_paper(_exported(server, account, file_id), language=own_language(caller)), f"luutru-{file_id}")


def _means(server: Server) -> Means:
    return Means(vault=server.registry.vault, signer=server.signer, now=server.clock.now(), random_bytes=server.random_bytes)


def _rules(server: Server, kind: str) -> Procedure:
    return procedure_on(kind, server.clock.now().astimezone(VIETNAM).date())


def _chosen(rules: Procedure, own: OwnForm, place: int) -> tuple[OwnPlace | None, dict[Any, Any]]:
    """Return the place a form is about and everything known for it; a head of the household is the person themself or nobody."""
    if "place" not in rules.fields:
        return None, own.known
    if not own.places:
        raise Refused("procedure.no_place", "/place")
    at = own.places[place if place < len(own.places) else 0]
    known = own.known | at.known
    if "head" in at.relations and "full_name" in own.known:
        known["head"] = msgspec.structs.replace(own.known["full_name"], source="register")
    return at, known


def _own(server: Server, connection: Connection, account: Account, file_id: str) -> Row[Any]:
    row = file_of(connection, file_id)
    if row is None or row.person_id != own_person(server, connection, account):
        raise Refused("server.not_allowed")
    return row


def _exported(server: Server, account: Account, file_id: str) -> Exported:
    with server.registry.writing() as connection:  # a look at oneself is on the record, too
        row = _own(server, connection, account, file_id)
        look = Look(
            account_id=account.account_id,
            role="resident",
            purpose=Purpose.OWN_PROCEDURE,
            commune_code=account.commune_code,
            about=file_id,
        )
        fields = released_fields("resident", Purpose.OWN_PROCEDURE) & PERSONAL
        now = server.clock.now()
        access_records.add(connection, [row.person_id], look=look, fields=fields, now=now, random_bytes=server.random_bytes)
        return exported(connection, row, vault=server.registry.vault)


def _form_page(
    request: Request,
    caller: Visitor,
    account: Account,
    kind: str,
    *,
    place: int = 0,
    problems: Sequence[Problem] = (),
    typed: Mapping[str, str] | None = None,
) -> Response:
    server = server_of(request)
    rules, now = _rules(server, kind), server.clock.now()
    with server.registry.writing() as connection:  # as above
        own = own_form(server, connection, account, rules)
    try:
        at, known = _chosen(rules, own, place)
    except Refused as error:
        at, known, problems = None, own.known, (problem(error.code, error.pointer),)
    asked = asked_fields(rules, known)
    return render(
        request,
        "residents/procedure_new.html",
        caller=caller,
        status=422 if problems else 200,
        rules=rules,
        places=own.places,
        place=own.places.index(at) if at else 0,
        known=[(each, known[each]) for each in rules.fields if each in known and each not in asked],
        asked=asked,
        offered={each: known[each] for each in asked if each in known},
        papers=asked_papers(rules, at.relations if at else ()),
        waived=rules.papers if at and not asked_papers(rules, at.relations) else (),
        due=due_before(rules, now),
        last_day=last_day,
        problems=problems,
        wrong={each.pointer.removeprefix("/"): each for each in problems},
        typed=typed or {},
        can_file=not ("place" in rules.fields and at is None),
    )


def _file_page(request: Request, caller: Visitor, account: Account, file_id: str, *, wrong: Problem | None = None) -> Response:
    server = server_of(request)
    made = _exported(server, account, file_id)
    with server.registry.reading() as connection:
        portal, offered = portal_view(connection, file_id, vault=server.registry.vault), portal_is_there(connection)
        asked = question_view(connection, file_id, vault=server.registry.vault)
    return render(
        request,
        "residents/procedure.html",
        caller=caller,
        status=422 if wrong else 200,
        made=made,
        due_on=last_day(parse_instant(made.due)) if made.due else None,
        shown={each.name: shown_value(each, own_language(caller)) for each in made.fields},
        steps=[each for each in steps_from(made.state) if each in OWN_STEPS],
        portal=portal,
        asked=asked,
        can_send=offered and portal is None and made.state in OPEN,
        wrong=wrong,
    )
