"""Whom a process trusts about chips while it runs: a signed bundle or a folder, read again when it changes.

- A file is a bundle: its signature and version are checked against the keys in force, and a version below the one held is refused.
- A folder is what ``luutru trust import`` made. No setting: nobody is trusted, and chips end at level 3.
- Looked at once in ``LOOK_EVERY``; taking certificates in is done only when something changed, never for a card.
- What cannot be read leaves the store in force and is said in the log, once for each change.

Example: ``ChipTrust(Path("trust.bundle"), keyring=lambda: ring, clock=clock).current(now)``
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from residence.credentials.chip.trust_store import TrustStore
from residence.errors import LuutruError

if TYPE_CHECKING:
    from residence.wire.keyring import Keyring

LOOK_EVERY: Final = timedelta(seconds=30)
Stamp = tuple[tuple[str, int, int], ...]
log = structlog.get_logger("luutru.chip")


class ChipTrust:
    """One process's trust store. ``keyring``: the keys that may have signed a bundle; None while they cannot be asked for."""

    def __init__(self, path: Path | None, *, keyring: Callable[[], Keyring | None]) -> None:
        self._path = path
        self._keyring = keyring
        self._store = TrustStore()
        self._signed = b""
        self._stamp: Stamp | None = None
        self._looked_at: datetime | None = None

    def current(self, now: datetime) -> TrustStore:
        """Return the store in force."""
        if self._path is None or (self._looked_at is not None and abs(now - self._looked_at) < LOOK_EVERY):
            return self._store
        self._looked_at = now
        try:
            stamp = _stamp(self._path)
            if stamp != self._stamp and self._take(self._path, now):
                self._stamp = stamp
        except (LuutruError, OSError) as error:
            reason = error.code if isinstance(error, LuutruError) else type(error).__name__
            log.error("chip trust not taken", path=str(self._path), reason=reason, version=self._store.version)  # noqa: TRY400 - expected, and its frames say nothing more
        return self._store

    def signed(self, now: datetime) -> bytes:
        """Return the bundle in force as it was signed; empty for a folder, or while there is none."""
        self.current(now)
        return self._signed

    def _take(self, path: Path, now: datetime) -> bool:
        """Take the path's content in; False while nobody can vouch for it yet."""
        from luutru import trust_folder
        from residence.wire.trust_bundle import accept_bundle, store_of

        if path.is_dir():
            self._store, self._signed = trust_folder.load(path), b""
        else:
            ring = self._keyring()
            if ring is None:
                log.warning("chip trust waits for the keys that vouch for it", path=str(path))
                return False
            data = path.read_bytes()
            self._store = store_of(accept_bundle(data, keyring=ring, at=now, held=self._store.version))
            self._signed = data
        held = self._store
        log.info(
            "chip trust", version=held.version, anchors=len(held.anchors), lists=len(held.lists), left_out=len(held.left_out)
        )
        return True


def _stamp(path: Path) -> Stamp:
    found = sorted(path.iterdir()) if path.is_dir() else [path]
    return tuple((each.name, (about := each.stat()).st_mtime_ns, about.st_size) for each in found)
