"""A kiosk's keys on its disk, to be opened by the TPM they were made at and by no other: what a copied disk holds is nothing.

- A secret of 32 bytes is drawn and sealed in the TPM, under its own hierarchy's primary key (``tpm2_create``); what it gives back, ``machine.tpm``, is worth
  nothing to another TPM. The keys are encrypted with that secret (AES-256-GCM, a nonce each, the file's name as associated data).
- Before the kiosk starts, its unit has them opened into a folder in memory (``RuntimeDirectory``, ``ExecStartPre``), where the process finds them as files.
- The tools are those of tpm2-tools; which TPM, they read from ``TPM2TOOLS_TCTI`` as they always do. A secret goes through pipes, never through a file
  or an argument.
- A TPM that was cleared, or another one, opens nothing: ``Refused("key.store_unusable")``. The machine is then claimed anew.

Example: ``seal_keys(folder, {"kiosk.key": pem}, random_bytes=secrets.token_bytes); open_keys(folder, into=Path("/run/luutru-kiosk@lobby"))``
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge_agent.replacing import replace_file
from residence.errors import Refused

SEALED: Final = ".sealed"
MACHINE: Final = "machine.tpm"
KEY_BYTES, NONCE_BYTES, LENGTH_BYTES = 32, 12, 2
_PATIENCE: Final = 60  # seconds; a TPM may take its time


def new_machine_secret(random_bytes: Callable[[int], bytes]) -> tuple[bytes, bytes]:
    """Draw a secret and have the TPM seal it; returns it and what ``machine.tpm`` holds."""
    secret = random_bytes(KEY_BYTES)
    with tempfile.TemporaryDirectory(prefix="luutru-tpm-") as work:
        public, private = Path(work) / "public", Path(work) / "private"
        primary = _primary(Path(work))
        _run("tpm2_create", "-C", primary, "-u", str(public), "-r", str(private), "-i", "-", given=secret)
        _make_room()
        parts = public.read_bytes(), private.read_bytes()
    return secret, b"".join(len(each).to_bytes(LENGTH_BYTES, "big") + each for each in parts)


def machine_secret(held: bytes) -> bytes:
    """Have the TPM open what ``machine.tpm`` holds."""
    size = int.from_bytes(held[:LENGTH_BYTES], "big") + LENGTH_BYTES
    with tempfile.TemporaryDirectory(prefix="luutru-tpm-") as work:
        public, private, loaded = (Path(work) / name for name in ("public", "private", "loaded"))
        public.write_bytes(held[LENGTH_BYTES:size])
        private.write_bytes(held[size + LENGTH_BYTES :])
        _run("tpm2_load", "-C", _primary(Path(work)), "-u", str(public), "-r", str(private), "-c", str(loaded))
        _make_room()
        secret = _run("tpm2_unseal", "-c", str(loaded))
        _make_room()
    return secret


def seal_key(secret: bytes, name: str, content: bytes, *, random_bytes: Callable[[int], bytes]) -> bytes:
    """Encrypt one key file."""
    nonce = random_bytes(NONCE_BYTES)
    return nonce + AESGCM(secret).encrypt(nonce, content, name.encode())


def open_keys(folder: Path, *, into: Path) -> list[str]:
    """Open every sealed key of a kiosk's folder into another; returns their names."""
    try:
        secret = machine_secret((folder / MACHINE).read_bytes())
    except FileNotFoundError as error:
        raise Refused("key.file_missing", "", str(error)) from error
    opened: Mapping[str, bytes] = {
        path.name.removesuffix(SEALED): _opened(secret, path) for path in sorted(folder.glob(f"*{SEALED}"))
    }
    if not opened:
        raise Refused("key.file_missing", "", f"no *{SEALED} in {folder}")
    into.mkdir(mode=0o700, exist_ok=True)
    for name, content in opened.items():
        replace_file(into / name, content, mode=0o600)
        owner = into.stat()
        if os.geteuid() == 0:  # opened by root for a process that is not
            os.chown(into / name, owner.st_uid, owner.st_gid)
    return list(opened)


def _opened(secret: bytes, path: Path) -> bytes:
    data = path.read_bytes()
    try:
        return AESGCM(secret).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], path.name.removesuffix(SEALED).encode())
    except (InvalidTag, ValueError) as error:
        raise Refused("key.store_unusable", "", f"{path.name} was not sealed with this TPM's secret") from error


def _primary(work: Path) -> str:
    context = str(work / "primary")
    _run("tpm2_createprimary", "-C", "o", "-G", "ecc", "-c", context)
    _make_room()
    return context


def _run(program: str, *arguments: str, given: bytes = b"") -> bytes:
    try:
        done = subprocess.run([program, *arguments], input=given, capture_output=True, check=False, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused("key.store_unusable", "", f"{program}: {error}") from error
    if done.returncode != 0:
        raise Refused("key.store_unusable", "", f"{program}: {done.stderr.decode(errors='replace').strip()[-300:]}")
    return done.stdout


def _make_room() -> None:
    """Let the TPM forget what a tool left in one of its three places; the kernel's resource manager would do so by itself."""
    _run("tpm2_flushcontext", "--transient-object")
