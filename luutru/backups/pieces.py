"""A folder of encrypted pieces: one generation is a base and what was committed since, piece by piece, without a gap.

- Every block is AES-256-GCM under the folder's key, bound to its generation, its kind and its number: nothing can be swapped, left out in the middle or taken from elsewhere.
- A piece is there whole or not at all (written beside, synced, renamed). Its name says up to where in the log it reaches.
- A generation counts once its base is whole. The last two are kept.

Example: ``Pieces(folder, key).begin("20261129T090000Z")``
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from registry.durable_files import sync_folder
from residence.errors import Malformed, Refused, Untrusted

KEY_BYTES: Final = 32
KEPT: Final = 2
BLOCK: Final = 4 << 20
BASE: Final = "base"
_NONCE: Final = 12
_TAG: Final = 16


class Generation:
    """One base and its pieces."""

    def __init__(self, folder: Path, key: bytes, *, random_bytes: Callable[[int], bytes]) -> None:
        self.folder: Final = folder
        self._cipher, self._random_bytes = AESGCM(key), random_bytes

    def put_base(self, plain: Path, position: str) -> None:
        """Encrypt a copy of the database as of ``position`` as the base, block by block, each of which knows how many there are."""
        size = plain.stat().st_size
        blocks = max(1, -(-size // BLOCK))
        with plain.open("rb") as source, _whole(self.folder / f"{BASE}-{position}") as target:
            for number in range(blocks):
                target.write(self._sealed(f"{BASE} {position} {number} of {blocks}", source.read(BLOCK)))

    def bring_base(self, plain: Path) -> None:
        """Write the base in the clear."""
        step, base = _NONCE + BLOCK + _TAG, self.folder / f"{BASE}-{self.began}"
        blocks = max(1, -(-base.stat().st_size // step))
        with base.open("rb") as source, plain.open("wb") as target:
            for number in range(blocks):
                target.write(self._opened(f"{BASE} {self.began} {number} of {blocks}", source.read(step)))

    def put(self, number: int, position: str, content: bytes) -> None:
        """Add a piece that reaches up to ``position`` of the log."""
        with _whole(self.folder / f"{number:010d}-{position}") as target:
            target.write(self._sealed(f"{number} {position}", content))

    def pieces(self) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """Give position and opener of every piece in order; ``Untrusted("backup.tampered")`` where one is missing."""
        for expected, path in enumerate(sorted(self.folder.glob("[0-9]*")), 1):
            number, _, position = path.name.partition("-")
            if int(number) != expected:
                raise Untrusted("backup.tampered", "", path.name)

            def opened(path: Path = path, label: str = f"{expected} {position}") -> bytes:
                return self._opened(label, path.read_bytes())

            yield position, opened

    @property
    def began(self) -> str:
        """The position of the base."""
        return next(self.folder.glob(f"{BASE}-*")).name.removeprefix(f"{BASE}-")

    def reaches(self) -> str:
        """Return the position of the newest piece, or of the base when there is none."""
        names = sorted(path.name for path in self.folder.glob("[0-9]*"))
        return names[-1].partition("-")[2] if names else self.began

    def _sealed(self, label: str, content: bytes) -> bytes:
        nonce = self._random_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, content, self._context(label))

    def _opened(self, label: str, sealed: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], self._context(label))
        except (InvalidTag, ValueError) as error:
            raise Untrusted("backup.tampered", "", f"{self.folder.name}: {label}") from error

    def _context(self, label: str) -> bytes:
        return f"luutru backup {self.folder.name} {label}".encode()


class Pieces:
    """The folder of all generations."""

    def __init__(self, folder: Path, key: bytes, *, random_bytes: Callable[[int], bytes]) -> None:
        self.folder: Final = folder
        self._key, self._random_bytes = key, random_bytes

    def begin(self, name: str) -> Generation:
        """Make a new generation, which counts once its base is there."""
        (self.folder / name).mkdir(mode=0o700, parents=True)
        return self._of(name)

    def newest(self) -> Generation:
        """Return the newest generation with a base; ``Refused("backup.none_yet")``."""
        names = sorted(path.parent.name for path in self.folder.glob(f"*/{BASE}-*"))
        if not names:
            raise Refused("backup.none_yet", "", str(self.folder))
        return self._of(names[-1])

    def let_go(self) -> None:
        """Delete all but the last generations that count, and what was begun before them and never did."""
        names = sorted(path.parent.name for path in self.folder.glob(f"*/{BASE}-*"))
        for path in self.folder.iterdir():
            if path.is_dir() and names and path.name < names[-KEPT:][0]:
                shutil.rmtree(path)

    def _of(self, name: str) -> Generation:
        return Generation(self.folder / name, self._key, random_bytes=self._random_bytes)


def read_key(path: Path, *, random_bytes: Callable[[int], bytes], make: bool) -> bytes:
    """Return the folder's key, made at first; ``Malformed("key.file_malformed")``, ``Refused("key.file_missing")``."""
    if make and not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _whole(path) as target:
            target.write(random_bytes(KEY_BYTES))
    try:
        key = path.read_bytes()
    except OSError as error:
        raise Refused("key.file_missing", "", str(path)) from error
    if len(key) != KEY_BYTES:
        raise Malformed("key.file_malformed", "", str(path))
    return key


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """Write a file beside its place and put it there synced, or not at all."""
    beside = path.with_name(f".{path.name}.part")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        beside.unlink()
        raise
    beside.rename(path)
    sync_folder(path.parent)
