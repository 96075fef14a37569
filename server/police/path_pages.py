"""Guided paths for the commune's officers: the list by due dates without names, one path, its steps, beginning one at the office.

- The list says situation, state and due date; what is late stands first and says so. A name and words come back only to the officer who took the path.
- Which steps are offered is read from ``residence/paths/steps.py``, and the same table judges what is sent.
- A newborn's number that came later is joined to the person by the officer here; it is taken back on the page of numbers.

Example: ``/police/paths``
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import RedirectResponse, Response

from registry import numbering
from registry.path_handovers import handovers_of, look_at_words, opened_helper
from registry.paths import Taken, begin_path, clock_of, is_extended, open_paths, path_by_code, step_path, steps_of
from residence.errors import Conflict, Malformed, Problem, Refused, has_errors, problem
from residence.paths.steps import NEXT, OF_THE_PERSON, PathStep
from residence.wire.receipts import parse_receipt_code
from server.pages import render
from server.path_forms import language_for, new_form_id, read_beginning, slip_for, words_for
from server.police.path_access import is_held, look_at, open_path, path_means
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/police/paths")
Wired = Annotated[Server, Depends(server_of)]
BY_THEMSELVES: Final = OF_THE_PERSON | {"take"}  # may be passed on by any officer of the commune
PLAIN: Final[tuple[PathStep, ...]] = ("take", "ask", "came", "answered", "register", "find_papers", "rest", "withdraw", "resume")


@router.get("")
def show_list(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the paths that have not ended."""
    server.policy.require(account, "list_paths", resource=CommuneResource(commune=account.commune_code))
    return _list(request, caller, account)


@router.post("/find")
def find(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Find the path of a slip somebody brought; ended ones too."""
    server.policy.require(account, "list_paths", resource=CommuneResource(commune=account.commune_code))
    server.person_attempts.count(account.account_id)
    try:
        with server.registry.reading() as connection:
            row = path_by_code(connection, parse_receipt_code(form.get("code", "")))
    except Malformed:
        row = None
    if row is None or row.commune_code != account.commune_code:
        return _list(request, caller, account, wrong=problem("path.unknown", "/code"))
    return RedirectResponse(f"/police/paths/{row.path_id}", status_code=303)


@router.get("/begin")
def ask(request: Request, caller: Caller, account: SignedIn) -> Response:
    """Ask what is needed to begin."""
    return _beginning(request, caller, account, form={})


@router.post("/begin")
def begin(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Begin a path for somebody at the office, and show the slip."""
    server.policy.require(account, "begin_path", resource=CommuneResource(commune=account.commune_code))
    try:
        with server.registry.writing() as connection:
            said = read_beginning(form, connection, way="office", commune_code=account.commune_code, by=account.account_id)
            begun = begin_path(connection, said, means=path_means(server))
    except (Refused, Conflict) as error:
        if not error.code.startswith("path."):
            raise
        return _beginning(request, caller, account, form=form, wrong=problem(error.code, error.pointer))
    language = language_for(request, caller)
    shown = {**slip_for(begun, language, base_url=server.settings.base_url), **words_for(language)}
    return render(request, "police/path_slip.html", caller=caller, **shown)


@router.get("/{path_id}")
def show(request: Request, caller: Caller, account: SignedIn, path_id: str) -> Response:
    """Show one path; what its person said only to whoever took it."""
    return _page(request, caller, account, path_id)


@router.post("/{path_id}")
def step(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, path_id: str) -> Response:
    """Take one step."""
    try:
        with server.registry.writing() as connection:
            taken = _taken(form, account)
            open_path(server, connection, account, path_id, action="take_path" if taken.step in BY_THEMSELVES else "work_path")
            step_path(connection, path_id, taken, means=path_means(server))
    except (Refused, Conflict) as error:
        if not error.code.startswith("path."):
            raise
        return _page(request, caller, account, path_id, problems=(problem(error.code, error.pointer),), form=form)
    return RedirectResponse(f"/police/paths/{path_id}", status_code=303)


@router.post("/{path_id}/number")
def join(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, path_id: str) -> Response:
    """Join the number that came later to the path's person."""
    person_id = None
    try:
        with server.registry.writing() as connection:
            row = open_path(server, connection, account, path_id, action="work_path")
            person_id, problems = row.person_id, _join(server, connection, row, account=account, form=form)
    except (Refused, Conflict) as error:
        if not error.code.startswith(("path.", "number.")):
            raise
        problems = (problem(error.code, error.pointer),)
    if has_errors(problems):
        return _page(request, caller, account, path_id, problems=problems, form=form)
    return RedirectResponse(f"/police/numbers/{person_id}" + ("?shared=1" if problems else ""), status_code=303)


def _join(
    server: Server, connection: Connection, row: Row[Any], *, account: Account, form: Mapping[str, str]
) -> tuple[Problem, ...]:
    server.policy.require(account, "change_numbers", resource=CommuneResource(commune=row.commune_code))
    if row.person_id is None:
        raise Refused("path.step", "/value")
    try:
        on = date.fromisoformat(form.get("on", ""))
    except ValueError:
        return (problem("server.form_date", "/on"),)
    officer = numbering.Officer(account_id=account.account_id, reason=form.get("reason", ""))
    means = numbering.Means(vault=server.registry.vault, now=server.clock.now(), random_bytes=server.random_bytes)
    value = "".join(form.get("value", "").split())
    return numbering.join_number(connection, row.person_id, value, on=on, officer=officer, means=means).problems


def _taken(form: Mapping[str, str], account: Account) -> Taken:
    step = next((each for each in (*PLAIN, "looked", "extend", "refuse") if each == form.get("step")), None)
    if step is None:
        raise Conflict("path.step", "/step")
    looked = {"yes": True, "no": False}.get(form.get("in_database", ""))
    return Taken(
        step=step,
        by=account.account_id,
        reason=form.get("reason", ""),
        legal_basis=form.get("legal_basis", ""),
        in_database=looked if step == "looked" else None,
        seen_with=form.get("seen_with") or None,
    )


def _list(request: Request, caller: Visitor, account: Account, *, wrong: Problem | None = None) -> Response:
    server = server_of(request)
    with server.registry.reading() as connection:
        rows = open_paths(connection, account.commune_code)
    days = {each.path_id: clock_of(each).on for each in rows}
    shown = {"rows": rows, "days": days, "wrong": wrong, "offices": server.offices, **words_for(caller.language)}
    return render(request, "police/paths.html", caller=caller, status=422 if wrong else 200, **shown)


def _beginning(
    request: Request, caller: Visitor, account: Account, *, form: Mapping[str, str], wrong: Problem | None = None
) -> Response:
    server_of(request).policy.require(account, "begin_path", resource=CommuneResource(commune=account.commune_code))
    words = words_for(language_for(request, caller)) | {"form_id": form.get("form") or new_form_id(server_of(request))}
    return render(
        request, "police/path_begin.html", caller=caller, status=422 if wrong else 200, form=dict(form), wrong=wrong, **words
    )


def _page(
    request: Request,
    caller: Visitor,
    account: Account,
    path_id: str,
    *,
    problems: tuple[Problem, ...] = (),
    form: Mapping[str, str] | None = None,
) -> Response:
    server = server_of(request)
    with server.registry.writing() as connection:  # a look is on the record
        row = open_path(server, connection, account, path_id, action="take_path")
        mine = is_held(server, connection, account, row)
        values = look_at_words(connection, row, look=look_at(account, path_id), means=path_means(server)) if mine else {}
        shown = {
            "row": row,
            "mine": mine,
            "values": values,
            "helper": opened_helper(connection, row, vault=server.registry.vault) if mine else None,
            "clock": clock_of(row),
            "extended": is_extended(connection, row),
            "steps": steps_of(connection, path_id),
            "given": handovers_of(connection, path_id),
            "numbers": numbering.numbers_held(connection, row.person_id) if mine and row.person_id else [],
        }
    following = NEXT[row.state]
    return render(
        request,
        "police/path.html",
        caller=caller,
        status=422 if problems else 200,
        offered=[each for each in PLAIN if each in following and (each != "take" if mine else each in BY_THEMSELVES)],
        following=following,
        offices=server.offices,
        problems=problems,
        form=dict(form or {}),
        **shown,
        **words_for(caller.language),
    )
