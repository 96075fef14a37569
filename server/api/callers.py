"""Who calls the API: a bearer token made with ``luutru account token``, or a signed-in page's session with the CSRF header.

- A bearer is a session of method ``bearer``: stored as a hash, ended like any other, bound to one account and its area.
- A session cookie alone changes nothing: unsafe requests need ``X-CSRF-Token`` as well.
"""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import Depends, Request

from residence.errors import Refused, Untrusted
from server.policy import Account
from server.visitor import UNSAFE, signed_in_account, visitor
from server.wiring import Server, server_of


def api_account(request: Request, server: Annotated[Server, Depends(server_of)]) -> Account:
    """Return the calling account, or raise ``Untrusted("server.sign_in_needed")``."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        account = signed_in_account(server, token.strip())
    else:
        caller = visitor(request, server)
        account = caller.account
        given = request.headers.get("x-csrf-token", "")
        if account is not None and request.method in UNSAFE and not hmac.compare_digest(given.encode(), caller.csrf.encode()):
            raise Refused("server.csrf")
    if account is None:
        raise Untrusted("server.sign_in_needed")
    return account


ApiAccount = Annotated[Account, Depends(api_account)]
