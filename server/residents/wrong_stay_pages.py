"""What the person says of a stay of theirs that others declared: not me, wrong room, or yes; and the lock "others may not declare me".

- "Not me" and "wrong room" stand beside the stay and take two taps: the link, and the one button. Why may be said and need not be.
- What is said shows at once wherever the stay is shown (``registry/stay_disputes.py``); an officer answers, in the law's time, signed.
- The signed answer is given as text that ``/receipts/offline`` and ``luutru receipt verify`` check.
- The lock changes nothing at any desk (ADR 115).

Example: ``POST /me/stays/<stay id>/wrong/stay``
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.disputing import dispute
from registry.own_words import confirm_stay, lift_lock, lock_of, set_lock
from registry.premises import load_premises
from registry.stay_disputes import CAN_BE_WRONG, FAULTS, StayFault, raise_stay_dispute
from residence.access.rights import clocks, load_rights
from residence.errors import Conflict, Problem, Refused, problem
from residence.wire.answers import answer_text
from server.pages import render
from server.policy import Account
from server.residents.own_stays import own_person, own_stay
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/me")
Wired = Annotated[Server, Depends(server_of)]


@router.get("/stays/{stay_id}/wrong/{fault}")
def ask(request: Request, caller: Caller, *, account: SignedIn, stay_id: str, fault: str) -> Response:
    """Show which stay it is about, what happens then, and the button."""
    return _page(request, caller, account, stay_id, fault=_fault(fault))


@router.post("/stays/{stay_id}/wrong/{fault}")
def object_to(
    request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, stay_id: str, fault: str
) -> Response:
    """Put the stay under dispute."""
    reason, said = form.get("reason", ""), _fault(fault)
    try:
        with server.registry.writing() as connection:
            own = own_stay(server, connection, account, stay_id)
            now = server.clock.now()
            raise_stay_dispute(
                connection, own, said, by=account.account_id, reason=reason, now=now, random_bytes=server.random_bytes
            )
    except Conflict:  # said already, perhaps by the same thumb: what they want is done
        return RedirectResponse("/me", status_code=303)
    except Refused as error:
        if error.code != "dispute.reason":
            raise
        return _page(request, caller, account, stay_id, fault=said, wrong=problem(error.code, error.pointer))
    return RedirectResponse("/me", status_code=303)


@router.post("/stays/{stay_id}/mine")
def confirm(*, account: SignedIn, server: Wired, stay_id: str) -> Response:
    """Keep the person's yes."""
    with server.registry.writing() as connection:
        own = own_stay(server, connection, account, stay_id, action="confirm_own_stay")
        if own.status not in CAN_BE_WRONG:
            raise Refused("server.not_allowed")
        confirm_stay(connection, own, by=account.account_id, now=server.clock.now())
    return RedirectResponse("/me", status_code=303)


@router.get("/lock")
def show_lock(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show whether others may declare the person, what the lock does and what it does not."""
    with server.registry.reading() as connection:
        lock = lock_of(connection, own_person(server, connection, account))
    return render(request, "residents/lock.html", caller=caller, lock=lock)


@router.post("/lock")
def change_lock(*, account: SignedIn, server: Wired, form: Form) -> Response:
    """Lock, or lift the lock; pressed twice it is as it was pressed once."""
    with server.registry.writing() as connection:
        person_id, now = own_person(server, connection, account), server.clock.now()
        locked = lock_of(connection, person_id) is not None
        if form.get("lock") == "set" and not locked:
            set_lock(connection, person_id, by=account.account_id, now=now, random_bytes=server.random_bytes)
        if form.get("lock") == "lift" and locked:
            lift_lock(connection, person_id, by=account.account_id, now=now)
    return RedirectResponse("/me/lock", status_code=303)


@router.get("/answers/{dispute_id}")
def give_answer(*, account: SignedIn, server: Wired, dispute_id: str) -> Response:
    """Give the signed answer to something the person said is wrong."""
    with server.registry.reading() as connection:
        person_id, row = own_person(server, connection, account), dispute(connection, dispute_id)
    if row is None or row.person_id != person_id or row.answer is None:
        raise Refused("server.not_allowed")
    headers = {"content-disposition": f'attachment; filename="{row.dispute_id}.answer.txt"'}
    return Response(answer_text(row.answer) + "\n", media_type="text/plain; charset=utf-8", headers=headers)


def _fault(text: str) -> StayFault:
    found = next((each for each in FAULTS if each == text), None)
    if found is None:
        raise Refused("server.not_allowed")
    return found


def _page(
    request: Request, caller: Visitor, account: Account, stay_id: str, *, fault: StayFault, wrong: Problem | None = None
) -> Response:
    server = server_of(request)
    with server.registry.reading() as connection:
        own = own_stay(server, connection, account, stay_id)
        if own.status not in CAN_BE_WRONG:
            raise Refused("server.not_allowed")
        place = load_premises(connection, [own.premises_id], vault=server.registry.vault).get(own.premises_id)
    return render(
        request,
        "residents/wrong_stay.html",
        caller=caller,
        status=422 if wrong else 200,
        stay=own,
        place=place,
        fault=fault,
        wrong=wrong,
        clocks=clocks("correction", asked_at=server.clock.now(), rules=load_rights()),
    )
