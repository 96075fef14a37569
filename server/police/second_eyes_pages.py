"""What waits for a second person, whole, to be granted, refused or returned; and the forms that ask for something about a case.

- What is asked for and by whom is a matter (``matters.py``); this page is the same for all. Nobody settles their own.
- The page of one shows all that would happen, worked out now. If that is not what was asked for, it says so and cannot be granted.
- Granting sends back the digest of what was shown; what happens is that, or nothing.
- It names no person. What was settled stays below, with who and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import JSONResponse, RedirectResponse, Response

from registry.accounts import names_of
from registry.premises import load_premises
from registry.sealed_looks import check_until
from registry.second_eyes import Answer, Kind, Settling, digest_of, fetch_once, proposal, proposals_of, settle
from residence.clock import VIETNAM, rfc3339
from residence.errors import Conflict, LuutruError, Problem, Refused, problem
from server.pages import render
from server.police.case_access import readable_case
from server.police.case_matters import case_file
from server.police.matter_scene import Scene
from server.police.matters import Wanted, matter_of, preview_of, propose, resource_of, scene_of
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, FreshlySignedIn, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/second-eyes")
Wired = Annotated[Server, Depends(server_of)]
ABOUT_A_CASE: Final[Mapping[str, str]] = {Kind.SEAL_LOOKS.value: "seal_case", Kind.HAND_OUT.value: "hand_out_case"}
LONGEST_RECEIVER: Final = 120


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show what waits, and what was settled."""
    return _list(request, caller, account, server=server)


@router.post("")
def ask_for(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Ask to seal the looks for a case, or to let it leave as a file."""
    kind, case_id = form.get("kind") or Kind.SEAL_LOOKS.value, form.get("case", "").strip()
    try:
        with server.registry.writing() as connection:
            row, resource = readable_case(server, connection, account, case_id)
            if kind not in ABOUT_A_CASE:
                raise Refused("eyes.unknown")
            server.policy.require(account, ABOUT_A_CASE[kind], resource=resource, purpose=row.claim_purpose or "")
            wanted = Wanted(
                kind=Kind(kind), subject=row.case_id, content=_content(server, kind, form), reason=form.get("reason", "")
            )
            proposal_id = propose(server, connection, account, wanted)
    except LuutruError as error:
        return _list(request, caller, account, server=server, wrong=_ours(error))
    return RedirectResponse(f"/police/second-eyes/{proposal_id}", status_code=303)


@router.get("/{proposal_id}")
def show_one(request: Request, caller: Caller, *, account: SignedIn, server: Wired, proposal_id: str) -> Response:
    """Show one, whole."""
    return _one(request, caller, account, server=server, proposal_id=proposal_id)


@router.post("/{proposal_id}")
def answer(
    request: Request, caller: Caller, *, account: FreshlySignedIn, server: Wired, form: Form, proposal_id: str
) -> Response:
    """Grant, refuse or return."""
    try:
        with server.registry.writing() as connection:
            _settle(server, connection, account, form=form, row=_readable(server, connection, account, proposal_id))
    except LuutruError as error:
        return _one(request, caller, account, server=server, proposal_id=proposal_id, wrong=_ours(error))
    return RedirectResponse(f"/police/second-eyes/{proposal_id}", status_code=303)


@router.post("/{proposal_id}/file")
def fetch(account: FreshlySignedIn, server: Wired, *, proposal_id: str) -> Response:
    """Give the file that was granted, once, to whoever asked for it."""
    with server.registry.writing() as connection:
        row = _readable(server, connection, account, proposal_id)
        scene = scene_of(server, connection, account, row)
        if row.kind != Kind.HAND_OUT.value or row.asked_by != account.account_id or scene is None:
            raise Refused("server.not_allowed")
        fetch_once(connection, row, current=digest_of(preview_of(scene, row) or {}), now=server.clock.now())
        content = case_file(scene)
    headers = {"content-disposition": f'attachment; filename="case-{row.subject[-6:]}.json"', "cache-control": "no-store"}
    return JSONResponse(content, headers=headers)


def _settle(server: Server, connection: Connection, account: Account, *, form: Mapping[str, str], row: Row[Any]) -> None:
    said = form.get("answer", "")
    if said not in {each.value for each in Answer}:
        raise Refused("eyes.unknown")
    if row.asked_by == account.account_id:
        raise Refused("eyes.same_person")
    server.policy.require(account, "settle_proposal", resource=resource_of(row))
    scene = scene_of(server, connection, account, row)
    preview = preview_of(scene, row) if said == Answer.GRANTED.value else None
    settling = Settling(
        by=account.account_id,
        answer=Answer(said),
        reason=form.get("reason", ""),
        seen=form.get("seen", ""),
        current=digest_of(preview) if preview is not None else "",
    )
    settle(connection, row.proposal_id, settling, now=server.clock.now())
    if scene is not None and said == Answer.GRANTED.value:
        matter_of(row).carry_out(msgspec.structs.replace(scene, typed=form.get("number", "")))


def _content(server: Server, kind: str, form: Mapping[str, str]) -> dict[str, Any]:
    if kind == Kind.HAND_OUT.value:
        return {"receiver": form.get("receiver", "").strip()[:LONGEST_RECEIVER]}
    until = check_until(_morning(form.get("until", "")), now=server.clock.now(), at_most=server.case_times.seal_at_most)
    return {"until": rfc3339(until)}


def _readable(server: Server, connection: Connection, account: Account, proposal_id: str) -> Row[Any]:
    """Return a proposal this account may see, or refuse; one of another commune and one that is not there answer alike."""
    row = proposal(connection, proposal_id)
    if row is None or row.commune_code != account.commune_code or matter_of(row).role != account.role:
        raise Refused("server.not_allowed")
    matter_of(row).require(scene_of(server, connection, account, row) or _without_asker(server, connection, account, row))
    return row


def _without_asker(server: Server, connection: Connection, account: Account, row: Row[Any]) -> Scene:
    """Return what is left to look at when whoever asked is gone: it can be returned."""
    return Scene(
        server=server,
        connection=connection,
        asker=account,
        viewer=account,
        subject=row.subject,
        content=row.content,
        reason=row.reason,
        asked_at=row.asked_at,
    )


def _morning(text: str) -> datetime:
    """Return the beginning of a day in Vietnam."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), VIETNAM).astimezone(UTC)
    except ValueError:
        raise Refused("eyes.until", "/until") from None


def _ours(error: LuutruError) -> Problem:
    if not isinstance(error, Refused | Conflict) or not error.code.startswith(("eyes.", "orders.")):
        raise error
    return problem(error.code, error.pointer)


def _one(
    request: Request, caller: Visitor, account: Account, *, server: Server, proposal_id: str, wrong: Problem | None = None
) -> Response:
    with server.registry.writing() as connection:  # a preview may be the act itself, rolled back
        row = _readable(server, connection, account, proposal_id)
        waits = row.outcome is None and row.expires_at > server.clock.now()
        preview = preview_of(scene_of(server, connection, account, row), row) if waits else None
        items = (preview or {}).get("items", [preview or {}])
        premises = {each["premises"] for each in items if each.get("premises")}
        places = load_premises(connection, premises, vault=server.registry.vault)
        people = {row.asked_by, row.settled_by, *(each.get("given_to") for each in items)}
        names = names_of(connection, {each for each in people if each})
    return render(
        request,
        "police/second_eyes_one.html",
        caller=caller,
        status=422 if wrong else 200,
        wrong=wrong,
        each=row,
        waits=waits,
        preview=preview,
        seen=digest_of(preview) if preview is not None else "",
        places=places,
        names=names,
        may_settle=server.policy.allows(account, "settle_proposal", resource=resource_of(row)),
        may_fetch=row.kind == Kind.HAND_OUT.value and row.outcome == "granted" and row.asked_by == account.account_id,
    )


def _list(request: Request, caller: Visitor, account: Account, *, server: Server, wrong: Problem | None = None) -> Response:
    server.policy.require(account, "list_proposals", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        rows = [row for row in proposals_of(connection, account.commune_code) if _may_read(server, connection, account, row)]
        names = names_of(connection, {name for each in rows for name in (each.asked_by, each.settled_by) if name})
    own = {each.proposal_id for each in rows if not server.policy.allows(account, "settle_proposal", resource=resource_of(each))}
    return render(
        request,
        "police/second_eyes.html",
        caller=caller,
        status=422 if wrong else 200,
        wrong=wrong,
        rows=rows,
        names=names,
        own=own,
        case_id=request.query_params.get("case", ""),
        latest=server.clock.now() + server.case_times.seal_at_most,
    )


def _may_read(server: Server, connection: Connection, account: Account, row: Row[Any]) -> bool:
    try:
        _readable(server, connection, account, row.proposal_id)
    except LuutruError:
        return False
    return True
