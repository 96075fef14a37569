"""The officer's list of undeclared people: notices first, then cases; places, times and rules, and no name.

- Each row says in one sentence why it is here, which rule made it, and which innocent explanations were tried and did not hold.
- Cases stand in the order they want somebody, each with a sentence why (``residence/cases/triage.py``).
- ``/police/access`` shows the officer what is on the record about their own looks.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.access_records import looks_by
from registry.cases import cases_of, triaged
from registry.notices import waiting_notices
from registry.premises import premises_of
from residence.cases.transitions import CaseStatus
from residence.cases.undeclared import Patience
from server.pages import render
from server.police.case_access import own_interests
from server.policy import CommuneResource
from server.visitor import Caller, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police")
Wired = Annotated[Server, Depends(server_of)]
WORKED_ON = (CaseStatus.OPEN, CaseStatus.CLAIMED, CaseStatus.ASKED)


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show notices that wait for an answer, and cases."""
    commune = account.commune_code
    server.policy.require(account, "list_undeclared", resource=CommuneResource(commune=commune))
    with server.registry.reading() as connection:
        places = {each.premises_id: each for each in premises_of(connection, commune, vault=server.registry.vault)}
        notices = waiting_notices(connection, places)
        interests = own_interests(server, connection, account.account_id)
        rows = [row for row in cases_of(connection, commune, states=WORKED_ON) if not interests.bars(row)]
    cases = triaged(rows, now=server.clock.now(), times=server.case_times)
    in_cases = {case.notice_id for case in rows}
    waiting = [each for each in notices if each.notice_id not in in_cases and not interests.concerns(each)]
    waited = Patience().answer_within
    return render(request, "police/undeclared.html", caller=caller, places=places, notices=waiting, cases=cases, patience=waited)


@router.get("/access")
def show_looks(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the officer's own looks as they are on the record."""
    server.policy.require(account, "list_access_records", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        looks = looks_by(connection, account.account_id)
    return render(request, "police/access.html", caller=caller, looks=looks)
