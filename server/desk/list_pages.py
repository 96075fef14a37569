"""Declaring from a list: a file is given, its columns confirmed, everything checked, then declared; and the lines to correct given back.

- Nothing is declared before it was checked to the end; what was checked and what is declared goes by the same steps (``list_steps.py``).
- A step takes one piece; the page asks for the next by itself, or by its button where no script runs. Closed in the middle, it goes on where it was.
- "Nobody was declared" is said as such and is never a success.

Example: ``POST /desk/import`` with a file leads to ``/desk/import/<list>``
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import JSONResponse, RedirectResponse, Response

from registry.desk_lists import Place
from registry.guest_lists import STATES, GuestList, lines_of, lists_at, load_list, outcomes_of, put_mapping, remember
from registry.importing.fields import FIELDS
from registry.importing.lists import samples
from residence.errors import LuutruError, Malformed, problem
from server.desk.declare_pages import place_for
from server.desk.list_files import result_file
from server.desk.list_giving import Given, give, mapping_of_form
from server.desk.list_steps import open_list, step
from server.desk.list_view import lines_through, list_view, phase_of
from server.desk.own_premises import workplace
from server.pages import render
from server.uploads import Uploaded
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk/import")
Wired = Annotated[Server, Depends(server_of)]
WORD_FIELDS = {"sex": "sex", "document_kind": "document", "reason": "reason"}


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show where a file is given, and the lists given before."""
    place = place_for(server, account, "declare", request.query_params.get("premises", ""))
    return _giving(request, caller, place=place)


def _giving(
    request: Request,
    caller: Visitor,
    *,
    place: object,
    wrong: LuutruError | None = None,
    encodings: dict[str, str] | None = None,
) -> Response:
    server = server_of(request)
    here = place.here  # type: ignore[attr-defined]  # a Workplace
    with server.registry.reading() as connection:
        before = lists_at(connection, Place(here.commune_code, here.premises_id))
    return render(
        request,
        "desk/lists.html",
        caller=caller,
        status=422 if wrong else 200,
        place=place,
        before=before,
        wrong=problem(wrong.code) if wrong else None,
        encodings=encodings or {},
        largest=server.settings.largest_upload // 1024 // 1024,
    )


@router.post("")
def take(request: Request, caller: Caller, *, account: SignedIn, server: Wired, upload: Uploaded) -> Response:
    """Take a file in, or say what is wrong with it."""
    place = place_for(server, account, "declare", upload.fields.get("premises_id", ""))
    file = Given(name=upload.name, data=upload.data, encoding=upload.fields.get("encoding") or None)
    try:
        if not file.data:
            raise Malformed("guest-import.no_file")
        with server.registry.writing() as connection:
            given = give(server, connection, account, premises=place.here, file=file)
    except LuutruError as error:
        if error.code.partition(".")[0] not in {"guest-import", "import"}:
            raise
        found = samples(file.data) if error.code == "guest-import.encoding" else {}
        return _giving(request, caller, place=place, wrong=error, encodings=found)
    if given.state == "checking":
        step(server, account, list_id=given.list_id, phase="check")
    return RedirectResponse(f"/desk/import/{given.list_id}", status_code=303)


@router.get("/{list_id}")
def show_list(request: Request, caller: Caller, *, account: SignedIn, server: Wired, list_id: str) -> Response:
    """Show how far a list is and what became of its lines."""
    with server.registry.reading() as connection:
        given = open_list(server, connection, account, list_id)
        return _page(request, caller, server, connection, given=given)


def _page(
    request: Request,
    caller: Visitor,
    server: Server,
    connection: Connection,
    *,
    given: GuestList,
    wrong: LuutruError | None = None,
) -> Response:
    asked = request.query_params.get("lines", "")
    view = list_view(server, connection, given, shown=next((each for each in STATES if each == asked), None))
    account = caller.account
    assert account is not None  # noqa: S101 - the list was opened for it
    return render(
        request,
        "desk/list.html",
        caller=caller,
        status=422 if wrong else 200,
        place=workplace(server, connection, account, action="declare", premises_id=given.premises_id),
        view=view,
        given=given,
        fields=list(FIELDS["guests"]),
        word_fields=WORD_FIELDS,
        states=STATES,
        wrong=problem(wrong.code) if wrong else None,
    )


@router.post("/{list_id}/mapping")
def say_columns(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, list_id: str) -> Response:
    """Take what a person says the columns mean, remember it for this house, and check anew."""
    with server.registry.writing() as connection:
        given = open_list(server, connection, account, list_id)
        try:
            mapping = mapping_of_form(given, form)
        except Malformed as error:
            return _page(request, caller, server, connection, given=given, wrong=error)
        put_mapping(connection, given, mapping, now=server.clock.now())
        remember(connection, given, mapping, account_id=account.account_id, now=server.clock.now())
    step(server, account, list_id=list_id, phase="check")
    return RedirectResponse(f"/desk/import/{list_id}", status_code=303)


@router.post("/{list_id}/step")
def take_step(request: Request, *, account: SignedIn, server: Wired, form: Form, list_id: str) -> Response:
    """Check or declare the next piece."""
    phase = "declare" if form.get("phase") == "declare" else "check"
    done = step(server, account, list_id=list_id, phase=phase)  # type: ignore[arg-type]  # one of two
    if phase == "declare" and done:
        _remember_declared(server, list_id, account_id=account.account_id)
    if request.headers.get("accept", "").startswith("application/json"):
        with server.registry.reading() as connection:
            given = open_list(server, connection, account, list_id)
            lines = lines_through(connection, given)
        return JSONResponse({"done": done, "lines": lines, "of": given.rows})
    return RedirectResponse(f"/desk/import/{list_id}", status_code=303)


def _remember_declared(server: Server, list_id: str, *, account_id: str) -> None:
    """Remember the columns of a list that was declared: they proved right."""
    with server.registry.writing() as connection:
        given = load_list(connection, list_id)
        if given is not None:
            remember(connection, given, given.mapping, account_id=account_id, now=server.clock.now())


@router.get("/{list_id}/file")
def give_file(request: Request, *, account: SignedIn, server: Wired, list_id: str) -> Response:
    """Give the lines to correct, or all lines, as a file."""
    with server.registry.reading() as connection:
        given = open_list(server, connection, account, list_id)
        phase = phase_of(given)
        outcomes = outcomes_of(connection, given, phase)
        pieces = lines_of(connection, given, range(given.pieces), vault=server.registry.vault)
    lines = [line for number in sorted(pieces) for line in pieces[number]]
    file = result_file(given, lines, outcomes, phase=phase, everything=request.query_params.get("rows") == "all")
    disposition = f"attachment; filename*=UTF-8''{quote(file.name)}"
    return Response(file.data, media_type=file.media_type, headers={"content-disposition": disposition})
