"""Split wards for operators: each street or settlement of an old ward whose ward of today somebody has to say. No house and no person.

- An operator sees the questions in which the own commune is a candidate, and decides, says *divided*, or takes it back. One that is elsewhere and
  one that is not there answer alike.
- Nothing is chosen beforehand: no candidate is suggested by its order or by a mark.
- A decision needs a reason; who, when and why stay with the question.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.accounts import names_of
from registry.placed_by_decisions import count_placed
from registry.unit_questions import Decider, Question, decide, decisions_of, list_questions, may_settle, questions_by_id, undo
from registry.units import load_around
from residence.clock import VIETNAM
from residence.errors import Refused
from residence.places.units import UnitTable, day_after
from server.pages import render
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/operators/wards")
Wired = Annotated[Server, Depends(server_of)]
DIVIDED = "divided"


@router.get("")
def show_questions(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """List what waits, and what was decided."""
    server.policy.require(account, "list_unit_questions", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        table = load_around(connection, [account.commune_code])
        found = _of_commune(connection, table, account, server.clock.now())
    rows = [(each, _old_name(each, table)) for each in found]
    return render(request, "operators/wards.html", caller=caller, rows=rows)


@router.get("/{question_id}")
def show_question(request: Request, caller: Caller, *, account: SignedIn, server: Wired, question_id: str) -> Response:
    """Show one question, its candidates and what was done with it."""
    server.policy.require(account, "list_unit_questions", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        question = questions_by_id(connection, [question_id]).get(question_id)
        if question is None or not may_settle(question, (account.commune_code,)):
            raise Refused("server.not_allowed")
        table = load_around(connection, [account.commune_code])
        events = decisions_of(connection, question_id)
        names = names_of(connection, {each["account_id"] for each in events})
        stands = question.choice == account.commune_code
        withdrawn = 0 if stands else count_placed(connection, question_id, account.commune_code)
    return render(
        request,
        "operators/ward.html",
        caller=caller,
        question=question,
        old_name=_old_name(question, table),
        candidates=[(code, _name(code, question, table)) for code in question.candidates],
        withdrawn=withdrawn,
        events=[(each, names.get(each["account_id"], each["account_id"])) for each in events],
    )


@router.post("/{question_id}")
def settle_question(account: SignedIn, server: Wired, *, form: Form, question_id: str) -> Response:
    """Decide a question, or take a decision back."""
    server.policy.require(account, "settle_unit_questions", resource=CommuneResource(commune=account.commune_code))
    by = Decider(account_id=account.account_id, reason=form.get("reason", ""), communes=(account.commune_code,))
    choice, now = form.get("choice", ""), server.clock.now()
    with server.registry.writing() as connection:
        if form.get("action") == "undo":
            undo(connection, question_id, by=by, now=now, random_bytes=server.random_bytes)
        else:
            chosen = None if choice == DIVIDED else choice
            decide(connection, question_id, choice=chosen, by=by, now=now, random_bytes=server.random_bytes)
    return RedirectResponse(f"/operators/wards/{question_id}", status_code=303)


def _of_commune(connection: Connection, table: UnitTable, account: Account, now: datetime) -> list[Question]:
    day = now.astimezone(VIETNAM).date().isoformat()
    today = table.candidates(account.commune_code, at=day, on=day)
    before = {each.code for unit in today for each in table.everything_before(unit)}
    found = list_questions(connection, before, states=("open", "decided", "divided"))
    seen = [each for each in found if may_settle(each, (account.commune_code,))]
    return sorted(seen, key=lambda each: each.state != "open")


def _old_name(question: Question, table: UnitTable) -> str:
    return next(
        (each.name for each in table.bearing(question.commune_code) if each.valid_from == question.valid_from),
        question.commune_code,
    )


def _name(code: str, question: Question, table: UnitTable) -> str:
    """Return a candidate's name: the newest unit that bore its code since the old one ended."""
    ended = next((each.valid_to for each in table.bearing(question.commune_code) if each.valid_from == question.valid_from), None)
    since = day_after(ended) if ended else ""
    return next((each.name for each in reversed(table.bearing(code)) if each.valid_from >= since), code)
