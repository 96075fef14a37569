"""Declaring by program: the same check, the same recording and the same receipts as the desk's pages.

- The exact bytes sent are the statement's body, so sending them again answers with the first receipt (200 instead of 201).
- What is recorded and refused (422) comes with its receipt: the statement stands as made, and changes nothing.
- The same declaration id with other bytes is a conflict (409); the first statement stands.
- What a chip said is believed only with the chip's own bytes, which this API does not take: levels 2 to 5 are refused.
- Nobody attests in another's name: ``evidence.attested_by`` is the calling account, which is kept with the row in any case.
- A declaration with errors is not recorded; all problems come back at once.
- Only an officer declares as an officer: that role may change what other premises declared.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import Response

from registry.premises import load_places
from residence.clock import rfc3339
from residence.credentials.evidence import EvidenceLevel
from residence.errors import Conflict, Malformed, Refused, has_errors
from residence.stays.declaration import StayDeclaration
from residence.wire.receipts import receipt_text
from server.api.answers import CheckAnswer, ReceiptAnswer, answer
from server.api.callers import ApiAccount
from server.declaring import check, declare, given_receipt
from server.policy import Account, PremisesResource
from server.problems import InputProblems, StatementRefused
from server.wiring import Server, server_of

router = APIRouter(prefix="/v1/declarations")
Wired = Annotated[Server, Depends(server_of)]
ACTIONS: Final = {"correction": "correct", "withdrawal": "correct", "departure": "check_out"}
LARGEST: Final = 65536
OFFICER: Final = "officer"


async def sent_bytes(request: Request) -> bytes:
    """Return the body as sent, or raise ``Malformed("server.form_too_large")``."""
    if int(request.headers.get("content-length") or 0) > LARGEST:
        raise Malformed("server.form_too_large")
    body = await request.body()
    if len(body) > LARGEST:
        raise Malformed("server.form_too_large")
    return body


Sent = Annotated[bytes, Depends(sent_bytes)]


def read_declaration(body: bytes) -> StayDeclaration:
    """Decode a declaration, or raise ``Malformed("server.input_unreadable")`` naming the field."""
    try:
        return msgspec.json.decode(body, type=StayDeclaration)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        pointer = str(error).partition(" - at `$.")[2].rstrip("`").replace(".", "/")
        raise Malformed("server.input_unreadable", f"/{pointer}" if pointer else "", str(error)) from error


def _allowed(server: Server, account: Account, declaration: StayDeclaration) -> None:
    """Refuse what the account may not state, alike for places that are not theirs and not there."""
    with server.registry.reading() as connection:
        commune = _commune(connection, declaration.premises_id)
    resource = PremisesResource(premises_id=declaration.premises_id, commune=commune)
    server.policy.require(account, ACTIONS.get(declaration.kind, "declare"), resource=resource)
    if (
        declaration.declarant.role == OFFICER and account.role != OFFICER
    ):  # an officer's word reaches other premises' declarations
        raise Refused("server.role_not_yours", "/declarant/role")
    if declaration.declarant.account not in {None, account.account_id}:
        raise Refused("server.declarant_not_you", "/declarant/account")
    if declaration.evidence.attested_by not in {None, account.account_id}:  # level 6 without a name is an error of the check
        raise Refused("server.attester_not_you", "/evidence/attested_by")
    if EvidenceLevel.CHIP_READ <= declaration.evidence.level <= EvidenceLevel.CHIP_PRESENT:
        raise Refused("server.evidence_not_checked", "/evidence/level")
    if declaration.evidence.chip is not None:  # only a kiosk's is bound to its own reading and judged again
        raise Refused("server.evidence_not_checked", "/evidence/chip")


def _commune(connection: Connection, premises_id: str) -> str:
    return load_places(connection, [(premises_id, None)]).commune_of(premises_id) or ""


@router.post("")
def post_declaration(account: ApiAccount, server: Wired, body: Sent) -> Response:
    """Record one declaration and answer with its receipt."""
    declaration = read_declaration(body)
    _allowed(server, account, declaration)
    result = check(server, declaration)
    if has_errors(result.problems) and given_receipt(server, declaration.declaration_id) is None:
        raise InputProblems(result.problems)
    recorded = declare(server, declaration, account=account, origin="web", body=body)
    if recorded.set_aside is not None:
        raise Conflict("server.id_reused", "/declaration_id")
    text = receipt_text(recorded.receipt_bytes)
    if recorded.receipt.state == "refused":
        raise StatementRefused(recorded.receipt, text)
    made = ReceiptAnswer(receipt=recorded.receipt, text=text)
    return answer(made, status=200 if recorded.replayed else 201)


@router.post("/check")
def post_check(account: ApiAccount, server: Wired, body: Sent) -> Response:
    """Check one declaration and record nothing."""
    declaration = read_declaration(body)
    _allowed(server, account, declaration)
    result = check(server, declaration)
    return answer(
        CheckAnswer(
            ok=result.ok,
            problems=result.problems,
            due=rfc3339(result.due) if result.due else None,
            rule=result.rule,
            rule_set=result.rule_set,
        )
    )


@router.get("/{declaration_id}/receipt")
def get_receipt(account: ApiAccount, server: Wired, declaration_id: str) -> Response:
    """Answer with the receipt of a declaration made for one of the account's premises."""
    stored = given_receipt(server, declaration_id)
    premises_id = stored.receipt.premises_id if stored else None
    if stored is None or premises_id is None:
        raise Refused("server.not_found")
    resource = PremisesResource(premises_id=premises_id, commune=stored.commune_code)
    if not server.policy.allows(account, "read_receipt", resource=resource):
        raise Refused("server.not_found")
    return answer(ReceiptAnswer(receipt=stored.receipt, text=receipt_text(stored.receipt_bytes)))
