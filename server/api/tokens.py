"""How a program gets in: OAuth 2.0 client credentials (RFC 6749, section 4.4), with scopes per premises.

- The client is known by HTTP Basic or by ``client_id`` and ``client_secret`` in the form; a token ends after an hour and is asked for anew.
- Without ``scope`` the token has all that was granted; a scope beyond that is refused, never narrowed in silence.
- Refusals have the form the standard gives them (section 5.2), and guessing is counted by address.

Example: ``curl -u ID:SECRET -d grant_type=client_credentials https://luutru.example/api/v1/oauth/token``
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import unquote_plus

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from registry.api_clients import ApiClient, add_token, covers, known_client
from server.api.callers import PROGRAM
from server.visitor import Form, new_token
from server.wiring import Server, caller_address, server_of

router = APIRouter(prefix="/v1/oauth")
Wired = Annotated[Server, Depends(server_of)]
GRANT: Final = "client_credentials"
STATUS: Final = {"invalid_client": 401}


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An access token. ``expires_in``: seconds."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class TokenRefusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no token: invalid_request, invalid_client, unsupported_grant_type or invalid_scope."""

    error: str
    error_description: str


@router.post("/token")
def post_token(request: Request, server: Wired, form: Form) -> Response:
    """Give a program a token."""
    server.token_attempts.count(caller_address(request))
    client_id, secret = _credentials(request, form)
    now = server.clock.now()
    if form.get("grant_type") is None or not client_id or not secret:
        return _refused("invalid_request", "grant_type, client_id and client_secret are needed")
    with server.registry.writing() as connection:
        client = known_client(connection, client_id, secret, now=now)
        if client is None:
            return _refused("invalid_client", "no active program has this id and secret")
        if form["grant_type"] != GRANT:
            return _refused("unsupported_grant_type", f"only {GRANT}")
        scopes = _scopes(client, form.get("scope", ""))
        if scopes is None:
            return _refused("invalid_scope", f"granted: {' '.join(client.grants)}")
        token, lifetime = PROGRAM + new_token(server), server.settings.api_token_lifetime
        add_token(connection, client, token, scopes=scopes, now=now, lifetime=lifetime)
    return _answer(
        TokenAnswer(
            access_token=token,
            token_type="Bearer",  # noqa: S106  # the standard's word
            expires_in=int(lifetime.total_seconds()),
            scope=" ".join(scopes),
        ),
        200,
    )


def _credentials(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, secret = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)


def _scopes(client: ApiClient, asked: str) -> tuple[str, ...] | None:
    """Return the scopes of a token, None when more is asked than was granted."""
    wanted = tuple(sorted(set(asked.split()))) or client.grants
    return wanted if all(covers(client.grants, each) for each in wanted) else None


def _refused(error: str, why: str) -> Response:
    return _answer(TokenRefusal(error=error, error_description=why), STATUS.get(error, 400))


def _answer(content: msgspec.Struct, status: int) -> Response:
    headers = {"cache-control": "no-store"}
    if status == STATUS["invalid_client"]:
        headers["www-authenticate"] = 'Basic realm="luutru"'
    return Response(msgspec.json.encode(content), status_code=status, media_type="application/json", headers=headers)
