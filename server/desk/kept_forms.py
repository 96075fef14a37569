"""What a desk's page needs to keep a form through a lost connection: a key of its account.

- The key is given to signed-in pages alone and never stored in the browser, so what waits there says nothing to whoever takes the machine.
- It is the same for all sessions of the account: what was kept before signing out is sent after signing in.

Example: ``queue_key(server, account)`` -> 44 letters of base64
"""

from __future__ import annotations

from base64 import b64encode

from server.policy import Account
from server.wiring import Server


def queue_key(server: Server, account: Account) -> str:
    """Return the account's key for what its pages keep, as text for a page."""
    return b64encode(server.registry.vault.desk_key(account.account_id)).decode()
