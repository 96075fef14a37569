"""What stands before the server in a sandbox: its clock, its people, and errors for the asking. None of it is part of the API.

- ``GET /sandbox``: the time, the people and what they show, which codes can be asked for at which operation.
- ``PUT /sandbox/clock``: a time of day like 23:05 (today, or tomorrow if it is past), or RFC 3339; only forward. Hours end sessions at the desk's
  pages and the first link is spent, so the answer has a new one.
- ``Sandbox-Error: <code>`` on an operation: the documented answer of that code; one the operation does not document is refused, with those it does.

Example: ``curl -X PUT -d 23:05 http://127.0.0.1:8790/sandbox/clock``
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from luutru.sandbox.hotel_people import PEOPLE
from residence.clock import VIETNAM, parse_instant, rfc3339
from residence.errors import Malformed
from server.api.document import document

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

HEADER: Final = "sandbox-error"
WAITABLE: Final = frozenset({409, 429})
TIME_OF_DAY: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
PROBLEM: Final = "application/problem+json"
LONGEST: Final = 64


class SetForward(Protocol):
    """A clock that can be set forward."""

    def now(self) -> datetime:
        """Return the instant."""
        ...

    def set_forward(self, to: datetime) -> None:
        """Set it to a later instant."""
        ...


class Control:
    """The application with the sandbox's own parts before it."""

    def __init__(self, app: ASGIApp, *, clock: SetForward, new_link: Callable[[], str]) -> None:
        self._app: Final = app
        self._clock: Final = clock
        self._new_link: Final = new_link

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is the sandbox's; hand everything else on."""
        answered: ASGIApp = self._app
        if scope["type"] == "http":
            request = Request(scope, receive)
            code = request.headers.get(HEADER)
            if request.url.path == "/sandbox" or request.url.path.startswith("/sandbox/"):
                answered = await self._own(request)
            elif code is not None and request.url.path.startswith("/api/"):
                answered = asked_error(request.method, request.url.path.removeprefix("/api"), code)
        await answered(scope, receive, send)

    async def _own(self, request: Request) -> Response:
        match request.method, request.url.path:
            case "GET", "/sandbox":
                return JSONResponse({"now": self._said(), "people": msgspec.to_builtins(PEOPLE), "errors": errors_of_all()})
            case "PUT", "/sandbox/clock":
                return self._set(bytes([each async for part in request.stream() for each in part][:LONGEST]))
            case _:
                return JSONResponse({"detail": "GET /sandbox, PUT /sandbox/clock"}, status_code=404)

    def _set(self, body: bytes) -> Response:
        wanted = wanted_time(body.decode("ascii", "replace").strip(), now=self._clock.now())
        if wanted is None or wanted < self._clock.now():
            return JSONResponse(
                {"detail": "a time like 23:05, or RFC 3339 and later than now", "now": self._said()}, status_code=400
            )
        self._clock.set_forward(wanted)
        return JSONResponse({"now": self._said(), "desk": self._new_link()})

    def _said(self) -> str:
        return rfc3339(self._clock.now().astimezone(VIETNAM).replace(microsecond=0))


def wanted_time(text: str, *, now: datetime) -> datetime | None:
    """Return the instant a text names: the next such time of day in Vietnam, or RFC 3339; None for anything else."""
    form = TIME_OF_DAY.fullmatch(text)
    if form is None:
        try:
            return parse_instant(text)
        except Malformed:
            return None
    local = now.astimezone(VIETNAM)
    wanted = local.replace(hour=int(form[1]), minute=int(form[2]), second=0, microsecond=0)
    return wanted if wanted > local else wanted + timedelta(days=1)


def errors_of_all() -> dict[str, list[str]]:
    """Return the codes each operation documents."""
    found: dict[str, list[str]] = {}
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            found[f"{method.upper()} {path}"] = sorted(_examples(operation))
    return found


def asked_error(method: str, path: str, code: str) -> Response:
    """Return the documented answer of a code, or a 400 that names the codes the operation documents."""
    for form, methods in document()["paths"].items():
        pattern = re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(form))
        if method.lower() in methods and re.fullmatch(pattern, path):
            known = _examples(methods[method.lower()])
            if code not in known:
                return JSONResponse(
                    {"detail": "this operation does not document that code", "codes": sorted(known)}, status_code=400
                )
            status, example = known[code]
            headers = {"retry-after": "1"} if status in WAITABLE else {}
            headers |= {"www-authenticate": 'Bearer realm="luutru"'} if status == HTTPStatus.UNAUTHORIZED else {}
            return JSONResponse(example, status_code=status, media_type=PROBLEM, headers=headers)
    return JSONResponse({"detail": "no such operation"}, status_code=404)


def _examples(operation: dict[str, Any]) -> dict[str, tuple[int, Any]]:
    return {
        code: (int(status), example["value"])
        for status, response in operation["responses"].items()
        for code, example in response.get("content", {}).get(PROBLEM, {}).get("examples", {}).items()
    }
