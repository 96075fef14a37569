"""What disagrees in the own commune's register: by rule, item by item, decided in batches after a preview, and taken back.

- Places have names here, people have none: an item shows ids. Who a person is, an officer learns where a purpose releases it.
- A decision goes through a preview: what is shown there is what is settled, or it is refused (``registry/cleaning/deciding.py``).
- A rule nobody knows and one without items answer alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.cleaning.deciding import Choice, Reason, decide, preview, undo
from registry.cleaning.listing import decisions_of, items_of, looked_through, waiting_by_rule
from registry.premises import premises_of
from registry.scoreboard.counting import kept_days
from residence.cleaning.rules import RULES, Outcome, Rule, RuleName
from residence.clock import VIETNAM
from residence.errors import Refused
from server.pages import render
from server.police.scoreboard_lines import first_day, lines_of
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn
from server.wiring import Server, server_of

router = APIRouter(prefix="/police/cleaning")
Wired = Annotated[Server, Depends(server_of)]
SHOWN: Final = 50  # items of a page; a form carries at most a hundred fields
CHOSEN: Final = "item-"


@router.get("")
def show_rules(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show how the register stands, what waits by rule, and the latest decisions."""
    _require(server, account, "list_cleaning")
    commune, now = account.commune_code, server.clock.now()
    today = now.astimezone(VIETNAM).date()
    began = first_day(today)
    with server.registry.reading() as connection:
        waiting = waiting_by_rule(connection, commune, now=now)
        decisions = decisions_of(connection, commune)
        looked_at = looked_through(connection)
        counted = kept_days(connection, since=began.isoformat(), commune_code=commune)
    return render(
        request,
        "police/cleaning.html",
        caller=caller,
        waiting=waiting,
        looked_at=looked_at,
        decisions=decisions,
        lines=lines_of(counted, today=today),
        span=(began.isoformat(), today.isoformat()),
    )


@router.get("/{rule}")
def show_items(request: Request, caller: Caller, *, account: SignedIn, server: Wired, rule: str) -> Response:
    """Show the items of a rule that are due first."""
    _require(server, account, "list_cleaning")
    asked = _rule(rule)
    with server.registry.reading() as connection:
        values = _items(connection, server, account, asked)
    return render(request, "police/cleaning_rule.html", caller=caller, looked_at=None, **values)


@router.post("/{rule}")
def settle(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, rule: str) -> Response:
    """Show what would be settled; with its token, settle it."""
    _require(server, account, "decide_cleaning")
    asked = _rule(rule)
    chosen = tuple(name.removeprefix(CHOSEN) for name in form if name.startswith(CHOSEN))
    if not chosen:
        raise Refused("cleaning.nothing_chosen", "/items")
    choice = Choice(commune_code=account.commune_code, rule=asked.name, item_ids=chosen)
    outcome = _outcome(form, asked)
    with server.registry.writing() as connection:
        if form.get("action") != "decide":
            looked_at = preview(connection, choice)
            values = _items(connection, server, account, asked, only=frozenset(looked_at.item_ids))
            return render(request, "police/cleaning_rule.html", caller=caller, looked_at=looked_at, outcome=outcome, **values)
        why = Reason(account_id=account.account_id, words=form.get("reason", ""))
        now, token = server.clock.now(), form.get("token", "")
        decide(connection, (choice, token), outcome, reason=why, now=now, random_bytes=server.random_bytes)
    return RedirectResponse("/police/cleaning", status_code=303)


@router.post("")
def take_back(account: SignedIn, server: Wired, form: Form) -> Response:
    """Take a decision of the own commune back."""
    _require(server, account, "decide_cleaning")
    why = Reason(account_id=account.account_id, words=form.get("reason", ""))
    with server.registry.writing() as connection:
        undo(
            connection,
            form.get("batch", ""),
            commune_code=account.commune_code,
            reason=why,
            now=server.clock.now(),
            random_bytes=server.random_bytes,
        )
    return RedirectResponse("/police/cleaning", status_code=303)


def _require(server: Server, account: Account, action: str) -> None:
    server.policy.require(account, action, resource=CommuneResource(commune=account.commune_code))


def _rule(name: str) -> Rule:
    rule = RULES.get(cast("RuleName", name))
    if rule is None:
        raise Refused("cleaning.nothing_chosen", "/rule")
    return rule


def _outcome(form: Mapping[str, str], rule: Rule) -> Outcome:
    for outcome in rule.outcomes:
        if form.get("outcome") == outcome:
            return outcome
    raise Refused("cleaning.outcome", "/outcome")


def _items(
    connection: Connection, server: Server, account: Account, rule: Rule, *, only: frozenset[str] | None = None
) -> dict[str, Any]:
    commune = account.commune_code
    items = items_of(connection, commune_code=commune, rule=rule.name)
    if only is not None:
        items = [each for each in items if each.item_id in only]
    places = {each.premises_id: each for each in premises_of(connection, commune, vault=server.registry.vault)}
    return {"rule": rule, "items": items[:SHOWN], "places": places}
