"""Small files that must outlive a power cut whole, or be gone for good.

- A new file is written beside its place, synced, and linked into it: another process sees all of it or nothing, and whoever was first stands.
- A replaced file is whole before and after; a destroyed one is overwritten first. Overwriting says nothing about what a disk keeps of itself
  (flash, snapshots): that is why a root can be rotated.
- A file is for its owner alone, unless it is said to be for everybody. What root writes belongs to the folder's owner: a command of whoever is on call must
  not shut out the process that reads the folder.

Example: ``write_new(Path("vault/root.key"), key)``
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_new(path: Path, content: bytes) -> None:
    """Write a file nobody else can read; when another process was first, its file stands."""
    draft = _draft(path, content)
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    sync_folder(path.parent)  # rows are sealed under this key from now on: it must outlive a power cut as they do


def replace_whole(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Put new content in a file's place in one step."""
    _draft(path, content, mode).replace(path)
    sync_folder(path.parent)


def append_line(path: Path, line: bytes) -> None:
    """Add a line and wait until the disk has it. To be called by one process at a time (``locked``)."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        size = os.fstat(handle).st_size
        give_to_the_folders_owner(handle, path)
        whole = size and os.pread(handle, 1, size - 1) == b"\n"
        os.lseek(handle, 0, os.SEEK_END)
        _write_all(handle, (b"" if whole or not size else b"\n") + line + b"\n")  # a torn line stays a line of its own
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_folder(path.parent)


def destroy_file(path: Path) -> None:
    """Overwrite and remove a file; none there is no error."""
    with contextlib.suppress(FileNotFoundError):
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        sync_folder(path.parent)  # a key that came back with the power would open what was erased


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file: of all processes on this machine one at a time goes on."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        give_to_the_folders_owner(handle, path)
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync_folder(directory: Path) -> None:
    """Wait until the disk has a folder's names."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _draft(path: Path, content: bytes, mode: int = 0o600) -> Path:
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    write_synced(draft, content, mode=mode)
    return draft


def write_synced(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write a file and wait until the disk has its content; its name is the folder's (``sync_folder``)."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    try:
        give_to_the_folders_owner(handle, path)
        _write_all(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)


def give_to_the_folders_owner(handle: int, path: Path) -> None:
    """Hand a file that root opened to whom its folder belongs; for anybody else nothing is done."""
    if os.geteuid() == 0:
        folder = path.parent.stat()
        if os.fstat(handle).st_uid != folder.st_uid:
            os.fchown(handle, folder.st_uid, folder.st_gid)


def _write_all(handle: int, content: bytes) -> None:
    while content:
        content = content[os.write(handle, content) :]
