"""The signature of a PDF itself (PAdES B-B): whoever alters a letter of the file breaks it, and any PDF reader says so.

- It is added to the finished file and changes none of its bytes: what was written is the file's first revision, the same each time; the signature is new
  each time and says when it was made.
- The certificate and its chain travel in the file. Whether a reader trusts it is for who made the certificate: a self-signed one is only recognised.
- Without a key, or with a certificate that is over or not yet valid, the file goes unsigned and the log says so: nobody is kept from a receipt by it.
- The code on the paper stays what proves a receipt offline; this proves the file.

Example: ``sign_paper(content, key=paper_key, at=now)``
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Final

import structlog

FIELD: Final = "Luutru"
log = structlog.get_logger("luutru.server")


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperKey:
    """What papers are signed with, all DER: a PKCS#8 key (P-256 or RSA), its certificate, and those above it."""

    key: bytes
    certificate: bytes
    chain: tuple[bytes, ...]
    valid_from: datetime
    valid_to: datetime

    def __repr__(self) -> str:
        """Show no key."""
        return f"PaperKey(until {self.valid_to.isoformat()})"


def sign_paper(content: bytes, *, key: PaperKey | None, at: datetime) -> bytes:
    """Return the file with a signature after it; as it came where nothing can be signed with."""
    if key is None:
        return content
    if not key.valid_from <= at <= key.valid_to:
        log.error("a paper goes unsigned: its certificate is not valid now", until=key.valid_to.isoformat())
        return content
    # Loaded with the first paper: it weighs 46 MiB, and many processes never make one.
    from asn1crypto.keys import PrivateKeyInfo
    from asn1crypto.x509 import Certificate
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    store = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    store.register_multiple(Certificate.load(each) for each in key.chain)
    signer = signers.SimpleSigner(
        signing_cert=Certificate.load(key.certificate), signing_key=PrivateKeyInfo.load(key.key), cert_registry=store
    )
    about = signers.PdfSignatureMetadata(field_name=FIELD, md_algorithm="sha256", subfilter=fields.SigSeedSubFilter.PADES)
    signed = signers.sign_pdf(IncrementalPdfFileWriter(BytesIO(content)), about, signer=signer)
    return bytes(signed.getvalue())
