"""Letting somebody act for oneself: given with a code, taken with it, ended by one tap of either side, each use seen by both.

- The giver chooses what (see the stays; say that they left or that something is wrong) and for how many days; the code is shown once and taken once.
- Nobody is found by a name or a number here. What a slip opened gives and takes nothing (policy ``a-slip-opens-one-stay``).
- To give asks for a fresh proof: it is a way in for somebody else.

Example: ``POST /me/delegations/give`` with ``scopes=see``, ``label=my daughter``, ``days=30``
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry import delegations
from registry.delegations import Giving, Means
from residence.access.acting import SCOPES
from residence.errors import Malformed, Problem, Refused, problem
from residence.wire.receipts import grouped_letters, parse_receipt_code
from server.pages import render
from server.policy import Account
from server.residents.own_stays import own_person
from server.visitor import Caller, Form, FreshlySignedIn, SignedIn, Visitor
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/me/delegations")
Wired = Annotated[Server, Depends(server_of)]
MOST_DIGITS: Final = 3


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn) -> Response:
    """Show what is given and taken, and each use."""
    return _page(request, caller, account)


@router.post("/give")
def give(request: Request, caller: Caller, *, account: FreshlySignedIn, server: Wired, form: Form) -> Response:
    """Give, and show the code once."""
    server.person_attempts.count(account.account_id)
    days, code = form.get("days", ""), grouped_letters(server.random_bytes(8))
    try:
        with server.registry.writing() as connection:
            giving = Giving(
                giver_id=own_person(server, connection, account),
                commune_code=account.commune_code,
                account_id=account.account_id,
                scopes=SCOPES if form.get("scope") == "speak" else ("see",) if form.get("scope") == "see" else (),
                label=form.get("label", ""),
                days=int(days) if days.isascii() and days.isdigit() and len(days) <= MOST_DIGITS else 0,
            )
            delegations.give(connection, giving, code=code, means=means_of(server))
    except Refused as error:
        return _page(request, caller, account, wrong=_told(error))
    return render(request, "residents/delegation_code.html", caller=caller, code=code)


@router.post("/take")
def take(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Take what a code stands for; tries are counted by account."""
    server.person_attempts.count(account.account_id)
    try:
        with server.registry.writing() as connection:
            taker_id, code = own_person(server, connection, account), _code(form.get("code", ""))
            label, means = form.get("label", ""), means_of(server)
            delegations.take(connection, code, taker_id=taker_id, account_id=account.account_id, label=label, means=means)
    except Refused as error:
        return _page(request, caller, account, wrong=_told(error))
    return RedirectResponse("/me/delegations", status_code=303)


@router.post("/{delegation_id}/end")
def end(*, account: SignedIn, server: Wired, delegation_id: str) -> Response:
    """End one, given or taken."""
    with server.registry.writing() as connection:
        person_id = own_person(server, connection, account)
        delegations.end(connection, delegation_id, person_id=person_id, now=server.clock.now())
    return RedirectResponse("/me/delegations", status_code=303)


def means_of(server: Server) -> Means:
    """Return what the registry needs of this process."""
    return Means(
        vault=server.registry.vault,
        now=server.clock.now(),
        random_bytes=server.random_bytes,
        until_age=server.settings.child_until,
    )


def _code(typed: str) -> str:
    try:
        return parse_receipt_code(typed)
    except Malformed as error:
        raise Refused("delegation.code", "/code") from error


def _told(error: Refused) -> Problem:
    if not error.code.startswith("delegation."):
        raise error
    return problem(error.code, error.pointer)


def _page(request: Request, caller: Visitor, account: Account, *, wrong: Problem | None = None) -> Response:
    server = server_of(request)
    with server.registry.reading() as connection:
        person_id, means = own_person(server, connection, account), means_of(server)
        given = delegations.given_by(connection, person_id, means=means)
        grants = delegations.grants_of(connection, person_id, means=means)
        uses = delegations.uses_seen_by(connection, person_id, account.account_id)
        labels = _labels(connection, person_id, means)
    return render(
        request,
        "residents/delegations.html",
        caller=caller,
        status=422 if wrong else 200,
        person_id=person_id,
        given=given,
        grants=grants,
        uses=uses,
        labels=labels,
        wrong=wrong,
    )


def _labels(connection: Connection, person_id: str, means: Means) -> dict[str, str]:
    """Return what this person calls the other side of each delegation that has not ended."""
    given = {row.delegation_id: label for row, label in delegations.given_by(connection, person_id, means=means)}
    return given | {each.grant_id: each.label for each in delegations.grants_of(connection, person_id, means=means)}
