"""The page of a house's programs: which software speaks for this account, and which addresses are told of what happens.

- Programs are let in by whoever runs this (``luutru program add``); the page shows them and changes none.
- A webhook is made, tried, paused, given a new key and ended here as by the API (``server/webhooks.py``). Its secret is shown on its own page only.

Example: ``GET /desk/programs``, ``GET /desk/programs/webhooks/<id>``
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.api_clients import clients_of
from registry.premises import load_premises
from registry.webhook_deliveries import deliveries_of
from registry.webhooks import HookOwner, hook_of, hooks_of, keys_of, new_hook_id
from residence.errors import Conflict, LuutruError, Malformed, Problem, Refused, problem
from server.pages import render
from server.policy import Account
from server.visitor import Caller, Form, SignedIn, Visitor
from server.webhooks import (
    End,
    HookStep,
    Pause,
    Replay,
    Resend,
    Resume,
    Rotate,
    TryOut,
    Webhook,
    make_webhook,
    may_read,
    take_step,
)
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk/programs")
Wired = Annotated[Server, Depends(server_of)]
STEPS: Final[Mapping[str, HookStep]] = {
    "rotate": Rotate(),
    "test": TryOut(),
    "pause": Pause(),
    "resume": Resume(),
    "end": End(),
}
SHOWN: Final = 30
SIGNING: Final = ("hmac", "ed25519")


@router.get("")
def show_programs(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """Show programs and webhooks."""
    return _programs(request, caller, account, server)


@router.post("")
def add(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form) -> Response:
    """Make a webhook, or show what is wrong with its address."""
    owner = _owner(server, account)
    chosen = form.get("premises_id", "")
    wanted = may_read(server, account, (chosen,) if chosen else account.premises)
    signing = form.get("signing", "hmac")
    if signing not in SIGNING:
        raise Malformed("server.form_choice", "/signing")
    asked = Webhook(url=form.get("url", "").strip(), signing="hmac" if signing == "hmac" else "ed25519", premises_ids=wanted)
    hook_id = new_hook_id(server.clock.now(), server.random_bytes)
    try:
        made = make_webhook(server, asked, owner=owner, commune_code=account.commune_code, hook_id=hook_id)
    except (Malformed, Refused, Conflict) as error:
        return _programs(request, caller, account, server, wrong=_said(error), given=asked.url)
    return RedirectResponse(f"/desk/programs/webhooks/{made.hook_id}", status_code=303)


@router.get("/webhooks/{hook_id}")
def show_webhook(request: Request, caller: Caller, *, account: SignedIn, server: Wired, hook_id: str) -> Response:
    """Show one webhook: how it stands, what its messages are checked with, and how they fared."""
    return _webhook(request, caller, account, server, hook_id=hook_id)


@router.post("/webhooks/{hook_id}")
def change(request: Request, caller: Caller, *, account: SignedIn, server: Wired, form: Form, hook_id: str) -> Response:
    """Take one step."""
    try:
        left = take_step(server, _owner(server, account), hook_id, _step(form))
    except Malformed as error:
        if error.pointer != "/since":
            raise
        return _webhook(request, caller, account, server, hook_id=hook_id, wrong=_said(error))
    return RedirectResponse(f"/desk/programs/webhooks/{hook_id}" if left else "/desk/programs", status_code=303)


def _step(form: Mapping[str, str]) -> HookStep:
    asked = form.get("step", "")
    if asked == "replay":
        return Replay(since=f"{form.get('since', '')}T00:00:00+07:00")  # a day, in Vietnam's time
    if asked == "resend":
        return Resend(delivery_id=form.get("delivery_id", ""))
    if asked not in STEPS:
        raise Malformed("server.form_choice", "/step")
    return STEPS[asked]


def _owner(server: Server, account: Account) -> HookOwner:
    may_read(server, account, account.premises)
    return HookOwner(account_id=account.account_id, client_id=None)


def _said(error: LuutruError) -> Problem:
    return problem(error.code, error.pointer)


def _programs(
    request: Request, caller: Visitor, account: Account, server: Server, *, wrong: Problem | None = None, given: str = ""
) -> Response:
    owner = _owner(server, account)
    with server.registry.reading() as connection:
        programs = clients_of(connection, account.account_id)
        hooks = hooks_of(connection, owner, vault=server.registry.vault)
        houses = load_premises(connection, account.premises, vault=server.registry.vault)
    own = [houses[each] for each in account.premises if each in houses]
    values = {"programs": programs, "hooks": hooks, "houses": own, "wrong": wrong, "given": given}
    return render(request, "desk/programs.html", caller=caller, status=422 if wrong else 200, **values)


def _webhook(
    request: Request, caller: Visitor, account: Account, server: Server, *, hook_id: str, wrong: Problem | None = None
) -> Response:
    vault, now = server.registry.vault, server.clock.now()
    owner = _owner(server, account)
    with server.registry.reading() as connection:
        hook = hook_of(connection, hook_id, owner, vault=vault)
        held = keys_of(connection, hook_id, vault=vault, now=now)
        sent = deliveries_of(connection, hook_id, limit=SHOWN)
        houses = load_premises(connection, hook.premises, vault=vault)
    names = [houses[each].name for each in hook.premises if each in houses]
    values = {"hook": hook, "held": held, "sent": sent, "houses": names, "wrong": wrong}
    return render(request, "desk/webhook.html", caller=caller, status=422 if wrong else 200, **values)
