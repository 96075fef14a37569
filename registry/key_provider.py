"""Where the registry's keys live: outside the database, behind the smallest port an HSM, TPM or KMS can serve.

- A *period key* wraps people's keys of one commune in one period. It is never in the database nor in its backups; retiring it makes
  every key it wrapped unreadable for ever, backups included.
- An *index key* makes blind indexes. It never changes while an index made by it is in use.
- ``FileKeyProvider`` keeps both in a directory (mode 0700), period keys wrapped by a root key. Whoever copies that directory *and* the
  database reads everything: the directory belongs on another disk, and in other backups.

Example: ``FileKeyProvider(Path("keys"), random_bytes=secrets.token_bytes).period_key("79-demo:2026")``
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from residence.errors import Untrusted

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class KeyProvider(Protocol):
    """What the vault asks of a place that keeps keys."""

    def period_key(self, kek_id: str, *, create: bool = False) -> bytes:
        """Return the 32-byte key, made on first use if ``create``; ``Untrusted("vault.key_retired")`` when there is none."""
        ...

    def retire(self, kek_id: str) -> None:
        """Destroy a period key. What it wrapped is gone."""
        ...

    def index_key(self, purpose: str) -> bytes:
        """Return the 32-byte HMAC key for ``purpose``."""
        ...


class FileKeyProvider:
    """Keys in a directory: for one machine, the demo and tests."""

    def __init__(self, directory: Path, *, random_bytes: Callable[[int], bytes]) -> None:
        self._directory = directory
        self._random_bytes = random_bytes
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "periods").mkdir(mode=0o700, exist_ok=True)
        root = self._kept("root.key")
        self._root = AESGCM(root)
        self._index_root = self._kept("index.key")

    def period_key(self, kek_id: str, *, create: bool = False) -> bytes:
        """Return the period key, unwrapped under the root."""
        path = self._period_path(kek_id)
        if create and not path.exists():
            nonce = self._random_bytes(NONCE_BYTES)
            _write_new(path, nonce + self._root.encrypt(nonce, self._random_bytes(KEY_BYTES), kek_id.encode()))
        try:
            wrapped = path.read_bytes()
        except FileNotFoundError:
            raise Untrusted("vault.key_retired", "", kek_id) from None
        try:
            return self._root.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], kek_id.encode())
        except InvalidTag as error:
            raise Untrusted("vault.wrong_root", "", kek_id) from error

    def retire(self, kek_id: str) -> None:
        """Overwrite and remove the wrapped key."""
        path = self._period_path(kek_id)
        with contextlib.suppress(FileNotFoundError):
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            _sync(path.parent)  # a key that came back with the power would open what was erased

    def index_key(self, purpose: str) -> bytes:
        """Derive the purpose's key from the index root."""
        return hmac.digest(self._index_root, b"luutru index key\x00" + purpose.encode(), "sha256")

    def _period_path(self, kek_id: str) -> Path:
        # Hashed, so that no id can name a path outside the directory.
        return self._directory / "periods" / f"{hashlib.sha256(kek_id.encode()).hexdigest()[:32]}.wrapped"

    def _kept(self, name: str) -> bytes:
        path = self._directory / name
        if not path.exists():
            _write_new(path, self._random_bytes(KEY_BYTES))
        return path.read_bytes()


def _write_new(path: Path, content: bytes) -> None:
    """Write a file nobody else can read; when another process was first, its file stands."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    _sync(path.parent)  # rows are sealed under this key from now on: it must outlive a power cut as they do


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
