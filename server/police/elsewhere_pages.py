"""One case of another commune, by its number, for a reason the person will read, for a few hours (*break-glass*).

- A case of the own commune, one that is not there and one the officer must not decide about answer alike.
- What comes back is what the purpose ``break-glass`` releases and no more; nothing can be done with the case from here.
- Every opening of the page is a look, bound to the opening; the reason stands beside it on the person's page.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import RedirectResponse, Response

from registry.break_glass import break_glass, opening
from registry.cases import case
from registry.premises import load_premises
from registry.release import Look
from registry.seen_persons import release_seen
from residence.access.purposes import Purpose
from residence.errors import Refused, problem
from server.pages import render
from server.police.case_access import own_interests
from server.policy import Account, CaseResource, CommuneResource
from server.visitor import Caller, Form, FreshlySignedIn, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/elsewhere")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def ask(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Ask for the case's number and the reason."""
    server.policy.require(account, "list_access_records", resource=CommuneResource(commune=account.commune_code))
    return render(request, "police/elsewhere.html", caller=caller, wrong=None, form={}, hours=server.case_times.glass_open_for)


@router.post("")
def open_case(request: Request, caller: Caller, *, account: FreshlySignedIn, server: Wired, form: Form) -> Response:
    """Break the glass."""
    now = server.clock.now()
    try:
        with server.registry.writing() as connection:
            row, resource = _elsewhere(server, connection, account, form.get("case", "").strip(), opened=False)
            server.policy.require(account, "break_glass", resource=resource)
            break_glass(
                connection,
                row,
                by=account.account_id,
                reason=form.get("reason", ""),
                until=server.case_times.glass_open_for,
                now=now,
                random_bytes=server.random_bytes,
            )
    except Refused as error:
        if error.code != "glass.reason":
            raise
        wrong, hours = problem(error.code, error.pointer), server.case_times.glass_open_for
        return render(request, "police/elsewhere.html", caller=caller, status=422, wrong=wrong, form=form, hours=hours)
    return RedirectResponse(f"/police/elsewhere/{row.case_id}", status_code=303)


@router.get("/{case_id}")
def show(request: Request, caller: Caller, *, account: SignedIn, server: Wired, case_id: str) -> Response:
    """Show the case while it is open, and whom it is about."""
    now = server.clock.now()
    with server.registry.writing() as connection:  # the look is on the record
        opened = opening(connection, account.account_id, case_id, now=now)
        row, resource = _elsewhere(server, connection, account, case_id, opened=opened is not None)
        if opened is None:
            raise Refused("glass.not_open")
        server.policy.require(account, "look_elsewhere", resource=resource, purpose=Purpose.BREAK_GLASS.value)
        look = Look(
            account_id=account.account_id,
            role="officer",
            purpose=Purpose.BREAK_GLASS,
            commune_code=row.commune_code,
            about=opened.break_id,
        )
        person = release_seen(
            connection,
            row.presence_ids,
            who=row.who,
            look=look,
            vault=server.registry.vault,
            now=now,
            random_bytes=server.random_bytes,
        )
        place = load_premises(connection, [row.premises_id], vault=server.registry.vault).get(row.premises_id)
    return render(
        request,
        "police/elsewhere_case.html",
        caller=caller,
        case=row,
        place=place,
        opened=opened,
        person={field.value: value for field, value in person.fields.items()},
    )


def _elsewhere(
    server: Server, connection: Connection, account: Account, case_id: str, *, opened: bool
) -> tuple[Row[Any], CaseResource]:
    """Return a case and the policy's view of it, or raise ``Refused("server.not_allowed")``."""
    row = case(connection, case_id)
    if row is None:
        raise Refused("server.not_allowed")
    barred = own_interests(server, connection, account.account_id).bars(row)
    resource = CaseResource(
        case_id=row.case_id,
        commune=row.commune_code,
        conflicted=(account.account_id,) if barred else (),
        opened_by=(account.account_id,) if opened else (),
    )
    return row, resource
