"""The public service portal over HTTP: one file put there under its own id, and asked about. The contract is ours (docs/portal.md).

- A file is put at its own address: twice the same is one file there, another content under the same id is refused by the portal.
- What certainly never arrived and what may have are told apart; after silence the portal is asked before anything is sent again.
- An answer is believed only whole: its shape, our id, and the digest of what we sent. Anything else is silence, never a receipt.

Example: ``Portal(TokenLine(settings, folder)).put(file_id, body).fate`` is ``received``, ``refused``, ``not-sent`` or ``silent``
"""

from __future__ import annotations

import hashlib
from typing import Final

import httpx

from gateway.authorities.token_line import Said, TokenLine, turned_away
from residence.cases.portal import read_receipt, read_refusal, read_status
from residence.errors import Malformed


class Portal:
    """One portal."""

    def __init__(self, line: TokenLine) -> None:
        self._line: Final = line

    def put(self, file_id: str, body: bytes) -> Said:
        """Put a file there, once; again is the same."""
        answer = self._line.send("PUT", f"/files/{file_id}", content=body)
        if isinstance(answer, Said):
            return answer
        try:
            return _outcome(answer, file_id, hashlib.sha256(body).hexdigest())
        except Malformed as error:
            return Said("silent", code=error.code)

    def ask(self, file_id: str, body: bytes) -> Said:
        """Ask how far a file is; ``unknown`` when the portal has none of this id, or one that is not what we sent."""
        answer = self._line.send("GET", f"/files/{file_id}")
        if isinstance(answer, Said):
            return answer
        if answer.status_code == httpx.codes.NOT_FOUND:
            return Said("unknown")
        if answer.status_code != httpx.codes.OK:
            return turned_away(answer)
        try:
            status = read_status(answer.content)
        except Malformed as error:
            return Said("silent", code=error.code)
        if status.file_id != file_id:
            return Said("silent", code="portal.answer")
        if status.digest != hashlib.sha256(body).hexdigest():
            return Said("refused", code="portal.other_content")
        words = " ".join(f"{status.reason} {status.legal_basis}".split())
        return Said("received", answer=status, words=words)


def _outcome(answer: httpx.Response, file_id: str, digest: str) -> Said:
    """Read what putting a file came to, or raise ``Malformed("portal.answer")``."""
    if answer.status_code in {200, 201}:
        receipt = read_receipt(answer.content)
        if (receipt.file_id, receipt.digest) != (file_id, digest):
            raise Malformed("portal.answer")
        return Said("received", answer=receipt)
    if answer.status_code in {409, 422}:
        refusal = read_refusal(answer.content)
        if refusal.file_id != file_id:
            raise Malformed("portal.answer")
        words = " ".join(f"{refusal.code} {refusal.pointer} {refusal.message}".split())
        return Said("refused", code="portal.refused", words=words)
    return turned_away(answer)
