"""The numbers of the rules by which looks are asked about: shown with their bounds, changed by two inspectors.

- Whoever may sign in reads what counts today and since when; only an inspector asks for other numbers, and another one grants them
  (``police/matters.py``).

Example: ``/looks/rules``
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.look_questions import rules_in_force
from registry.second_eyes import Kind
from residence.access.fishing import RULES
from residence.access.look_rules import BOUNDS, LookRules, changed
from residence.errors import Refused
from server.pages import render
from server.police.matters import Wanted, propose
from server.policy import CommuneResource
from server.visitor import Caller, Form, SignedIn, may
from server.wiring import Server, server_of

router = APIRouter(prefix="/looks/rules")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show the rules and their numbers."""
    with server.registry.reading() as connection:
        rules = rules_in_force(connection, account.commune_code)
    may_change = may(server, account, "change_look_rules", CommuneResource(commune=account.commune_code))
    return render(
        request,
        "inspectors/rules.html",
        caller=caller,
        rules=RULES,
        numbers=msgspec.structs.asdict(rules),
        usual=msgspec.structs.asdict(LookRules()),
        bounds=BOUNDS,
        may_change=may_change,
    )


@router.post("")
def ask_to_change(account: SignedIn, server: Wired, form: Form) -> Response:
    """Ask another inspector for other numbers."""
    server.policy.require(account, "change_look_rules", resource=CommuneResource(commune=account.commune_code))
    with server.registry.writing() as connection:
        rules = rules_in_force(connection, account.commune_code)
        asked = {name: _number(form[name], name) for name in BOUNDS if name in form}
        values = {name: value for name, value in asked.items() if value != getattr(rules, name)}
        if not values:
            raise Refused("looks.setting", "/")
        changed(rules, values)
        wanted = Wanted(
            kind=Kind.LOOK_RULES, subject=f"look-rules:{account.commune_code}", content=values, reason=form.get("reason", "")
        )
        proposal_id = propose(server, connection, account, wanted)
    return RedirectResponse(f"/police/second-eyes/{proposal_id}", status_code=303)


def _number(text: str, name: str) -> int:
    said = text.strip()
    if not said.isascii() or not said.isdecimal() or len(said) > 4:  # noqa: PLR2004 - no number of ours is as long
        raise Refused("looks.setting", f"/{name}")
    return int(said)
