"""Who calls the API: a program by OAuth, an account's bearer token (``luutru account token``), or a page's session with the CSRF header.

- A program's token reaches as far as its scopes, never beyond its account's area; the policy is asked all the same.
- A bearer is a session of method ``bearer``: stored as a hash, ended like any other, bound to one account and its area.
- A session cookie alone changes nothing: unsafe requests need ``X-CSRF-Token`` as well.
- Requests are counted by client or account; each answer says how many are left.

Example: ``caller.require("declare", "htl-sao-mai")``
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from registry.api_clients import covers, program_of
from residence.errors import Refused, Untrusted
from server.policy import Account
from server.problems import rate_headers
from server.visitor import UNSAFE, account_of, signed_in_account, visitor
from server.wiring import Server, server_of

PROGRAM = "lta_"  # what a program's access token begins with


class ApiCaller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls. ``scopes`` is None for an account itself, which may whatever the policy lets it."""

    account: Account
    scopes: tuple[str, ...] | None = None
    client_id: str | None = None

    def reaches(self, word: str, premises_id: str) -> bool:
        """Tell whether the scopes reach these premises."""
        return self.scopes is None or covers(self.scopes, f"{word}:{premises_id}")

    def require(self, word: str, premises_id: str) -> None:
        """Raise ``Refused("api.scope_missing")`` unless the scopes reach these premises."""
        if not self.reaches(word, premises_id):
            raise Refused("api.scope_missing", detail=word)  # the premises may not be theirs to hear of

    def premises(self, word: str) -> tuple[str, ...]:
        """Return the account's premises that the scopes reach, or raise ``Refused("api.scope_missing")`` when there is none."""
        reached = tuple(each for each in self.account.premises if self.reaches(word, each))
        if self.account.premises and not reached:
            raise Refused("api.scope_missing", detail=word)
        return reached


def api_caller(request: Request, server: Annotated[Server, Depends(server_of)]) -> ApiCaller:
    """Return who calls, counted, or raise ``Untrusted("server.sign_in_needed")``."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else None
    caller = _program(server, bearer) if bearer and bearer.startswith(PROGRAM) else _account(request, server, bearer)
    request.state.counted = server.api_attempts.count(caller.client_id or caller.account.account_id)
    return caller


def _program(server: Server, token: str) -> ApiCaller:
    with server.registry.reading() as connection:
        found = program_of(connection, token, now=server.clock.now())
    if found is None:
        raise Untrusted("server.sign_in_needed")
    return ApiCaller(account=account_of(found.account), scopes=found.scopes, client_id=found.client_id)


def _account(request: Request, server: Server, bearer: str | None) -> ApiCaller:
    if bearer is not None:
        account = signed_in_account(server, bearer)
    else:
        caller = visitor(request, server)
        account = caller.account
        given = request.headers.get("x-csrf-token", "")
        if account is not None and request.method in UNSAFE and not hmac.compare_digest(given.encode(), caller.csrf.encode()):
            raise Refused("server.csrf")
    if account is None:
        raise Untrusted("server.sign_in_needed")
    return ApiCaller(account=account)


Calling = Annotated[ApiCaller, Depends(api_caller)]


class CountedRoute(APIRoute):
    """A route whose answers say where the caller stands."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Wrap the handler."""
        handle = super().get_route_handler()

        async def counted(request: Request) -> Response:
            response: Response = await handle(request)
            for name, value in rate_headers(getattr(request.state, "counted", None)).items():
                response.headers[name] = value
            return response

        return counted
