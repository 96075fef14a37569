"""Maintenance for operators: mute the alarms of a kiosk or a site for some hours, with a reason; see who muted what, and end it.

- Only alarms are muted; the kiosk stays on the list with all that is known of it (``registry/kiosk_mutes.py``).
- Mutes of the last thirty days are shown, ended ones too.
- A link on the kiosks' page fills in the subject: ``?kiosk=…`` or ``?site=…``.

Example: ``GET /operators/mutes?site=htl-sao-mai``
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.accounts import names_of
from registry.kiosk_mutes import KINDS, NewMute, mute, mutes_of, unmute
from registry.kiosks import kiosks_of
from residence.clock import uuid7_text
from residence.errors import Conflict, LuutruError, Malformed, Refused, problem
from server.operators.fleet import MOST_KIOSKS
from server.pages import render
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/operators/mutes")
Wired = Annotated[Server, Depends(server_of)]
SHOWN_FOR: Final = timedelta(days=30)


@router.get("")
def show_mutes(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """List mutes, and offer a new one."""
    _may(server, account, "list_kiosks")
    asked = next((f"{kind}:{request.query_params[kind]}" for kind in KINDS if kind in request.query_params), "")
    return _list(request, server, caller, account=account, given={"subject": asked})


@router.post("")
def add_mute(request: Request, caller: Caller, account: SignedIn, server: Wired, *, form: Form) -> Response:
    """Mute a kiosk or a site."""
    _may(server, account, "mute_kiosks")
    kind, _, subject = form.get("subject", "").partition(":")
    now = server.clock.now()
    new = NewMute(
        commune_code=account.commune_code,
        kind=kind,
        subject=subject,
        hours=form.get("hours", "").strip(),
        reason=form.get("reason", ""),
        by=account.account_id,
    )
    try:
        with server.registry.writing() as connection:
            mute(connection, new, mute_id=uuid7_text(now, server.random_bytes(10)), now=now)
    except (Malformed, Refused, Conflict) as error:
        return _list(request, server, caller, account=account, given=form, wrong=error)
    return RedirectResponse("/operators/mutes", status_code=303)


@router.post("/{mute_id}")
def end_mute(account: SignedIn, server: Wired, mute_id: str) -> Response:
    """End a mute before its time."""
    _may(server, account, "mute_kiosks")
    with server.registry.writing() as connection:
        unmute(connection, mute_id, commune_code=account.commune_code, by=account.account_id, now=server.clock.now())
    return RedirectResponse("/operators/mutes", status_code=303)


def _may(server: Server, account: Account, action: str) -> None:
    server.policy.require(account, action, resource=CommuneResource(commune=account.commune_code))


def _list(
    request: Request,
    server: Server,
    caller: Visitor,
    *,
    account: Account,
    given: Form | dict[str, str],
    wrong: LuutruError | None = None,
) -> Response:
    now, commune = server.clock.now(), account.commune_code
    with server.registry.reading() as connection:
        mutes = mutes_of(connection, commune, since=now - SHOWN_FOR)
        kiosks = [each for each in kiosks_of(connection, commune, limit=MOST_KIOSKS) if each.retired_at is None]
        names = names_of(connection, {name for each in mutes for name in (each.muted_by, each.ended_by) if name})
    return render(
        request,
        "operators/mutes.html",
        caller=caller,
        status=422 if wrong else 200,
        standing=[each for each in mutes if each.stands(now)],
        over=[each for each in mutes if not each.stands(now)],
        names=names,
        sites=sorted({each.premises_id for each in kiosks}),
        kiosks=kiosks,
        given=given,
        wrong=problem(wrong.code) if wrong else None,
        pointer=wrong.pointer.removeprefix("/") if wrong else "",
    )
