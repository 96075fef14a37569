"""What waits for a second person, whole, to be granted or returned; and the form that seals the looks of a case.

- Only whoever holds a case asks to seal it; only a colleague of the commune who may read the case settles that. Nobody settles their own.
- The page shows all that was asked for and why. It names no person: a case is shown by its number and its place.
- What was settled stays below, with who and why.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import RedirectResponse, Response

from registry.accounts import names_of
from registry.cases import case
from registry.premises import load_premises
from registry.sealed_looks import check_until
from registry.second_eyes import Kind, Wish, ask, proposal, proposals_of, settle
from residence.clock import VIETNAM, rfc3339
from residence.errors import Conflict, LuutruError, Problem, Refused, problem
from server.pages import render
from server.police.case_access import readable_case
from server.policy import Account, CommuneResource, ProposalResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/second-eyes")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show what waits, and what was settled."""
    return _page(request, caller, account, server=server)


@router.post("")
def propose(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Ask to seal the looks for a case."""
    now, case_id = server.clock.now(), form.get("case", "").strip()
    try:
        with server.registry.writing() as connection:
            row, resource = readable_case(server, connection, account, case_id)
            server.policy.require(account, "seal_case", resource=resource, purpose=row.claim_purpose or "")
            until = check_until(_morning(form.get("until", "")), now=now, at_most=server.case_times.seal_at_most)
            wish = Wish(
                kind=Kind.SEAL_LOOKS,
                subject=row.case_id,
                content={"until": rfc3339(until)},
                reason=form.get("reason", ""),
                asked_by=account.account_id,
                commune_code=row.commune_code,
            )
            ask(connection, wish, now=now, random_bytes=server.random_bytes)
    except LuutruError as error:
        return _again(request, caller, account, server=server, error=error)
    return RedirectResponse("/police/second-eyes", status_code=303)


@router.post("/{proposal_id}")
def answer(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, proposal_id: str) -> Response:
    """Grant or return."""
    try:
        with server.registry.writing() as connection:
            row = proposal(connection, proposal_id)
            if row is None or form.get("answer") not in {"granted", "returned"}:
                raise Refused("eyes.unknown")
            if row.asked_by == account.account_id:
                raise Refused("eyes.same_person")
            readable_case(server, connection, account, row.subject)
            server.policy.require(account, "settle_proposal", resource=_resource(row))
            settle(
                connection,
                proposal_id,
                by=account.account_id,
                granted=form["answer"] == "granted",
                reason=form.get("reason", ""),
                now=server.clock.now(),
            )
    except LuutruError as error:
        return _again(request, caller, account, server=server, error=error)
    return RedirectResponse("/police/second-eyes", status_code=303)


def _resource(row: Row[Any]) -> ProposalResource:
    return ProposalResource(proposal_id=row.proposal_id, commune=row.commune_code, asked_by=row.asked_by)


def _morning(text: str) -> datetime:
    """Return the beginning of a day in Vietnam."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), VIETNAM).astimezone(UTC)
    except ValueError:
        raise Refused("eyes.until", "/until") from None


def _again(request: Request, caller: Visitor, account: Account, *, server: Server, error: LuutruError) -> Response:
    if not isinstance(error, Refused | Conflict) or not error.code.startswith("eyes."):
        raise error
    return _page(request, caller, account, server=server, wrong=problem(error.code, error.pointer))


def _page(request: Request, caller: Visitor, account: Account, *, server: Server, wrong: Problem | None = None) -> Response:
    server.policy.require(account, "list_proposals", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        rows = [each for each in proposals_of(connection, account.commune_code) if _readable(server, connection, account, each)]
        subjects = {each.subject: case(connection, each.subject) for each in rows}
        where = {row.premises_id for row in subjects.values() if row is not None}
        places = load_premises(connection, where, vault=server.registry.vault)
        names = names_of(connection, {name for each in rows for name in (each.asked_by, each.settled_by) if name})
    own = {each.proposal_id for each in rows if not server.policy.allows(account, "settle_proposal", resource=_resource(each))}
    return render(
        request,
        "police/second_eyes.html",
        caller=caller,
        status=422 if wrong else 200,
        wrong=wrong,
        rows=rows,
        subjects=subjects,
        places=places,
        names=names,
        own=own,
        case_id=request.query_params.get("case", ""),
        latest=server.clock.now() + server.case_times.seal_at_most,
    )


def _readable(server: Server, connection: Connection, account: Account, row: Row[Any]) -> bool:
    try:
        readable_case(server, connection, account, row.subject)
    except Refused:
        return False
    return True
