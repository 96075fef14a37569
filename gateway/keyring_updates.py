"""Telling kiosks which keys of the authority hold: the signed ring, retained on every kiosk's ``.../c``.

- Sent to every enrolled kiosk of our shards when the gateway starts and whenever a key of the authority changed; at most ``AT_ONCE`` in
  one turn, so that a large fleet does not hold up receipts.
- Sent again to a kiosk whose state says that its ring is older, whatever became of the retained message.
- The serial follows from the registry's keys alone (``residence/wire/updates.py``): gateways agree on it and restarts do not change it.
- Without a key of use ``keyring`` kiosks cannot be told; that is logged once, and nothing else suffers.

Example: ``updates.heard(state); updates.send(transport, now)``
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

import structlog

from gateway.port import Transport
from gateway.trust import Trust, TrustStore
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey
from residence.wire.state import KioskState
from residence.wire.topics import SHARDS, shard_of, topic
from residence.wire.updates import ring_for_kiosks, sign_update

AT_ONCE: Final = 500
MAX_UPDATE_BYTES: Final = 15 * 1024  # the broker takes messages of 16 KiB
log = structlog.get_logger("luutru.gateway")


class KeyringUpdates:
    """What kiosks still have to be told. Used from the worker's thread only."""

    def __init__(self, trust: TrustStore, *, signer: SigningKey | None, shards: Collection[int] = range(SHARDS)) -> None:
        self._trust = trust
        self._signer = signer
        self._shards = frozenset(shards)
        self._seen: Trust | None = None
        self._ring = Keyring(())
        self._payload = b""
        self._told: dict[str, str] = {}  # kiosk id -> site, of whom the ring in force was sent to
        self._waiting: dict[str, str] = {}
        if signer is None:
            log.warning("kiosks cannot be told of new or revoked keys: no keyring.key")

    def heard(self, state: KioskState) -> None:
        """Note a kiosk that says it holds an older ring, or none."""
        if state.online and state.keyring_serial < self._ring.serial and state.kiosk_id in self._told:
            self._waiting[state.kiosk_id] = self._told[state.kiosk_id]

    def send(self, transport: Transport, now: datetime) -> int:
        """Send what is due as far as the connection takes it; return to how many kiosks."""
        if self._signer is None:
            return 0
        trust = self._trust.current(now)
        if trust is not self._seen:
            self._look(trust, self._signer)
        sent = 0
        for kiosk_id, site in list(self._waiting.items())[:AT_ONCE]:
            if not transport.publish(topic(site, kiosk_id, "c"), self._payload, retain=True):
                break
            self._told[kiosk_id] = self._waiting.pop(kiosk_id)
            sent += 1
        if sent:
            transport.flush()
            log.info("keyring sent", serial=self._ring.serial, kiosks=sent, waiting=len(self._waiting))
        return sent

    def _look(self, trust: Trust, signer: SigningKey) -> None:
        """Take a changed snapshot into account."""
        ring = ring_for_kiosks(trust.keyring.entries)
        payload = sign_update(ring, signer)
        self._seen = trust
        if len(payload) > MAX_UPDATE_BYTES:
            log.error("keyring too large to be sent", serial=ring.serial, bytes=len(payload))
            return
        if payload != self._payload:
            self._ring, self._payload, self._told = ring, payload, {}
        ours = {
            each.kiosk_id: each.premises_id for each in trust.enrolments.values() if shard_of(each.premises_id) in self._shards
        }
        self._waiting = {kiosk_id: site for kiosk_id, site in ours.items() if self._told.get(kiosk_id) != site}
