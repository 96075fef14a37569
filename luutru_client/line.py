"""How the client speaks to a server: gets a token and a new one before it ends, waits when it is told to, says no as an exception.

- A request is sent again after 429, 503, a key whose work is under way, or a connection that broke, at most ``tries`` times. Every operation
  may be sent twice and is done once: a declaration by its id, other work by its key; the rest changes nothing.
- ``Retry-After`` is obeyed; without it the pauses double.
- How bytes travel and how time passes is passed in; without that it is urllib and the clock of this machine.

Example: ``Line("https://luutru.example", client_id="...", client_secret="...").call("GET", "/v1/premises")``
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.error import HTTPError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import Request, urlopen

LONGEST_WAIT: Final = 60.0
BEFORE_ITS_END: Final = 60.0  # seconds a token is not trusted any more
AGAIN: Final = frozenset({429, 503})


class Answer(NamedTuple):
    """An answer as it came; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Send = Callable[[str, str, Mapping[str, str], bytes | None], Answer]


class ApiProblem(Exception):  # a problem document (RFC 9457)
    """The server's no: its code, the sentence, and every problem of the input with its pointer."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status: Final = status
        self.document: Final = document
        self.code: Final[str] = str(document.get("code") or document.get("error") or "")
        self.problems: Final[list[dict[str, Any]]] = list(document.get("problems") or [])
        super().__init__(f"{status} {self.code}: {document.get('detail') or document.get('error_description') or ''}")


def part(text: str) -> str:
    """Return a text as one part of an address.

    >>> part("a/b")
    'a%2Fb'
    """
    return quote(text, safe="")


def send_by_urllib(method: str, address: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
    """Send one request; raises ``OSError`` when there is no answer."""
    request = Request(address, data=body, headers=dict(headers), method=method)  # noqa: S310  # Line takes http and https only
    try:
        with urlopen(request, timeout=30) as told:  # noqa: S310
            return Answer(told.status, {name.lower(): value for name, value in told.headers.items()}, told.read())
    except HTTPError as refusal:
        with refusal:
            return Answer(refusal.code, {name.lower(): value for name, value in refusal.headers.items()}, refusal.read())


class Line:
    """A line to one server for one program."""

    def __init__(  # what a line is made of, once
        self,
        address: str,
        *,
        client_id: str,
        client_secret: str,
        scope: str = "",
        tries: int = 4,
        send: Send = send_by_urllib,
        wait: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        if urlsplit(address).scheme not in {"http", "https"}:
            message = "the server's address begins with https:// or http://"
            raise ValueError(message)
        self._address: Final = address.rstrip("/") + "/api"
        self._credentials: Final = b64encode(f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}".encode()).decode()
        self._scope: Final = scope
        self._tries: Final = tries
        self._send: Final = send
        self._wait: Final = wait
        self._now: Final = now
        self._token: tuple[str, float] | None = None

    def call(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Any:
        """Send a request and return what was answered, or raise ``ApiProblem``."""
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        known = {"content-type": "application/json"} | {
            name: value for name, value in (headers or {}).items() if value is not None
        }
        asked = urlencode(
            {name: _word(value) for name, value in (query or {}).items() if value is not None and value is not False}
        )
        address = f"{self._address}{path}{'?' + asked if asked else ''}"
        answer = self._patiently(method, address, known, content)
        if answer.status == 401:  # noqa: PLR2004  # the token was ended before its time
            self._token = None
            answer = self._patiently(method, address, known, content)
        return _read(answer)

    def _patiently(self, method: str, address: str, headers: Mapping[str, str], content: bytes | None) -> Answer:
        pause = 1.0
        for left in range(self._tries - 1, -1, -1):
            known = {**headers, "authorization": f"Bearer {self._bearer()}"}
            try:
                answer = self._send(method, address, known, content)
            except OSError:
                if not left:
                    raise
            else:
                if not left or not _is_to_wait(answer):
                    return answer
                pause = float(answer.headers.get("retry-after", pause))
            self._wait(min(pause, LONGEST_WAIT))
            pause *= 2
        raise AssertionError  # pragma: no cover  # the last try returns or raises

    def _bearer(self) -> str:
        if self._token is None or self._now() >= self._token[1]:
            form = {"grant_type": "client_credentials"} | ({"scope": self._scope} if self._scope else {})
            headers = {"authorization": f"Basic {self._credentials}", "content-type": "application/x-www-form-urlencoded"}
            told = _read(self._send("POST", f"{self._address}/v1/oauth/token", headers, urlencode(form).encode()))
            self._token = (told["access_token"], self._now() + max(0.0, told["expires_in"] - BEFORE_ITS_END))
        return self._token[0]


def _word(value: object) -> str:
    return "true" if value is True else str(value)


def _is_to_wait(answer: Answer) -> bool:
    return answer.status in AGAIN or (answer.status == 409 and "retry-after" in answer.headers)  # noqa: PLR2004


def _read(answer: Answer) -> Any:
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = {"code": "", "detail": "the answer is not JSON"}
    if answer.status >= 400 or not isinstance(told, dict | list):  # noqa: PLR2004
        raise ApiProblem(answer.status, told if isinstance(told, dict) else {})
    return told
