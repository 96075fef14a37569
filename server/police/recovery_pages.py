"""A way back in for somebody who stands before the officer with their paper: begun, opened by a second officer, stopped (``registry/recoveries.py``).

- It is reached from a person found by the number on their paper; no name is shown, and whoever is of another commune is not there.
- The code is shown once, for printing: the officer gives the paper away and keeps nothing.
- Whether the person has an address to be told at is said, not which.

Example: ``POST /police/numbers/<person>/way-in`` with ``paper=passport`` and ``compared=yes``
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row, select
from starlette.responses import RedirectResponse, Response

from registry import recoveries, tables
from registry.accounts import names_of
from registry.recoveries import CODE_LETTERS, NO_PAPER, Seen, Tools
from residence.errors import Conflict, Problem, Refused, problem
from residence.people.person import DocumentKind
from residence.wire.receipts import grouped_letters
from server.pages import render
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, FreshlySignedIn, SignedIn, Visitor
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/police/numbers/{person_id}/way-in")
Wired = Annotated[Server, Depends(server_of)]
PAPERS: Final = tuple(each.value for each in DocumentKind if each not in NO_PAPER)
_PERSONS: Final = tables.persons.c


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, person_id: str) -> Response:
    """Show what stands, or the form that begins."""
    return _page(request, caller, account, person_id)


@router.post("")
def begin(request: Request, caller: Caller, *, account: FreshlySignedIn, server: Wired, form: Form, person_id: str) -> Response:
    """Begin, and show the code for printing."""
    server.person_attempts.count(account.account_id)
    code = new_code(server)
    if form.get("compared") != "yes":
        return _page(request, caller, account, person_id, wrong=problem("recovery.not_compared", "/compared"))
    seen = Seen(person_id=person_id, paper=form.get("paper", ""), by=account.account_id)
    try:
        with server.registry.writing() as connection:
            _own(server, connection, account, person_id)
            recovery_id = recoveries.begin(connection, seen, code=code, tools=tools_of(server))
            begun = recoveries.recovery(connection, recovery_id)
    except (Refused, Conflict) as error:
        return _page(request, caller, account, person_id, wrong=_told(error))
    address = f"{server.settings.base_url}/sign-in/paper"
    return render(request, "police/way_in_code.html", caller=caller, person_id=person_id, begun=begun, code=code, address=address)


@router.post("/second")
def second(request: Request, caller: Caller, *, account: FreshlySignedIn, server: Wired, form: Form, person_id: str) -> Response:
    """Open at once, as the second officer who saw person and paper."""
    if form.get("compared") != "yes":
        return _page(request, caller, account, person_id, wrong=problem("recovery.not_compared", "/compared"))
    try:
        with server.registry.writing() as connection:
            _own(server, connection, account, person_id)
            recoveries.second(connection, person_id, by=account.account_id, now=server.clock.now())
    except Refused as error:
        return _page(request, caller, account, person_id, wrong=_told(error))
    return RedirectResponse(f"/police/numbers/{person_id}/way-in", status_code=303)


@router.post("/stop")
def stop(*, account: SignedIn, server: Wired, person_id: str) -> Response:
    """Stop what stands."""
    with server.registry.writing() as connection:
        _own(server, connection, account, person_id)
        row = _standing(server, connection, person_id)
        if row is not None:
            recoveries.stop(connection, row, by=account.account_id, now=server.clock.now())
    return RedirectResponse(f"/police/numbers/{person_id}/way-in", status_code=303)


def new_code(server: Server) -> str:
    """Return 24 random letters in groups of four: 120 bits."""
    return "-".join(grouped_letters(server.random_bytes(8)) for _ in range(CODE_LETTERS // 12))


def tools_of(server: Server) -> Tools:
    """Return what the registry needs of this process."""
    return Tools(
        vault=server.registry.vault,
        now=server.clock.now(),
        random_bytes=server.random_bytes,
        waits=server.settings.recovery_waits,
    )


def _own(server: Server, connection: Connection, account: Account, person_id: str) -> None:
    living = (_PERSONS.person_id == person_id, _PERSONS.merged_into.is_(None), _PERSONS.status == "living")
    commune = connection.scalar(select(_PERSONS.commune_code).where(*living))
    if commune is None:
        raise Refused("server.not_allowed")
    server.policy.require(account, "give_way_in", resource=CommuneResource(commune=commune))


def _standing(server: Server, connection: Connection, person_id: str) -> Row[Any] | None:
    now = server.clock.now()
    return recoveries.standing_of(recoveries.recoveries_of(connection, person_id, now=now), now=now)


def _told(error: Refused | Conflict) -> Problem:
    if not error.code.startswith("recovery."):
        raise error
    return problem(error.code, error.pointer)


def _page(request: Request, caller: Visitor, account: Account, person_id: str, *, wrong: Problem | None = None) -> Response:
    server = server_of(request)
    with server.registry.reading() as connection:
        _own(server, connection, account, person_id)
        row = _standing(server, connection, person_id)
        names = names_of(connection, {row.asked_by} | ({row.seconded_by} - {None})) if row else {}
    return render(
        request,
        "police/way_in.html",
        caller=caller,
        status=422 if wrong else 200,
        person_id=person_id,
        standing=row,
        names=names,
        papers=PAPERS,
        waits=server.settings.recovery_waits,
        wrong=wrong,
    )
