"""One line to another authority over HTTP with a token from a file: a request, and what certainly never arrived told apart from silence.

- No redirect is followed, no proxy taken from the environment, no answer read beyond its length. A kept connection that the other side has
  just closed looks like silence, so each request has one of its own.
- The token lies in a file that nobody else may read, and is read for each request, so that a new one needs no new start.

Example: ``TokenLine(settings, folder).send("GET", "/files/1")`` is an ``httpx.Response``, or a ``Said`` where there is none
"""

from __future__ import annotations

import logging
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import httpx

from gateway.authorities.kbtt_session import wait_of
from gateway.authorities.settings import TokenAddress
from residence.errors import Refused

Fate = Literal["received", "refused", "not-sent", "silent", "unknown"]
LONGEST_ANSWER: Final = 64 * 1024


class Said(NamedTuple):
    """How one request ended. ``unknown``: the other does not know what was asked for; ``answer``: what it said, by whoever read it."""

    fate: Fate
    code: str | None = None
    words: str = ""
    answer: Any = None
    wait: timedelta | None = None


class TokenLine:
    """One line. ``folder``: where the file of settings lies."""

    def __init__(self, settings: TokenAddress, folder: Path) -> None:
        logging.getLogger("httpx").setLevel(logging.WARNING)
        times = httpx.Timeout(settings.answer_seconds, connect=settings.connect_seconds)
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(base_url=settings.base, timeout=times, limits=limits, follow_redirects=False, trust_env=False)
        self._token = folder / settings.token

    def close(self) -> None:
        """Let the line go."""
        self._client.close()

    def send(self, method: str, path: str, **request: Any) -> httpx.Response | Said:
        """Make one request with the token; ``Said`` where no answer came."""
        try:
            headers = {"Authorization": f"Bearer {self._read_token()}", "Content-Type": "application/json"}
        except Refused as error:
            return Said("not-sent", code=error.code)
        try:
            with self._client.stream(method, path, headers=headers, **request) as answer:
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


def turned_away(answer: httpx.Response) -> Said:
    """Say what a status without a body of ours means: turned away at the door was not read; a fault may have come after it was kept."""
    if answer.status_code in {401, 403, 404, 405, 413, 415, 429} or answer.is_redirect:
        code = "authority.login_refused" if answer.status_code in {401, 403} else "portal.turned_away"
        return Said("not-sent", code=code, wait=wait_of(answer))
    return Said("silent", code="authority.no_answer", wait=wait_of(answer))
