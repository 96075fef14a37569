"""The private keys of logs and witnesses as files of one line, mode 0600, in the form other tools of signed notes read.

- A file is made once and never replaced. The public half is printed, to be given to whoever checks.

Example: ``read_signer_file(Path("keys/log.key"))``
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from registry.durable_files import give_to_the_folders_owner, sync_folder
from residence.errors import Conflict, Refused
from residence.transparency.notes import Key, Signer, read_signer, read_vkey

SEED_BYTES: Final = 32


def make_signer_file(path: Path, *, name: str, kind: int, random_bytes: Callable[[int], bytes]) -> Signer:
    """Make a key, or raise ``Conflict("log.exists")``."""
    signer = Signer(name, kind, random_bytes(SEED_BYTES))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict("log.exists", "", str(path)) from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        give_to_the_folders_owner(file.fileno(), path)
        file.write(f"{signer.line}\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
    return signer


def read_signer_file(path: Path) -> Signer:
    """Return a private key, or raise ``Refused("log.key_missing")``."""
    try:
        return read_signer(path.read_text("utf-8").strip())
    except OSError as error:
        raise Refused("log.key_missing", "", str(path)) from error


def kept_signer(path: Path, *, name: str, kind: int, random_bytes: Callable[[int], bytes]) -> Signer:
    """Return the key in a file, made when there is none."""
    if path.exists():
        return read_signer_file(path)
    return make_signer_file(path, name=name, kind=kind, random_bytes=random_bytes)


def key_of(text: str) -> Key:
    """Return a public key given as its line or as a file that holds it."""
    path = Path(text)
    return read_vkey(path.read_text("utf-8") if "\n" not in text and path.is_file() else text)
