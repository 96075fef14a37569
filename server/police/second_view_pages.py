"""Closed cases an officer is asked to see again: the evidence as it was, not how the case ended nor who closed it, and one answer.

- Only whoever was drawn for a case sees it here, once its draw stands in the log; until they have said what they see, the case's own page is kept
  from them. No name is shown, and no words of officers.
- The answer is one of the closing codes, or that it cannot be told from this, with a reason. A third is asked in the same way and told no more.

Example: ``/police/second-views``, ``/police/second-views/<id>``
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import RedirectResponse, Response

from registry.cases import case
from registry.evidence import case_evidence, seen_before
from registry.premises import load_premises
from registry.second_view_answers import say, view_asked_of, views_asked_of
from residence.cases.second_views import SAYABLE
from residence.errors import LuutruError, Problem, Refused, problem
from server.pages import render
from server.policy import Account, CommuneResource, ViewResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/second-views")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show what the officer is asked to see again."""
    server.policy.require(account, "list_second_views", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        rows = [
            (row, found) for row in views_asked_of(connection, account.account_id) if (found := case(connection, row.case_id))
        ]
        places = load_premises(connection, {found.premises_id for _, found in rows}, vault=server.registry.vault)
    return render(request, "police/second_views.html", caller=caller, rows=rows, places=places)


@router.get("/{view_id}")
def show_one(request: Request, caller: Caller, *, account: SignedIn, server: Wired, view_id: str) -> Response:
    """Show one case as it was before it was closed."""
    return _one(request, caller, account, server=server, view_id=view_id)


@router.post("/{view_id}")
def answer(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, view_id: str) -> Response:
    """Keep what the officer sees."""
    try:
        with server.registry.writing() as connection:
            _asked(server, connection, account, view_id)
            said = {"said": form.get("said", ""), "reason": form.get("reason", "")}
            say(connection, view_id, by=account.account_id, now=server.clock.now(), **said)
    except LuutruError as error:
        if not error.code.startswith("views."):
            raise
        wrong = problem(error.code, error.pointer)
        return _one(request, caller, account, server=server, view_id=view_id, wrong=wrong, form=form)
    return RedirectResponse("/police/second-views", status_code=303)


def _one(
    request: Request,
    caller: Visitor,
    account: Account,
    *,
    server: Server,
    view_id: str,
    wrong: Problem | None = None,
    form: Form | None = None,
) -> Response:
    with server.registry.reading() as connection:
        view = _asked(server, connection, account, view_id)
        row = case(connection, view.case_id)
        if row is None:
            raise Refused("server.not_allowed")
        evidence = seen_before(case_evidence(connection, row, vault=server.registry.vault), view.closed_at)
        place = load_premises(connection, [row.premises_id], vault=server.registry.vault)[row.premises_id]
    return render(
        request,
        "police/second_view.html",
        caller=caller,
        status=422 if wrong else 200,
        wrong=wrong,
        case=row,
        evidence=evidence,
        place=place,
        sayable=SAYABLE,
        offices=server.offices,
        form=form or {},
    )


def _asked(server: Server, connection: Connection, account: Account, view_id: str) -> Row[Any]:
    """Return a view this officer is asked for, or refuse; another's and one that is not there answer alike."""
    row = view_asked_of(connection, view_id, account.account_id)
    if row is None:
        raise Refused("server.not_allowed")
    resource = ViewResource(view_id=view_id, commune=row.commune_code, asked=account.account_id)
    server.policy.require(account, "see_case_again", resource=resource)
    return row
