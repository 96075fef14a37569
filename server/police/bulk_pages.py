"""The same step with several cases of a queue: chosen, previewed, done, and taken back; each case with an outcome of its own.

- Given to a colleague, put on hold, closed with a code: what can be taken back. Questions and notices go out one by one.
- The preview is the act itself, rolled back (``registry/case_bulk.py``). The id made with it makes a form sent twice one act.
- More than one officer may do at once waits, after the same preview, for a second person (``matters.py``).

Example: ``/police/bulk/mine?rule=night_check``
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.case_bulk import BEYOND, CAP, UNDO_WITHIN, act_of, keep_act, left_alone, run_bulk, undo_act
from registry.case_queue import officers_of
from registry.premises import load_premises
from registry.second_eyes import Kind
from residence.cases.queues import passes, read_filter
from residence.clock import uuid7
from residence.errors import Refused
from server.pages import render
from server.police.bulk_steps import CODES, bulk_step, every_case, read_asked
from server.police.matters import Wanted, propose
from server.police.queue_lines import Shown, lines_of
from server.police.task_pages import HOLD_DAYS
from server.police.work_queue_pages import asked_queue, require_queues, shelf_of
from server.policy import Account
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/bulk")
Wired = Annotated[Server, Depends(server_of)]


@router.get("/acts/{bulk_id}")
def show_act(request: Request, caller: Caller, *, account: SignedIn, server: Wired, bulk_id: str) -> Response:
    """Show what became of each case, and whether it can be taken back."""
    require_queues(server, account)
    with server.registry.reading() as connection:
        found = act_of(connection, account.account_id, bulk_id)
        officers = _officers(connection, account)
    if found is None:
        raise Refused("server.not_allowed")
    act, items = found
    until = act.done_at + UNDO_WITHIN
    undo = until if act.undone_at is None and server.clock.now() <= until else None
    return render(
        request, "police/bulk_act.html", caller=caller, items=items, undo=undo, act=act, officers=officers, undone=act.undone_at
    )


@router.post("/acts/{bulk_id}/undo")
def take_back(account: SignedIn, server: Wired, *, bulk_id: str) -> Response:
    """Take an act back, case by case."""
    require_queues(server, account)
    with server.registry.writing() as connection:
        found = act_of(connection, account.account_id, bulk_id)
        if found is None:
            raise Refused("server.not_allowed")
        undo_act(connection, *found, now=server.clock.now(), random_bytes=server.random_bytes)
    return RedirectResponse(f"/police/bulk/acts/{bulk_id}", status_code=303)


@router.get("/{queue}")
def choose(request: Request, caller: Caller, *, account: SignedIn, server: Wired, queue: str) -> Response:
    """Show the first cases of a queue to choose from."""
    require_queues(server, account)
    chosen, asked = asked_queue(server, queue), read_filter(request.query_params)
    if chosen.closed:
        raise Refused("server.not_allowed")
    with server.registry.reading() as connection:
        items = shelf_of(server, connection, account, chosen=chosen).items
        items = [each for each in items if passes(asked, each.queued, me=account.account_id)]
        places = load_premises(connection, {each.row.premises_id for each in items[:CAP]}, vault=server.registry.vault)
        officers = _officers(connection, account)
    shown = Shown(language=caller.language, places=places, holders=officers, merged={})
    return render(
        request,
        "police/bulk.html",
        caller=caller,
        queue=chosen,
        lines=lines_of(items[:CAP], shown),
        all=len(items),
        cap=CAP,
        beyond=BEYOND,
        asked=msgspec.structs.asdict(asked),
        officers=officers,
        hold_days=HOLD_DAYS,
        codes=CODES,
    )


@router.post("")
def act(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Show what would become of each case, or do it, or ask a second person for it."""
    require_queues(server, account)
    asked = read_asked(form)
    bulk_id, step = form.get("bulk_id") or str(uuid7(server.clock.now(), server.random_bytes(10))), form.get("step", "")
    with server.registry.writing() as connection:
        if form.get("every"):
            asked = msgspec.structs.replace(asked, case_ids=every_case(server, connection, account, form))
        if step == "do" and act_of(connection, account.account_id, bulk_id) is not None:
            return RedirectResponse(f"/police/bulk/acts/{bulk_id}", status_code=303)
        if step == "ask":
            wish = Wanted(kind=Kind.BULK, subject=bulk_id, content=msgspec.to_builtins(asked), reason=form.get("why", ""))
            return RedirectResponse(f"/police/second-eyes/{propose(server, connection, account, wish)}", status_code=303)
        do = bulk_step(server, connection, account, asked)
        alone = left_alone(connection, asked, of=(account.commune_code, account.account_id), now=server.clock.now())
        items = run_bulk(connection, asked, do=do, keep=step == "do", at_most=alone if step == "do" else BEYOND)
        if step == "do":
            keep_act(connection, asked, items, of=(account.commune_code, bulk_id, account.account_id), now=server.clock.now())
            return RedirectResponse(f"/police/bulk/acts/{bulk_id}", status_code=303)
        officers = _officers(connection, account)
    return render(
        request,
        "police/bulk_preview.html",
        caller=caller,
        items=items,
        asked=asked,
        bulk_id=bulk_id,
        officers=officers,
        cap=CAP,
        alone=alone,
    )


def _officers(connection: Connection, account: Account) -> dict[str, str]:
    return {each.account_id: each.sign_in_name for each in officers_of(connection, account.commune_code)}
