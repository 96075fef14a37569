"""Rendered files on disk: written once, compared with a root, packed into an archive that is the same for the same files.

- A manifest (``luutru-files.json``) lists every file with its SHA-256. By it the next rendering knows what was ours and is no longer wanted; a file that
  was changed by hand meanwhile is left and not removed.
- An archive has no times and no owners of the machine it was made on: two of the same files are equal byte by byte.

Example: ``write_files(files, Path("out")).changed``
"""

from __future__ import annotations

import difflib
import hashlib
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from luutru.firmware_gates import lay_down

MANIFEST: Final = "luutru-files.json"
_OF_THE_ROOT: Final = ("etc/", "usr/")


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a rendering did."""

    changed: list[str]
    removed: list[str]


def manifest(files: Mapping[str, str]) -> str:
    """Return the digests of all files as JSON."""
    return msgspec.json.format(msgspec.json.encode({name: _digest(text) for name, text in sorted(files.items())})).decode() + "\n"


def write_files(files: Mapping[str, str], folder: Path) -> Written:
    """Write the files and their manifest, and remove what an earlier rendering wrote and this one does not."""
    before = _before(folder)
    removed = []
    for name in sorted(before.keys() - files.keys()):
        path = folder / name
        if path.is_file() and _digest(path.read_text("utf-8", errors="replace")) == before[name]:
            path.unlink()
            removed.append(name)
    changed = lay_down(files, folder)
    lay_down({MANIFEST: manifest(files)}, folder)
    return Written(changed=changed, removed=removed)


def differences(files: Mapping[str, str], root: Path) -> list[str]:
    """Return how a root differs from the files that belong over it, as lines of a unified diff."""
    lines: list[str] = []
    for name, text in files.items():
        if not name.startswith(_OF_THE_ROOT):
            continue
        path = root / name
        there = path.read_text("utf-8", errors="replace") if path.is_file() else ""
        lines += difflib.unified_diff(
            there.splitlines(), text.splitlines(), str(path) if path.is_file() else "nothing", name, lineterm=""
        )
    return lines


def packed(files: Mapping[str, str]) -> tuple[bytes, str]:
    """Return the archive and its SHA-256."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in sorted({**files, MANIFEST: manifest(files)}.items()):
            content = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue(), hashlib.sha256(buffer.getvalue()).hexdigest()


def _before(folder: Path) -> dict[str, str]:
    try:
        found = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}
    return {name: digest for name, digest in found.items() if not Path(name).is_absolute() and ".." not in Path(name).parts}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
