"""Visitors of the person's own home, declared by the household: the desk's own form, at a home the account's person is registered in, nowhere else.

- The premises and the apartment are those of the residence; whatever the form says instead is not read.
- The same checks and the same path into the registry as for everybody. Sent twice it answers with the first receipt.
- What comes back is the receipt's code and nothing else: whether the visitor's number is known here, and to whom it belongs, shows in no word, and
  how often one account may do this is counted (ADR 115). Nor does it show in how long it takes (``server/even_time.py``).

Example: ``POST /me/visitors/0`` for a visitor in the first of the person's homes
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from registry.households import known_residences
from registry.premises import load_premises
from residence.clock import VIETNAM
from residence.errors import Problem, Refused
from residence.places.premises import Premises
from residence.wire.receipts import receipt_code
from server.declaring import declare, given_receipt
from server.desk.declare_pages import Followed, empty_form, read_and_check, show_form, stands
from server.desk.guest_form import FormContext
from server.desk.own_premises import Workplace
from server.even_time import at_even_time
from server.pages import render
from server.policy import Account
from server.residents.own_stays import own_person
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router: Final = APIRouter(prefix="/me/visitors")
Wired = Annotated[Server, Depends(server_of)]


class Home(msgspec.Struct, frozen=True, kw_only=True):
    """One home of the person: the premises, with the person's own apartment as its only unit."""

    place: Premises
    unit: str | None


def homes_of(server: Server, connection: Connection, account: Account) -> list[Home]:
    """Return where the person is registered today, in a fixed order."""
    today = server.clock.now().astimezone(VIETNAM).date().isoformat()
    lived_in = sorted(
        {
            (each.premises_id, each.unit or "")
            for each in known_residences(connection, [own_person(server, connection, account)])
            if each.valid_from <= today <= (each.valid_to or today)
        }
    )
    places = load_premises(connection, {premises_id for premises_id, _ in lived_in}, vault=server.registry.vault)
    return [
        Home(place=msgspec.structs.replace(places[premises_id], units=(unit,) if unit else ()), unit=unit or None)
        for premises_id, unit in lived_in
        if premises_id in places
    ]


@router.get("/{home}")
def show(request: Request, caller: Caller, *, account: SignedIn, server: Wired, home: int) -> Response:
    """Open the form for a visitor in one of the person's homes."""
    here = _home(server, account, home)
    form = empty_form(server, Workplace(here=here.place, own=())) | {"unit": here.unit or "", "reason": "visit"}
    return _form(request, caller, here, form)


@router.post("/{home}")
def submit(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, home: int) -> Response:
    """Declare, or show every problem."""
    here, declaration_id = _home(server, account, home), form.get("declaration_id", "")
    known = given_receipt(server, declaration_id)
    if known is not None and known.receipt.premises_id == here.place.premises_id:
        return _declared(request, caller, declaration_id)
    server.person_attempts.count(account.account_id)
    whole = dict(form) | {"premises_id": here.place.premises_id, "unit": here.unit or form.get("unit", "")}
    whole |= {"party": "", "accompanied_by": "", "attested": ""}
    context = FormContext(
        now=server.clock.now(),
        account_id=account.account_id,
        account_name="",
        card_policy=server.card_policy,
        declarant="household",
    )
    said, problems = read_and_check(server, whole, context=context)
    if stands(problems, seen=form.get("seen_warnings", "")):
        return _form(request, caller, here, whole, problems=problems)
    with at_even_time(server.clock):
        recorded = declare(server, said, account=account, origin="web")
    return _declared(request, caller, recorded.declaration_id)


def _home(server: Server, account: Account, number: int) -> Home:
    with server.registry.reading() as connection:
        homes = homes_of(server, connection, account)
    if not 0 <= number < len(homes):
        raise Refused("server.not_allowed")
    return homes[number]


def _form(
    request: Request, caller: Visitor, here: Home, form: Mapping[str, str], *, problems: tuple[Problem, ...] = ()
) -> Response:
    link = Followed(path=request.url.path, said="own.visitor", to_house=False, due=None)
    return show_form(request, caller, place=Workplace(here=here.place, own=()), form=form, problems=problems, link=link)


def _declared(request: Request, caller: Visitor, declaration_id: str) -> Response:
    return render(request, "residents/visitor_declared.html", caller=caller, code=receipt_code(declaration_id))
