"""Every no of the server, once: our four errors become an HTTP status, a problem document for programs, a page for people.

- ``/api/`` answers ``application/problem+json`` (RFC 9457) with ``code`` and, for input, every problem with its pointer.
- Pages answer a sentence in the visitor's language that says what to do; never a stack, a class name or a path.
- Not signed in: a page sends the visitor to sign in and back; the API answers 401 with ``WWW-Authenticate``.
- Status by kind of trouble: Malformed 422, Untrusted 401, Refused 403, Conflict 409; ``STATUS`` names the exceptions.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from registry.recording import is_outage
from residence.errors import Conflict, LuutruError, Malformed, Problem, Refused, Sentence, Untrusted, catalogue, problem
from residence.errors.guide import entry
from residence.wire.messages import Receipt, ReceiptFinding
from server.hints import hint_of_unreadable, pointer_of, with_hint
from server.home import local_path
from server.languages import sentence_in
from server.limits import Standing, TooMany
from server.pages import render, spoken_on
from server.visitor import visitor
from server.wiring import server_of

PROBLEM_JSON: Final = "application/problem+json"
BY_KIND: Final[dict[type[LuutruError], int]] = {Malformed: 422, Untrusted: 401, Refused: 403, Conflict: 409}
STATUS: Final = {
    "server.not_found": 404,
    "server.receipt_unknown": 404,
    "server.input_unreadable": 422,
    "server.statement_refused": 422,
    "server.method_not_allowed": 405,
    "server.form_too_large": 413,
    "server.too_many_attempts": 429,
    "api.too_many_requests": 429,
    "api.key_missing": 400,
    "api.key_malformed": 400,
    "api.key_reused": 422,
    "api.key_running": 409,
    "api.changed_meanwhile": 412,
    "api.batch_too_long": 413,
    "api.list_too_long": 413,
    "api.list_unknown": 404,
    "server.fault": 500,
    "server.provider_silent": 503,
    "server.registry_away": 503,
    "log.not_handed_over": 503,
}
AWAY_SECONDS: Final = 5  # a new leader takes up to half a minute; whoever waits longer between tries only comes later
BY_STATUS: Final = {
    400: "server.input_unreadable",
    404: "server.not_found",
    405: "server.method_not_allowed",
    413: "server.form_too_large",
}


class Unreadable(Malformed):
    """The input cannot be decoded; ``hint`` says what may stand at the pointer."""

    def __init__(self, error: Exception, kind: type) -> None:
        super().__init__("server.input_unreadable", pointer_of(error), str(error))
        self.hint: Final = hint_of_unreadable(error, kind)


class InputProblems(Malformed):
    """The input has problems, all of them listed."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("server.input_problems")
        self.problems: Final = problems


class StatementRefused(Refused):
    """The statement is recorded, and the registry refused it; the receipt says why."""

    def __init__(self, receipt: Receipt, text: str) -> None:
        super().__init__("server.statement_refused")
        self.problems: Final = told_findings(receipt)
        self.receipt: Final = {"receipt": msgspec.to_builtins(receipt), "text": text}


class Busy(Conflict):
    """The same work is under way; asking again a little later answers it."""

    def __init__(self, code: str, *, retry_after: int) -> None:
        super().__init__(code)
        self.retry_after: Final = retry_after


def told_findings(receipt: Receipt) -> tuple[Problem, ...]:
    """Return what a receipt finds wrong, in words."""
    return tuple(_told(each) for each in receipt.findings if each.severity != "info")


def _told(finding: ReceiptFinding) -> Problem:
    code = finding.code if finding.code in catalogue() and not _has_blanks(finding.code) else "server.statement_refused"
    return msgspec.structs.replace(problem(code, finding.pointer), code=finding.code)


def status_of(error: LuutruError) -> int:
    """Return the HTTP status of an error."""
    if error.code in STATUS:
        return STATUS[error.code]
    return next(status for kind, status in BY_KIND.items() if isinstance(error, kind))


def problem_document(error: LuutruError) -> dict[str, Any]:
    """Return the RFC 9457 object. ``type`` is an address in our documentation; ``code`` is what programs compare."""
    code = error.code if error.code in catalogue() else "server.fault"
    status = status_of(error)
    said = problem(code).message if not _has_blanks(code) else None
    receipt = getattr(error, "receipt", None)
    return {
        "type": f"urn:luutru:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": said.en if said else error.detail,
        "message": msgspec.to_builtins(said) if said else {"vi": error.detail, "en": error.detail},
        "pointer": error.pointer,
        "hint": msgspec.to_builtins(_hint(error, code)),
        "problems": msgspec.to_builtins([with_hint(each) for each in getattr(error, "problems", ())]),
    } | ({"receipt": receipt} if receipt else {})


def _hint(error: LuutruError, code: str) -> Sentence | None:
    return error.hint if isinstance(error, Unreadable) else None if _has_blanks(code) else entry(code).mend


def _has_blanks(code: str) -> bool:
    return "{" in catalogue()[code]["en"]


def install(app: FastAPI) -> None:
    """Make the application answer every error here."""
    app.add_exception_handler(LuutruError, _answer)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _http)


async def _answer(request: Request, error: Exception) -> Response:
    assert isinstance(error, LuutruError)  # noqa: S101  # registered for this class alone
    if request.url.path.startswith("/api/"):
        return problem_answer(error, counted=getattr(request.state, "counted", None))
    if error.code == "server.sign_in_needed" and request.method == "GET":
        return _to_sign_in(request, "/sign-in")
    if error.code == "server.prove_again" and "application/json" not in request.headers.get("content-type", ""):
        return _to_sign_in(request, "/sign-in/again")
    return await run_in_threadpool(_page, request, error)


def problem_answer(error: LuutruError, *, counted: Standing | None = None) -> Response:
    """Answer a program: the problem document, how long to wait where waiting helps, and where the caller stands."""
    status = status_of(error)
    headers = rate_headers(error.standing if isinstance(error, TooMany) else counted)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Bearer realm="luutru"'
    if error.code == "api.scope_missing":
        headers["www-authenticate"] = f'Bearer realm="luutru", error="insufficient_scope", scope="{error.detail}"'
    if isinstance(error, TooMany | Busy):
        headers["retry-after"] = str(error.retry_after)
    return JSONResponse(problem_document(error), status_code=status, media_type=PROBLEM_JSON, headers=headers)


def rate_headers(counted: Standing | None) -> dict[str, str]:
    """Return the headers that tell a caller its allowance (the IETF's RateLimit fields).

    >>> rate_headers(Standing(allowed=3000, per=60, left=2999, ends_in=12))
    {'ratelimit-policy': '"account";q=3000;w=60', 'ratelimit': '"account";r=2999;t=12'}
    """
    if counted is None:
        return {}
    return {
        "ratelimit-policy": f'"account";q={counted.allowed};w={counted.per}',
        "ratelimit": f'"account";r={counted.left};t={counted.ends_in}',
    }


def _to_sign_in(request: Request, page: str) -> Response:
    target = f"{page}?next={quote(_shown_path(request), safe='/')}"
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"hx-redirect": target})  # a polled list must not swallow the sign-in page
    return RedirectResponse(target, status_code=303)


def _shown_path(request: Request) -> str:
    """Return the page to come back to: the one asked for, or the one a form was sent from."""
    if request.method == "GET":
        return request.url.path
    return local_path(urlsplit(request.headers.get("referer", "")).path or "/")


def _page(request: Request, error: LuutruError) -> Response:
    caller = visitor(request, server_of(request))
    code = error.code if error.code in catalogue() and not _has_blanks(error.code) else "server.fault"
    said = problem(code).message
    told = sentence_in(said, spoken_on("error.html", caller))
    return render(request, "error.html", caller=caller, status=status_of(error), code=error.code, said=told)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class alone
    return await _answer(request, Refused(BY_STATUS.get(error.status_code, "server.not_found")))


async def _unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class alone
    first = error.errors()[0]
    pointer = "".join(f"/{part}" for part in first["loc"][1:])
    return await _answer(request, Malformed("server.input_unreadable", pointer, str(first["msg"])))


def fault_answer(request: Request, fault: Exception) -> Response:
    """Answer an unhandled fault: a problem document, a page, or, when even the page fails, one plain sentence."""
    error = Busy("server.registry_away", retry_after=AWAY_SECONDS) if _is_away(fault) else Refused("server.fault")
    if request.url.path.startswith("/api/"):
        return problem_answer(error)
    try:
        return _page(request, error)
    except Exception:  # noqa: BLE001  # nothing may come after this
        said = problem(error.code).message
        return PlainTextResponse(f"{said.vi}\n{said.en}\n", status_code=status_of(error))


def _is_away(fault: Exception) -> bool:
    """Tell whether the registry is gone, changing its leader, or has no connection left, rather than our code at fault."""
    return isinstance(fault, NoConnectionLeft) or (isinstance(fault, DBAPIError) and is_outage(fault))
