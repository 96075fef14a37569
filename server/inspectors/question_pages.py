"""An inspector's queue: each look or bundle of looks a rule asks about, with the rule, the data and what the officer says; settled with a reason.

- When, for what and about which case the looks were is shown; whom they were at is not.
- There is no list by officer, no count of an officer's questions, no order but by age: a question stands for itself.
- Nobody settles what concerns themselves or their own family (``registry/look_questions.py``); such a row is not shown to them.

Example: ``/inspect``, ``/inspect/<id>``
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import RedirectResponse, Response

from registry.accounts import names_of
from registry.look_questions import (
    OUTCOMES,
    answer_until,
    looks_asked_about,
    may_not_settle,
    question,
    questions_of,
    settle_question,
)
from registry.premises import load_premises
from residence.errors import LuutruError, Problem, Refused, problem
from server.pages import render
from server.policy import Account, CommuneResource, QuestionResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/inspect")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show what waits, the oldest first, and what was settled."""
    server.policy.require(account, "list_look_questions", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        rows = [row for row in questions_of(connection, account.commune_code) if _may_settle(server, connection, account, row)]
        names = names_of(connection, {row.account_id for row in rows})
    return render(request, "inspectors/questions.html", caller=caller, rows=rows, names=names)


@router.get("/questions/{question_id}")
def show_one(request: Request, caller: Caller, *, account: SignedIn, server: Wired, question_id: str) -> Response:
    """Show one question whole."""
    return _one(request, caller, account, server=server, question_id=question_id)


@router.post("/questions/{question_id}")
def settle(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, question_id: str) -> Response:
    """Settle it: explained, or handed on to whoever decides about such things outside this program."""
    try:
        with server.registry.writing() as connection:
            _readable(server, connection, account, question_id)
            said = {"outcome": form.get("outcome", ""), "reason": form.get("reason", "")}
            settle_question(connection, question_id, by=account.account_id, now=server.clock.now(), **said)
    except LuutruError as error:
        if not error.code.startswith("looks."):
            raise
        wrong = problem(error.code, error.pointer)
        return _one(request, caller, account, server=server, question_id=question_id, wrong=wrong)
    return RedirectResponse("/inspect", status_code=303)


def _one(
    request: Request, caller: Visitor, account: Account, *, server: Server, question_id: str, wrong: Problem | None = None
) -> Response:
    with server.registry.reading() as connection:
        row = _readable(server, connection, account, question_id)
        looks = looks_asked_about(connection, row)
        places = load_premises(connection, [row.premises_id] if row.premises_id else [], vault=server.registry.vault)
        names = names_of(connection, {each for each in (row.account_id, row.settled_by) if each})
    return render(
        request,
        "inspectors/question.html",
        caller=caller,
        status=422 if wrong else 200,
        wrong=wrong,
        asked=row,
        looks=looks,
        place=places.get(row.premises_id) if row.premises_id else None,
        names=names,
        until=answer_until(row),
        outcomes=OUTCOMES,
    )


def _readable(server: Server, connection: Connection, account: Account, question_id: str) -> Row[Any]:
    """Return a question this inspector may settle, or refuse; another commune's and one that is not there answer alike."""
    row = question(connection, question_id)
    if row is None or not _may_settle(server, connection, account, row):
        raise Refused("server.not_allowed")
    return row


def _may_settle(server: Server, connection: Connection, account: Account, row: Row[Any]) -> bool:
    barred = may_not_settle(connection, account.account_id, row.account_id, now=server.clock.now())
    resource = QuestionResource(
        question_id=row.question_id,
        commune=row.commune_code,
        account_id=row.account_id,
        conflicted=(account.account_id,) if barred else (),
    )
    return server.policy.allows(account, "settle_look_question", resource=resource)
