"""The signature algorithms of travel documents, by their identifiers: which scheme, which hash, and for PSS which mask and salt.

- Read from an AlgorithmIdentifier as a certificate, a CMS signer or DG14 carries it; unknown ones are ``Malformed("chip.algorithm")``.
- A CMS signer may name only the key's kind; then its digest algorithm says the rest.
- A salt longer than 64 bytes is refused: nobody uses one, and it is an attacker's number.

>>> BY_OID["1.2.840.10045.4.3.2"].name
'ecdsa-sha256'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from cryptography.hazmat.primitives import hashes

from residence.credentials.chip import tlv
from residence.errors import Malformed

Scheme = Literal["rsa-pkcs1", "rsa-pss", "ecdsa", "ecdsa-plain"]
HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - old documents are signed with it; results show it
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
DIGEST_OIDS: Final = {
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
PSS: Final = "1.2.840.113549.1.1.10"
MGF1: Final = "1.2.840.113549.1.1.8"
_PLAIN: Final = "0.4.0.127.0.7.1.1.4.1."
_LONGEST_SALT: Final = 64
_DEFAULT_SALT: Final = 20
_KEY_KINDS: Final[dict[str, Scheme]] = {"1.2.840.113549.1.1.1": "rsa-pkcs1", "1.2.840.10045.2.1": "ecdsa"}


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureAlgorithm:
    """How a signature was made."""

    scheme: Scheme
    digest: str
    mask: str = ""
    salt: int = 0

    @property
    def name(self) -> str:
        """Return the name that results carry."""
        return f"{self.scheme}-{self.digest}"


def _each(scheme: Scheme, oids: dict[str, str]) -> dict[str, SignatureAlgorithm]:
    return {oid: SignatureAlgorithm(scheme=scheme, digest=digest) for oid, digest in oids.items()}


BY_OID: Final[dict[str, SignatureAlgorithm]] = {
    **_each(
        "rsa-pkcs1",
        {
            "1.2.840.113549.1.1.5": "sha1",
            "1.2.840.113549.1.1.14": "sha224",
            "1.2.840.113549.1.1.11": "sha256",
            "1.2.840.113549.1.1.12": "sha384",
            "1.2.840.113549.1.1.13": "sha512",
        },
    ),
    **_each(
        "ecdsa",
        {
            "1.2.840.10045.4.1": "sha1",
            "1.2.840.10045.4.3.1": "sha224",
            "1.2.840.10045.4.3.2": "sha256",
            "1.2.840.10045.4.3.3": "sha384",
            "1.2.840.10045.4.3.4": "sha512",
        },
    ),
    **_each(
        "ecdsa-plain",
        {f"{_PLAIN}{number}": digest for number, digest in enumerate(("sha1", "sha224", "sha256", "sha384", "sha512"), 1)},
    ),
}


def _unknown(oid: str) -> Malformed:
    return Malformed("chip.algorithm", "", oid)


def digest_name(identifier: tlv.Node) -> str:
    """Return the hash an AlgorithmIdentifier names."""
    oid = tlv.object_id(_oid_of(identifier))
    if oid not in DIGEST_OIDS:
        raise _unknown(oid)
    return DIGEST_OIDS[oid]


def _oid_of(identifier: tlv.Node) -> tlv.Node:
    children = identifier.expect(tlv.SEQUENCE).children(most=2)
    if not children:
        raise _unknown("none")
    return children[0]


def parse_algorithm(identifier: tlv.Node, *, digest: str = "") -> SignatureAlgorithm:
    """Read an AlgorithmIdentifier; ``digest`` completes one that names only the kind of key."""
    children = identifier.expect(tlv.SEQUENCE).children(most=2)
    oid = tlv.object_id(_oid_of(identifier))
    if oid == PSS:
        return _pss(children[1] if len(children) > 1 else None)
    if oid in BY_OID:
        return BY_OID[oid]
    if digest and oid in _KEY_KINDS:
        return SignatureAlgorithm(scheme=_KEY_KINDS[oid], digest=digest)
    raise _unknown(oid)


def _pss(parameters: tlv.Node | None) -> SignatureAlgorithm:
    """Read the parameters of PSS; each has a default of its own (RFC 8017 A.2.3)."""
    digest, mask, salt = "sha1", "sha1", _DEFAULT_SALT
    fields = parameters.expect(tlv.SEQUENCE).children(most=4) if parameters is not None else ()
    for field in fields:
        if field.tag == 0xA0:
            digest = digest_name(field.only(tlv.SEQUENCE))
        elif field.tag == 0xA1:
            generation = field.only(tlv.SEQUENCE).children(most=2)
            if len(generation) != 2 or tlv.object_id(generation[0]) != MGF1:
                raise _unknown("mask generation")
            mask = digest_name(generation[1])
        elif field.tag == 0xA2:
            salt = tlv.integer(field.only(tlv.INTEGER), most_bytes=4)
    if not 0 <= salt <= _LONGEST_SALT:
        raise _unknown("salt length")
    return SignatureAlgorithm(scheme="rsa-pss", digest=digest, mask=mask, salt=salt)
