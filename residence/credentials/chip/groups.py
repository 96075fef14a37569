"""The groups in which chip and reader agree on a secret: elliptic curves and Diffie-Hellman, by the standard's numbers 0 to 18.

- A point or number that arrives is checked before it is used: right length, on the curve, in the subgroup, not the neutral element.
  Anything else is ``Untrusted("chip.bad_point")``.
- A secret is the x coordinate, or the number, in the length of the field.
- Explicit curve parameters are accepted only when they equal a named curve in every value; the prime finds the name.
- ``map_generic`` and ``map_integrated`` make the generator of one PACE run (ICAO Doc 9303-11, 4.4.3.3); both refuse a neutral result.

>>> STANDARD[13].name, STANDARD[0].name
('brainpoolP256r1', 'modp-1024-160')
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

from ecdsa import curves, ellipticcurve

from residence.credentials.chip.modp_groups import GENERATORS, ORDERS, PRIMES
from residence.errors import Untrusted

_UNCOMPRESSED: Final = 0x04
_LEAST_MODP_BITS: Final = 1024
_MOST_MODP_BITS: Final = 8192
MOST_SCALAR_BITS: Final = 512  # twice what a subgroup has in practice; a longer exponent only costs time


def bad_point(detail: str) -> Untrusted:
    """Return the refusal of something that is no usable public key of its group."""
    return Untrusted("chip.bad_point", "", detail)


class Group(Protocol):
    """A group with what PACE and Chip Authentication ask of it; elements are opaque."""

    @property
    def name(self) -> str:
        """Return the name that results carry."""
        ...

    @property
    def order(self) -> int:
        """Return the order of the generator."""
        ...

    @property
    def generator(self) -> Any:
        """Return the element everybody starts from."""
        ...

    def decode(self, data: bytes) -> Any:
        """Check and return an element that arrived."""
        ...

    def encode(self, element: Any) -> bytes:
        """Return an element as it travels."""
        ...

    def power(self, element: Any, scalar: int) -> Any:
        """Apply a private key to an element; the neutral element is refused."""
        ...

    def secret(self, element: Any) -> bytes:
        """Return what keys are derived from."""
        ...

    def map_generic(self, nonce: int, agreed: Any) -> Any:
        """Return the generator of one PACE run from the nonce and an agreed element."""
        ...

    def map_integrated(self, number: int) -> Any:
        """Return the generator of one PACE run from a pseudo-random number."""
        ...

    @property
    def field_bits(self) -> int:
        """Return the size of the field."""
        ...


@dataclass(frozen=True)
class EcGroup:
    """An elliptic curve of prime order."""

    curve: Any
    name: str

    @property
    def order(self) -> int:
        """Return the order of the generator."""
        return int(self.curve.order)

    @property
    def generator(self) -> Any:
        """Return the base point."""
        return self.curve.generator

    @property
    def prime(self) -> int:
        """Return the field's prime."""
        return int(self.curve.curve.p())

    @property
    def coefficients(self) -> tuple[int, int]:
        """Return a and b of the curve."""
        return int(self.curve.curve.a()) % self.prime, int(self.curve.curve.b()) % self.prime

    @property
    def field_bits(self) -> int:
        """Return the size of the field."""
        return self.prime.bit_length()

    @property
    def field_bytes(self) -> int:
        """Return how many bytes a coordinate has."""
        return (self.field_bits + 7) // 8

    def decode(self, data: bytes) -> Any:
        """Check and return an uncompressed point."""
        size = self.field_bytes
        if len(data) != 1 + 2 * size or data[0] != _UNCOMPRESSED:
            raise bad_point("length or form")
        return self.point(int.from_bytes(data[1 : 1 + size], "big"), int.from_bytes(data[1 + size :], "big"))

    def point(self, x: int, y: int) -> Any:
        """Check and return the point with these coordinates."""
        if not (0 <= x < self.prime and 0 <= y < self.prime) or not self.curve.curve.contains_point(x, y):
            raise bad_point("not on the curve")
        return ellipticcurve.PointJacobi(self.curve.curve, x, y, 1, self.order)

    def encode(self, element: Any) -> bytes:
        """Return a point uncompressed."""
        size = self.field_bytes
        return bytes([_UNCOMPRESSED]) + int(element.x()).to_bytes(size, "big") + int(element.y()).to_bytes(size, "big")

    def power(self, element: Any, scalar: int) -> Any:
        """Multiply a point."""
        return _not_neutral(element * scalar)

    def secret(self, element: Any) -> bytes:
        """Return the x coordinate."""
        return int(element.x()).to_bytes(self.field_bytes, "big")

    def map_generic(self, nonce: int, agreed: Any) -> Any:
        """Return nonce * generator + agreed."""
        return _not_neutral(self.generator * (nonce % self.order) + agreed)

    def map_integrated(self, number: int) -> Any:
        """Encode a number as a point (simplified Shallue-van de Woestijne-Ulas, as the standard's annex has it)."""
        p, (a, b), t = self.prime, self.coefficients, number % self.prime
        if p % 4 != 3:
            raise bad_point("the curve has no point encoding")
        alpha = -t * t % p
        divisor = a * (alpha + alpha * alpha) % p
        if not divisor:
            raise bad_point("no point for this number")
        x2 = -b * (1 + alpha + alpha * alpha) * pow(divisor, -1, p) % p
        x3 = alpha * x2 % p
        h2 = (pow(x2, 3, p) + a * x2 + b) % p
        root = pow(h2, p - 1 - (p + 1) // 4, p)
        if root * root * h2 % p == 1:
            return self.point(x2, root * h2 % p)
        return self.point(x3, root * pow(t, 3, p) * h2 % p)


def _not_neutral(point: Any) -> Any:
    if point == ellipticcurve.INFINITY:
        raise bad_point("neutral element")
    return point.to_affine() if isinstance(point, ellipticcurve.Point) else point.scale()


@dataclass(frozen=True)
class DhGroup:
    """A subgroup of the numbers modulo a prime. ``order`` is 0 where a certificate does not say it."""

    prime: int
    order: int
    generator: int
    name: str

    @cached_property
    def _size(self) -> int:
        return (self.prime.bit_length() + 7) // 8

    @property
    def field_bits(self) -> int:
        """Return the size of the field."""
        return self.prime.bit_length()

    def decode(self, data: bytes) -> int:
        """Check and return a public number."""
        value = int.from_bytes(data, "big")
        if len(data) > self._size + 1 or not 1 < value < self.prime - 1:
            raise bad_point("out of range")
        if self.order and pow(value, self.order, self.prime) != 1:
            raise bad_point("not in the subgroup")
        return value

    def encode(self, element: int) -> bytes:
        """Return a number in the length of the prime."""
        return element.to_bytes(self._size, "big")

    def power(self, element: int, scalar: int) -> int:
        """Raise a number."""
        value = pow(element, scalar, self.prime)
        if value in {0, 1}:
            raise bad_point("neutral element")
        return value

    def secret(self, element: int) -> bytes:
        """Return the number in the length of the prime."""
        return self.encode(element)

    def map_generic(self, nonce: int, agreed: int) -> int:
        """Return generator ** nonce * agreed."""
        value = pow(self.generator, nonce, self.prime) * agreed % self.prime
        if value in {0, 1}:
            raise bad_point("neutral element")
        return value

    def map_integrated(self, number: int) -> int:
        """Return number ** cofactor, which lies in the subgroup."""
        return self.power(number % self.prime, (self.prime - 1) // self.order)


def dh_group(prime: int, generator: int, order: int = 0) -> DhGroup:
    """Return a group a chip describes itself, within limits that keep its arithmetic short."""
    for known in STANDARD.values():
        if isinstance(known, DhGroup) and (known.prime, known.generator) == (prime, generator):
            return known
    fits = _LEAST_MODP_BITS <= prime.bit_length() <= _MOST_MODP_BITS and prime % 2 and 1 < generator < prime - 1
    if not fits or not 0 <= order < min(prime, 1 << MOST_SCALAR_BITS) or (order and pow(generator, order, prime) != 1):
        raise bad_point("unusable group")
    return DhGroup(prime, order, generator, f"modp-{prime.bit_length()}")


def _ec(curve: Any, name: str) -> EcGroup:
    return EcGroup(curve, name)


_MODP_NAMES: Final = ("modp-1024-160", "modp-2048-224", "modp-2048-256")
STANDARD: Final[dict[int, EcGroup | DhGroup]] = {
    **{number: DhGroup(PRIMES[number], ORDERS[number], GENERATORS[number], name) for number, name in enumerate(_MODP_NAMES)},
    8: _ec(curves.NIST192p, "secp192r1"),
    9: _ec(curves.BRAINPOOLP192r1, "brainpoolP192r1"),
    10: _ec(curves.NIST224p, "secp224r1"),
    11: _ec(curves.BRAINPOOLP224r1, "brainpoolP224r1"),
    12: _ec(curves.NIST256p, "secp256r1"),
    13: _ec(curves.BRAINPOOLP256r1, "brainpoolP256r1"),
    14: _ec(curves.BRAINPOOLP320r1, "brainpoolP320r1"),
    15: _ec(curves.NIST384p, "secp384r1"),
    16: _ec(curves.BRAINPOOLP384r1, "brainpoolP384r1"),
    17: _ec(curves.BRAINPOOLP512r1, "brainpoolP512r1"),
    18: _ec(curves.NIST521p, "secp521r1"),
}
