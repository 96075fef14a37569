"""A small disk of its own whose power can be cut: ext4 on a loop device, shut down by its own ioctl.

- The cut drops everything that was not flushed: page cache and journal. The backing file stays, so a drive's own volatile cache is
  not covered; ``crash_images`` has torn and reordered writes.
- Root and loop devices are needed. Where they are missing this is an error that says so, never a skip.
- ``own_mounts()`` first: mounts then live in a namespace of this process and vanish with it, and so do the loop devices.

Example: ``with LoopDisk(folder, megabytes=64) as disk: ...; disk.cut(); disk.power_on()``
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import subprocess
import time
from pathlib import Path

EXT4_IOC_SHUTDOWN = 0x8004587D
WITHOUT_FLUSHING_THE_JOURNAL = 2
CLONE_NEWNS = 0x20000
MS_PRIVATE, MS_REC = 1 << 18, 1 << 14
BUSY_TRIES = 100


def own_mounts():
    """Give this process a mount namespace of its own."""
    if os.geteuid() != 0:
        raise RuntimeError("power cuts need root, for a loop mount and its shutdown: run as root")
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare of mounts is not allowed here: power cuts need root with CAP_SYS_ADMIN")
    # In a chroot / is no mount point; then the namespace was made private by whoever made the chroot.
    library.mount(b"none", b"/", None, MS_PRIVATE | MS_REC, None)


class LoopDisk:
    """One mounted image."""

    def __init__(self, folder, *, megabytes):
        self.image = Path(folder) / "disk.img"
        self.mount = Path(folder) / "mnt"
        self.mount.mkdir()
        with self.image.open("wb") as file:
            file.truncate(megabytes << 20)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", str(self.image))

    def __enter__(self):
        self.power_on()
        return self

    def __exit__(self, *_):
        self._unmount()
        self.image.unlink()
        left = subprocess.run(["losetup", "-j", str(self.image)], capture_output=True, text=True, check=True).stdout
        if left.strip():
            raise RuntimeError(f"a loop device is left: {left}")

    def power_on(self):
        """Mount: ext4 replays what its journal has."""
        if self.mount.is_mount():
            self._unmount()
        _run("mount", "-o", "loop", str(self.image), str(self.mount))

    def flush(self):
        """Make what is there now survive."""
        _run("sync", "-f", str(self.mount))

    def cut(self):
        """Cut the power: from now on nothing reaches the image."""
        handle = os.open(self.mount, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, EXT4_IOC_SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING_THE_JOURNAL))
        finally:
            os.close(handle)

    def _unmount(self):
        """Whoever was killed needs a moment until its files are closed."""
        for _ in range(BUSY_TRIES):
            done = subprocess.run(["umount", str(self.mount)], capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError(f"cannot unmount: {done.stderr}")


def _run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}; power cuts need root and loop devices")
