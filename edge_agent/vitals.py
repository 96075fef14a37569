"""What a kiosk knows of its own parts besides its outbox: readers, doors, disk, settings, and whether it still hears cards.

- Said in each sign of life and in the diagnostics; nothing in it is about a person, and no value comes from one.
- The disk is low before it is full: below ``LOW_MIB`` somebody should come while declarations are still taken.

Example: ``Vitals(readers={"camera": "ok"}, disk=disk_of(outbox.store.path, full=outbox.full))``
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from edge_agent.store import is_read_only

LOW_MIB: Final = 64


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    """The file system the outbox lies on."""

    state: str = ""
    free_mib: int = 0


class Vitals(msgspec.Struct, frozen=True, kw_only=True):
    """How the parts of a kiosk are."""

    readers: dict[str, str] = {}
    doors: dict[str, str] = {}
    disk: Disk = Disk()
    profile: str = ""
    read_at: str | None = None
    unread: int = 0


def disk_of(file: Path, *, full: bool) -> Disk:
    """Look at the disk under the outbox; ``full``: it has refused to take more."""
    try:
        room = os.statvfs(file.parent)
    except OSError:
        return Disk(state="lost")
    free = room.f_bavail * room.f_frsize >> 20
    if is_read_only(file):
        return Disk(state="read-only", free_mib=free)
    return Disk(state="full" if full else "low" if free < LOW_MIB else "ok", free_mib=free)
