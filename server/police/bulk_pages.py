"""The same step with several cases of a queue: chosen, previewed, done, and taken back; each case with an outcome of its own.

- Given to a colleague, put on hold, closed with a code: what can be taken back. Questions and notices go out one by one.
- Every case is asked about for itself: the policy, the claim, the interests. One that may not be done stops no other.
- The preview is the act itself, rolled back (``registry/case_bulk.py``). The id made with it makes a form sent twice one act.

Example: ``/police/bulk/mine?rule=night_check``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.case_bulk import CAP, UNDO_WITHIN, Asked, act_of, keep_act, run_bulk, undo_act
from registry.case_merging import Means, act_together
from registry.case_queue import officers_of
from registry.case_tasks import give, hold
from registry.cases import CaseStep
from registry.premises import load_premises
from residence.cases.closing import CLOSING, ClosingCode
from residence.cases.queues import passes, read_filter
from residence.cases.transitions import CLOSING_STEPS, CaseAction
from residence.clock import uuid7
from residence.errors import Refused
from server.pages import render
from server.police.action_pages import claimed_case
from server.police.case_access import readable_case
from server.police.queue_lines import Shown, lines_of
from server.police.task_pages import HOLD_DAYS, colleague, morning_after
from server.police.work_queue_pages import asked_queue, require_queues, shelf_of
from server.policy import Account
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/bulk")
Wired = Annotated[Server, Depends(server_of)]
STEP_OF = {status: action for action, status in CLOSING_STEPS.items()}
CODES = tuple(code for code in CLOSING if code is not ClosingCode.REFERRED)


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
        officers=officers,
        hold_days=HOLD_DAYS,
        codes=CODES,
    )


@router.post("")
def act(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Show what would become of each case, or do it."""
    require_queues(server, account)
    asked = read_asked(form)
    bulk_id = form.get("bulk_id") or str(uuid7(server.clock.now(), server.random_bytes(10)))
    do_it = form.get("step") == "do"
    with server.registry.writing() as connection:
        if do_it and act_of(connection, account.account_id, bulk_id) is not None:
            return RedirectResponse(f"/police/bulk/acts/{bulk_id}", status_code=303)
        items = run_bulk(connection, asked, do=_step(server, connection, account, asked), keep=do_it)
        if do_it:
            keep_act(connection, asked, items, of=(account.commune_code, bulk_id, account.account_id), now=server.clock.now())
            return RedirectResponse(f"/police/bulk/acts/{bulk_id}", status_code=303)
        officers = _officers(connection, account)
    return render(
        request, "police/bulk_preview.html", caller=caller, items=items, asked=asked, bulk_id=bulk_id, officers=officers
    )


def read_asked(form: Mapping[str, str]) -> Asked:
    """Return what a form asks for: its cases are fields of their own, ``case-<id>``."""
    action = form.get("action", "")
    value = {"give": form.get("to"), "hold": form.get("days"), "close": form.get("code")}.get(action)
    ids = form.get("cases", "").split() or [name.removeprefix("case-") for name in form if name.startswith("case-")]
    if value is None:
        raise Refused("server.not_allowed")
    return Asked(action=action, value=value, reason=form.get("reason", "").strip(), case_ids=tuple(ids))


def _step(server: Server, connection: Connection, account: Account, asked: Asked) -> Any:
    made: dict[str, Any] = {"now": server.clock.now(), "random_bytes": server.random_bytes}
    by = account.account_id

    def take(case_id: str) -> None:
        if asked.action == "give":
            row, resource = readable_case(server, connection, account, case_id)
            server.policy.require(account, "share_case", resource=resource)
            give(connection, row, to=colleague(server, connection, row, asked.value), by=by, **made)
            return
        row = claimed_case(server, connection, account, case_id)
        if asked.action == "hold":
            until = morning_after(asked.value, server.clock.now())
            hold(connection, row, until=until, said=(by, asked.reason), times=server.case_times, **made)
            return
        if asked.value not in CODES:
            raise Refused("case.code_missing", "/code")
        code = ClosingCode(asked.value)
        step = CaseStep(action=_closing(code), by=by, code=code, reason=asked.reason or None)
        act_together(connection, case_id, step, means=Means(**made))

    return take


def _closing(code: ClosingCode) -> CaseAction:
    return STEP_OF[CLOSING[code].status]


def _officers(connection: Connection, account: Account) -> dict[str, str]:
    return {each.account_id: each.sign_in_name for each in officers_of(connection, account.commune_code)}
