"""How far a guided path is, for whoever holds its slip; and beginning one with the slip of a kiosk. No account, six languages, no script.

- A code shows a state, days and what comes next: nobody's name, no situation, no office. Attempts are counted per address; the code travels in a form.
- With the slip of a declaration the person, or who helps them, asks for help themselves; the code stays the one they have.
- Whoever holds the slip can take a consent back. Nothing else can be done with it: losing a slip costs nobody anything.

Example: ``POST /paths`` with ``code=7K3D-9QXM-2VHT``
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import Response

from registry.numbering import Means
from registry.path_handovers import handovers_of, take_back
from registry.paths import begin_path, path_by_code, path_of
from residence.clock import VIETNAM
from residence.errors import Conflict, Malformed, Problem, Refused, problem
from residence.paths.following import progress, told, written_day
from residence.paths.words import Spoken, spoken
from residence.wire.receipts import parse_receipt_code
from server.pages import render
from server.path_forms import language_for, read_beginning, slip_for, words_for
from server.visitor import Caller, Form, Visitor
from server.wiring import Server, caller_address, server_of

router: Final = APIRouter(prefix="/paths")
Wired = Annotated[Server, Depends(server_of)]
LONGEST_CODE: Final = 40


@router.get("")
def ask(request: Request, caller: Caller, code: str = "") -> Response:
    """Ask for the code of a slip."""
    return _asked(request, caller, language_for(request, caller), code=code[:LONGEST_CODE])


@router.post("")
def show(request: Request, caller: Caller, server: Wired, form: Form) -> Response:
    """Show how far it is."""
    server.receipt_attempts.count(caller_address(request))
    language, code = spoken(form.get("in", "")), form.get("code", "")
    with server.registry.reading() as connection:
        row = find_path(connection, code)
        if row is None:
            return _asked(request, caller, language, code=code, unknown=True)
        return show_path(request, caller, language, row=row, connection=connection)


@router.post("/consent")
def withdraw(request: Request, caller: Caller, server: Wired, form: Form) -> Response:
    """Take the consent to one hand-over back."""
    server.receipt_attempts.count(caller_address(request))
    language = spoken(form.get("in", ""))
    with server.registry.writing() as connection:
        row = find_path(connection, form.get("code", ""))
        given = [] if row is None else handovers_of(connection, row.path_id)
        chosen = next((each for each in given if each.handover_id == form.get("handover")), None)
        if row is None or chosen is None:
            return _asked(request, caller, language, code="", unknown=True)
        take_back(connection, chosen, by=None, means=_means(server))
        return show_path(request, caller, language, row=path_of(connection, row.path_id) or row, connection=connection)


@router.get("/begin")
def ask_for_help(request: Request, caller: Caller, code: str = "") -> Response:
    """Ask what is needed to begin; a kiosk's QR code brings the slip's code along."""
    return _beginning(request, caller, language_for(request, caller), form={"code": code[:LONGEST_CODE]})


@router.post("/begin")
def begin(request: Request, caller: Caller, server: Wired, form: Form) -> Response:
    """Begin a path by the slip of a declaration."""
    server.receipt_attempts.count(caller_address(request))
    language = spoken(form.get("in", ""))
    try:
        with server.registry.writing() as connection:
            beginning = read_beginning(form, connection, way="phone", commune_code=None)
            begun = begin_path(connection, beginning, means=_means(server))
    except (Refused, Conflict) as error:
        if not error.code.startswith("path."):
            raise
        return _beginning(request, caller, language, form=dict(form), wrong=problem(error.code, error.pointer))
    shown = {**slip_for(begun, language, base_url=server.settings.base_url), **words_for(language)}
    return render(request, "residents/path_slip.html", caller=caller, **shown)


def find_path(connection: Connection, code: str) -> Row[Any] | None:
    """Return the path of a code however it was typed, or None."""
    try:
        return path_by_code(connection, parse_receipt_code(code))
    except Malformed:
        return None


def followed(server: Server, row: Row[Any], language: Spoken) -> dict[str, Any]:
    """Return what a template needs to tell how far a path is."""
    found = _progress(server, row)
    return {"progress": found, "lines": told(found, language), "since": written_day(found.since, language), "code": row.code}


def _progress(server: Server, row: Row[Any]) -> Any:
    return progress(row.state, changed_at=row.changed_at, before=row.due, now=server.clock.now())


def _means(server: Server) -> Means:
    return Means(vault=server.registry.vault, now=server.clock.now(), random_bytes=server.random_bytes)


def _asked(request: Request, caller: Visitor, language: Spoken, *, code: str, unknown: bool = False) -> Response:
    status = 422 if unknown else 200
    return render(
        request,
        "residents/path.html",
        caller=caller,
        status=status,
        code=code,
        unknown=unknown,
        lines=None,
        **words_for(language),
    )


def show_path(request: Request, caller: Visitor, language: Spoken, *, row: Row[Any], connection: Connection) -> Response:
    """Show whoever holds a slip how far its path is."""
    server = server_of(request)
    given = [
        (
            each.handover_id,
            written_day(each.given_at.astimezone(VIETNAM).date().isoformat(), language),
            each.withdrawn_at is not None,
        )
        for each in handovers_of(connection, row.path_id)
    ]
    shown = {**followed(server, row, language), **words_for(language)}
    return render(request, "residents/path.html", caller=caller, unknown=False, given=given, **shown)


def _beginning(
    request: Request, caller: Visitor, language: Spoken, *, form: dict[str, str], wrong: Problem | None = None
) -> Response:
    status = 422 if wrong else 200
    return render(
        request, "residents/path_begin.html", caller=caller, status=status, form=form, wrong=wrong, **words_for(language)
    )
