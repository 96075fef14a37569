"""A person's rights in what is held of them: a copy at once, what else they ask for and by when it is answered, the answers with their signature.

- Objection, restriction and deletion are asked for in one form; each shows both dates of the law. One of a kind waits at a time; it can be taken back.
- A copy is made of what their own pages show and nothing more: nobody else's name, account or stay is in it. It is a look, on the record.
- A wrong value is a dispute: the form for that stands on ``/me``.

Example: ``GET /me/copy.json``
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.erasing import code_of
from registry.rights_requests import ASKED_FOR, RightAnswer, answer_right, ask_right, clocks_of_request, request_of, requests_of
from residence.access.rights import clocks, load_rights
from residence.errors import Conflict, Problem, Refused, problem
from residence.wire.answers import answer_text
from server.pages import render
from server.policy import Account
from server.residents.own_copy import own_copy
from server.residents.own_stays import own_person
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/me")
Wired = Annotated[Server, Depends(server_of)]
TAKEN_BACK: Final = "-"


@router.get("/rights")
def show(request: Request, caller: Caller, account: SignedIn) -> Response:
    """Show what can be asked for, what was, and the answers."""
    return _page(request, caller, account)


@router.post("/rights")
def ask(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Keep a request."""
    server.person_attempts.count(account.account_id)
    said, right = form.get("said", ""), next((each for each in ASKED_FOR if each == form.get("right")), None)
    if right is None:
        return _page(request, caller, account, wrong=problem("rights.unknown", "/right"), said=said)
    try:
        with server.registry.writing() as connection:
            person_id, now = own_person(server, connection, account), server.clock.now()
            ask_right(connection, person_id, right, said=said, by=account.account_id, now=now, random_bytes=server.random_bytes)
    except (Refused, Conflict) as error:
        if not error.code.startswith("rights."):
            raise
        return _page(request, caller, account, wrong=problem(error.code, error.pointer), said=said)
    return RedirectResponse("/me/rights", status_code=303)


@router.post("/rights/{request_id}/withdraw")
def take_back(*, account: SignedIn, server: Wired, request_id: str) -> Response:
    """Take a request of one's own back."""
    with server.registry.writing() as connection:
        row = request_of(connection, request_id)
        if row is None or row.person_id != own_person(server, connection, account):
            raise Refused("server.not_allowed")
        given = RightAnswer(outcome="withdrawn", by=account.account_id, reason=TAKEN_BACK)
        answer_right(connection, request_id, given, signer=server.signer, now=server.clock.now())
    return RedirectResponse("/me/rights", status_code=303)


@router.get("/rights/{request_id}/answer")
def give_answer(*, account: SignedIn, server: Wired, request_id: str) -> Response:
    """Give the signed answer as text."""
    with server.registry.reading() as connection:
        person_id, row = own_person(server, connection, account), request_of(connection, request_id)
    if row is None or row.person_id != person_id or row.answer is None:
        raise Refused("server.not_allowed")
    headers = {"content-disposition": f'attachment; filename="{row.request_id}.answer.txt"'}
    return Response(answer_text(row.answer) + "\n", media_type="text/plain; charset=utf-8", headers=headers)


@router.get("/copy")
def show_copy(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the copy, made for printing."""
    return render(request, "residents/copy.html", caller=caller, copy=own_copy(server, account))


@router.get("/copy.json")
def give_copy(account: SignedIn, server: Wired) -> Response:
    """Give the copy to a program."""
    content = msgspec.json.format(msgspec.json.encode(own_copy(server, account)), indent=2)
    headers = {"content-disposition": 'attachment; filename="luutru-copy.json"'}
    return Response(content, media_type="application/json", headers=headers)


def _page(request: Request, caller: Visitor, account: Account, *, wrong: Problem | None = None, said: str = "") -> Response:
    server, now = server_of(request), server_of(request).clock.now()
    with server.registry.reading() as connection:
        person_id = own_person(server, connection, account)
        asked = requests_of(connection, person_id)
    waiting = {each.right for each in asked if each.answered_at is None}
    return render(
        request,
        "residents/rights.html",
        caller=caller,
        status=422 if wrong else 200,
        asked=list(reversed(asked)),
        clocks={each.request_id: clocks_of_request(each) for each in asked},
        open_rights=[each for each in ASKED_FOR if each not in waiting],
        would_be={each: clocks(each, asked_at=now, rules=load_rights()) for each in ASKED_FOR},
        deletion_code=code_of(server.registry.vault, person_id) if any(each.right == "deletion" for each in asked) else None,
        wrong=wrong,
        said=said,
    )
