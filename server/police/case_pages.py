"""One case: why it is here, what may be done, and, once claimed for a purpose, whom it is about.

- The buttons are the rows of ``residence/cases/transitions.py``; the handler asks the same table again.
- A name appears only to the officer who holds the claim, for the purpose stated with it, until the case is closed; opening the page is a
  look and is recorded. What the case rests on is shown without it (``registry/evidence.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import RedirectResponse, Response

from registry.accounts import names_of
from registry.case_merging import Means, act_together, lead_of, members_of
from registry.case_queue import officers_of
from registry.case_tasks import Task, tasks_of
from registry.cases import CaseStep, facts_of
from registry.evidence import case_evidence
from registry.premises import load_premises
from registry.related import declared_in_room, related_cases, told_about
from registry.release import Look, ReleasedPerson
from registry.seen_persons import release_seen
from residence.access.purposes import BOUND_TO, Purpose, purposes_of
from residence.cases.closing import CLOSING, ClosingCode, codes_for
from residence.cases.questions import speaks_for
from residence.cases.transitions import CLOSED, NEEDS_PURPOSE, NEEDS_REASON, CaseAction, CaseStatus, allowed_actions
from residence.cases.triage import triage
from residence.cases.undeclared import Explanation
from residence.errors import Refused
from server.pages import render
from server.police.case_access import own_interests, readable_case
from server.police.task_pages import HOLD_DAYS
from server.policy import Account
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/cases")
Wired = Annotated[Server, Depends(server_of)]
EXPLANATIONS: Final[tuple[Explanation, ...]] = get_args(Explanation)
OWN_FORMS: Final = frozenset({CaseAction.CLAIM, CaseAction.ASK})
PURPOSES = tuple(each for each in purposes_of("officer") if BOUND_TO[each] == "case")


@router.get("/{case_id}")
def show(request: Request, caller: Caller, *, account: SignedIn, server: Wired, case_id: str) -> Response:
    """Show one case."""
    with server.registry.writing() as connection:  # a released name puts the look on the record
        row, resource = readable_case(server, connection, account, case_id)
        mine = server.policy.allows(account, "release_person", resource=resource, purpose=row.claim_purpose or "")
        person = released_to_claimant(server, connection, account, row) if mine and row.state not in CLOSED else None
        place = load_premises(connection, [row.premises_id], vault=server.registry.vault)[row.premises_id]
        evidence = case_evidence(connection, row, vault=server.registry.vault)
        told = told_about(connection, row)
        in_room = declared_in_room(connection, row, now=server.clock.now())
        unseen = own_interests(server, connection, account.account_id).unseen
        related = [each for each in related_cases(connection, row) if each.case_id not in unseen]
        around = {"related": related, "in_room": in_room, "told": told}
        lead, members = lead_of(connection, case_id), members_of(connection, case_id)
        task = tasks_of(connection, [case_id]).get(case_id, Task())
        officers = {each.account_id: each.sign_in_name for each in officers_of(connection, row.commune_code)}
        answering = [each.answered_by for each in told]
        officers |= names_of(connection, {each for each in (row.claimed_by, task.given_to, *answering) if each})
    stands = triage(facts_of(row), now=server.clock.now(), times=server.case_times)
    allowed = allowed_actions(CaseStatus(row.state), claimant=mine)
    return render(
        request,
        "police/case.html",
        caller=caller,
        case=row,
        place=place,
        person={field.value: value for field, value in person.fields.items()} if person else None,
        disputed={field.value for field in person.disputed} if person else set(),
        evidence=evidence,
        around=around,
        untried=[each for each in EXPLANATIONS if each not in row.explanations_tried],
        stands=stands,
        purposes=PURPOSES,
        steps=_steps(allowed) if mine and lead is None else [],
        acting=mine and row.state not in CLOSED and lead is None,
        lead=lead,
        members=members,
        explanations=EXPLANATIONS,
        suggested=next((found for each in reversed(told) if (found := speaks_for(each.answer))), None),
        offices=server.offices,
        claimable=CaseAction.CLAIM in allowed,
        task=task,
        officers=officers,
        hold_days=HOLD_DAYS,
    )


def _steps(allowed: Iterable[CaseAction]) -> list[tuple[str, CaseAction, ClosingCode | None, bool]]:
    """Return what the form offers: (value, step, closing code, whether words are needed); claiming, asking and referring have forms of their own."""
    offered: list[tuple[str, CaseAction, ClosingCode | None, bool]] = []
    for action in allowed:
        if action in OWN_FORMS:
            continue
        codes = [each for each in codes_for(action) if each is not ClosingCode.REFERRED]
        if not codes:
            offered.append((action.value, action, None, action in NEEDS_REASON))
        offered += [(f"{action.value}:{code.value}", action, code, CLOSING[code].needs_reason) for code in codes]
    return offered


def released_to_claimant(server: Server, connection: Connection, account: Account, row: Row[Any]) -> ReleasedPerson:
    """Return what the claim's purpose releases; the look is on the record. Whether the account holds the claim is asked before."""
    look = Look(
        account_id=account.account_id,
        role="officer",
        purpose=Purpose(row.claim_purpose),
        commune_code=row.commune_code,
        about=row.case_id,
    )
    return release_seen(
        connection,
        row.presence_ids,
        who=row.who,
        look=look,
        vault=server.registry.vault,
        now=server.clock.now(),
        random_bytes=server.random_bytes,
    )


@router.post("/{case_id}")
def take_step(account: SignedIn, server: Wired, *, form: Form, case_id: str) -> Response:
    """Take one step with a case."""
    step, _, closing = form.get("action", "").partition(":")
    try:
        action = CaseAction(step)
        code = ClosingCode(closing) if closing else None
        purpose = Purpose(form["purpose"]) if form.get("purpose") else None
    except ValueError as error:
        raise Refused("server.not_allowed") from error
    if action in NEEDS_PURPOSE and purpose not in PURPOSES:
        raise Refused("server.purpose_needed", "/purpose")
    if action is CaseAction.ASK:
        raise Refused("server.not_allowed")  # asking sends a question (``action_pages.py``)
    with server.registry.writing() as connection:
        row, resource = readable_case(server, connection, account, case_id)
        asked = "claim_case" if action is CaseAction.CLAIM or row.claimed_by is None else "decide_case"
        stated = purpose.value if purpose else row.claim_purpose or ""
        server.policy.require(account, asked, resource=resource, purpose=stated)
        taken = CaseStep(
            action=action,
            by=account.account_id,
            purpose=purpose,
            reason=form.get("reason", "").strip() or None,
            code=code,
        )
        act_together(connection, case_id, taken, means=Means(now=server.clock.now(), random_bytes=server.random_bytes))
    return RedirectResponse(f"/police/cases/{case_id}", status_code=303)
