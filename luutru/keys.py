"""Private keys as files, for every process: made once, read at start, never printed.

- One JSON file per key, mode 0600: ``{"key_id", "use", "owner", "private"}`` (32 bytes, base64). ``use`` is that of the keyring
  (``kiosk-sign``, ``seal``, ``receipt``, ``keyring``); a file of one use is refused for another.
- Making a key returns its public half as a ``KeyEntry``, ready for the registry's keyring. An existing file is never replaced.
- Keys of one purpose lie side by side: ``gateway-seal.key``, then ``gateway-seal-20261122T043703Z.key`` and so on; old ones stay, to
  open and check what came before. The last by name is the newest.
- For the demo and single machines; an authority keeps these in an HSM or a secret store and mounts them as such files.

Example: ``signer = read_signing_key(Path("keys/receipt.key"), use="receipt")``
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from residence.clock import parse_instant, rfc3339
from residence.errors import Conflict, Malformed, Refused, Untrusted
from residence.wire.keyring import AUTHORITY, KeyEntry, Keyring, KeyUse
from residence.wire.signing import SealingKey, SigningKey

KEY_BYTES = 32
# What an authority begins with: file name -> use. Gateway and server sign receipts with a key each.
FIRST_KEYS: Final[Mapping[str, KeyUse]] = {
    "gateway-seal": "seal",
    "gateway-receipt": "receipt",
    "server-receipt": "receipt",
    "keyring": "keyring",
    "door-list": "door-list",
    "server-door-pass": "door-pass",
}


class KeyFile(msgspec.Struct, frozen=True, kw_only=True):
    """What one file holds."""

    key_id: str
    use: KeyUse
    owner: str
    private: bytes


def make_key(
    path: Path, *, key_id: str, use: KeyUse, owner: str, now: datetime, random_bytes: Callable[[int], bytes]
) -> KeyEntry:
    """Write a new private key and return its public entry, valid from ``now``; ``Conflict("key.exists")`` when there is one."""
    content = KeyFile(key_id=key_id, use=use, owner=owner, private=random_bytes(KEY_BYTES))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict("key.exists", detail=f"{path} holds a key already") from None
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(content))
        file.flush()
        if os.geteuid() == 0:  # made by root for a process that is not
            os.fchown(file.fileno(), path.parent.stat().st_uid, path.parent.stat().st_gid)
        os.fsync(file.fileno())
    _sync(path.parent)  # somebody may seal to this key from now on: the file must outlive a power cut
    return public_entry(path, valid_from=now)


def public_entry(path: Path, *, valid_from: datetime) -> KeyEntry:
    """Return the public half of a key file as a keyring entry."""
    key = _read(path)
    public = (
        SealingKey(key.key_id, key.private).public_key if key.use == "seal" else SigningKey(key.key_id, key.private).public_key
    )
    return KeyEntry(key_id=key.key_id, use=key.use, owner=key.owner, public_key=public, valid_from=rfc3339(valid_from))


def rotated_path(directory: Path, purpose: str, *, now: datetime) -> Path:
    """Return where the next key of ``purpose`` (``gateway-seal``, say) goes."""
    return directory / f"{purpose}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.key"


def key_files(directory: Path, purpose: str) -> list[Path]:
    """Return the key files of one purpose, oldest first by name; none when there are none."""
    return sorted(directory.glob(f"{purpose}*.key"), key=lambda path: path.stem)


def key_id_of(path: Path) -> str:
    """Return the id of the key in a file; raises as ``read_signing_key`` does."""
    return _read(path).key_id


def receipt_signer(directory: Path, purpose: str, *, keyring: Keyring | None, now: datetime) -> SigningKey:
    """Return the newest receipt key held that is in force by ``keyring``; the newest by name when none is, or no ring is at hand."""
    files = key_files(directory, purpose) or [directory / f"{purpose}.key"]
    held = [read_signing_key(path, use="receipt") for path in reversed(files)]
    if keyring is None:
        return held[0]
    chosen = next((at for at, key in enumerate(held) if _in_force(key, keyring, now)), 0)
    return _read_dated([*reversed(files)][chosen], keyring)


def _read_dated(path: Path, keyring: Keyring) -> SigningKey:
    """Return the key with what the ring says of its beginning."""
    key = _read(path, "receipt")
    since = next((parse_instant(each.valid_from) for each in keyring.entries if each.key_id == key.key_id), None)
    return SigningKey(key.key_id, key.private, since=since)


def _in_force(key: SigningKey, keyring: Keyring, now: datetime) -> bool:
    try:
        return keyring.find(key.key_id, "receipt", owner=AUTHORITY, at=now).public_key == key.public_key
    except Untrusted:
        return False


def read_signing_key(path: Path, *, use: KeyUse) -> SigningKey:
    """Return the signing key in ``path``, or raise ``Refused("key.file_missing")`` / ``Malformed("key.file_malformed")``."""
    key = _read(path, use)
    return SigningKey(key.key_id, key.private)


def read_sealing_key(path: Path) -> SealingKey:
    """Return the sealing key in ``path``; raises as ``read_signing_key`` does."""
    key = _read(path, "seal")
    return SealingKey(key.key_id, key.private)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path, use: KeyUse | None = None) -> KeyFile:
    try:
        key = msgspec.json.decode(path.read_bytes(), type=KeyFile)
    except OSError as error:
        raise Refused("key.file_missing", detail=f"cannot read {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise Malformed("key.file_malformed", detail=f"{path} is not a key file") from error
    if len(key.private) != KEY_BYTES or (use is not None and key.use != use):
        raise Malformed("key.file_malformed", detail=f"{path} is for {key.use}")
    return key
