"""Numbers of a kiosk's count that never came: which, since when, and calling them lost for good, with a reason.

- Who may silence alarms may do it; one is enough. Who did it, when and why stays on the page, and the alarm of these numbers ends.
- Numbers that come after all are kept as ever, and the page says that they came.

Example: ``GET /operators/kiosks/kiosk-lobby-1/numbers``
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from registry.accounts import names_of
from registry.kiosk_counts import withheld_of
from registry.kiosk_lost_numbers import NewClosing, call_lost, closings_of, without_lost
from registry.kiosks import kiosks_among
from residence.clock import uuid7_text
from residence.errors import Conflict, LuutruError, Malformed, Refused, problem
from server.pages import render
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/operators/kiosks/{kiosk_id}/numbers")
Wired = Annotated[Server, Depends(server_of)]


@router.get("")
def show_numbers(request: Request, caller: Caller, account: SignedIn, server: Wired, *, kiosk_id: str) -> Response:
    """Show what is missing of a kiosk's count and what was called lost."""
    server.policy.require(account, "list_kiosks", resource=CommuneResource(commune=account.commune_code))
    return _show(request, server, caller, account=account, kiosk_id=kiosk_id)


@router.post("")
def call_numbers_lost(
    request: Request, caller: Caller, account: SignedIn, server: Wired, *, kiosk_id: str, form: Form
) -> Response:
    """Call a range of numbers lost."""
    server.policy.require(account, "mute_kiosks", resource=CommuneResource(commune=account.commune_code))
    now = server.clock.now()
    try:
        epoch, first, last = _range(form.get("numbers", ""))
        new = NewClosing(
            commune_code=account.commune_code,
            kiosk_id=kiosk_id,
            epoch=epoch,
            first=first,
            last=last,
            reason=form.get("reason", ""),
            by=account.account_id,
        )
        with server.registry.writing() as connection:
            call_lost(connection, new, closing_id=uuid7_text(now, server.random_bytes(10)), now=now)
    except (Malformed, Conflict) as error:
        return _show(request, server, caller, account=account, kiosk_id=kiosk_id, given=form, wrong=error)
    return RedirectResponse(f"/operators/kiosks/{kiosk_id}/numbers", status_code=303)


def _range(typed: str) -> tuple[str, int, int]:
    """Return what a choice on the page names, or raise ``Malformed("count.nothing_chosen")`` or ``Conflict("count.not_missing")``."""
    if not typed:
        raise Malformed("count.nothing_chosen", "/numbers")
    epoch, _, numbers = typed.rpartition(":")
    first, _, last = numbers.partition("-")
    with suppress(ValueError):
        if all(each.isascii() and each.isdigit() and len(each) <= len(str(2**31)) for each in (first, last)):
            return epoch, int(first), int(last)
    raise Conflict("count.not_missing", "/numbers")


def _show(
    request: Request,
    server: Server,
    caller: Visitor,
    *,
    account: Account,
    kiosk_id: str,
    given: Form | dict[str, str] | None = None,
    wrong: LuutruError | None = None,
) -> Response:
    commune = account.commune_code
    with server.registry.reading() as connection:
        if not any(each.commune_code == commune for each in kiosks_among(connection, [kiosk_id])):
            raise Refused("kiosk.unknown")
        missing = withheld_of(connection, commune, before=server.clock.now())
        closings = [each for each in closings_of(connection, commune, missing=missing) if each.kiosk_id == kiosk_id]
        names = names_of(connection, {each.closed_by for each in closings})
    return render(
        request,
        "operators/lost_numbers.html",
        caller=caller,
        status=422 if wrong else 200,
        kiosk_id=kiosk_id,
        missing=without_lost(missing, closings).get(kiosk_id, ()),
        closings=closings,
        names=names,
        given=given or {},
        wrong=problem(wrong.code) if wrong else None,
        pointer=wrong.pointer.removeprefix("/") if wrong else "",
    )
