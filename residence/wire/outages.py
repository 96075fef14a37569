"""An outage as the authority signs it: from when to when nothing came through, for whom, and that it was not the declarant's fault.

- A COSE_Sign1 (type ``vnd.luutru.outage+json``) over the JSON of ``OutageWindow``, by the authority's key of use ``receipt``, at the
  outage's end. Whoever declared late because of it can be given it; nothing about a person is in it.
- It names either one premises (its kiosk was cut off) or topic shards (a gateway was away), never both.

Example: ``verify_outage(sign_outage(window, signer), keyring=ring) == window``
"""

from __future__ import annotations

from typing import Final

import msgspec

from residence.cases.outages import Outage, OutageCause
from residence.clock import parse_instant
from residence.errors import Malformed
from residence.wire import signing
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey
from residence.wire.topics import SHARDS, shard_of

MAX_OUTAGE_BYTES: Final = 4096


class OutageWindow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One outage. Times RFC 3339, by the authority's clock."""

    outage_id: str
    cause: OutageCause
    began_at: str
    ended_at: str
    premises_id: str | None = None
    shards: tuple[int, ...] = ()

    def concerns(self, premises_id: str) -> bool:
        """Tell whether declarations from these premises could not come through."""
        return self.premises_id == premises_id if self.premises_id is not None else shard_of(premises_id) in self.shards

    @property
    def outage(self) -> Outage:
        """Return what the judgement needs of it."""
        return Outage(cause=self.cause, began_at=parse_instant(self.began_at), ended_at=parse_instant(self.ended_at))


def sign_outage(window: OutageWindow, signer: SigningKey) -> bytes:
    """Return the signed outage."""
    return signing.sign1(msgspec.json.encode(window), signing.OUTAGE_TYPE, signer)


def verify_outage(data: bytes, *, keyring: Keyring) -> OutageWindow:
    """Return the outage if the authority signed it, or raise ``Malformed("outage.malformed")`` / ``Untrusted`` with the reason."""
    if len(data) > MAX_OUTAGE_BYTES:
        raise Malformed("outage.malformed", "", "too long")
    parts = signing.read_sign1(data)
    signing.require_type(parts, signing.OUTAGE_TYPE)
    window = read_outage(parts.payload)
    key = keyring.find_for_record(parts.key_id, "receipt", signed_at=window.outage.ended_at)
    signing.check_parts(parts, key.public_key)
    return window


def read_outage(payload: bytes) -> OutageWindow:
    """Read a window's JSON, or raise ``Malformed("outage.malformed")``."""
    try:
        window = msgspec.json.decode(payload, type=OutageWindow)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed("outage.malformed", "", str(error)) from error
    if (window.premises_id is None) != bool(window.shards) or not all(0 <= each < SHARDS for each in window.shards):
        raise Malformed("outage.malformed", "", "either premises or shards")
    if not window.outage.began_at <= window.outage.ended_at:
        raise Malformed("outage.malformed", "/ended_at", "before its beginning")
    return window
