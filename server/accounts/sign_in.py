"""What makes somebody signed in: a one-time link, a passkey or an identity provider; every attempt is in the audit.

- Success always begins a new session with a new cookie; a cookie somebody planted before is never raised to signed-in.
- Proving again, for a sensitive act or after a lock, is a sign-in by the same account that ends the session it stands for.
- The audit names the account and a code, never a token.
- There is no password anywhere.
"""

from __future__ import annotations

from fastapi import Request
from sqlalchemy import Connection

from registry import accounts, sessions
from registry.accounts import KnownAccount
from registry.sessions import Beginning, Session
from residence.errors import Untrusted
from server.accounts.devices import device_of
from server.visitor import Visitor, new_token
from server.wiring import Server


def sign_in_by_link(server: Server, link_token: str, *, device: str) -> str:
    """Spend the link and return the new session's token, or raise ``Refused("server.link_spent")``."""
    with server.registry.writing() as connection:
        account = accounts.spend_link(connection, link_token, now=server.clock.now())
        return begin_session(server, connection, account, beginning=Beginning(method="setup-link", device=device))


def begin_session(server: Server, connection: Connection, account: KnownAccount, *, beginning: Beginning) -> str:
    """Begin a session in the caller's transaction and return its token."""
    token = new_token(server)
    sessions.open_session(
        connection, account, token, beginning=beginning, now=server.clock.now(), lifetime=server.settings.session_absolute
    )
    note(server, connection, "signed-in", account=account, code=beginning.method)
    return token


def begin_again(server: Server, connection: Connection, account: KnownAccount, *, beginning: Beginning, standing: Session) -> str:
    """Put a newly proved session in the place of a standing one; another's proof raises ``Untrusted("server.proved_by_another")``."""
    if account.account_id != standing.account_id:
        raise Untrusted("server.proved_by_another")
    sessions.end_device(connection, account, standing.session_id, now=server.clock.now())
    return begin_session(server, connection, account, beginning=beginning)


def standing_session(caller: Visitor) -> Session:
    """Return the caller's session, locked or not, or raise ``Untrusted("server.sign_in_needed")``."""
    if caller.session is None:
        raise Untrusted("server.sign_in_needed")
    return caller.session


def device(request: Request) -> str:
    """Return what the caller's browser calls itself, in short."""
    return device_of(request.headers.get("user-agent", ""))


def note(server: Server, connection: Connection, event: str, *, account: KnownAccount, code: str = "") -> None:
    """Write one line of the sign-in audit."""
    accounts.audit(
        connection,
        event,
        commune_code=account.commune_code,
        account_id=account.account_id,
        now=server.clock.now(),
        noise=server.random_bytes(10),
        code=code,
    )
