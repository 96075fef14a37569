"""The certificate of a deletion: asked for with the code its person was told before, shown, and given as a file that proves itself.

- Whoever was erased has no account: the code is all there is. It travels in a form, never in an address; attempts are counted with receipts'.
- The file holds the signed certificate and, once the log has it, the proof of its row there; the page ``/receipts/offline`` and
  ``luutru receipt verify`` check both, without us.
- It also says which backups could still be opened: those under period keys that are not destroyed yet.

Example: ``POST /deleted`` with ``code=7K3D-9QXM-2VHT``
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection, Row
from starlette.responses import Response

from registry.erasing import certificate_by_code
from registry.log_files import LogFiles
from registry.look_proofs import proof_of
from residence.errors import Malformed, Refused, problem
from residence.wire.deletions import deletion_text, read_deletion_unverified
from residence.wire.receipts import parse_receipt_code
from server.languages import sentence_in
from server.pages import render
from server.visitor import Caller, Form, own_language
from server.wiring import Server, caller_address, server_of

router: Final = APIRouter(prefix="/deleted")
Wired = Annotated[Server, Depends(server_of)]
LONGEST_CODE: Final = 40


@router.get("")
def show(request: Request, caller: Caller) -> Response:
    """Ask for the code."""
    return render(request, "residents/check_deletion.html", caller=caller, code="", wrong=None)


@router.post("")
def check(request: Request, caller: Caller, server: Wired, form: Form) -> Response:
    """Show the certificate, give it as a file (``as=file``), or say what is wrong with the code."""
    server.receipt_attempts.count(caller_address(request))
    code = form.get("code", "")[:LONGEST_CODE]
    try:
        code = parse_receipt_code(code)
    except Malformed:
        return _again(request, caller, code, problem_code="server.code_shape")
    with server.registry.reading() as connection:
        row = certificate_by_code(connection, code)
        proof = _proof(server, connection, row) if row is not None else None
    if row is None:
        return _again(request, caller, code, problem_code="erase.code_unknown")
    text = deletion_text(row.certificate) + "\n" + (proof or "")
    if form.get("as") == "file":
        headers = {"content-disposition": f'attachment; filename="deletion-{code}.txt"'}
        return Response(text, media_type="text/plain; charset=utf-8", headers=headers)
    said = read_deletion_unverified(row.certificate)
    return render(
        request,
        "residents/deletion.html",
        caller=caller,
        code=code,
        said=said,
        text=text,
        again_at=row.again_at,
        in_log=proof is not None,
        open_keys=[each for each in said.period_keys if server.registry.vault.holds(each)],
    )


def _proof(server: Server, connection: Connection, row: Row[Any]) -> str | None:
    """Return the proof of the certificate's row in the log; None until the log has it, or where no log is shown."""
    if server.settings.log is None:
        return None
    try:
        return proof_of(connection, row.access_id, row.person_id, log=LogFiles(server.settings.log), now=server.clock.now())
    except Refused:
        return None


def _again(request: Request, caller: Caller, code: str, *, problem_code: str) -> Response:
    wrong = sentence_in(problem(problem_code).message, own_language(caller))
    return render(request, "residents/check_deletion.html", caller=caller, status=422, code=code, wrong=wrong)
