"""What makes somebody signed in: a one-time link or a passkey, and nothing else; every attempt is in the audit.

- Success always begins a new session with a new cookie; a cookie somebody planted before is never raised to signed-in.
- The audit names the account and a code, never a token.
- There is no password anywhere.
"""

from __future__ import annotations

from sqlalchemy import Connection

from registry import accounts
from registry.accounts import KnownAccount
from server.visitor import new_token
from server.wiring import Server


def sign_in_by_link(server: Server, link_token: str) -> str:
    """Spend the link and return the new session's token, or raise ``Refused("server.link_spent")``."""
    with server.registry.writing() as connection:
        account = accounts.spend_link(connection, link_token, now=server.clock.now())
        return begin_session(server, connection, account, method="setup-link")


def begin_session(server: Server, connection: Connection, account: KnownAccount, *, method: str) -> str:
    """Begin a session in the caller's transaction and return its token."""
    token = new_token(server)
    now = server.clock.now()
    accounts.open_session(connection, account, token, method=method, now=now, lifetime=server.settings.session_absolute)
    note(server, connection, "signed-in", account=account, code=method)
    return token


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
