"""Where somebody goes who has just signed in.

- Where they wanted to, else the start page of their role.
- An officer's and an operator's account is one person's: a second place is shown before anything else, and can be ended there.

Example: ``destination(server, token, "/")`` is ``/police/queue`` for an officer signed in nowhere else
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from registry.sessions import devices_of
from server.home import start_page
from server.visitor import live_session
from server.wiring import Server

ONE_PERSONS: Final = frozenset({"officer", "operator"})


def destination(server: Server, token: str, target: str) -> str:
    """Return the path to go to; ``target`` is a path of this server."""
    account, session = live_session(server, token)
    if account is None or session is None:
        return target
    wanted = start_page(account) if target == "/" else target
    if account.role not in ONE_PERSONS:
        return wanted
    with server.registry.reading() as connection:
        places = devices_of(connection, session, now=server.clock.now(), idle=server.settings.session_idle)
    return f"/account/places?next={quote(wanted, safe='/')}" if len(places) > 1 else wanted
