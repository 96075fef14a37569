"""Whom the gateway believes right now: the keyring and the enrolled kiosks, as a snapshot of the registry.

- The registry's key table is the only truth; what the broker lets in is not. A revoked key is refused within ``CHECK_EVERY``,
  on live connections too.
- A check is one small aggregate; the ring is rebuilt only when it changed.
- What was read against a snapshot is asked for once more inside the transaction that records it: nothing is recorded after a revocation.
- No snapshot, no intake: when the registry cannot be read the last snapshot is *not* used beyond its age.

Example: ``trust = store.current(now)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Connection

from gateway.clock_claims import USUAL_BOUNDS, ClockBounds
from registry import kiosks
from registry.database import Registry
from registry.kiosks import Enrolment
from residence.credentials.chip.trust_store import TrustStore as ChipTrustStore
from residence.wire.keyring import Keyring

CHECK_EVERY: Final = timedelta(seconds=1)


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot: public keys and kiosks not retired."""

    keyring: Keyring
    enrolments: dict[str, Enrolment]
    revoked_receipt_keys: frozenset[str] = frozenset()


class TrustStore:
    """Keeps a snapshot no older than ``CHECK_EVERY``, how far a kiosk's confirmed clock may be from ours, and whose chips are believed."""

    def __init__(
        self,
        registry: Registry,
        *,
        check_every: timedelta = CHECK_EVERY,
        clock_bounds: ClockBounds = USUAL_BOUNDS,
        chip_trust: Callable[[datetime], ChipTrustStore] = lambda _now: ChipTrustStore(),
    ) -> None:
        self.clock_bounds: Final = clock_bounds
        self.chip_trust: Final = chip_trust
        self._registry = registry
        self._check_every = check_every
        self._trust: Trust | None = None
        self._stamp = ""
        self._checked_at: datetime | None = None

    def current(self, now: datetime) -> Trust:
        """Return the snapshot in force, asking the registry when the last check is too old."""
        fresh = self._checked_at is not None and abs(now - self._checked_at) < self._check_every
        if self._trust is None or not fresh:
            self._check(now)
        assert self._trust is not None  # noqa: S101 - set by _check
        return self._trust

    def revoked_in(self, connection: Connection) -> frozenset[str]:
        """Return the keys revoked up to now; none more is, until the transaction of ``connection`` ends."""
        return kiosks.revoked_keys(connection)

    def site_of(self, kiosk_id: str) -> str | None:
        """Return where a kiosk was enrolled when we looked last; only whose turn it is hangs on it."""
        enrolment = self._trust.enrolments.get(kiosk_id) if self._trust else None
        return enrolment.premises_id if enrolment else None

    def forget(self) -> None:
        """Ask again before the next use."""
        self._checked_at = None

    def _check(self, now: datetime) -> None:
        with self._registry.reading() as connection:
            stamp = kiosks.trust_stamp(connection)
            if self._trust is None or stamp != self._stamp:
                ring = Keyring(kiosks.keyring_entries(connection))
                enrolments = {each.kiosk_id: each for each in kiosks.enrolled(connection)}
                revoked = frozenset(each.key_id for each in ring.entries if each.use == "receipt" and each.revoked_at)
                self._trust = Trust(keyring=ring, enrolments=enrolments, revoked_receipt_keys=revoked)
                self._stamp = stamp
        self._checked_at = now
