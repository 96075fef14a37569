"""Acting for somebody: their stays and how they stand, and for whoever may speak for them that they left, that it is not them, or that the room is wrong.

- Nothing else of them is here: no name, no number, no looks, no rights, no proof with their room in it. A yes in their name is nobody's to say.
- Every page and every act is asked anew whether the grant still stands and covers it, and is written down for both (``registry/delegations.py``).
- A departure said here names a household member as declarant, never the person themselves.

Example: ``POST /me/for/<delegation id>/stays/<stay id>/leave``
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.delegations import Grant, grant_of, note_use
from registry.premises import load_premises
from registry.stay_disputes import CAN_BE_WRONG, FAULTS, raise_stay_dispute, standing_faults
from registry.stays import StayOnList, stay, stays_of_person
from residence.access.acting import Scope
from residence.errors import Conflict, Refused
from residence.stays.declaration import Declarant
from residence.wire.receipts import receipt_code
from server.declaring import check, declare, given_receipt, new_declaration_id
from server.desk.one_stay import standing_declaration
from server.pages import render
from server.policy import Account, StayResource
from server.residents.delegation_pages import means_of
from server.residents.leaving_pages import departure
from server.residents.own_stays import STANDING, own_person
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/me/for/{grant_id}")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show(request: Request, caller: Caller, *, account: SignedIn, server: Wired, grant_id: str) -> Response:
    """Show their stays, and note that they were seen."""
    with server.registry.writing() as connection:
        grant = _grant(server, connection, account, grant_id, scope="see")
        stays = stays_of_person(connection, grant.person_id)
        places = load_premises(connection, {each.premises_id for each in stays}, vault=server.registry.vault)
        faults = standing_faults(connection, [each.stay_id for each in stays])
        note_use(connection, grant, account_id=account.account_id, act="seen", stay_id=None, means=means_of(server))
    return render(
        request,
        "residents/acting.html",
        caller=caller,
        grant=grant,
        stays=stays,
        places=places,
        faults=faults,
        standing=STANDING,
        can_be_wrong=CAN_BE_WRONG,
        codes={each.stay_id: receipt_code(each.declaration_ids[-1]) for each in stays},
        declaration_ids={each.stay_id: new_declaration_id(server) for each in stays},
    )


@router.post("/stays/{stay_id}/leave")
def leave(*, account: SignedIn, server: Wired, form: Form, grant_id: str, stay_id: str) -> Response:
    """Record that they have left now; sent twice it is said once."""
    server.person_attempts.count(account.account_id)
    declaration_id = form.get("declaration_id", "")
    if given_receipt(server, declaration_id) is None:
        with server.registry.writing() as connection:
            grant, theirs = _their_stay(server, connection, account, grant_id, stay_id=stay_id)
            if theirs.status not in STANDING or theirs.is_expected(server.clock.now()):
                raise Refused("server.not_allowed")
            said = departure(server, account, standing_declaration(server, connection, theirs), declaration_id=declaration_id)
            said = msgspec.structs.replace(said, declarant=Declarant(role="household", account=account.account_id))
            if not check(server, said).ok:
                raise Refused("server.not_allowed")
            note_use(connection, grant, account_id=account.account_id, act="left", stay_id=stay_id, means=means_of(server))
        declare(server, said, account=account, origin="web")
    return RedirectResponse(f"/me/for/{grant_id}", status_code=303)


@router.post("/stays/{stay_id}/wrong/{fault}")
def object_to(*, account: SignedIn, server: Wired, grant_id: str, stay_id: str, fault: str) -> Response:
    """Put a stay of theirs under dispute; said twice it is said once."""
    server.person_attempts.count(account.account_id)
    said = next((each for each in FAULTS if each == fault), None)
    with server.registry.writing() as connection:
        grant, theirs = _their_stay(server, connection, account, grant_id, stay_id=stay_id)
        if said is None or theirs.status not in CAN_BE_WRONG:
            raise Refused("server.not_allowed")
        try:
            now, by = server.clock.now(), account.account_id
            raise_stay_dispute(connection, theirs, said, by=by, reason="", now=now, random_bytes=server.random_bytes)
        except Conflict:
            return RedirectResponse(f"/me/for/{grant_id}", status_code=303)
        note_use(connection, grant, account_id=by, act="wrong", stay_id=stay_id, means=means_of(server))
    return RedirectResponse(f"/me/for/{grant_id}", status_code=303)


def _grant(server: Server, connection: Connection, account: Account, grant_id: str, *, scope: Scope) -> Grant:
    return grant_of(connection, own_person(server, connection, account), grant_id, scope=scope, means=means_of(server))


def _their_stay(
    server: Server, connection: Connection, account: Account, grant_id: str, *, stay_id: str
) -> tuple[Grant, StayOnList]:
    """Return the grant and the stay if it is theirs, or raise ``Refused("server.not_allowed")``."""
    grant, found = _grant(server, connection, account, grant_id, scope="speak"), stay(connection, stay_id)
    theirs = found is not None and found.person_id == grant.person_id
    asked = StayResource(stay_id=stay_id, account_id=account.account_id if theirs else "")
    server.policy.require(account, "act_for_somebody", resource=asked)
    if found is None:
        raise Refused("server.not_allowed")
    return grant, found
