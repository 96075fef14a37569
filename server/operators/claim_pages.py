"""New kiosks for operators: a claim for one machine and one place, its code to take along, the comparing of fingerprints, and the answer.

- The code is shown while the claim is open and nowhere else; it opens nothing before an operator has compared and approved.
- The fingerprint is that of the keys the machine made; the installer reads it off the machine's own screen. Where they differ, somebody stands between.
- Only the own commune's premises and claims; one that is elsewhere and one that is not there answer alike.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final

import segno
from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from firmware_config.profiles import KioskKind
from registry.kiosk_certificates import newest, wiped_at
from registry.kiosk_claims import KioskClaim, NewClaim, approve, claim_by_id, claims_of, make_claim, refuse
from registry.kiosks import kiosks_of
from registry.premises import premises_of
from residence.errors import Conflict, LuutruError, Malformed, Refused, problem
from residence.wire.certificates import tls_key_of
from residence.wire.claims import Claim, fingerprint, is_kiosk_name
from server.pages import render
from server.policy import Account, CommuneResource
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/operators/claims")
Wired = Annotated[Server, Depends(server_of)]
SHOWN_FOR: Final = timedelta(days=30)
ID_BYTES: Final = 5
_MACHINE: Final = re.compile(r"[A-Za-z0-9._:-]{4,64}")
PROFILES: Final[tuple[KioskKind, ...]] = ("lobby", "hotel-desk", "guard-post")


@router.get("")
def show_claims(request: Request, caller: Caller, account: SignedIn, server: Wired) -> Response:
    """List claims, and offer a new one."""
    _may(server, account)
    return _list(request, server, caller, account=account)


@router.post("")
def add_claim(request: Request, caller: Caller, account: SignedIn, server: Wired, *, form: Form) -> Response:
    """Make a claim and show its code."""
    _may(server, account)
    claim_id = server.random_bytes(ID_BYTES).hex()
    try:
        new = _read(form, account)
        with server.registry.writing() as connection:
            make_claim(connection, new, claim_id=claim_id, now=server.clock.now(), lifetime=server.settings.claim_lifetime)
    except (Malformed, Refused, Conflict) as error:
        return _list(request, server, caller, account=account, wrong=error, given=form)
    return RedirectResponse(f"/operators/claims/{claim_id}", status_code=303)


@router.get("/{claim_id}")
def show_claim(request: Request, claim_id: str, caller: Caller, account: SignedIn, *, server: Wired) -> Response:
    """Show one claim: its code, or what is to be compared, or how it ended."""
    _may(server, account)
    with server.registry.reading() as connection:
        claim = claim_by_id(connection, claim_id, commune_code=account.commune_code, held=False)
        issued = newest(connection, claim.kiosk_id) if claim.approved_at else None
    template = "operators/claim_state.html" if request.headers.get("hx-request") else "operators/claim.html"
    is_open = claim.is_open(server.clock.now())
    secret = server.registry.vault.claim_secret(claim_id)
    told = Claim(claim_id=claim_id, secret=secret, kiosk_id=claim.kiosk_id, url=server.settings.base_url)
    return render(
        request,
        template,
        caller=caller,
        claim=claim,
        state=_state(claim, is_open=is_open),
        code=told.text if is_open and claim.request is None else "",
        picture=_picture(told.text) if is_open and claim.request is None else "",
        fingerprint=_fingerprint(claim),
        issued=issued,
    )


@router.post("/{claim_id}")
def settle_claim(account: SignedIn, server: Wired, *, form: Form, claim_id: str) -> Response:
    """Take an operator's word about the fingerprint they were shown."""
    _may(server, account)
    now = server.clock.now()
    with server.registry.writing() as connection:
        claim = claim_by_id(connection, claim_id, commune_code=account.commune_code)
        match form.get("action"):
            case "approve" if form.get("fingerprint") == _fingerprint(claim):  # what was compared, not what came meanwhile
                approve(connection, claim, by=account.account_id, now=now)
            case "refuse":
                refuse(connection, claim, by=account.account_id, now=now)
            case _:
                raise Conflict("claim.not_asked")
    return RedirectResponse(f"/operators/claims/{claim_id}", status_code=303)


def _may(server: Server, account: Account) -> None:
    server.policy.require(account, "provision_kiosks", resource=CommuneResource(commune=account.commune_code))


def _read(form: Form, account: Account) -> NewClaim:
    kiosk_id, machine = form.get("kiosk_id", "").strip(), form.get("machine", "").strip()
    if not is_kiosk_name(kiosk_id):
        raise Malformed("claim.id_unusable", "/kiosk_id")
    if not _MACHINE.fullmatch(machine):
        raise Malformed("claim.machine_unusable", "/machine")
    if form.get("profile") not in PROFILES:
        raise Malformed("server.input_unreadable", "/profile")
    return NewClaim(
        kiosk_id=kiosk_id,
        premises_id=form.get("premises_id", ""),
        commune_code=account.commune_code,
        profile=form["profile"],
        machine=machine,
        replaces=form.get("replaces") or None,
        made_by=account.account_id,
    )


def _list(request: Request, server: Server, caller: Visitor, *, account: Account, **more: object) -> Response:
    wrong, given = more.get("wrong"), more.get("given") or {}
    now, commune = server.clock.now(), account.commune_code
    with server.registry.reading() as connection:
        found = claims_of(connection, commune, since=now - SHOWN_FOR)
        houses = premises_of(connection, commune, vault=server.registry.vault)
        serving = [each for each in kiosks_of(connection, commune) if each.retired_at is None]
        wiped = wiped_at(connection, commune)
    return render(
        request,
        "operators/claims.html",
        caller=caller,
        status=422 if wrong else 200,
        rows=[(each, _state(each, is_open=each.is_open(now))) for each in found],
        houses=houses,
        serving=serving,
        wiped=wiped,
        profiles=PROFILES,
        given=given,
        wrong=problem(wrong.code) if isinstance(wrong, LuutruError) else None,
        pointer=wrong.pointer.removeprefix("/") if isinstance(wrong, LuutruError) else "",
    )


def _state(claim: KioskClaim, *, is_open: bool) -> str:
    if claim.approved_at is not None:
        return "approved"
    if claim.refused_at is not None:
        return "refused"
    if not is_open:
        return "over"
    return "open" if claim.request is None else "compare"


def _fingerprint(claim: KioskClaim) -> str:
    if claim.request is None or claim.signing_key is None:
        return ""
    return fingerprint(claim.claim_id, tls_key=tls_key_of(claim.request), signing_key=claim.signing_key)


def _picture(text: str) -> Markup:
    svg = segno.make(text, error="m", micro=False).svg_inline(
        scale=4, border=4, svgclass="luutru-qr", lineclass=None, omitsize=True
    )
    return Markup(svg)  # noqa: S704  # made by segno from our own text
