"""Certificate requests and certificates of kiosks: what a request must be, and whether a certificate is the one that was asked for.

- A request is PKCS #10 (RFC 2986) in DER, signed by its own key, which is EC P-256. Its subject and whatever else it asks for count for nothing:
  the authority writes the name (``certify``).
- A certificate is a client's, for one kiosk, by one authority (path length 0): EC P-256 with SHA-256, as every kiosk's TLS knows.
- Dates begin a day early, for clocks that are behind.

Example: ``certify(request, name="kiosk-lobby-1", authority=ca, authority_key=key, serial=serial, now=now)``
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from residence.errors import Malformed, Untrusted

LIFETIME: Final = timedelta(days=90)
EARLY: Final = timedelta(days=1)


def make_request(key: ec.EllipticCurvePrivateKey, *, name: str) -> bytes:
    """Return a request in DER for a key a kiosk made."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.DER)


def tls_key_of(request: bytes) -> bytes:
    """Return the SubjectPublicKeyInfo (DER) of a request that its own key signed, or raise ``Malformed("claim.request_unusable")``."""
    return _spki(_read_request(request).public_key())


def certify(
    request: bytes,
    *,
    name: str,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    serial: int,
    now: datetime,
    lifetime: timedelta = LIFETIME,
) -> x509.Certificate:
    """Return a client's certificate for ``name`` and the request's key."""
    public = _read_request(request).public_key()
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(authority.subject)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(now - EARLY)
        .not_valid_after(min(now + lifetime, authority.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def check_certificate(pem: str, *, name: str, authority: str, tls_key: bytes) -> x509.Certificate:
    """Return a certificate that is for this name and key and by this authority, or raise ``Untrusted("claim.certificate_wrong")``."""
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode("ascii"))
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.encode("ascii")))
        names = [each.value for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except (ValueError, TypeError, InvalidSignature) as error:
        raise Untrusted("claim.certificate_wrong", "", str(error)) from error
    if names != [name] or _spki(certificate.public_key()) != tls_key:
        raise Untrusted("claim.certificate_wrong", "", f"it is for {names}")
    return certificate


def half_life(certificate: x509.Certificate) -> datetime:
    """Return when to ask for the next one."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return begins + (ends - begins) / 2


def public_half(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the SubjectPublicKeyInfo (DER) of a private key."""
    return _spki(key.public_key())


def _read_request(request: bytes) -> x509.CertificateSigningRequest:
    try:
        read = x509.load_der_x509_csr(request)
        key = read.public_key()
        fits = read.is_signature_valid and isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise Malformed("claim.request_unusable", "/request", str(error)) from error
    if not fits or read.public_bytes(serialization.Encoding.DER) != request:
        raise Malformed("claim.request_unusable", "/request", "not EC P-256, or not signed by its own key")
    return read


def _spki(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Malformed("claim.request_unusable", "/request", "not an elliptic curve")
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
