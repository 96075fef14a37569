"""The kiosk's keyring: the provisioned one, and every signed update since, replayed from the store at each start.

- Updates are kept as the signed bytes they came in and verified again at start, one after the other; a keyring written into the
  database by a thief of the machine counts for nothing.
- The broker retains the last update, so the same one comes with every connection; it is taken once.
- Disk full: the reserve is given up for an update, as for a receipt; without the new keys no receipt could be believed, and no row
  would ever go. Without any room the ring holds all the same until the next start, and the broker brings the update again.
- An update is judged by the time it was accepted; an update that does not hold is skipped, the ring before it stays.

Example: ``anchor = Anchor(store, provisioned=load_keyring(data)); anchor.keyring.current("seal", at=now)``
"""

from __future__ import annotations

from datetime import datetime

from edge_agent.store import Cursor, Store
from residence.clock import parse_instant, rfc3339
from residence.errors import LuutruError
from residence.wire.keyring import Keyring
from residence.wire.updates import accept_update


class Anchor:
    """Holds the ring in force. ``keyring`` is replaced whole, so other threads may read it at any time."""

    def __init__(self, store: Store, *, provisioned: Keyring) -> None:
        self._store = store
        self.keyring = provisioned
        self._taken = b""  # the update that is kept
        self._in_force = b""  # and the one that holds, kept or not
        for payload, accepted_at in store.read("SELECT payload, accepted_at FROM keyring_updates ORDER BY serial"):
            try:
                self.keyring = accept_update(payload, keyring=self.keyring, at=parse_instant(accepted_at))
                self._taken = self._in_force = payload
            except LuutruError:  # older than what was provisioned since, or tampered with: the ring before it stays
                continue

    def accept(self, payload: bytes, *, at: datetime) -> Keyring:
        """Take a signed update and keep it, or raise ``Untrusted`` with the old ring still in force.

        ``Refused("outbox.disk_full")``: it is in force, and could not be kept.
        """
        if payload != self._in_force:
            self.keyring, self._in_force = accept_update(payload, keyring=self.keyring, at=at), payload
        if payload != self._taken:
            row = (self.keyring.serial, payload, rfc3339(at))
            self._store.write_from_reserve(lambda cursor: _keep(cursor, row))
            self._taken = payload
        return self.keyring


def _keep(cursor: Cursor, row: tuple[int, bytes, str]) -> None:
    cursor.execute(
        "INSERT INTO keyring_updates(serial, payload, accepted_at) VALUES(?, ?, ?)"
        " ON CONFLICT(serial) DO UPDATE SET payload = excluded.payload, accepted_at = excluded.accepted_at",
        row,
    )
