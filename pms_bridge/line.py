"""One line to a vendor: paced calls, patience where the vendor asks for it, and one error for everything that cannot be mended by waiting.

- Calls are spread out to the property's rate. 408, 429, 500, 502, 503, 504 and a broken connection are tried again; ``Retry-After`` in seconds is
  obeyed up to five minutes, without it the pauses double. Every call only reads, so asking twice does no harm.
- No redirect is followed (it would carry the credentials along) and no proxy taken from the environment. An answer has a limit of size.

Example: ``VendorLine("https://api.example", per_second=4, means=means).call("GET", "/v1/reservations").json()``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any, Final, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import msgspec

from residence.errors import Refused

AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
TRIES: Final = 5
LONGEST_WAIT: Final = 300.0
LARGEST: Final = 32 << 20
NO_CONTENT: Final = 204
NOT_FOUND: Final = 404
DENIED: Final = frozenset({401, 403})


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        """Follow nothing."""


_OPENER: Final = build_opener(_NoRedirect, ProxyHandler({}))


class Means(NamedTuple):
    """Time as the bridge is given it: seconds that only go forward, and a way to wait."""

    seconds: Callable[[], float]
    wait: Callable[[float], None]


class Answer(NamedTuple):
    """An answer as it came; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body, or raise ``Refused("pms.vendor_answer")``."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refused("pms.vendor_answer", detail="not JSON") from error


class VendorLine:
    """A line to one property's system."""

    def __init__(self, base: str, *, per_second: float, means: Means) -> None:
        self._base: Final = base.rstrip("/")
        self._gap: Final = 1 / per_second
        self._means: Final = means
        self._next = means.seconds()

    def call(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, Any] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send one request and return its answer, whatever it says; ``Refused("pms.vendor_away")`` when there is none worth having."""
        address = f"{self._base}{path}{'?' + urlencode(query, doseq=True) if query else ''}"
        pause, reason = 1.0, ""
        for left in range(TRIES - 1, -1, -1):
            self._pace()
            try:
                answer = _sent(Request(address, data=body, headers=dict(headers), method=method))  # noqa: S310  # checked in settings.py
            except (OSError, HTTPException) as error:
                reason = type(error).__name__
            else:
                if answer.status not in AGAIN:
                    return answer
                reason = str(answer.status)
                asked = answer.headers.get("retry-after", "")
                pause = float(asked) if asked.isascii() and asked.isdigit() else pause
            if left:
                self._means.wait(min(pause, LONGEST_WAIT))
                pause *= 2
        raise Refused("pms.vendor_away", detail=reason)

    def _pace(self) -> None:
        now = self._means.seconds()
        if now < self._next:
            self._means.wait(self._next - now)
        self._next = max(now, self._next) + self._gap


def _sent(request: Request) -> Answer:
    try:
        with _OPENER.open(request, timeout=30) as told:
            return Answer(told.status, {name.lower(): value for name, value in told.headers.items()}, _bounded(told))
    except HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, {name.lower(): value for name, value in refusal.headers.items()}, _bounded(refusal))


def _bounded(told: Any) -> bytes:
    content: bytes = told.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Refused("pms.vendor_answer", detail="too large")
    return content


def good(answer: Answer) -> Any:
    """Return what a 200 holds; raise ``Refused("pms.vendor_denied")`` for a refused key, ``Refused("pms.vendor_answer")`` for another no."""
    if answer.status in DENIED:
        raise Refused("pms.vendor_denied", detail=str(answer.status))
    if answer.status != 200:  # noqa: PLR2004
        raise Refused("pms.vendor_answer", detail=str(answer.status))
    return answer.json()
