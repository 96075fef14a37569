"""A provider says that its own session is over (OpenID Connect Back-Channel Logout 1.0): ours that came by it end, too.

- The logout token is the whole proof; there is no cookie and no form of ours. It ends what began before it was made, so the same token
  again, kept by whoever, ends nothing new.
- 200 when it was taken, whether or not anything was left to end; 400 when it was not. Never cached.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from registry import identities, sessions
from residence.errors import LuutruError
from server.accounts.issuers import Issuer
from server.accounts.provider_flow import line_of
from server.accounts.provider_tokens import LEEWAY, Ended, read_logout_token
from server.visitor import Form
from server.wiring import Server, caller_address, server_of

router = APIRouter()
Wired = Annotated[Server, Depends(server_of)]


@router.post("/providers/{name}/ended")
def ended(request: Request, *, server: Wired, name: str, form: Form) -> Response:
    """End the sessions a provider says are over."""
    server.token_attempts.count(caller_address(request))
    line = line_of(server, name)
    now = server.clock.now()
    try:
        end = line.read(lambda keys: read_logout_token(form.get("logout_token", ""), keys, line.issuer, now=now))
    except LuutruError as error:
        return JSONResponse({"error": "invalid_request", "error_description": error.code}, status_code=400)
    _end(server, line.issuer, end)
    return Response(status_code=200)


def _end(server: Server, issuer: Issuer, end: Ended) -> None:
    now, begun_by = server.clock.now(), end.at + LEEWAY  # its clock is not ours, and its seconds are whole
    with server.registry.writing() as connection:
        if end.sid is not None:
            sessions.end_by_provider(connection, issuer.name, end.sid, begun_by=begun_by, now=now)
            return
        account = identities.account_of(connection, server.registry.vault.identity_index(issuer.issuer, end.subject or ""))
        if account is not None:
            sessions.end_of_account_by_provider(connection, account, issuer.name, begun_by=begun_by, now=now)
