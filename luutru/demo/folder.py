"""Whose folder it is: what the demo may throw away, and who uses it now.

- A folder is the demo's when it was empty or missing at its first start; a marker says so from then on, also in a half-made one.
- Anything else is left as it stands: nothing in it is erased, and no demo runs in it.
- Who runs a demo holds its folder by a lock on the marker, so a second one is refused before it has touched anything. The lock
  goes with its process; what a killed demo left running is noticed by its ports.
- Erasing keeps the folder itself and the marker, so that the lock lasts and a link to another disk stays.

Example: ``with held(layout): erase(layout.directory)``
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from luutru.demo.broker import port_is_free
from luutru.demo.layout import Layout, Ports
from residence.errors import Refused

MARKER: Final = "luutru-demo"
WORDS: Final = "luutru demo run made this folder and erases all of it at its next start.\n"


def mark(directory: Path) -> bool:
    """Make the folder ours if it is missing or empty; tell whether it is ours."""
    if not directory.exists():
        directory.mkdir(mode=0o700, parents=True)
    if directory.is_dir() and not any(directory.iterdir()):
        (directory / MARKER).write_text(WORDS, "utf-8")
    return (directory / MARKER).is_file()


def erase(directory: Path) -> None:
    """Empty a folder of ours, or raise ``Refused("demo.folder_not_ours")`` and leave it as it is."""
    _claim(directory)
    for entry in directory.iterdir():
        if entry.name == MARKER:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@contextmanager
def held(layout: Layout) -> Iterator[None]:
    """Keep others out of the folder for the length of a ``with`` block.

    Raise ``Refused("demo.folder_not_ours" | "demo.already_running" | "demo.port_taken")`` before anything is changed.
    """
    directory = layout.directory
    _claim(directory)
    with (directory / MARKER).open("rb") as marker:
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            detail = f"a demo runs in {directory}; end it with Ctrl-C, or start another with --directory and --free-ports"
            raise Refused("demo.already_running", detail=detail) from error
        check_ports(layout.ports)
        yield


def check_ports(ports: Ports) -> None:
    """Raise ``Refused("demo.port_taken")`` naming every port another program listens on."""
    wanted = {"broker": ports.broker, "server": ports.server, **ports.kiosks}
    taken = [f"{port} ({name})" for name, port in wanted.items() if not port_is_free(port)]
    if taken:
        raise Refused("demo.port_taken", detail=f"another program listens on port {', '.join(taken)}; try --free-ports")


def _claim(directory: Path) -> None:
    if not mark(directory):
        detail = f"{directory} holds something no demo has put there; choose another --directory, or clear it away yourself"
        raise Refused("demo.folder_not_ours", detail=detail)
