"""What people ask about their data, for the officer who answers: the list by the law's dates, one request, the answer.

- Nobody is named: the right, what was said, the dates. A refusal, in whole or in part, says on which legal basis; the answer is signed.
- What an answer does is done at once (``registry/rights_requests.py``), and the page says beforehand what that is.
- A request of another commune and one that is not there answer alike.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import RedirectResponse, Response

from registry.rights_requests import RightAnswer, RightOutcome, answer_right, clocks_of_request, request_of, waiting_requests
from residence.errors import Problem, Refused, problem
from server.pages import render
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/police/requests")
Wired = Annotated[Server, Depends(server_of)]
OUTCOMES: Final[tuple[RightOutcome, ...]] = ("granted", "partly", "refused")


@router.get("")
def show_waiting(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the requests nobody has answered, those due first first."""
    server.policy.require(account, "answer_disputes", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        waiting = waiting_requests(connection, account.commune_code)
    by_when = {each.request_id: clocks_of_request(each) for each in waiting}
    return render(request, "police/requests.html", caller=caller, waiting=waiting, clocks=by_when)


@router.get("/{request_id}")
def show(request: Request, caller: Caller, account: SignedIn, request_id: str) -> Response:
    """Show one request."""
    return _page(request, caller, account, request_id)


@router.post("/{request_id}")
def answer(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, request_id: str) -> Response:
    """Take the officer's answer."""
    outcome = next((each for each in OUTCOMES if each == form.get("outcome")), None)
    with server.registry.reading() as connection:
        _own(server, connection, account, request_id)
    if outcome is None:
        return _page(request, caller, account, request_id, wrong=problem("rights.reason", "/outcome"), form=form)
    given = RightAnswer(
        outcome=outcome, by=account.account_id, reason=form.get("reason", ""), legal_basis=form.get("legal_basis", "")
    )
    try:
        with server.registry.writing() as connection:
            answer_right(connection, request_id, given, signer=server.signer, now=server.clock.now())
    except Refused as error:
        return _page(request, caller, account, request_id, wrong=problem(error.code, error.pointer), form=form)
    return RedirectResponse("/police/requests", status_code=303)


def _own(server: Server, connection: Connection, account: Account, request_id: str) -> Row[Any]:
    row = request_of(connection, request_id)
    if row is None:
        raise Refused("server.not_allowed")
    server.policy.require(account, "answer_disputes", resource=CommuneResource(commune=row.commune_code))
    return row


def _page(
    request: Request,
    caller: Visitor,
    account: Account,
    request_id: str,
    *,
    wrong: Problem | None = None,
    form: Form | None = None,
) -> Response:
    server = server_of(request)
    with server.registry.reading() as connection:
        row = _own(server, connection, account, request_id)
    return render(
        request,
        "police/request.html",
        caller=caller,
        status=422 if wrong else 200,
        asked=row,
        clocks=clocks_of_request(row),
        outcomes=OUTCOMES,
        wrong=wrong,
        form=form or {},
    )
