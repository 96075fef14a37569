"""A copy in memory of a database on a memory card that can no longer be written.

- It goes with the process; what a killed process left is swept by the next that makes one. Whether somebody still works on a copy is told by a lock on
  its folder, which the kernel lets go of with the process, however it ends.
- What is copied is sealed; the folder is its owner's alone, and gone with the power.

Example: ``copy = MemoryCopy(Path("/var/lib/luutru/kiosk.db")); open(copy.path); copy.drop()``
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
PREFIX: Final = "luutru-copy-"


class MemoryCopy:
    """One copy of a database and its log, held until ``drop``."""

    def __init__(self, original: Path, *, memory: Path = MEMORY) -> None:
        place = memory if os.access(memory, os.W_OK) else Path(tempfile.gettempdir())
        sweep(place)
        self.original: Final = original
        self._folder, self._held = _own_folder(place)
        self.path: Final = self._folder / original.name
        for suffix in ("", "-wal"):
            each = original.with_name(original.name + suffix)
            if each.exists():
                shutil.copyfile(each, self._folder / each.name)

    def drop(self) -> None:
        """Delete the copy. Harmless when it is gone."""
        shutil.rmtree(self._folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.close(self._held)


def sweep(place: Path) -> int:
    """Delete the copies nobody works on any more; returns how many."""
    swept = 0
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another account's, or in use
            held = _lock(folder, wait=False)
            try:
                shutil.rmtree(folder)
                swept += 1
            finally:
                os.close(held)
    return swept


def _own_folder(place: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        try:
            held = _lock(folder, wait=True)
        except FileNotFoundError:
            continue  # a sweeper was quicker than our lock
        if os.fstat(held).st_nlink:
            return folder, held
        os.close(held)


def _lock(folder: Path, *, wait: bool) -> int:
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(held, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise
    return held
