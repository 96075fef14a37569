"""One stay at the desk: its guest, its declarations and receipts; correct it, check the guest out; the receipt with its code.

- Correcting is a new declaration about the one before (kind ``correction``), checking out is one of kind ``departure``; nothing is
  overwritten. What the form does not show stays as declared when left empty (``server/desk/withheld.py``).
- The full number is not shown again: the clerk's purpose releases its last digits only.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Annotated

import msgspec
import segno
from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry.authority_content import open_words
from registry.authority_lists import listed, records_of_stay
from registry.day_statements import statements_of
from registry.declarations import findings_about
from registry.recall_consents import recallable
from registry.receipts import StoredReceipt
from registry.release import ReleasedPerson, release_persons
from registry.stays import stay, stay_changed_by
from residence.access.purposes import Field, Purpose, released_fields
from residence.clock import VIETNAM, rfc3339
from residence.errors import Malformed, Problem, Refused, problem
from residence.wire.receipts import receipt_text
from server.declaring import check, declare, given_receipt, new_declaration_id
from server.desk.chip_pages import ChipAtDesk, chip_of
from server.desk.declare_pages import Correcting, place_for, show_form, take
from server.desk.guest_form import form_of_declaration
from server.desk.lateness import lateness
from server.desk.one_stay import OpenedStay, departure_of, open_stay, said_of, standing_declaration
from server.desk.parties import party_here
from server.desk.shown_cards import place_of
from server.desk.told_findings import told
from server.desk.tonight_pages import duty
from server.desk.waits import waits
from server.desk.withheld import kept, shown
from server.pages import render
from server.policy import Account
from server.stay_proofs import make_proof, whole
from server.visitor import Caller, Form, SignedIn, Visitor
from server.wiring import Server, server_of

router = APIRouter(prefix="/desk")
Wired = Annotated[Server, Depends(server_of)]
RELEASED = released_fields("clerk", Purpose.DECLARE_GUEST)


@router.get("/stays/{stay_id}")
def show(request: Request, caller: Caller, account: SignedIn, stay_id: str) -> Response:
    """Show one stay with what the clerk's duty releases of the guest."""
    return show_stay(request, caller, account=account, stay_id=stay_id)


def show_stay(
    request: Request,
    caller: Visitor,
    *,
    account: Account,
    stay_id: str,
    form: Mapping[str, str] = MappingProxyType({}),
    problems: tuple[Problem, ...] = (),
    at: str = "left_at",
    entered: str = "",
) -> Response:
    """Show the stay; with ``problems`` of a step that was not recorded, beside its field ``at``, in which what was ``entered`` stands."""
    server = server_of(request)
    with server.registry.writing() as connection:
        opened = open_stay(server, connection, account, action="list_stays", stay_id=stay_id)
        guest = _guest(server, connection, account, opened)
        chip = chip_of(connection, opened.stay)
        findings = findings_about(connection, opened.stay.declaration_ids)
        late = lateness(server, connection, opened.stay)
        here = place_of(opened.place.here)
        can_recall = recallable(connection, here, [opened.stay.person_id], now=server.clock.now()) is not None
        tellings = [
            (listed(row), open_words(connection, row, vault=server.registry.vault))
            for row in records_of_stay(connection, stay_id)
        ]
    now = server.clock.now().astimezone(VIETNAM)
    return render(
        request,
        "desk/stay.html",
        caller=caller,
        party=party_here(server, account, opened.place.here, declaration_id=opened.stay.began_with),
        recallable=can_recall,
        late=late,
        status=422 if problems else 200,
        opened=opened,
        place=opened.place,
        chip=chip,
        guest={field.value: value for field, value in guest.fields.items()},
        disputed={field.value for field in guest.disputed},
        findings=told(each for found in findings.values() for each in found),
        tellings=tellings,
        departure_id=form.get("declaration_id") or new_declaration_id(server),
        step_ids={each: new_declaration_id(server) for each in ("extend", "room", "withdraw", "undo")},
        longer=max(opened.stay.planned_end or now, now).astimezone(VIETNAM) + timedelta(days=1),
        at=at,
        entered=entered,
        left_at=form.get("left_at", now.strftime("%Y-%m-%dT%H:%M")),
        problems=problems,
        **waits(server, account, opened.place.here),
    )


@router.get("/stays/{stay_id}/outages/{outage_id}")
def give_proof(*, account: SignedIn, server: Wired, stay_id: str, outage_id: str) -> Response:
    """Give the signed proof of an outage that fell into the time to declare a stay."""
    with server.registry.reading() as connection:
        opened = open_stay(server, connection, account, action="list_stays", stay_id=stay_id)
        late = lateness(server, connection, opened.stay)
    proof = next((data for window, data in late.outages if window.outage_id == outage_id), None) if late else None
    if proof is None:
        raise Refused("server.not_found")
    headers = {"content-disposition": f'attachment; filename="{outage_id}.outage"'}
    return Response(proof, media_type="application/octet-stream", headers=headers)


def _guest(server: Server, connection: Connection, account: Account, opened: OpenedStay) -> ReleasedPerson:
    released = release_persons(
        connection,
        [opened.stay.person_id],
        look=duty(account, about=opened.stay.stay_id),
        vault=server.registry.vault,
        now=server.clock.now(),
        random_bytes=server.random_bytes,
    )
    return released[opened.stay.person_id]


@router.get("/stays/{stay_id}/correct")
def show_correction(request: Request, caller: Caller, account: SignedIn, stay_id: str) -> Response:
    """Show the form filled in as declared, without what the clerk's purpose does not release."""
    server = server_of(request)
    opened, correcting = _correcting(server, account, stay_id)
    fields = shown(form_of_declaration(correcting.before), RELEASED) | {"declaration_id": new_declaration_id(server)}
    return show_form(request, caller, place=opened.place, form=fields, correcting=correcting)


@router.post("/stays/{stay_id}/correct")
def correct(request: Request, caller: Caller, *, account: SignedIn, form: Form, stay_id: str) -> Response:
    """Record the correction, or show every problem."""
    opened, correcting = _correcting(server_of(request), account, stay_id)
    fields = {**form, "premises_id": opened.stay.premises_id}
    return take(request, caller, place=opened.place, form=fields, correcting=correcting)


def _correcting(server: Server, account: Account, stay_id: str) -> tuple[OpenedStay, Correcting]:
    with server.registry.writing() as connection:
        opened = open_stay(server, connection, account, action="correct", stay_id=stay_id)
        said = said_of(server, connection, opened.stay)
        guest = _guest(server, connection, account, opened)
    before = said.content
    if said.extended_to:
        before = msgspec.structs.replace(before, planned_departure=said.extended_to)
    return opened, Correcting(
        stay_id=stay_id,
        before=before,
        said=said,
        own_end=said.content.planned_departure if said.extended_to else None,
        number_shown=guest.fields.get(Field.PERSONAL_NUMBER_MASKED, ""),
        kept=kept(form_of_declaration(before), RELEASED),
        disputed=tuple(sorted(guest.disputed)),
    )


@router.post("/stays/{stay_id}/check-out")
def check_out(request: Request, caller: Caller, *, account: SignedIn, form: Form, stay_id: str) -> Response:
    """Record that the guest has left, or show every problem."""
    server, now = server_of(request), server_of(request).clock.now()
    declaration_id = form.get("declaration_id", "")
    if given_receipt(server, declaration_id) is None:
        with server.registry.reading() as connection:
            opened = open_stay(server, connection, account, action="check_out", stay_id=stay_id)
            before = standing_declaration(server, connection, opened.stay)
        try:
            left_at = _moment(form)
        except Malformed as error:
            told = (problem(error.code, error.pointer),)
            return show_stay(request, caller, account=account, stay_id=stay_id, form=form, problems=told)
        departure = departure_of(before, account, declaration_id=declaration_id, now=now, left_at=left_at)
        result = check(server, departure)
        if not result.ok:
            return show_stay(request, caller, account=account, stay_id=stay_id, form=form, problems=result.problems)
        declare(server, departure, account=account, origin="desk")
    return RedirectResponse(f"/desk/receipts/{declaration_id}?new=1", status_code=303)


def _moment(form: Mapping[str, str]) -> str | None:
    text = form.get("left_at", "").strip()
    if not text:
        return None
    try:
        return rfc3339(datetime.fromisoformat(text).replace(tzinfo=VIETNAM))
    except ValueError as error:
        raise Malformed("server.form_date", "/left_at") from error


@router.get("/receipts/{declaration_id}")
def show_receipt(request: Request, caller: Caller, *, account: SignedIn, server: Wired, declaration_id: str) -> Response:
    """Show a receipt with its code and the guest's proof of the stay as a QR code, made for printing."""
    stored = given_receipt(server, declaration_id)
    if stored is None or stored.receipt.premises_id is None:
        raise Refused("server.not_allowed")
    place = place_for(server, account, "read_receipt", stored.receipt.premises_id)
    fresh = "new" in request.query_params
    with server.registry.reading() as connection:
        said = statements_of(connection, [declaration_id], vault=server.registry.vault)
        proof = make_proof(server, connection, stored, shown=whole(said[0], place.here)) if said else None
    return render(
        request,
        "desk/receipt.html",
        caller=caller,
        place=place,
        receipt=stored.receipt,
        code=stored.code,
        picture=proof.picture if proof else receipt_picture(stored.receipt_bytes),
        base_url=server.settings.base_url,
        fresh=fresh,
        chip=_chip_of_receipt(server, stored) if fresh else None,
        party=party_here(server, account, place.here, declaration_id=declaration_id) if fresh else None,
        **waits(server, account, place.here),
    )


def _chip_of_receipt(server: Server, stored: StoredReceipt) -> ChipAtDesk | None:
    """Return what is known of the chip of the guest just declared, or how it comes to be read."""
    with server.registry.reading() as connection:
        stay_id = stay_changed_by(connection, stored.receipt.premises_id or "", stored.declaration_id)
        found = stay(connection, stay_id) if stay_id else None
        return chip_of(connection, found) if found else None


def receipt_picture(receipt_bytes: bytes) -> Markup:
    """Return the receipt's text form as an SVG of a QR code, without a style attribute (the content policy forbids them)."""
    code = segno.make(receipt_text(receipt_bytes), error="l", micro=False)
    svg = code.svg_inline(scale=3, border=4, svgclass="luutru-qr", lineclass=None, omitsize=True)
    return Markup(svg)  # noqa: S704  # made by segno from base45 text
