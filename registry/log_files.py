"""The log as a folder of files: written so that a crash leaves either the old log or the new one, and by one process at a time.

- Order: bundles, tiles, all of it on the disk, then the checkpoint in one rename. A tile a dead process left is written again, and
  with other content under the same name only while no checkpoint covers it.
- The folder is what anybody may fetch (``/log`` of the server, or any web server); the private key lies elsewhere.
- ``key`` holds the log's public key, ``witnesses`` those of the witnesses it asks, for convenience: whoever trusts them because they lie here
  trusts nothing more than the folder.

Example: ``with LogFiles(Path("log")).writing() as log: log.append(entries, signer=signer)``
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from registry.durable_files import replace_whole, sync_folder, write_synced
from residence.errors import Conflict, Malformed
from residence.transparency.checkpoints import Checkpoint, open_checkpoint, sign_checkpoint
from residence.transparency.merkle import EMPTY_ROOT, tree_root
from residence.transparency.notes import Key, Signer
from residence.transparency.tiles import Tiles, grown

CHECKPOINT: Final = "checkpoint"
KEY: Final = "key"
WITNESSES: Final = "witnesses"
STATEMENTS: Final = "statements"  # the folder of the log of statements, in that of the log of looks
FOR_ALL: Final = 0o644  # what anybody may fetch


class LogFiles:
    """A log's folder, to read from and, for its one writer, to append to."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder

    def fetch(self, path: str) -> bytes:
        """Return a file's content, or raise ``Malformed("log.file_missing")``: a ``Fetch``."""
        try:
            return (self.folder / path).read_bytes()
        except OSError as error:
            raise Malformed("log.file_missing", "", path) from error

    def note(self) -> str | None:
        """Return the checkpoint as it lies there; None for a log nobody has begun."""
        try:
            return (self.folder / CHECKPOINT).read_text("utf-8")
        except FileNotFoundError:
            return None

    def head(self, key: Key) -> Checkpoint:
        """Return the checkpoint, which the log must have signed; of a log nobody has begun, that of an empty one."""
        note = self.note()
        if note is None:
            return Checkpoint(origin=key.name, size=0, root=EMPTY_ROOT)
        return open_checkpoint(note, log=key).checkpoint

    @contextmanager
    def writing(self) -> Iterator[LogFiles]:
        """Be the one that writes, or raise ``Conflict("log.running")``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder / ".writing", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise Conflict("log.running") from error
        try:
            yield self
        finally:
            os.close(handle)

    def append(self, entries: Sequence[bytes], *, signer: Signer) -> str:
        """Write entries and the tiles over them; returns the signed checkpoint, which is not published yet."""
        head = self.head(signer.key)
        tiles = Tiles(head.size, self.fetch)
        folders = {self._put(path, content) for path, content in grown(tiles, entries)}
        for folder in folders:
            sync_folder(folder)
        size = head.size + len(entries)
        root = tree_root(size, Tiles(size, self.fetch).at)
        return sign_checkpoint(Checkpoint(origin=head.origin, size=size, root=root), signer)

    def publish(self, note: str) -> None:
        """Make a checkpoint the log's."""
        replace_whole(self.folder / CHECKPOINT, note.encode(), mode=FOR_ALL)

    def put_key(self, key: Key, *, witnesses: Sequence[Key] = ()) -> None:
        """Lay the public key beside the checkpoint, and those of the witnesses that are asked, one a line."""
        self.folder.mkdir(parents=True, exist_ok=True)
        replace_whole(self.folder / KEY, f"{key.line}\n".encode(), mode=FOR_ALL)
        replace_whole(self.folder / WITNESSES, "".join(f"{each.line}\n" for each in witnesses).encode(), mode=FOR_ALL)

    def keys(self) -> tuple[str, tuple[str, ...]] | None:
        """Return the lines of the log's key and of its witnesses' keys as they lie there; None where no log has begun."""
        lines = {name: _lines(self.folder / name) for name in (KEY, WITNESSES)}
        return (lines[KEY][0], tuple(lines[WITNESSES])) if lines[KEY] else None

    def _put(self, path: str, content: bytes) -> Path:
        whole = self.folder / path
        new = [each for each in (whole.parent, *whole.parent.parents) if not each.exists()]
        whole.parent.mkdir(parents=True, exist_ok=True)
        write_synced(whole, content, mode=FOR_ALL)
        for each in new:
            sync_folder(each.parent)
        return whole.parent


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.is_file() else []
