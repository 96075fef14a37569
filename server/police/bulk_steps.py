"""One step with several cases, as a form asks for it, for whoever asks: used by the page, its preview, and what two officers do together.

- Every case is asked about for itself: the policy, the claim, the interests. One that may not be done stops no other.

Example: ``run_bulk(connection, asked, do=bulk_step(server, connection, account, asked), keep=False)``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from registry.case_bulk import BEYOND, Asked
from registry.case_merging import Means, act_together
from registry.case_tasks import give, hold
from registry.cases import CaseStep
from residence.cases.closing import CLOSING, ClosingCode
from residence.cases.queues import passes, read_filter
from residence.cases.transitions import CLOSING_STEPS, CaseAction
from residence.errors import Refused
from server.police.action_pages import claimed_case
from server.police.case_access import readable_case
from server.police.task_pages import colleague, morning_after
from server.police.work_queue_pages import asked_queue, shelf_of
from server.policy import Account
from server.wiring import Server

STEP_OF = {status: action for action, status in CLOSING_STEPS.items()}
CODES = tuple(code for code in CLOSING if code is not ClosingCode.REFERRED)


def read_asked(form: Mapping[str, str]) -> Asked:
    """Return what a form asks for: its cases are fields of their own, ``case-<id>``."""
    action = form.get("action", "")
    value = {"give": form.get("to"), "hold": form.get("days"), "close": form.get("code")}.get(action)
    ids = form.get("cases", "").split() or [name.removeprefix("case-") for name in form if name.startswith("case-")]
    if value is None:
        raise Refused("server.not_allowed")
    return Asked(action=action, value=value, reason=form.get("reason", "").strip(), case_ids=tuple(ids))


def every_case(server: Server, connection: Connection, account: Account, form: Mapping[str, str]) -> tuple[str, ...]:
    """Return the cases of a queue and filter a form names, as many as two officers may do at once."""
    chosen, asked = asked_queue(server, form.get("queue", "")), read_filter(form)
    if chosen.closed:
        raise Refused("server.not_allowed")
    items = shelf_of(server, connection, account, chosen=chosen).items
    return tuple(each.row.case_id for each in items if passes(asked, each.queued, me=account.account_id))[:BEYOND]


def bulk_step(server: Server, connection: Connection, account: Account, asked: Asked) -> Callable[[str], None]:
    """Return what is done with each case by whoever asks."""
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
