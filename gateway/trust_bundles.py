"""Telling kiosks whom to trust about chips: the signed bundle this gateway goes by, retained in pieces where all of them read it.

- Sent when the gateway starts and whenever its own bundle changed; at most ``AT_ONCE`` pieces in one turn, so that receipts are not held up.
- Only a bundle that the authority's key vouches for is sent: it was verified when this gateway took it. A folder is no bundle, and is not sent.
- One worker sends: the one that has shard 0. Others would send the same bytes.
- Pieces past the end of a shorter bundle are cleared while we remember them; one left behind costs its bytes and nothing else.

Example: ``TrustBundles(chips.signed, shards=settings.shards).send(transport, now)``
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final

import structlog

from gateway.port import Transport
from residence.errors import Malformed
from residence.wire.topics import trust_topic
from residence.wire.trust_pieces import cut

AT_ONCE: Final = 16
log = structlog.get_logger("luutru.gateway")


class TrustBundles:
    """What still has to be said. ``signed`` returns the bundle in force as it was signed; empty when there is none."""

    def __init__(self, signed: Callable[[datetime], bytes], *, shards: Collection[int]) -> None:
        self._signed = signed
        self._sends = 0 in shards
        self._seen = b""
        self._pieces = 0
        self._waiting: dict[int, bytes] = {}

    def send(self, transport: Transport, now: datetime) -> int:
        """Send what is due as far as the connection takes it; return how many pieces."""
        if not self._sends:
            return 0
        signed = self._signed(now)
        if signed and signed != self._seen:
            self._begin(signed)
        sent = 0
        for place, payload in list(self._waiting.items())[:AT_ONCE]:
            if not transport.publish(trust_topic(place), payload, retain=True):
                break
            del self._waiting[place]
            sent += 1
        if sent:
            transport.flush()
            log.info("trust bundle sent", pieces=sent, waiting=len(self._waiting))
        return sent

    def _begin(self, signed: bytes) -> None:
        self._seen = signed
        try:
            pieces = cut(signed)
        except Malformed as error:
            log.error(error.code, detail=f"too large to be sent to kiosks: {error.detail}")  # noqa: TRY400 - its frames say no more
            return
        over = dict.fromkeys(range(len(pieces), self._pieces), b"")
        self._waiting = dict(enumerate(pieces)) | over
        self._pieces = len(pieces)
