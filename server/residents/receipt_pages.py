"""Checking a receipt by its code, without an account.

- Shows state, place, times and rule; no name is in a receipt.
- The code travels in a form, not in the address, so that it is in no log and no history; attempts are counted per address.
- A household's address is not shown to whoever holds a code: for homes only the kind of place is named.
- A code may also be of a guided path (``path_pages.py``): then that is shown, or, beside a receipt, that there is one.
- It also says how the statement stands now (superseded, withdrawn), and gives a signed proof to keep, checked without us by the page ``offline``.
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from registry.door_claims import claimable
from registry.kiosks import keyring_entries
from registry.log_files import STATEMENTS, LogFiles
from registry.premises import load_premises
from registry.receipts import StoredReceipt, receipt_by_code
from registry.stay_proofs import Shown, standing_now
from residence.errors import Malformed, problem
from residence.places.premises import Premises, PremisesKind
from residence.wire.keyring import Keyring
from residence.wire.messages import STAY_DECLARATION, Receipt
from server.languages import sentence_in
from server.pages import render
from server.papers import place_text
from server.path_forms import language_for
from server.residents.offline_page import offline_page
from server.residents.path_pages import find_path, show_path
from server.stay_proofs import make_proof
from server.visitor import Caller, Form, own_language
from server.wiring import Server, caller_address, server_of

router = APIRouter(prefix="/receipts")
Wired = Annotated[Server, Depends(server_of)]
LONGEST_CODE: Final = 40
HOMES: Final = frozenset({PremisesKind.HOUSEHOLD, PremisesKind.RENTAL_HOUSE, PremisesKind.APARTMENT_BLOCK})


@router.get("")
def show(request: Request, caller: Caller, code: str = "") -> Response:
    """Ask for a code; the QR code on a kiosk's screen brings it along, and checking it is still an act of the person."""
    return render(request, "residents/check_receipt.html", caller=caller, code=code[:LONGEST_CODE], wrong=None)


@router.post("")
def check(request: Request, caller: Caller, server: Wired, form: Form) -> Response:
    """Show the receipt, or say what is wrong with the code."""
    server.receipt_attempts.count(caller_address(request))
    code = form.get("code", "")
    try:
        found = lookup(server, code)
    except Malformed:
        return _again(request, caller, code, problem_code="server.code_shape")
    if found is None:
        with server.registry.reading() as connection:
            row = find_path(connection, code)
            if row is not None:
                return show_path(request, caller, language_for(request, caller), row=row, connection=connection)
        return _again(request, caller, code, problem_code="server.receipt_unknown")
    stored, place = found
    receipt = stored.receipt
    shown = Shown(place=place_text(place) if place else None, with_premises=place is not None)
    with server.registry.reading() as connection:
        return render(
            request,
            "residents/receipt.html",
            caller=caller,
            receipt=receipt,
            place={"here": place},
            takes_pass=server.door_signer is not None and claimable(connection, receipt, now=server.clock.now()),
            has_path=find_path(connection, receipt.code) is not None,
            now_standing=standing_now(connection, stored),
            proof=make_proof(server, connection, stored, shown=shown) if receipt.schema == STAY_DECLARATION else None,
        )


@router.get("/offline")
def offline(server: Wired, *, camera: bool = False) -> Response:
    """Give the page that checks receipts and proofs without a network, with the keys of today in it; with a reader of codes in it, too."""
    with server.registry.reading() as connection:
        keyring = Keyring(keyring_entries(connection))
    folder = server.settings.log
    log, statements = (LogFiles(folder).keys(), LogFiles(folder / STATEMENTS).keys()) if folder is not None else (None, None)
    vendor, now = server.settings.static / "vendor", server.clock.now()
    page = offline_page(keyring, made_at=now, vendor=vendor, log=log, statements=statements, camera=camera)
    name = "luutru-check-camera" if camera else "luutru-check"
    headers = {"content-disposition": f'attachment; filename="{name}.html"'}
    return Response(page, media_type="text/html; charset=utf-8", headers=headers)


def _again(request: Request, caller: Caller, code: str, *, problem_code: str) -> Response:
    wrong = sentence_in(problem(problem_code).message, own_language(caller))
    return render(request, "residents/check_receipt.html", caller=caller, status=422, code=code, wrong=wrong)


def lookup(server: Server, code: str) -> tuple[StoredReceipt, Premises | None] | None:
    """Return the receipt with this code and the place it may name; ``Malformed("receipt.code")`` when it is no code."""
    with server.registry.reading() as connection:
        stored = receipt_by_code(connection, code)
        return (stored, _place(server, connection, stored.receipt)) if stored else None


def _place(server: Server, connection: Connection, receipt: Receipt) -> Premises | None:
    wanted = [receipt.premises_id] if receipt.premises_id else []
    place = next(iter(load_premises(connection, wanted, vault=server.registry.vault).values()), None)
    return None if place is None or place.kind in HOMES else place
