"""The authority's trust bundle as a kiosk holds it: gathered from the line, verified, kept as it came, and verified again at each start.

- The signer must be a key of use ``keyring`` in the ring in force, and the version must rise: an older bundle, or another of the same version, is
  refused with the one held in force. The same bundle comes with every connection and is taken once.
- A bundle whose time is over is still the best there is: it is kept, and the store it makes calls its revocation lists stale.
- ``health`` says what an operator should know: ``degraded`` with ``trust.rollback`` or whatever refused the last one that came, or ``trust.ended``.
- Disk full: it is in force until the next start, and the broker brings it again.

Example: ``papers = TrustPapers(store, keyring=lambda: outbox.anchor.keyring); papers.take(payload, at=now)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from edge_agent.store import Cursor, Store
from residence.clock import parse_instant, rfc3339
from residence.credentials.chip.trust_store import TrustStore
from residence.errors import LuutruError, Refused, Untrusted
from residence.wire.keyring import Keyring
from residence.wire.trust_bundle import TrustBundle, accept_bundle, store_of
from residence.wire.trust_pieces import Gathered, read_piece

ENDED: Final = "trust.ended"
_log = structlog.get_logger("kiosk.chip")


class TrustPapers:
    """What the authority sent. ``store`` is replaced whole, so any thread may read it."""

    def __init__(
        self, store: Store, *, keyring: Callable[[], Keyring], heard: Callable[[datetime], None] = lambda _at: None
    ) -> None:
        self._disk = store
        self._keyring = keyring
        self._heard = heard  # when the authority signed: the clock cannot be before it
        self._gathered = Gathered()
        self._taken = b""
        self._trouble = ""
        self.store = TrustStore()
        for payload, accepted_at in store.read("SELECT payload, accepted_at FROM trust_bundle"):
            try:
                self._hold(payload, accept_bundle(payload, keyring=keyring(), at=parse_instant(accepted_at)))
            except LuutruError as error:  # tampered with, or by a key since revoked
                _log.warning(error.code)

    def take(self, payload: bytes, *, at: datetime) -> bool:
        """Take one piece; tell whether a new bundle is whole with it. Raises ``Malformed`` / ``Untrusted`` with the old one in force."""
        if not payload:
            return False  # cleared: the bundle in force has fewer pieces
        self._gathered = self._gathered.with_piece(read_piece(payload))
        whole = self._gathered.whole
        if whole is None:
            return False
        self._gathered = Gathered()
        if whole == self._taken:
            self._trouble = ""
            return False
        try:
            bundle = accept_bundle(whole, keyring=self._keyring(), at=at, held=self.store.version)
            if bundle.version == self.store.version:
                raise Untrusted("trust.rollback", "/version", f"{bundle.version} is held, and is another")
        except LuutruError as error:
            self._trouble = error.code
            raise
        self._hold(whole, bundle)
        self._keep(whole, at)
        held = self.store
        _log.info("chip trust from the authority", version=held.version, anchors=len(held.anchors), lists=len(held.lists))
        return True

    def health(self, now: datetime) -> str:
        """Return ``ok``, or ``degraded`` and why."""
        why = self._trouble or (ENDED if self.store.has_run_out(now) else "")
        return f"degraded:{why}" if why else "ok"

    def _hold(self, payload: bytes, bundle: TrustBundle) -> None:
        self.store, self._taken, self._trouble = store_of(bundle), payload, ""
        self._heard(bundle.issued)

    def _keep(self, payload: bytes, at: datetime) -> None:
        def write(cursor: Cursor) -> None:
            cursor.execute("DELETE FROM trust_bundle")
            cursor.execute("INSERT INTO trust_bundle(payload, accepted_at) VALUES(?, ?)", (payload, rfc3339(at)))

        try:
            with self._disk.transaction(growing=True) as cursor:
                write(cursor)
        except Refused as error:
            _log.warning(error.code, what="trust bundle")
