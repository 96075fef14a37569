"""The pseudo-random number of PACE's integrated mapping (ICAO Doc 9303-11, 4.4.3.3.2): a block cipher keyed by its own output.

- Two published constants per key length; blocks are joined until they exceed the field by 64 bits.
- The nonce of the chip must be at least as long as a key, else the construction has no key.

>>> from residence.credentials.chip.suites import AES_128
>>> nonce_bytes_of(AES_128)
16
"""

from __future__ import annotations

from typing import Final

from residence.credentials.chip.suites import Suite
from residence.errors import Untrusted

_SHORT: Final = 16
_SPARE_BITS: Final = 64
_CONSTANTS: Final = {
    16: (bytes.fromhex("a668892a7c41e3ca739f40b057d85904"), bytes.fromhex("a4e136ac725f738b01c1f60217c188ad")),
    32: (
        bytes.fromhex("d463d65234124ef7897054986dca0a174e28df758cbaa03f240616414d5a1676"),
        bytes.fromhex("54bd7255f0aaf831bec3423fcf39d69b6cbf066677d0faae5aadd99df8e53517"),
    ),
}


def nonce_bytes_of(suite: Suite) -> int:
    """Return how long the reader's nonce is: as long as a key."""
    return suite.key_bytes


def pseudo_random(suite: Suite, theirs: bytes, ours: bytes, field_bits: int) -> int:
    """Return R(s, t) as a number; the caller reduces it to the field."""
    if len(theirs) < suite.key_bytes or len(theirs) not in _CONSTANTS:
        raise Untrusted("chip.pace", "", "nonce")
    first, second = _CONSTANTS[len(theirs)]
    key, out = suite.encrypt(ours, theirs), b""
    while len(out) * 8 < field_bits + _SPARE_BITS:
        key = key[: suite.key_bytes]
        out += suite.encrypt(key, second)
        key = suite.encrypt(key, first)
    return int.from_bytes(out, "big")
