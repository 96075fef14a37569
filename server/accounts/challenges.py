"""WebAuthn challenges without a table: each carries its own age and is bound to the visitor's cookie.

- challenge = 8 bytes of issue time (ms) + 16 random bytes + HMAC-SHA256 over purpose, both and the cookie. The key comes from the
  authority's own signing key, so every web process knows every other's challenges.
- It lives five minutes. It works once: a passkey that was used after the challenge was issued does not accept it (``is_spent``).

Example: ``open_challenge(server, make_challenge(server, "sign-in", cookie), purpose="sign-in", cookie=cookie)`` gives its issue time.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, Literal

from residence.errors import Untrusted
from server.wiring import Server

Purpose = Literal["sign-in", "register"]
LIFETIME: Final = timedelta(minutes=5)
_HEAD: Final = 24


def make_challenge(server: Server, purpose: Purpose, cookie: str) -> bytes:
    """Return a new challenge for this visitor."""
    issued = int(server.clock.now().timestamp() * 1000).to_bytes(8, "big")
    head = issued + server.random_bytes(16)
    return head + _tag(server, head, purpose, cookie)


def open_challenge(server: Server, challenge: bytes, *, purpose: Purpose, cookie: str) -> datetime:
    """Return when the challenge was issued, or raise ``Untrusted("server.passkey_failed")``."""
    head, tag = challenge[:_HEAD], challenge[_HEAD:]
    if not hmac.compare_digest(tag, _tag(server, head, purpose, cookie)):
        raise Untrusted("server.passkey_failed", detail="not our challenge")
    issued = datetime.fromtimestamp(int.from_bytes(head[:8], "big") / 1000, UTC)
    if server.clock.now() - issued > LIFETIME:
        raise Untrusted("server.passkey_failed", detail="challenge too old")
    return issued


def is_spent(issued: datetime, last_used_at: datetime | None) -> bool:
    """Tell whether the passkey was used after this challenge was issued: then it may be the same answer again."""
    return last_used_at is not None and last_used_at >= issued


def _tag(server: Server, head: bytes, purpose: Purpose, cookie: str) -> bytes:
    # Ed25519 is deterministic and this text is no COSE structure, so the signature is a key nobody else can make.
    key = sha256(server.signer.sign(b"luutru sign-in challenge key 1")).digest()
    return hmac.digest(key, purpose.encode() + b"\0" + head + cookie.encode(), "sha256")
