"""CMS SignedData as chips and master lists carry it: who signed what, and whether the signature holds.

- One signer is enough, the first that can be checked; signed attributes must name the content's type and carry its digest, and the
  signature is over them as a SET (tag 31), as CMS says.
- The signer's certificate is the one its identifier names, by issuer and serial or by key identifier, among those that travel with the
  content and those passed in; none is "no signer certificate", a failure of its own.
- Nothing here says whether the signer is trusted.

Example: ``parse_signed_data(der).verify(extra=())`` returns the certificate whose signature holds.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from residence.credentials.chip import tlv
from residence.credentials.chip.certificates import Certificate, parse_certificate, time_of
from residence.credentials.chip.signature_algorithms import SignatureAlgorithm, digest_name, parse_algorithm
from residence.errors import LuutruError, Malformed, Untrusted

_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
_CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
_SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
_MOST_CERTIFICATES: Final = 50
_MOST_SIGNERS: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Signer:
    """One signature with what it covers."""

    issuer: bytes
    serial: int
    key_id: bytes
    digest: str
    attributes: tlv.Node | None
    algorithm: SignatureAlgorithm
    signature: bytes

    def made_by(self, certificate: Certificate) -> bool:
        """Tell whether the identifier names this certificate."""
        if self.key_id:
            return certificate.subject_key == self.key_id
        return certificate.issuer == self.issuer and certificate.serial == self.serial

    def attribute(self, oid: str) -> tlv.Node | None:
        """Return the one value of a signed attribute."""
        for each in self.attributes.children(most=40) if self.attributes is not None else ():
            parts = each.expect(tlv.SEQUENCE).children(most=2)
            if len(parts) == 2 and tlv.object_id(parts[0]) == oid:
                values = parts[1].expect(tlv.SET).children(most=4)
                return values[0] if len(values) == 1 else None
        return None

    @property
    def signing_time(self) -> datetime | None:
        """Return when it says it was signed."""
        value = self.attribute(_SIGNING_TIME)
        return None if value is None else time_of(value)


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedData:
    """Content with signatures and the certificates that travel with it."""

    content_type: str
    content: bytes
    certificates: tuple[Certificate, ...]
    signers: tuple[Signer, ...]
    unreadable_certificates: int = 0

    def verify(self, extra: Iterable[Certificate] = ()) -> tuple[Certificate, Signer]:
        """Return the certificate and the signer whose signature holds; ``Untrusted`` otherwise."""
        candidates = (*self.certificates, *extra)
        found = False
        for signer in self.signers:
            for certificate in candidates:
                if signer.made_by(certificate):
                    found = True
                    self._check(signer, certificate)
                    return certificate, signer
        raise Untrusted("chip.signature" if found else "chip.no_signer")

    def _check(self, signer: Signer, certificate: Certificate) -> None:
        covered = self.content
        if signer.attributes is not None:
            kind, digest = signer.attribute(_CONTENT_TYPE), signer.attribute(_MESSAGE_DIGEST)
            if kind is None or tlv.object_id(kind) != self.content_type or digest is None:
                raise Untrusted("chip.signature", "", "signed attributes")
            own = hashlib.new(signer.digest, self.content, usedforsecurity=False).digest()
            if not hmac.compare_digest(own, digest.expect(tlv.OCTET_STRING).value):
                raise Untrusted("chip.signature", "", "content digest")
            covered = bytes([tlv.SET]) + signer.attributes.raw[1:]
        certificate.key.verify(signer.algorithm, signer.signature, covered)


def parse_signed_data(raw: bytes) -> SignedData:
    """Read a ContentInfo that holds SignedData."""
    outer = tlv.read_node(raw, trailing=True).expect(tlv.SEQUENCE).children(most=2)
    if len(outer) != 2 or tlv.object_id(outer[0]) != _SIGNED_DATA:
        raise Malformed("chip.signed_data", "", "not SignedData")
    parts = outer[1].expect(0xA0).only(tlv.SEQUENCE).children(most=8)
    if len(parts) < 4:
        raise Malformed("chip.signed_data", "", "parts are missing")
    content = parts[2].expect(tlv.SEQUENCE).children(most=2)
    if len(content) != 2:
        raise Malformed("chip.signed_data", "", "no content")
    certificates: list[Certificate] = []
    unreadable = 0
    for each in next((part.children(most=_MOST_CERTIFICATES) for part in parts[3:] if part.tag == 0xA0), ()):
        try:
            certificates.append(parse_certificate(each.raw))
        except LuutruError:
            unreadable += 1  # another one may be the signer's
    return SignedData(
        content_type=tlv.object_id(content[0]),
        content=content[1].expect(0xA0).only(tlv.OCTET_STRING).value,
        certificates=tuple(certificates),
        signers=tuple(_signer(each) for each in parts[-1].expect(tlv.SET).children(most=_MOST_SIGNERS)),
        unreadable_certificates=unreadable,
    )


def _signer(node: tlv.Node) -> Signer:
    parts = list(node.expect(tlv.SEQUENCE).children(most=8))
    if len(parts) < 5:
        raise Malformed("chip.signed_data", "", "signer")
    digest = digest_name(parts[2])
    attributes = parts.pop(3) if parts[3].tag == 0xA0 else None
    if len(parts) < 5:
        raise Malformed("chip.signed_data", "", "signer")
    issuer, serial, key_id = b"", 0, b""
    if parts[1].tag == 0x80:
        key_id = parts[1].value
    else:
        names = parts[1].expect(tlv.SEQUENCE).children(most=2)
        if len(names) != 2:
            raise Malformed("chip.signed_data", "", "signer")
        issuer, serial = names[0].raw, tlv.integer(names[1], most_bytes=64)
    return Signer(
        issuer=issuer,
        serial=serial,
        key_id=key_id,
        digest=digest,
        attributes=attributes,
        algorithm=parse_algorithm(parts[3], digest=digest),
        signature=parts[4].expect(tlv.OCTET_STRING).value,
    )
