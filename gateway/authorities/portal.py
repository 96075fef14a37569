"""The public service portal over HTTP: one file put there under its own id, and asked about. The contract is ours (docs/portal.md).

- A file is put at its own address: twice the same is one file there, another content under the same id is refused by the portal.
- What certainly never arrived and what may have are told apart; after silence the portal is asked before anything is sent again.
- An answer is believed only whole: its shape, our id, and the digest of what we sent. Anything else is silence, never a receipt.
- No redirect is followed, no proxy taken from the environment; the token lies in a file of its own that nobody else may read.

Example: ``Portal(settings, folder).put(file_id, body).fate`` is ``received``, ``refused``, ``not-sent`` or ``silent``
"""

from __future__ import annotations

import hashlib
import logging
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import httpx

from gateway.authorities.kbtt_session import wait_of
from gateway.authorities.settings import PortalAddress
from residence.cases.portal import PortalStatus, read_receipt, read_refusal, read_status
from residence.errors import Malformed, Refused

Fate = Literal["received", "refused", "not-sent", "silent", "unknown"]
LONGEST_ANSWER: Final = 64 * 1024


class Said(NamedTuple):
    """How one request ended. ``unknown``: the portal does not know the file."""

    fate: Fate
    code: str | None = None
    words: str = ""
    receipt_number: str | None = None
    status: PortalStatus | None = None
    wait: timedelta | None = None


class Portal:
    """One portal. ``folder``: where the file of settings lies."""

    def __init__(self, settings: PortalAddress, folder: Path) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)
        times = httpx.Timeout(settings.answer_seconds, connect=settings.connect_seconds)
        limits = httpx.Limits(max_keepalive_connections=0)  # a kept line that was just closed looks like silence
        self._client = httpx.Client(base_url=settings.base, timeout=times, limits=limits, follow_redirects=False, trust_env=False)
        self._token = folder / settings.token

    def close(self) -> None:
        """Let the line go."""
        self._client.close()

    def put(self, file_id: str, body: bytes) -> Said:
        """Put a file there, once; again is the same."""
        answer = self._send("PUT", file_id, content=body)
        if isinstance(answer, Said):
            return answer
        try:
            return _outcome(answer, file_id, hashlib.sha256(body).hexdigest())
        except Malformed as error:
            return Said("silent", code=error.code)

    def ask(self, file_id: str, body: bytes) -> Said:
        """Ask how far a file is; ``unknown`` when the portal has none of this id, or one that is not what we sent."""
        answer = self._send("GET", file_id)
        if isinstance(answer, Said):
            return answer
        if answer.status_code == httpx.codes.NOT_FOUND:
            return Said("unknown")
        if answer.status_code != httpx.codes.OK:
            return _turned_away(answer)
        try:
            status = read_status(answer.content)
        except Malformed as error:
            return Said("silent", code=error.code)
        if status.file_id != file_id:
            return Said("silent", code="portal.answer")
        if status.digest != hashlib.sha256(body).hexdigest():
            return Said("refused", code="portal.other_content")
        words = " ".join(f"{status.reason} {status.legal_basis}".split())
        return Said("received", receipt_number=status.receipt_number, status=status, words=words)

    def _send(self, method: str, file_id: str, **request: Any) -> httpx.Response | Said:
        try:
            headers = {"Authorization": f"Bearer {self._read_token()}", "Content-Type": "application/json"}
        except Refused as error:
            return Said("not-sent", code=error.code)
        try:
            with self._client.stream(method, f"/files/{file_id}", headers=headers, **request) as answer:
                content = b""
                for piece in answer.iter_bytes():
                    content += piece
                    if len(content) > LONGEST_ANSWER:
                        return Said("silent", code="portal.answer")
                return httpx.Response(answer.status_code, headers=answer.headers, content=content)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return Said("not-sent", code="authority.unreachable")
        except httpx.HTTPError:
            return Said("silent", code="authority.no_answer")

    def _read_token(self) -> str:
        try:
            if stat.S_IMODE(self._token.stat().st_mode) & 0o077:
                raise Refused("authority.secrets_open", detail=f"others may read {self._token}: chmod 600")
            return self._token.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Refused("authority.secrets_missing", detail=f"{self._token}: {type(error).__name__}") from None


def _outcome(answer: httpx.Response, file_id: str, digest: str) -> Said:
    """Read what putting a file came to, or raise ``Malformed("portal.answer")``."""
    if answer.status_code in {200, 201}:
        receipt = read_receipt(answer.content)
        if (receipt.file_id, receipt.digest) != (file_id, digest):
            raise Malformed("portal.answer")
        return Said("received", receipt_number=receipt.receipt_number)
    if answer.status_code in {409, 422}:
        refusal = read_refusal(answer.content)
        if refusal.file_id != file_id:
            raise Malformed("portal.answer")
        words = " ".join(f"{refusal.code} {refusal.pointer} {refusal.message}".split())
        return Said("refused", code="portal.refused", words=words)
    return _turned_away(answer)


def _turned_away(answer: httpx.Response) -> Said:
    """Say what a status without a body of ours means: turned away at the door was not read; a fault may have come after it was kept."""
    if answer.status_code in {401, 403, 404, 405, 413, 415, 429} or answer.is_redirect:
        code = "authority.login_refused" if answer.status_code in {401, 403} else "portal.turned_away"
        return Said("not-sent", code=code, wait=wait_of(answer))
    return Said("silent", code="authority.no_answer", wait=wait_of(answer))
