"""Sharing the work: a case is given to somebody, handed back, put on hold until a time, taken up again. No name of anybody it is about.

- Given is not claimed: nobody sees a name by it. To oneself it is one key of the queue (``server/static/triage.js``), which wants no page back.
- Nobody is given a case they must not decide about.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import JSONResponse, RedirectResponse, Response

from registry.case_queue import officers_of
from registry.case_tasks import give, hand_back, hold, resume
from residence.clock import VIETNAM
from residence.errors import Refused
from server.police.case_access import own_interests, readable_case
from server.policy import Account
from server.visitor import Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/cases")
Wired = Annotated[Server, Depends(server_of)]
HOLD_DAYS: Final = (1, 2, 3, 5, 7)
MORNING: Final = 8  # local hour at which a rest is over


@router.post("/{case_id}/task")
def change_task(request: Request, account: SignedIn, server: Wired, *, form: Form, case_id: str) -> Response:
    """Give a case to somebody, hand it back, let it rest or take it up again."""
    with server.registry.writing() as connection:
        row, resource = readable_case(server, connection, account, case_id)
        server.policy.require(account, "share_case", resource=resource)
        _change(server, connection, account, row=row, form=form)
    if request.headers.get("accept") == "application/json":
        return JSONResponse({"holder": account.name})
    return RedirectResponse(f"/police/cases/{case_id}", status_code=303)


def _change(server: Server, connection: Connection, account: Account, *, row: Row[Any], form: Mapping[str, str]) -> None:
    by, reason, now = account.account_id, form.get("reason", "").strip(), server.clock.now()
    made: dict[str, Any] = {"now": now, "random_bytes": server.random_bytes}
    match form.get("action"):
        case "give":
            to = colleague(server, connection, row, form.get("to") or by)
            give(connection, row, to=to, by=by, **made)
        case "hand-back":
            hand_back(connection, row, by=by, reason=reason, **made)
        case "hold":
            until = morning_after(form.get("days", ""), now)
            hold(connection, row, until=until, said=(by, reason), times=server.case_times, **made)
        case "resume":
            resume(connection, row, by=by, **made)
        case _:
            raise Refused("server.not_allowed")


def colleague(server: Server, connection: Connection, row: Row[Any], to: str) -> str:
    """Return an officer of the case's commune who may work on it."""
    known = {each.account_id for each in officers_of(connection, row.commune_code)}
    if to not in known or own_interests(server, connection, to).bars(row):
        raise Refused("case.not_colleague", "/to")
    return to


def morning_after(days: str, now: datetime) -> datetime:
    """Return the morning so many days on.

    >>> morning_after("1", datetime(2026, 7, 10, 9, 0, tzinfo=VIETNAM)).isoformat()
    '2026-07-11T08:00:00+07:00'
    """
    if days not in {str(each) for each in HOLD_DAYS}:
        raise Refused("case.hold_too_long", "/days")
    there = now.astimezone(VIETNAM) + timedelta(days=int(days))
    return there.replace(hour=MORNING, minute=0, second=0, microsecond=0)
