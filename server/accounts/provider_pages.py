"""Signing in by an OpenID provider, proving oneself again by it, and binding one of its identities to one's own account.

- Beginning is a press of a button on our own page (``guard``); the browser comes back by a link, and what that is worth ``provider_flow`` says.
- An identity nobody bound opens nothing, and makes nothing, unless its provider is believed about a person's number (``Issuer.number_claim``).
- A provider opens accounts of its roles alone, whoever bound what.
- Signing out here ends our session; the page after it offers to end the provider's, too (RP-Initiated Logout): on a shared computer
  the next person would come in by it.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from registry import identities
from registry.accounts import KnownAccount, find_account
from registry.sessions import Beginning
from registry.ways_in import require_removable
from residence.errors import Refused, Untrusted
from server.accounts.destinations import destination
from server.accounts.issuers import Issuer
from server.accounts.provider_flow import Going, begin, finish, line_of
from server.accounts.provider_line import ProviderLine
from server.accounts.provider_tokens import Identity
from server.accounts.sign_in import begin_again, begin_session, device, note, standing_session
from server.home import local_path
from server.pages import render
from server.visitor import Caller, Form, FreshlySignedIn, Visitor, keep_cookie
from server.wiring import Server, caller_address, server_of

router = APIRouter()
Wired = Annotated[Server, Depends(server_of)]


@router.post("/sign-in/with/{name}")
def go(request: Request, caller: Caller, *, server: Wired, form: Form, name: str) -> Response:
    """Send the browser to a provider, to sign in or, with ``again``, to prove whose the session is."""
    server.sign_in_attempts.count(caller_address(request))
    line = line_of(server, name)
    again = form.get("again") == "yes"
    going = Going(
        provider=name,
        purpose="again" if again else "sign-in",
        target=local_path(form.get("next", "/")),
        begun=server.clock.now(),
        account_id=standing_session(caller).account_id if again else None,
    )
    return _leave(request, caller, line, going)


@router.post("/account/identities/{name}")
def go_to_bind(request: Request, caller: Caller, *, account: FreshlySignedIn, server: Wired, name: str) -> Response:
    """Send the browser to a provider whose identity is to open this account from now on."""
    server.policy.require(account, "bind_identity", resource=account)  # an identity is a person's, a slip's page is a stay's
    line = line_of(server, name)
    if account.role not in line.issuer.roles:
        raise Refused("server.not_found")
    going = Going(provider=name, purpose="bind", target="/account", begun=server.clock.now(), account_id=account.account_id)
    return _leave(request, caller, line, going)


def _leave(request: Request, caller: Visitor, line: ProviderLine, going: Going) -> Response:
    """Answer with a page that leads on by itself: our content policy lets no form end at another host, and need not."""
    where = begin(server_of(request), caller, line, going)
    return render(request, "accounts/going.html", caller=caller, issuer=line.issuer, where=where)


@router.get("/sign-in/with/{name}/back")
def come_back(request: Request, caller: Caller, *, server: Wired, name: str) -> Response:
    """Take the provider's answer."""
    server.sign_in_attempts.count(caller_address(request))
    line = line_of(server, name)
    going, identity = finish(server, caller, line, request.query_params)
    with server.registry.writing() as connection:
        if going.purpose == "bind":
            _bind(server, connection, caller, going=going, issuer=line.issuer, identity=identity)
            return RedirectResponse("/account", status_code=303)
        account = _account(server, connection, line.issuer, identity)
        beginning = Beginning(method="provider", device=device(request), provider=name, provider_session=identity.sid)
        if going.purpose == "again":
            standing = standing_session(caller)
            token = begin_again(server, connection, account, beginning=beginning, standing=standing)
        else:
            token = begin_session(server, connection, account, beginning=beginning)
    to = going.target if going.purpose == "again" else destination(server, token, going.target)
    response = RedirectResponse(to, status_code=303)
    keep_cookie(server, response, token)
    return response


def _account(server: Server, connection: Connection, issuer: Issuer, identity: Identity) -> KnownAccount:
    now, index = server.clock.now(), server.registry.vault.identity_index(issuer.issuer, identity.subject)
    account = identities.account_of(connection, index, now=now)
    if account is None and identity.number is not None:
        account = identities.account_by_number(
            connection, identity.number, vault=server.registry.vault, now=now, random_bytes=server.random_bytes
        )
        if account is not None:
            identities.bind(connection, account, index, provider=issuer.name, now=now)
            note(server, connection, "identity-by-number", account=account, code=issuer.name)
    if account is None or account.role not in issuer.roles:
        raise Refused("server.identity_unknown")
    return account


def _bind(server: Server, connection: Connection, caller: Visitor, *, going: Going, issuer: Issuer, identity: Identity) -> None:
    if caller.account is None or caller.account.account_id != going.account_id:
        raise Untrusted("server.proved_by_another")
    known = find_account(connection, caller.account.name)
    if known is None or known.role not in issuer.roles:
        raise Refused("server.identity_unknown")
    index = server.registry.vault.identity_index(issuer.issuer, identity.subject)
    identities.bind(connection, known, index, provider=issuer.name, now=server.clock.now())
    note(server, connection, "identity-added", account=known, code=issuer.name)


@router.post("/account/identities/{name}/remove")
def unbind(*, account: FreshlySignedIn, server: Wired, form: Form, name: str) -> Response:
    """Let an identity open this account no more."""
    server.policy.require(account, "manage_account", resource=account)
    with server.registry.writing() as connection:
        known, wanted, now = find_account(connection, account.name), form.get("identity_id", ""), server.clock.now()
        for each in identities.identities_of(connection, account.account_id):
            if each.identity_id == wanted:
                waits = server.settings.recovery_waits
                require_removable(connection, account.account_id, each.created_at, now=now, waits=waits)
        if identities.remove(connection, account.account_id, wanted) and known is not None:
            note(server, connection, "identity-removed", account=known, code=name[:32])
    return RedirectResponse("/account", status_code=303)


@router.get("/signed-out")
def signed_out(request: Request, caller: Caller, server: Wired, by: str = "") -> Response:
    """Say that the session is over, and lead to where the provider's own is ended."""
    line, where = server.providers.get(by), None
    if line is not None:
        try:
            ends = line.about().end_session_endpoint
        except (Refused, Untrusted):
            ends = None
        asked = {"client_id": line.issuer.client_id, "post_logout_redirect_uri": f"{server.settings.origin}/signed-out"}
        where = f"{ends}{'&' if '?' in ends else '?'}{urlencode(asked)}" if ends else None
    return render(request, "accounts/signed_out.html", caller=caller, issuer=line.issuer if line else None, where=where)
