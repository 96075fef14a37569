"""What two officers saw otherwise than whoever closed a case: an inspector looks into it and writes what came of it.

- Codes and reasons of all three stand side by side; who closed the case is said, for they are asked first, by the inspector and not by a program.
- There is no count by officer. Draws stand below: how many were drawn from how many, and whether each follows from its seed.
- Whoever is one of the three under another account does not see it.

Example: ``/inspect/second-views``
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.accounts import names_of
from registry.second_view_answers import concerns, look_into, seen_otherwise
from registry.second_views import draws_of, holds
from residence.errors import LuutruError, Problem, problem
from server.pages import render
from server.policy import Account, CommuneResource, ViewResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/inspect/second-views")
Wired = Annotated[Server, Depends(server_of)]
DRAWS_SHOWN = 14


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show what was seen otherwise, and the draws."""
    return _page(request, caller, account, server=server)


@router.post("/{view_id}")
def keep(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, view_id: str) -> Response:
    """Keep what the inspector found."""
    try:
        with server.registry.writing() as connection:
            resource = ViewResource(view_id=view_id, commune=account.commune_code)
            server.policy.require(account, "look_into_difference", resource=resource)
            known = {row.view_id for row in seen_otherwise(connection, account.commune_code)}
            wanted = view_id if view_id in known else ""  # another commune's answers as one that is not there
            look_into(connection, wanted, by=account.account_id, words=form.get("reason", ""), now=server.clock.now())
    except LuutruError as error:
        if not error.code.startswith("views."):
            raise
        return _page(request, caller, account, server=server, wrong=problem(error.code, error.pointer))
    return RedirectResponse("/inspect/second-views", status_code=303)


def _page(request: Request, caller: Visitor, account: Account, *, server: Server, wrong: Problem | None = None) -> Response:
    resource = ViewResource(view_id="all", commune=account.commune_code)
    server.policy.require(account, "look_into_difference", resource=resource)
    server.policy.require(account, "list_second_views", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        found = seen_otherwise(connection, account.commune_code)
        rows = [row for row in found if not concerns(connection, row, account.account_id)]
        draws = [(row, holds(connection, row)) for row in draws_of(connection, account.commune_code, limit=DRAWS_SHOWN)]
        people = {each for row in rows for each in (row.closed_by, row.looked_into_by) if each}
        names = names_of(connection, people)
    return render(
        request,
        "inspectors/differences.html",
        caller=caller,
        status=422 if wrong else 200,
        wrong=wrong,
        rows=rows,
        draws=draws,
        names=names,
    )
