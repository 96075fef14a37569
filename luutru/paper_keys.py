"""The key papers are signed with, as a file: made on one machine, or brought by the authority from its own certificate authority.

- ``server-paper*.pem`` beside the server's other keys, mode 0600: a private key (PKCS#8, P-256 or RSA), its certificate, then those above it. The last by
  name is used.
- What ``make_paper_key`` makes is self-signed: readers of PDF show who signed and that nothing was altered, and trust it when its certificate is taken up
  by hand. An existing file is never replaced.

Example: ``make_paper_key(Path("keys/server-paper.pem"), name="Công an phường Láng Hạ", now=now)``
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from registry.durable_files import give_to_the_folders_owner
from residence.errors import Conflict, Malformed, Refused
from server.paper_signature import PaperKey

PURPOSE: Final = "server-paper"
LIFETIME: Final = timedelta(days=5 * 365)
_LONGEST_NAME: Final = 64  # X.520 common name


def make_paper_key(path: Path, *, name: str, now: datetime) -> PaperKey:
    """Write a new key with a certificate of its own; ``Conflict("key.exists")``, ``Malformed("key.paper_name")``."""
    if not 0 < len(name.strip()) <= _LONGEST_NAME:
        raise Malformed("key.paper_name", "/name")
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name.strip())])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict("key.exists", detail=f"{path} holds a key already") from None
    with os.fdopen(handle, "wb") as file:
        give_to_the_folders_owner(file.fileno(), path)
        file.write(pem + certificate.public_bytes(serialization.Encoding.PEM))
    return read_paper_key(path)


def newest_paper_key(directory: Path) -> PaperKey | None:
    """Return the newest by name, None where there is none."""
    found = sorted(directory.glob(f"{PURPOSE}*.pem"), key=lambda path: path.stem)
    return read_paper_key(found[-1]) if found else None


def read_paper_key(path: Path) -> PaperKey:
    """Read a file of a key and its certificates; ``Refused("key.file_missing")``, ``Malformed("key.paper_malformed")``."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Refused("key.file_missing", detail=f"cannot read {path}: {error.strerror}") from error
    try:
        key = serialization.load_pem_private_key(content, password=None)
        own, *above = x509.load_pem_x509_certificates(content)
    except (ValueError, TypeError) as error:
        raise Malformed("key.paper_malformed", detail=f"{path}: a PEM private key and its certificates are expected") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) or key.public_key() != own.public_key():
        raise Malformed(
            "key.paper_malformed", detail=f"{path}: the first certificate is not the key's, or the key is of another kind"
        )
    der = serialization.Encoding.DER
    return PaperKey(
        key=key.private_bytes(der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        certificate=own.public_bytes(der),
        chain=tuple(each.public_bytes(der) for each in above),
        valid_from=own.not_valid_before_utc,
        valid_to=own.not_valid_after_utc,
    )
