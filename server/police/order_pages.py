"""Orders of a court or an investigation: entered from a paper by two, and what one met, for the accounts of the unit it names.

- Entering asks for one whole personal number and keeps none; nothing on these pages finds or tells anything by itself, and there is no list of people.
- Opening what an order met is a look at whom it met, with a purpose of its own, in the log at once and told to the person when the order is over.
- An order that names somebody else, is over, or is not there answers alike, to whoever entered it, too.

Example: ``/police/orders``, ``/police/orders/<id>``
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.case_queue import officers_of
from registry.orders import look_at_matches, order_for, orders_for
from registry.premises import load_premises
from registry.sealed_looks import check_until
from registry.second_eyes import Kind
from residence.access.purposes import Purpose
from residence.cases.orders import ORDER_KINDS, Order, number_check, order_problems
from residence.clock import VIETNAM, rfc3339, uuid7
from residence.errors import LuutruError, Problem, Refused, problem
from server.pages import render
from server.police.matters import Wanted, propose
from server.police.order_matter import index_of
from server.policy import Account, CommuneResource, OrderResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/orders")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the orders that name this account, and the form to enter one."""
    return _page(request, caller, account, server=server)


@router.post("")
def ask_for(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Ask a second person to enter an order with this one."""
    server.policy.require(account, "enter_order", resource=CommuneResource(commune=account.commune_code))
    try:
        with server.registry.writing() as connection:
            proposal_id = _propose(server, connection, account, form)
    except LuutruError as error:
        if not error.code.startswith(("orders.", "eyes.")):
            raise
        return _page(request, caller, account, server=server, wrong=[problem(error.code, error.pointer)], form=form)
    return RedirectResponse(f"/police/second-eyes/{proposal_id}", status_code=303)


@router.get("/{order_id}")
def show_one(request: Request, caller: Caller, *, account: SignedIn, server: Wired, order_id: str) -> Response:
    """Show what an order met: a look at whom it met, on the record."""
    now = server.clock.now()
    with server.registry.writing() as connection:
        row = order_for(connection, order_id, account.account_id, now=now)
        if row is None:
            raise Refused("server.not_allowed")
        resource = OrderResource(order_id=order_id, commune=row.commune_code, receivers=tuple(row.receivers))
        server.policy.require(account, "read_order", resource=resource, purpose=Purpose.ISSUED_ORDER.value)
        matches = look_at_matches(connection, row, account_id=account.account_id, now=now, random_bytes=server.random_bytes)
        places = load_premises(connection, {each.premises_id for each in matches}, vault=server.registry.vault)
    return render(request, "police/order.html", caller=caller, order=row, matches=matches, places=places)


def _propose(server: Server, connection: Connection, account: Account, form: Mapping[str, str]) -> str:
    order = _order(connection, account, form)
    problems = order_problems(order)
    if problems:
        raise Refused(problems[0].code, problems[0].pointer)
    now = server.clock.now()
    until = check_until(_morning(form.get("until", "")), now=now, at_most=server.case_times.seal_at_most)
    order_id = str(uuid7(now, server.random_bytes(10)))
    content = {name: getattr(order, name) for name in ("kind", "paper", "issuer", "unit")}
    content |= {"receivers": list(order.receivers), "until": rfc3339(until)}
    content["check"] = number_check(index_of(server, form.get("number", "")), order_id)
    return propose(
        server,
        connection,
        account,
        Wanted(kind=Kind.ENTER_ORDER, subject=order_id, content=content, reason=form.get("reason", "")),
    )


def _order(connection: Connection, account: Account, form: Mapping[str, str]) -> Order:
    """Read the form; a name that is no officer's of this commune leaves nobody to tell."""
    known = {row.sign_in_name: row.account_id for row in officers_of(connection, account.commune_code)}
    names = form.get("receivers", "").replace(",", " ").split()
    receivers = tuple(dict.fromkeys(known[name] for name in names)) if all(name in known for name in names) else ()
    said = {name: form.get(name, "").strip() for name in ("kind", "paper", "issuer", "unit")}
    return Order(**said, receivers=receivers)


def _morning(text: str) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(text), time(), VIETNAM).astimezone(UTC)
    except ValueError:
        raise Refused("orders.until", "/until") from None


def _page(
    request: Request,
    caller: Visitor,
    account: Account,
    *,
    server: Server,
    wrong: list[Problem] | None = None,
    form: Mapping[str, str] | None = None,
) -> Response:
    server.policy.require(account, "enter_order", resource=CommuneResource(commune=account.commune_code))
    with server.registry.reading() as connection:
        rows = orders_for(connection, account.commune_code, account.account_id, now=server.clock.now())
    return render(
        request,
        "police/orders.html",
        caller=caller,
        status=422 if wrong else 200,
        wrong=wrong,
        rows=rows,
        kinds=ORDER_KINDS,
        form=form or {},
        latest=server.clock.now() + server.case_times.seal_at_most,
    )
