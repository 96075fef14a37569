"""One facility's session with the ministry: log in, keep the token fresh, and one request at a time over httpx.

- A token is refreshed when less than a minute of it is left, by our clock; a refresh that is refused becomes a new log-in with the secrets as they
  lie in their file now. One token at a time: the lock is held over log-in and refresh.
- A 401 was not read: the token is dropped and the request made once more with a new one.
- Tokens travel in query strings of two calls, so no address of a call is ever logged, and httpx's own logger is silenced.
- What certainly never arrived (no connection, no name) and what may have arrived (anything after the first byte went out) are told apart here.

Example: ``Session(facility, settings, ...).post("/client-service/...", content)`` gives an ``Outcome``
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import msgspec
import structlog

from gateway.authorities.kbtt_mapping import outcome_of, read_answer
from gateway.authorities.port import Outcome
from gateway.authorities.secrets import read_secrets
from gateway.authorities.settings import KbttSettings
from residence.errors import Refused

FRESH: Final = timedelta(seconds=60)
UNAUTHORIZED: Final = 401
LONGEST_WAIT: Final = 3600
log = structlog.get_logger("luutru.authority")


class Token(NamedTuple):
    """What a log-in gave."""

    access: str
    refresh: str
    until: datetime


class NotSentError(Exception):
    """The request certainly was not read."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome: Final = outcome
        super().__init__(outcome.code)


def make_client(settings: KbttSettings) -> httpx.Client:
    """Return the HTTP client all sessions of this authority share: no redirect is followed and no proxy taken from the environment."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it writes every address, and some carry a token
    times = httpx.Timeout(settings.answer_seconds, connect=settings.connect_seconds)
    # A kept connection that the other side has just closed looks like a request without an answer; a new one each time leaves no such doubt.
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(base_url=settings.base, timeout=times, limits=limits, follow_redirects=False, trust_env=False)


class Session:
    """One facility, logged in when needed."""

    def __init__(
        self, facility: str, settings: KbttSettings, *, client: httpx.Client, secrets: Path, now: Callable[[], datetime]
    ) -> None:
        self._facility = facility
        self._settings = settings
        self._client = client
        self._secrets = secrets
        self._now = now
        self._token: Token | None = None
        self._lock = threading.Lock()

    def post(self, path: str, content: Any) -> Outcome:
        """Send JSON once, with a fresh token; twice only where the first was turned away at the door."""
        body = msgspec.json.encode(content)
        try:
            answer = self._post(path, body)
            if answer.status_code == UNAUTHORIZED:
                self._token = None
                answer = self._post(path, body)
        except NotSentError as away:
            return away.outcome
        except httpx.HTTPError as error:
            return Outcome(fate="silent", code="authority.no_answer", words=type(error).__name__)
        return outcome_of(answer.status_code, answer.content, wait=wait_of(answer))

    def _post(self, path: str, body: bytes) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._fresh().access}", "Content-Type": "application/json"}
        return self._send("POST", path, content=body, headers=headers)

    def get(self, path: str, *, etag: str | None) -> httpx.Response:
        """Fetch something public; raises ``NotSentError`` when it cannot be had."""
        try:
            answer = self._send("GET", path, headers={"If-None-Match": etag} if etag else {})
        except httpx.HTTPError as error:
            raise NotSentError(Outcome(fate="not-sent", code="authority.catalogue_away")) from error
        if answer.status_code not in {200, 304}:
            raise NotSentError(Outcome(fate="not-sent", code="authority.catalogue_away", wait=wait_of(answer)))
        return answer

    def log_out(self) -> None:
        """End the token; one that cannot be ended runs out by itself."""
        token, self._token = self._token, None
        if token is not None and self._settings.paths.revoke:
            try:
                self._send("DELETE", self._settings.paths.revoke, params={"access_token": token.access})
            except (httpx.HTTPError, NotSentError) as error:
                log.info("not logged out", facility=self._facility, error=type(error).__name__)

    def _fresh(self) -> Token:
        with self._lock:
            token = self._token
            if token is not None and token.until - self._now() > FRESH:
                return token
            self._token = (self._refreshed(token) if token is not None else None) or self._logged_in()
            return self._token

    def _refreshed(self, token: Token) -> Token | None:
        if not token.refresh:
            return None
        answer = self._ask(self._settings.paths.refresh, params={"refresh_token": token.refresh})
        return token_of(answer)

    def _logged_in(self) -> Token:
        try:
            secrets = read_secrets(self._secrets, self._facility)
        except Refused as error:
            raise NotSentError(Outcome(fate="not-sent", code=error.code)) from None
        answer = self._ask(
            self._settings.paths.token,
            data={"username": secrets.username, "password": secrets.password, "grant_type": "api_cslt"},
            auth=(secrets.client_id, secrets.client_secret),
        )
        if answer.status_code == 429 or answer.status_code >= 500:  # noqa: PLR2004 - it is their trouble, not our password
            raise NotSentError(Outcome(fate="not-sent", code="authority.unreachable", wait=wait_of(answer)))
        token = token_of(answer)
        if token is None:
            raise NotSentError(Outcome(fate="not-sent", code="authority.login_refused"))
        return token

    def _ask(self, path: str, **request: Any) -> httpx.Response:
        """Ask for a token: an answer that does not come sends nothing of a guest, so it is no silence."""
        try:
            return self._send("POST", path, **request)
        except httpx.HTTPError as error:
            raise NotSentError(Outcome(fate="not-sent", code="authority.unreachable")) from error

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **request)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotSentError(Outcome(fate="not-sent", code="authority.unreachable")) from error


def token_of(answer: httpx.Response) -> Token | None:
    """Read a token, whether its fields lie open or inside ``data``."""
    content = read_answer(answer.content) if answer.is_success else None
    if content is None:
        return None
    inside = content.get("data")
    fields = inside if isinstance(inside, dict) else content
    access, until = fields.get("AccessToken"), fields.get("Exp")
    if not isinstance(access, str) or isinstance(until, bool) or not isinstance(until, int | float):
        return None
    try:
        return Token(access, str(fields.get("RefreshToken") or ""), datetime.fromtimestamp(until, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def wait_of(answer: httpx.Response) -> timedelta | None:
    """Return how long the authority wants us to wait, in seconds as RFC 9110 has it; a date is not read."""
    text = answer.headers.get("retry-after", "")
    return timedelta(seconds=min(int(text), LONGEST_WAIT)) if text.isascii() and text.isdigit() else None
