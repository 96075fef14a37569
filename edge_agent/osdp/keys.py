"""The key of a reader's Secure Channel, as a file beside the kiosk's other keys: 32 hexadecimal digits that only its owner may read.

- Drawn by the kiosk at commissioning (``commissioning.py``), known to the reader and to this file, and to nobody else.
- A new key stands beside the old one until the reader has proved that it has it; then it takes its place in one step.
- The key that every reader leaves the factory with (SCBK-D) and keys of one repeated byte are refused.

Example: ``load_key(profile.path(section.key_setting))``
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from residence.errors import Malformed, Refused

KEY_BYTES: Final = 16
# SCBK-D of the standard, and keys of one byte, such as all zeros
_DEFAULT: Final = bytes(range(0x30, 0x40))
_OTHERS: Final = 0o077


def load_key(path: Path) -> bytes:
    """Return the key, or raise ``Refused("osdp.key_missing")`` / ``Malformed("osdp.key_malformed")``."""
    try:
        text, mode = path.read_text("ascii").strip(), path.stat().st_mode
    except OSError as error:
        raise Refused("osdp.key_missing", "/door_readers/key_file", f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Malformed("osdp.key_malformed", "/door_readers/key_file", str(path)) from error
    try:
        key = bytes.fromhex(text)
    except ValueError as error:
        raise Malformed("osdp.key_malformed", "/door_readers/key_file", str(path)) from error
    if len(key) != KEY_BYTES or key == _DEFAULT or len(set(key)) == 1 or mode & _OTHERS:
        raise Malformed("osdp.key_malformed", "/door_readers/key_file", str(path))
    return key


def write_new(path: Path, key: bytes) -> Path:
    """Write a key beside the one in use, durably, and return where."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, key.hex().encode() + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    return beside


def take_over(path: Path) -> None:
    """Let the new key take the place of the old."""
    path.with_name(path.name + ".new").replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
