"""A disk of its own for a test that fills it up or takes the right to write away: a tmpfs, really full when it is full."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager

AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]  # without either this fails, loudly


class SmallDisk:
    """1.5 MiB. ``/`` joins a path as a folder's does."""

    def __init__(self, mount):
        self.mount = mount

    def __truediv__(self, name):
        return self.mount / name

    def use_up(self):
        """Take what room there is."""
        room = os.statvfs(self.mount)
        (self.mount / "rest").write_bytes(bytes(max(0, room.f_bavail * room.f_frsize)))

    def make_room(self):
        (self.mount / "rest").unlink()

    def may_be_written(self, *, allowed):
        subprocess.run([*AS_ROOT, "mount", "-o", f"remount,{'rw' if allowed else 'ro'}", str(self.mount)], check=True)


@contextmanager
def small_disk_in(folder):
    mount = folder / "disk"
    mount.mkdir()
    about = f"size=1536k,uid={os.getuid()}"
    subprocess.run([*AS_ROOT, "mount", "-t", "tmpfs", "-o", about, "tmpfs", str(mount)], check=True)
    try:
        yield SmallDisk(mount)
    finally:
        subprocess.run([*AS_ROOT, "umount", "-l", str(mount)], check=True)
