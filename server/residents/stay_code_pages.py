"""The code on a slip: its holder types it, or scans it, and has the page of that one stay.

- The code is no address: it is typed, or stands behind the ``#`` of a scanned address, which no browser sends and a script takes away at once.
- Wrong, used, too old, of another stay, of nobody: one answer. Tries are counted by address, and for the stay they were made at.
- What opens is one stay and nothing else of the person (policy ``a-slip-opens-one-stay``, ADR 120): where, from when to when, its proof, "I have
  left", "this is not me", "wrong room". No name stands on it.

Example: ``POST /stay`` with ``receipt=RD7D-QQWQ-DW4X`` and ``code=RE29-ZTQ1-PV06``
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.accounts import audit, passkeys_of
from registry.premises import load_premises
from registry.sessions import Beginning
from registry.stay_codes import Tools, count_wrong, open_by_code, wrong_tries
from registry.stay_disputes import CAN_BE_WRONG, standing_faults
from residence.errors import Refused, problem
from server.accounts.sign_in import begin_session, device
from server.languages import sentence_in
from server.pages import render
from server.residents.own_stays import STANDING, own_stay
from server.visitor import Caller, Form, SignedIn, keep_cookie, own_language
from server.wiring import Server, caller_address, server_of

router: Final = APIRouter()
Wired = Annotated[Server, Depends(server_of)]
LONGEST_CODE: Final = 40


@router.get("/stay")
def ask(request: Request, caller: Caller) -> Response:
    """Ask for the two codes of a slip."""
    return render(request, "residents/stay_code.html", caller=caller, receipt="", wrong=None)


@router.post("/stay")
def enter(request: Request, caller: Caller, server: Wired, form: Form) -> Response:
    """Open the page of the stay, or say that the code opens nothing."""
    server.sign_in_attempts.count(caller_address(request))
    receipt, code = form.get("receipt", "")[:LONGEST_CODE], form.get("code", "")[:LONGEST_CODE]
    tools = Tools(vault=server.registry.vault, now=server.clock.now(), random_bytes=server.random_bytes)
    try:
        with server.registry.writing() as connection:
            account = open_by_code(connection, receipt, code, tools=tools)
            token = begin_session(server, connection, account, beginning=Beginning(method="claim-code", device=device(request)))
    except Refused as error:
        _count(server, receipt)
        wrong = sentence_in(problem(error.code).message, own_language(caller))
        return render(request, "residents/stay_code.html", caller=caller, status=403, receipt=receipt, wrong=wrong)
    response = RedirectResponse("/me/stay", status_code=303)
    keep_cookie(server, response, token)
    return response


@router.get("/me/stay")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the one stay this account is for."""
    if not account.stay:
        return RedirectResponse("/me", status_code=303)
    with server.registry.reading() as connection:
        own = own_stay(server, connection, account, account.stay)
        place = load_premises(connection, [own.premises_id], vault=server.registry.vault).get(own.premises_id)
        faults = standing_faults(connection, [own.stay_id]).get(own.stay_id, frozenset())
        wrong, passkeys = wrong_tries(connection, account.account_id), passkeys_of(connection, account.account_id)
    now = server.clock.now()
    return render(
        request,
        "residents/one_stay.html",
        caller=caller,
        stay=own,
        place=place,
        faults=faults,
        can_leave=own.status in STANDING and not own.is_expected(now),
        can_be_wrong=own.status in CAN_BE_WRONG,
        wrong_tries=wrong,
        passkeys=passkeys,
    )


def _count(server: Server, receipt: str) -> None:
    """Count a try at the stay it was made at; one at no stay of ours is counted by its address alone."""
    with server.registry.writing() as connection:
        commune_code = count_wrong(connection, receipt)
        if commune_code is not None:
            noise, now = server.random_bytes(10), server.clock.now()
            audit(connection, "refused", commune_code=commune_code, account_id=None, now=now, noise=noise, code="claim-code")
