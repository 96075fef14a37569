"""Webhooks by Standard Webhooks: what is signed, how keys are written, and how often a message is tried. Pure.

- Signed is ``<message id>.<unix seconds>.<body>``: ``v1`` by HMAC-SHA-256 with a shared secret, ``v1a`` by Ed25519, whose public half anybody may have.
- While a key is changed over, a message carries two signatures, the new key's first; a receiver takes it when one of them holds.
- Keys are 32 bytes, written with a prefix so that one that leaked is found: ``whsec_`` a shared secret, ``whpk_`` a public key.
- A message is tried ten times in a little over three days; the pauses grow, each spread by up to a fifth so that not all come at once.

>>> HookKey(signing="hmac", raw=bytes(32)).signature("msg", 1, b"{}")[:12]
'v1,LdLRKEz1A'
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from residence.wire.signing import SigningKey

Signing = Literal["hmac", "ed25519"]
KEY_BYTES: Final = 32
PAUSES: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=each) for each in (2, 5, 10, 14, 20, 24)),
)
SPREAD: Final = 0.2
SILENT_AT_MOST: Final = timedelta(minutes=15)  # how long an address that does not answer is left alone
GIVE_UP: Final = timedelta(days=5)  # an address that took nothing for so long is written to no more


class HookKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of one subscription."""

    signing: Signing
    raw: bytes

    def __repr__(self) -> str:
        """Say nothing of it."""
        return "HookKey(...)"

    @property
    def told(self) -> str:
        """Return what the receiver checks with."""
        if self.signing == "hmac":
            return "whsec_" + b64encode(self.raw).decode()
        return "whpk_" + b64encode(SigningKey("webhook", self.raw).public_key).decode()

    def signature(self, message_id: str, seconds: int, body: bytes) -> str:
        """Return one signature with its version."""
        signed = f"{message_id}.{seconds}.".encode() + body
        if self.signing == "hmac":
            return "v1," + b64encode(hmac.digest(self.raw, signed, "sha256")).decode()
        return "v1a," + b64encode(SigningKey("webhook", self.raw).sign(signed)).decode()


def signed_headers(keys: Sequence[HookKey], *, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers of a message, signed with each key."""
    seconds = int(at.timestamp())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(each.signature(message_id, seconds, body) for each in keys),
    }


def pause_after(attempts: int, *, fraction: float) -> timedelta | None:
    """Return how long to wait after so many attempts; None: that was the last. ``fraction``: in [0, 1), drawn."""
    return PAUSES[attempts - 1] * (1 + SPREAD * fraction) if attempts <= len(PAUSES) else None
