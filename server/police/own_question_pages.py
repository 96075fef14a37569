"""What an officer is asked about their own looks: the rule, the looks, and one answer in words.

Example: ``/police/questions``
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.look_questions import answer, answer_until, looks_asked_about, question, questions_to
from registry.premises import load_premises
from residence.errors import LuutruError, Problem, Refused, problem
from server.pages import render
from server.policy import Account, CommuneResource, QuestionResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/questions")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show what the officer is or was asked."""
    return _page(request, caller, account, server=server)


@router.post("/{question_id}")
def explain(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, question_id: str) -> Response:
    """Keep the officer's answer."""
    try:
        with server.registry.writing() as connection:
            row = question(connection, question_id)
            if row is None:
                raise Refused("server.not_allowed")
            resource = QuestionResource(question_id=question_id, commune=row.commune_code, account_id=row.account_id)
            server.policy.require(account, "answer_look_question", resource=resource)
            answer(connection, question_id, by=account.account_id, said=form.get("answer", ""), now=server.clock.now())
    except LuutruError as error:
        if not error.code.startswith("looks."):
            raise
        return _page(request, caller, account, server=server, wrong=problem(error.code, error.pointer))
    return RedirectResponse("/police/questions", status_code=303)


def _page(request: Request, caller: Visitor, account: Account, *, server: Server, wrong: Problem | None = None) -> Response:
    server.policy.require(account, "list_access_records", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        rows = questions_to(connection, account.account_id)
        looks = {row.question_id: looks_asked_about(connection, row) for row in rows}
        places = load_premises(connection, {row.premises_id for row in rows if row.premises_id}, vault=server.registry.vault)
    return render(
        request,
        "police/own_questions.html",
        caller=caller,
        status=422 if wrong else 200,
        wrong=wrong,
        rows=rows,
        looks=looks,
        places=places,
        until={row.question_id: answer_until(row) for row in rows},
    )
