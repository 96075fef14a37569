"""What the police ask a house about somebody seen there, and the house's reply: one of a few words, in two taps. No name on either side.

- The same question waits at the desk and behind the link of the message; whoever replies first has replied.
- Shown to every clerk of the house; answered by whoever may declare there.

Example: ``/desk/questions?premises=htl-sao-mai``
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.case_asking import take_reply
from registry.notices import waiting_notices
from residence.cases.notices import NoticeKind
from residence.cases.questions import Reply
from residence.errors import Refused
from server.desk.own_premises import workplace
from server.pages import render
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk/questions")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show what waits for an answer at one premises."""
    with server.registry.reading() as connection:
        place = workplace(server, connection, account, action="list_stays", premises_id=request.query_params.get("premises", ""))
        waiting = waiting_notices(connection, [place.here.premises_id], kind=NoticeKind.OFFICER_ASKS)
    return render(request, "desk/questions.html", caller=caller, place=place, waiting=waiting, replies=list(Reply))


@router.post("")
def reply(*, account: SignedIn, server: Wired, form: Form) -> Response:
    """Take the house's reply to one question."""
    with server.registry.writing() as connection:
        place = workplace(server, connection, account, action="declare", premises_id=form.get("premises_id", ""))
        waiting = waiting_notices(connection, [place.here.premises_id], kind=NoticeKind.OFFICER_ASKS)
        asked = next((each for each in waiting if each.notice_id == form.get("notice_id")), None)
        if asked is None:
            raise Refused("case.question_gone")
        now, said = server.clock.now(), reply_of(form.get("reply", ""))
        take_reply(connection, asked, said, by=account.account_id, now=now, random_bytes=server.random_bytes)
    return RedirectResponse(f"/desk/questions?premises={place.here.premises_id}", status_code=303)


def reply_of(text: str) -> Reply:
    """Return the reply a form gives, or refuse."""
    if text not in set(Reply):
        raise Refused("case.reply_missing", "/reply")
    return Reply(text)


def count_questions(connection: Connection, premises_id: str) -> int:
    """Return how many questions wait at a premises."""
    return len(waiting_notices(connection, [premises_id], kind=NoticeKind.OFFICER_ASKS))
