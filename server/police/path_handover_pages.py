"""Giving another office what somebody on a path agreed to: shown first, agreed to, printed, taken back; and the list for each office.

- Two pages: what may go and to whom; then exactly what would go, to be shown to the person with the words of consent in their language. No box is ticked
  beforehand. What is sent is refused if it is no longer what was shown.
- The list for an office has codes, days and states; nobody is named. Whom to tell to delete stands first.

Example: ``/police/paths/offices/justice``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import RedirectResponse, Response

from registry.path_handovers import Agreed, hand_over, handed_to, handovers_of, note_told, sheet_for, sheet_of, take_back
from residence.access.purposes import Purpose
from residence.errors import Conflict, Problem, Refused, problem
from residence.paths.handing_over import MAY_GO, chosen_fields
from residence.paths.words import spoken
from server.pages import render
from server.path_forms import words_for
from server.police.path_access import look_at, open_path, path_means
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/police/paths")
Wired = Annotated[Server, Depends(server_of)]


@router.get("/offices/{office}")
def show_office(request: Request, caller: Caller, *, account: SignedIn, server: Wired, office: str) -> Response:
    """Show what was given to one office."""
    server.policy.require(account, "list_paths", resource=CommuneResource(commune=account.commune_code))
    found = next((each for each in server.offices if each.name == office), None)
    if found is None:
        raise Refused("server.not_allowed")
    with server.registry.reading() as connection:
        rows = handed_to(connection, account.commune_code, office)
    to_tell = [each for each in rows if each.withdrawn_at and not each.office_told_at]
    rest = [each for each in rows if each not in to_tell]
    shown = {"office": found, "rows": [*to_tell, *rest], **words_for(caller.language)}
    return render(request, "police/path_office.html", caller=caller, **shown)


@router.get("/{path_id}/handover")
def choose(request: Request, caller: Caller, *, account: SignedIn, server: Wired, path_id: str) -> Response:
    """Ask what may go, and to whom."""
    with server.registry.reading() as connection:
        row = open_path(server, connection, account, path_id, action="work_path")
    return _choosing(request, caller, row)


@router.post("/{path_id}/handover")
def show_or_give(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, path_id: str) -> Response:
    """Show exactly what would go; or, agreed to, give it."""
    try:
        with server.registry.writing() as connection:
            row = open_path(server, connection, account, path_id, action="work_path")
            return _shown_or_given(request, caller, account, connection=connection, row=row, form=form)
    except (Refused, Conflict) as error:
        if error.code not in {"path.fields", "path.shown_otherwise", "case.office_missing"}:
            raise
        wrong = problem(error.code, error.pointer)
    with server.registry.reading() as connection:
        row = open_path(server, connection, account, path_id, action="work_path")
    return _choosing(request, caller, row, wrong=wrong, form=form)


@router.get("/{path_id}/handovers/{handover_id}")
def show_sheet(request: Request, caller: Caller, *, account: SignedIn, server: Wired, path_id: str, handover_id: str) -> Response:
    """Show a sheet as it was given, to print it."""
    with server.registry.writing() as connection:  # a look is on the record
        row, given = _given(server, connection, account, path_id=path_id, handover_id=handover_id)
        look = look_at(account, path_id, purpose=Purpose.HAND_OVER)
        sheet = sheet_of(connection, given, row, look=look, means=path_means(server))
    office = next((each for each in server.offices if each.name == given.office), None)
    return render(request, "police/path_sheet.html", caller=caller, row=row, given=given, sheet=sheet, office=office)


@router.post("/{path_id}/handovers/{handover_id}")
def settle(*, account: SignedIn, server: Wired, form: Form, path_id: str, handover_id: str) -> Response:
    """Take a consent back for the person, or note that the office was told to delete."""
    with server.registry.writing() as connection:
        _, given = _given(server, connection, account, path_id=path_id, handover_id=handover_id)
        if form.get("step") == "told":
            note_told(connection, given, means=path_means(server))
        else:
            take_back(connection, given, by=account.account_id, means=path_means(server))
    return RedirectResponse(f"/police/paths/{path_id}", status_code=303)


def _given(
    server: Server, connection: Connection, account: Account, *, path_id: str, handover_id: str
) -> tuple[Row[Any], Row[Any]]:
    row = open_path(server, connection, account, path_id, action="work_path")
    given = next((each for each in handovers_of(connection, path_id) if each.handover_id == handover_id), None)
    if given is None:
        raise Refused("server.not_allowed")
    return row, given


def _shown_or_given(
    request: Request, caller: Visitor, account: Account, *, connection: Connection, row: Row[Any], form: Mapping[str, str]
) -> Response:
    server, look = server_of(request), look_at(account, row.path_id, purpose=Purpose.HAND_OVER)
    office = next((each for each in server.offices if each.name == form.get("office")), None)
    if office is None:
        raise Refused("case.office_missing", "/office")
    fields = chosen_fields(each.value for each in MAY_GO if form.get(f"field.{each.value}"))
    language, wrong = spoken(form.get("in", "")), None
    if "shown" in form:
        if form.get("agreed") == "yes":
            shown = form["shown"].replace("\r\n", "\n")
            agreed = Agreed(office=office.name, fields=fields, shown=shown, heard_in=language)
            hand_over(connection, row, agreed, look=look, means=path_means(server))
            return RedirectResponse(f"/police/paths/{row.path_id}", status_code=303)
        wrong = problem("path.consent", "/agreed")
    sheet = sheet_for(connection, row, fields, language=language, look=look, means=path_means(server))
    said = {"row": row, "office": office, "fields": fields, "sheet": sheet, "wrong": wrong, **words_for(language)}
    return render(request, "police/path_consent.html", caller=caller, status=422 if wrong else 200, **said)


def _choosing(
    request: Request, caller: Visitor, row: Row[Any], *, wrong: Problem | None = None, form: Mapping[str, str] | None = None
) -> Response:
    shown = {"row": row, "offices": server_of(request).offices, "fields": MAY_GO, "wrong": wrong, "form": dict(form or {})}
    status = 422 if wrong else 200
    return render(request, "police/path_handover.html", caller=caller, status=status, **shown, **words_for(caller.language))
