"""Keys that sign a fleet's configuration: one file for whoever holds it, one public file to hand on.

- Ed25519 by securesystemslib, as The Update Framework writes it; the private half is PEM, readable by its owner alone, encrypted when a word is given.
- A key is made where it will be used: root keys on machines without a network, so only public halves and signed documents travel.

Example: ``make_signer(Path("holder-a.key"), word=b"..."); read_public(Path("holder-a.key.pub"))``
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner, Key

from residence.errors import Malformed, Refused


def make_signer(path: Path, *, word: bytes = b"") -> str:
    """Write a new key and its public half beside it; return the key's id. ``Refused`` where a file lies already."""
    private = Ed25519PrivateKey.generate()
    encryption = BestAvailableEncryption(word) if word else NoEncryption()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
    except FileExistsError as error:
        raise Refused("configuration.key_there", "", str(path)) from error
    public = CryptoSigner(private).public_key
    public_path(path).write_text(json.dumps({"keyid": public.keyid, **public.to_dict()}, indent=1) + "\n", "utf-8")
    return public.keyid


def public_path(path: Path) -> Path:
    """Return where a key's public half lies."""
    return path.with_name(path.name + ".pub")


def read_signer(path: Path, *, word: bytes = b"") -> CryptoSigner:
    """Return what signs, or raise ``Malformed("key.file_malformed")`` / ``Refused("key.file_missing")``."""
    try:
        private = load_pem_private_key(path.read_bytes(), word or None)
    except OSError as error:
        raise Refused("key.file_missing", "", str(error)) from error
    except (ValueError, TypeError) as error:
        raise Malformed("key.file_malformed", "", f"{path}: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise Malformed("key.file_malformed", "", f"{path} is not an Ed25519 key")
    return CryptoSigner(private)


def read_public(path: Path) -> Key:
    """Return a public half, or raise ``Malformed("key.file_malformed")``."""
    try:
        found = json.loads(path.read_bytes())
        return Key.from_dict(found.pop("keyid"), found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Malformed("key.file_malformed", "", f"{path}: {error}") from error
