"""Asks the authority for this kiosk's document, and believes nothing but signatures: a client of The Update Framework.

- The first root comes with the machine (image or claim); every later one is signed by holders of the one before. No network, no certificate
  and no server is trusted for it.
- What is refused is said by kind: tampered, rolled back, ended, not signed by who may, not to be reached. The kiosk then goes on with what it
  has: an authority that is away, or whose metadata has ended, is an alarm and no reason to stop.
- What was fetched lies beside the metadata and is not fetched again while it is as signed. Another paper (``also``) is of the same moment.
- Time is handed in; a kiosk whose clock is not set calls nothing ended that is not.

Example: ``Fetching(folder, url=url, root=root_bytes, path="ward-01/kiosk-lobby-1/configuration.json").fetch(now)``
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tuf.api import exceptions
from tuf.ngclient import Updater, UpdaterConfig

from firmware_config.signed.document import SIGNED_AT, read_document
from residence.clock import parse_instant
from residence.errors import LuutruError, Malformed, Refused, Untrusted

LIMITS: Final = UpdaterConfig(
    max_root_rotations=32, max_delegations=8, root_max_length=64_000, targets_max_length=1_000_000, snapshot_max_length=1_000_000
)
STALE: Final = "configuration.ended"
UNREACHABLE: Final = "configuration.unreachable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """A document that was signed: its release and hash, which name it, and its files."""

    name: str
    files: Mapping[str, bytes]


class Fetching:
    """One kiosk's way to its document. ``folder`` holds the metadata it has seen, which is how a rollback is noticed."""

    def __init__(
        self, folder: Path, *, url: str, root: bytes, path: str, heard: Callable[[datetime], None] = lambda _at: None
    ) -> None:
        self._folder, self._url, self._root, self._path = folder, url.rstrip("/"), root, path
        self._heard = heard  # when the authority signed: the clock cannot be before it
        self._updater: Updater | None = None  # of the last time the authority was asked, verified up to its list of districts

    def fetch(self, now: datetime) -> Fetched | None:
        """Return the document in force, None when there is none for this kiosk. Raises ``LuutruError`` of the area ``configuration``."""
        self._updater = None
        try:
            updater = self._opened(now)
            updater.refresh()
            self._tell_when_signed(updater._trusted_set.timestamp.unrecognized_fields)  # noqa: SLF001 - refreshed, hence verified
            self._updater = updater
            found = self._download(updater, self._path)
            if found is None:
                return None
            data, digest = found
            document = read_document(data)
            return Fetched(name=f"{document.release}-{digest[:12]}", files=document.files)
        except Exception as error:
            raise _said(error) from error

    def also(self, path: str) -> bytes | None:
        """Return another paper of the same moment as the last ``fetch``; None when there is none, or when that was refused.

        Raises ``LuutruError`` of the area ``configuration`` for a paper that is not as it was signed.
        """
        if self._updater is None:
            return None
        try:
            found = self._download(self._updater, path)
        except Exception as error:
            raise _said(error) from error
        return found[0] if found else None

    def _opened(self, now: datetime) -> Updater:
        metadata, documents = self._folder / "metadata", self._folder / "documents"
        for each in (metadata, documents):
            each.mkdir(parents=True, exist_ok=True)
        updater = Updater(
            str(metadata),
            f"{self._url}/metadata/",
            str(documents),
            f"{self._url}/documents/",
            config=LIMITS,
            bootstrap=self._root,
        )
        updater._trusted_set.reference_time = now  # noqa: SLF001 - the library reads the clock itself; time is passed in here
        return updater

    def _download(self, updater: Updater, path: str) -> tuple[bytes, str] | None:
        """Return a paper and its hash; what lies here already and is as it was signed is not fetched again."""
        target = updater.get_targetinfo(path)
        if target is None:
            return None
        kept = self._folder / "documents" / path.rpartition("/")[2]
        if updater.find_cached_target(target, str(kept)) is None:
            updater.download_target(target, str(kept))
        return kept.read_bytes(), target.hashes["sha256"]

    def _tell_when_signed(self, fields: Mapping[str, object]) -> None:
        said = fields.get(SIGNED_AT)
        if isinstance(said, str):  # repositories of before have none
            with suppress(Malformed):
                self._heard(parse_instant(said))


def _said(error: Exception) -> LuutruError:
    detail = f"{type(error).__name__}: {error}"[:200]
    match error:
        case LuutruError():
            return error
        case exceptions.ExpiredMetadataError():
            return Untrusted(STALE, "", detail)
        case exceptions.BadVersionNumberError():
            return Untrusted("configuration.rollback", "", detail)
        case exceptions.LengthOrHashMismatchError() | exceptions.DownloadLengthMismatchError():
            return Untrusted("configuration.tampered", "", detail)
        case exceptions.DownloadError() | OSError():
            return Refused(UNREACHABLE, "", detail)
        case _:  # the rest of its own errors, and what a hostile server drove its parsers to
            return Untrusted("configuration.signature", "", detail)
