"""Public keys and signatures as documents carry them: tolerant where issuers differ, strict where an attacker would want tolerance.

- RSA of 1024 to 8192 bits with an odd exponent of at least 3; elliptic curves by name or by explicit parameters that equal a named curve in
  prime, coefficients, base point and order; Diffie-Hellman by either of its two identifiers.
- Signatures: RSA PKCS#1 v1.5 and PSS (hash, mask and salt length from the parameters), ECDSA in DER and as plain r and s; SHA-1 to
  SHA-512. Nothing else, and nothing by guess. ``algorithm_of`` names it, so that SHA-1 can be shown.
- Curves OpenSSL does not know are verified with ``ecdsa``.
- What cannot be read is ``Malformed("chip.key")``; a signature that does not hold is ``Untrusted("chip.signature")``.

Example: ``parse_public_key(certificate.spki).verify(algorithm, signature, data)``
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import ecdsa
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from ecdsa.util import sigdecode_string

from residence.credentials.chip import tlv
from residence.credentials.chip.groups import STANDARD, DhGroup, EcGroup, dh_group
from residence.credentials.chip.signature_algorithms import HASHES, SignatureAlgorithm
from residence.errors import Malformed, Untrusted

_RSA: Final = {"1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"}
_EC: Final = {"1.2.840.10045.2.1", "1.3.132.1.12"}
_DH: Final = {"1.2.840.113549.1.3.1", "1.2.840.10046.2.1"}
_STANDARDISED: Final = "0.4.0.127.0.7.1.2"
_LEAST_RSA_BITS: Final = 1024
_MOST_RSA_BITS: Final = 8192
_CURVE_OIDS: Final = {
    "1.2.840.10045.3.1.1": 8,
    "1.3.36.3.3.2.8.1.1.3": 9,
    "1.3.132.0.33": 10,
    "1.3.36.3.3.2.8.1.1.5": 11,
    "1.2.840.10045.3.1.7": 12,
    "1.3.36.3.3.2.8.1.1.7": 13,
    "1.3.36.3.3.2.8.1.1.9": 14,
    "1.3.132.0.34": 15,
    "1.3.36.3.3.2.8.1.1.11": 16,
    "1.3.36.3.3.2.8.1.1.13": 17,
    "1.3.132.0.35": 18,
}
_OPENSSL_CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "secp224r1": ec.SECP224R1(),
    "secp256r1": ec.SECP256R1(),
    "secp384r1": ec.SECP384R1(),
    "secp521r1": ec.SECP521R1(),
    "brainpoolP256r1": ec.BrainpoolP256R1(),
    "brainpoolP384r1": ec.BrainpoolP384R1(),
    "brainpoolP512r1": ec.BrainpoolP512R1(),
}


def _unreadable(detail: str) -> Malformed:
    return Malformed("chip.key", "", detail)


def _not_held(detail: str = "") -> Untrusted:
    return Untrusted("chip.signature", "", detail)


@dataclass(frozen=True, kw_only=True, slots=True)
class RsaKey:
    """An RSA public key."""

    modulus: int
    exponent: int

    @property
    def name(self) -> str:
        """Return the name that results carry."""
        return f"RSA-{self.modulus.bit_length()}"

    def verify(self, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> None:
        """Check one signature; ``Untrusted`` when it does not hold."""
        if algorithm.scheme not in {"rsa-pkcs1", "rsa-pss"}:
            raise _not_held("an RSA key cannot have made this kind of signature")
        made = HASHES[algorithm.digest]
        how: Any = padding.PKCS1v15()
        if algorithm.scheme == "rsa-pss":
            how = padding.PSS(mgf=padding.MGF1(HASHES[algorithm.mask or algorithm.digest]), salt_length=algorithm.salt)
        try:
            rsa.RSAPublicNumbers(self.exponent, self.modulus).public_key().verify(signature, data, how, made)
        except (InvalidSignature, ValueError, UnsupportedAlgorithm) as error:
            raise _not_held(str(error)) from None

    def recover(self, signature: bytes) -> bytes:
        """Return what a signature with message recovery carries (Active Authentication)."""
        size = (self.modulus.bit_length() + 7) // 8
        value = int.from_bytes(signature, "big")
        if len(signature) != size or value >= self.modulus:
            raise _not_held("length")
        return pow(value, self.exponent, self.modulus).to_bytes(size, "big")


@dataclass(frozen=True, kw_only=True, slots=True)
class EcKey:
    """A point on a curve. ``explicit``: the key described its curve instead of naming it."""

    group: EcGroup
    point: Any
    explicit: bool = False

    @property
    def name(self) -> str:
        """Return the name that results carry."""
        return self.group.name

    def verify(self, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> None:
        """Check one signature; ``Untrusted`` when it does not hold."""
        if algorithm.scheme not in {"ecdsa", "ecdsa-plain"}:
            raise _not_held("a curve's key cannot have made this kind of signature")
        r, s = self._numbers(algorithm, signature)
        if not (0 < r < self.group.order and 0 < s < self.group.order):
            raise _not_held("numbers out of range")
        digest = hashlib.new(algorithm.digest, data, usedforsecurity=False).digest()
        curve = _OPENSSL_CURVES.get(self.group.name)
        if curve is None:
            self._verify_rare(digest, r, s)
            return
        numbers = ec.EllipticCurvePublicNumbers(int(self.point.x()), int(self.point.y()), curve)
        try:
            numbers.public_key().verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(HASHES[algorithm.digest])))
        except (InvalidSignature, ValueError, UnsupportedAlgorithm) as error:
            raise _not_held(str(error)) from None

    def _numbers(self, algorithm: SignatureAlgorithm, signature: bytes) -> tuple[int, int]:
        if algorithm.scheme == "ecdsa-plain":
            half = len(signature) // 2
            if len(signature) % 2 or not half:
                raise _not_held("length")
            return int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
        try:
            r, s = tlv.read_node(signature).expect(tlv.SEQUENCE).children(most=2)
            return tlv.integer(r, most_bytes=128), tlv.integer(s, most_bytes=128)
        except (Malformed, ValueError) as error:
            raise _not_held(str(error)) from None

    def _verify_rare(self, digest: bytes, r: int, s: int) -> None:
        key = ecdsa.VerifyingKey.from_public_point(self.point, curve=self.group.curve)
        size = (self.group.order.bit_length() + 7) // 8
        signature = r.to_bytes(size, "big") + s.to_bytes(size, "big")
        try:
            held = key.verify_digest(signature, digest, sigdecode=sigdecode_string, allow_truncate=True)
        except ecdsa.BadSignatureError as error:
            raise _not_held(str(error)) from None
        if not held:
            raise _not_held()


@dataclass(frozen=True, kw_only=True, slots=True)
class DhKey:
    """A number in a Diffie-Hellman group; chips only agree on keys with it."""

    group: DhGroup
    number: int

    @property
    def name(self) -> str:
        """Return the name that results carry."""
        return self.group.name

    def verify(self, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> None:
        """Refuse: nothing is signed with such a key."""
        del algorithm, signature, data
        raise _not_held("a Diffie-Hellman key signs nothing")


PublicKey = RsaKey | EcKey | DhKey


def parse_public_key(spki: bytes) -> PublicKey:
    """Read a SubjectPublicKeyInfo."""
    parts = tlv.read_node(spki).expect(tlv.SEQUENCE).children(most=2)
    if len(parts) != 2:
        raise _unreadable("two parts expected")
    algorithm = parts[0].expect(tlv.SEQUENCE).children(most=2)
    if not algorithm:
        raise _unreadable("no algorithm")
    oid, bits = tlv.object_id(algorithm[0]), tlv.bit_string(parts[1])
    parameters = algorithm[1] if len(algorithm) > 1 else None
    if oid in _RSA:
        return _rsa(bits)
    if parameters is not None and oid == _STANDARDISED:
        return _standardised(tlv.integer(parameters, most_bytes=4), bits)
    if parameters is not None and oid in _EC:
        group, explicit = _curve(parameters)
        return EcKey(group=group, point=group.decode(bits), explicit=explicit)
    if parameters is not None and oid in _DH:
        dh = _dh_parameters(parameters, oid)
        return DhKey(group=dh, number=dh.decode(_unsigned(tlv.read_node(bits))))
    raise _unreadable(f"algorithm {oid} is not supported")


def _unsigned(node: tlv.Node) -> bytes:
    value = tlv.integer(node)
    if value <= 0:
        raise _unreadable("a positive number expected")
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _rsa(bits: bytes) -> RsaKey:
    numbers = tlv.read_node(bits).expect(tlv.SEQUENCE).children(most=2)
    if len(numbers) != 2:
        raise _unreadable("two numbers expected")
    modulus, exponent = tlv.integer(numbers[0]), tlv.integer(numbers[1])
    if not _LEAST_RSA_BITS <= modulus.bit_length() <= _MOST_RSA_BITS or modulus < 0 or not modulus % 2:
        raise _unreadable("modulus")
    if not 3 <= exponent < 1 << 64 or not exponent % 2:
        raise _unreadable("exponent")
    return RsaKey(modulus=modulus, exponent=exponent)


def _standardised(number: int, bits: bytes) -> PublicKey:
    group = STANDARD.get(number)
    if group is None:
        raise _unreadable("no such standard group")
    if isinstance(group, EcGroup):
        return EcKey(group=group, point=group.decode(bits))
    return DhKey(group=group, number=group.decode(bits))


def _curve(parameters: tlv.Node) -> tuple[EcGroup, bool]:
    if parameters.tag == tlv.OBJECT_ID:
        number = _CURVE_OIDS.get(tlv.object_id(parameters), -1)
        group = STANDARD.get(number)
        if not isinstance(group, EcGroup):
            raise _unreadable("the curve is not supported")
        return group, False
    return _explicit_curve(parameters.expect(tlv.SEQUENCE).children(most=8)), True


def _explicit_curve(fields: tuple[tlv.Node, ...]) -> EcGroup:
    """Return the named curve that equals these parameters in every value."""
    if len(fields) < 5:
        raise _unreadable("explicit curve parameters")
    field, curve = fields[1].expect(tlv.SEQUENCE).children(most=2), fields[2].expect(tlv.SEQUENCE).children(most=3)
    if len(field) != 2 or len(curve) < 2:
        raise _unreadable("explicit curve parameters")
    prime = tlv.integer(field[1], most_bytes=128)
    for group in STANDARD.values():
        if not isinstance(group, EcGroup) or group.prime != prime:
            continue
        a, b = (int.from_bytes(each.expect(tlv.OCTET_STRING).value, "big") for each in curve[:2])
        same = (a, b) == group.coefficients and tlv.integer(fields[4], most_bytes=128) == group.order
        if same and _same_base(fields[3].expect(tlv.OCTET_STRING).value, group):
            return group
        break
    raise _unreadable("these curve parameters are those of no named curve")


def _same_base(data: bytes, group: EcGroup) -> bool:
    full = group.encode(group.generator)
    compressed = bytes([2 + full[-1] % 2]) + full[1 : 1 + group.field_bytes]
    return data in {full, compressed}


def _dh_parameters(parameters: tlv.Node, oid: str) -> DhGroup:
    """Read p, g and, in the newer of both forms, q; the older form's third number is a length and not needed."""
    numbers = parameters.expect(tlv.SEQUENCE).children(most=5)
    if len(numbers) < 2:
        raise _unreadable("Diffie-Hellman parameters")
    is_x942 = oid == "1.2.840.10046.2.1" and len(numbers) > 2
    order = tlv.integer(numbers[2]) if is_x942 else 0
    return dh_group(tlv.integer(numbers[0]), tlv.integer(numbers[1]), order)
