"""Declaring by program: the same check, the same recording and the same receipts as the desk's pages.

- The exact bytes sent are the statement's body, so sending them again answers with the first receipt (200 instead of 201).
- ``dry_run=true`` on the same path checks and records nothing.
- What is recorded and stands in conflict (201) says by what, in ``problems``.
- What is recorded and refused (422) comes with its receipt: the statement stands as made, and changes nothing.
- The same declaration id with other bytes is a conflict (409); the first statement stands.
- A declaration with errors is not recorded; all problems come back at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.premises import load_places
from residence.clock import rfc3339
from residence.errors import Conflict, Malformed, Refused, has_errors
from residence.stays.declaration import StayDeclaration
from residence.wire.messages import Receipt
from residence.wire.receipts import receipt_text
from server.api.answers import CheckAnswer, ReceiptAnswer, answer
from server.api.callers import ApiCaller, Calling, CountedRoute
from server.api.paging import tagged
from server.api.stating import may_state, read_declaration
from server.declaring import check, declare, given_receipt
from server.hints import with_hint
from server.policy import PremisesResource
from server.problems import InputProblems, StatementRefused, told_findings
from server.wiring import Server, server_of

router = APIRouter(prefix="/v1/declarations", route_class=CountedRoute)
Wired = Annotated[Server, Depends(server_of)]
LARGEST: Final = 65536
DRY: Final = {"true": True, "false": False, None: False}


async def bytes_up_to(request: Request, largest: int) -> bytes:
    """Return the body as sent, or raise ``Malformed("server.form_too_large")``."""
    stated = request.headers.get("content-length", "0")
    if not stated.isdigit() or int(stated) > largest:
        raise Malformed("server.form_too_large")
    body = await request.body()
    if len(body) > largest:
        raise Malformed("server.form_too_large")
    return body


async def sent_bytes(request: Request) -> bytes:
    """Return the body of one declaration."""
    return await bytes_up_to(request, LARGEST)


def is_dry(request: Request) -> bool:
    """Tell whether nothing is to be recorded, or raise ``Malformed("server.input_unreadable")`` for another word."""
    asked = request.query_params.get("dry_run")
    if asked not in DRY:
        raise Malformed("server.input_unreadable", "/dry_run")
    return DRY[asked]


Sent = Annotated[bytes, Depends(sent_bytes)]
Dry = Annotated[bool, Depends(is_dry)]


def _allowed(server: Server, caller: ApiCaller, declaration: StayDeclaration) -> None:
    may_state(server, caller, declaration, commune=commune_of(server, declaration.premises_id))


def commune_of(server: Server, premises_id: str) -> str:
    """Return the commune of premises, empty when there are none."""
    with server.registry.reading() as connection:
        return load_places(connection, [(premises_id, None)]).commune_of(premises_id) or ""


@router.post("")
def post_declaration(caller: Calling, server: Wired, body: Sent, *, dry: Dry) -> Response:
    """Record one declaration and answer with its receipt."""
    if dry:
        return post_check(caller, server, body)
    declaration = read_declaration(body)
    _allowed(server, caller, declaration)
    result = check(server, declaration)
    if has_errors(result.problems) and given_receipt(server, declaration.declaration_id) is None:
        raise InputProblems(result.problems)
    return recorded_answer(server, caller, declaration, body=body)


def recorded_answer(
    server: Server,
    caller: ApiCaller,
    declaration: StayDeclaration,
    *,
    body: bytes | None = None,
    beside: Sequence[StayDeclaration] = (),
) -> Response:
    """Record what was checked, and what is said ``beside`` it, and answer with the receipt, 201 the first time."""
    recorded = declare(server, declaration, account=caller.account, origin="web", body=body, beside=beside)
    if recorded.set_aside is not None:
        raise Conflict("server.id_reused", "/declaration_id")
    return receipt_answer(recorded.receipt, recorded.receipt_bytes, status=200 if recorded.replayed else 201)


def receipt_answer(receipt: Receipt, signed: bytes, *, status: int) -> Response:
    """Answer with a receipt, or raise ``StatementRefused`` with the one of a statement that was recorded and refused."""
    text = receipt_text(signed)
    if receipt.state == "refused":
        raise StatementRefused(receipt, text)
    return answer(shown(receipt, text), status=status)


def shown(receipt: Receipt, text: str) -> ReceiptAnswer:
    """Return a receipt as a program is shown it; one in conflict with what it conflicts with."""
    problems = told_findings(receipt) if receipt.state == "conflicting" else ()
    return ReceiptAnswer(receipt=receipt, text=text, problems=tuple(with_hint(each) for each in problems))


@router.post("/check")
def post_check(caller: Calling, server: Wired, body: Sent) -> Response:
    """Check one declaration and record nothing."""
    declaration = read_declaration(body)
    _allowed(server, caller, declaration)
    return check_answer(server, declaration)


def check_answer(server: Server, declaration: StayDeclaration) -> Response:
    """Answer with what a check found."""
    result = check(server, declaration)
    return answer(
        CheckAnswer(
            ok=result.ok,
            problems=tuple(with_hint(each) for each in result.problems),
            due=rfc3339(result.due) if result.due else None,
            rule=result.rule,
            rule_set=result.rule_set,
        )
    )


@router.get("/{declaration_id}/receipt")
def get_receipt(request: Request, caller: Calling, server: Wired, declaration_id: str) -> Response:
    """Answer with the receipt of a declaration made for one of the account's premises."""
    stored = given_receipt(server, declaration_id)
    premises_id = stored.receipt.premises_id if stored else None
    if stored is None or premises_id is None:
        raise Refused("server.not_found")
    resource = PremisesResource(premises_id=premises_id, commune=stored.commune_code)
    if not server.policy.allows(caller.account, "read_receipt", resource=resource) or not caller.reaches("read", premises_id):
        raise Refused("server.not_found")
    return tagged(request, shown(stored.receipt, receipt_text(stored.receipt_bytes)))
