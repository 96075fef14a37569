"""The pass on a phone: taken there by a link that works once, then shown as a code that is new every few seconds.

- Or it is taken by its holder alone: signed in, or with the receipt just given (``registry/door_claims.py``).
- The link is followed by an act of the person (a button), so that a messenger's preview does not spend it.
- The phone's cookie holds 32 random bytes, the registry their hash; a lost phone loses the pass when another link is used or the stay ends.
- Nothing about the person is on the page: no name, no unit. Whoever looks over a shoulder sees a code of half a minute.
- Where the kiosk does not trust its clock it shows six digits; typed here, they go into the next code.

Example: ``GET /door`` shows the code, ``GET /door/code`` is its picture alone, asked for every twenty seconds.
"""

from __future__ import annotations

from typing import Annotated, Final

import segno
from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from registry.accounts import person_of
from registry.door_claims import claim_by_receipt, claim_own
from registry.door_passes import HeldPass, pass_on_phone, spend_link
from registry.receipts import receipt_by_code
from residence.errors import Refused
from residence.wire.door_pass import LARGEST_CHALLENGE, sign_pass
from server.pages import render
from server.visitor import Caller, Form, SignedIn, new_token
from server.wiring import Server, caller_address, server_of

router = APIRouter(prefix="/door")
Wired = Annotated[Server, Depends(server_of)]
COOKIE: Final = "luutru-door"
COOKIE_SECONDS: Final = 400 * 24 * 3600  # as long as a browser keeps one; the stay ends before
LONGEST_SECRET: Final = 100


@router.get("")
def show(request: Request, caller: Caller, server: Wired, challenge: str = "") -> Response:
    """Show the pass this phone holds, or say how to get one."""
    held = _held(request, server)
    if held is None:
        return _without(request, caller)
    number = _challenge(challenge)
    return render(
        request, "residents/door.html", caller=caller, held=held, picture=_picture(server, held, number), challenge=number
    )


@router.get("/code")
def show_code(request: Request, caller: Caller, server: Wired, challenge: str = "") -> Response:
    """Return a fresh picture of the code; the page asks for it again and again."""
    held, number = _held(request, server), _challenge(challenge)
    if held is None:
        return _without(request, caller)
    return render(request, "residents/door_code.html", caller=caller, picture=_picture(server, held, number), challenge=number)


@router.get("/open/{secret}")
def ask_to_open(request: Request, caller: Caller, secret: str) -> Response:
    """Ask whether this phone shall hold the pass."""
    return render(request, "residents/door_link.html", caller=caller, secret=secret[:LONGEST_SECRET])


@router.post("/open")
def open_link(request: Request, server: Wired, form: Form) -> Response:
    """Spend the link: from now on this phone holds the pass."""
    server.receipt_attempts.count(caller_address(request))
    phone = new_token(server)
    with server.registry.writing() as connection:
        spend_link(connection, form.get("secret", "")[:LONGEST_SECRET], phone=phone, now=server.clock.now())
    return on_this_phone(server, phone)


@router.post("/receipt")
def claim_with_receipt(request: Request, server: Wired, form: Form) -> Response:
    """Take the pass of the stay just declared to this phone; the first phone with the receipt's code gets it."""
    server.receipt_attempts.count(caller_address(request))
    phone = new_token(server)
    with server.registry.writing() as connection:
        stored = receipt_by_code(connection, form.get("code", "")[:LONGEST_SECRET])
        if stored is None:
            raise Refused("door.not_claimable")
        claim_by_receipt(connection, stored.receipt, phone=phone, now=server.clock.now())
    return on_this_phone(server, phone)


@router.post("/own")
def claim_own_stay(server: Wired, account: SignedIn, form: Form) -> Response:
    """Take the pass of an own stay to this phone."""
    server.policy.require(account, "read_own_record", resource=account)
    phone = new_token(server)
    with server.registry.writing() as connection:
        person_id = person_of(connection, account.account_id)
        if person_id is None:
            raise Refused("account.nobodys")
        claim_own(connection, person_id, form.get("stay", "")[:LONGEST_SECRET], phone=phone)
    return on_this_phone(server, phone)


def on_this_phone(server: Server, phone: str) -> Response:
    """Return the way to the code, with the cookie that is the key to it."""
    response = RedirectResponse("/door", status_code=303)
    response.set_cookie(
        COOKIE, phone, max_age=COOKIE_SECONDS, httponly=True, secure=server.settings.secure, samesite="lax", path="/door"
    )
    return response


def _held(request: Request, server: Server) -> HeldPass | None:
    phone = request.cookies.get(COOKIE, "")
    if not phone or server.door_signer is None:
        return None
    with server.registry.reading() as connection:
        return pass_on_phone(connection, phone, vault=server.registry.vault, now=server.clock.now())


def _without(request: Request, caller: Caller) -> Response:
    return render(request, "residents/door_none.html", caller=caller, status=404)


def _challenge(text: str) -> int:
    digits = "".join(text.split())
    return int(digits) if digits.isascii() and digits.isdigit() and int(digits) <= LARGEST_CHALLENGE else 0


def _picture(server: Server, held: HeldPass, challenge: int) -> Markup:
    if server.door_signer is None:
        raise Refused("server.not_found")
    text = sign_pass(held.token, server.door_signer, now=server.clock.now(), challenge=challenge)
    code = segno.make(text, error="l", micro=False)
    svg = code.svg_inline(scale=4, border=4, svgclass="luutru-qr", lineclass=None, omitsize=True)
    return Markup(svg)  # noqa: S704  # made by segno from base45 text
