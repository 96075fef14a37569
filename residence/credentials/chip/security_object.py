"""EF.SOD: the issuer's signature over the digests of all data groups (ICAO Doc 9303-10 and -12).

- The content must be an LDS security object (2.23.136.1.1.1); a group listed twice is refused.
- A group is judged by the digest of the bytes as read: ``matches`` is None when the object does not list it.

Example: ``parse_sod(raw).matches(14, raw_dg14)``
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from residence.credentials.chip import tlv
from residence.credentials.chip.signature_algorithms import digest_name
from residence.credentials.chip.signed_data import SignedData, parse_signed_data
from residence.errors import Malformed

_CONTENT: Final = "2.23.136.1.1.1"
_MOST_GROUPS: Final = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class SecurityObject:
    """The signed digests, by number of the data group."""

    signed: SignedData
    digest: str
    groups: dict[int, bytes]

    def matches(self, number: int, raw: bytes) -> bool | None:
        """Tell whether a group's bytes are the signed ones; None when it is not listed."""
        expected = self.groups.get(number)
        if expected is None:
            return None
        return hmac.compare_digest(hashlib.new(self.digest, raw, usedforsecurity=False).digest(), expected)


def parse_sod(raw: bytes) -> SecurityObject:
    """Read EF.SOD."""
    signed = parse_signed_data(tlv.read_node(raw, trailing=True).expect(0x77).value)
    if signed.content_type != _CONTENT:
        raise Malformed("chip.signed_data", "", f"content {signed.content_type}")
    parts = tlv.read_node(signed.content).expect(tlv.SEQUENCE).children(most=5)
    if len(parts) < 3:
        raise Malformed("chip.signed_data", "", "security object")
    groups: dict[int, bytes] = {}
    for entry in parts[2].expect(tlv.SEQUENCE).children(most=_MOST_GROUPS):
        fields = entry.expect(tlv.SEQUENCE).children(most=2)
        if len(fields) != 2:
            raise Malformed("chip.signed_data", "", "security object")
        number = tlv.integer(fields[0], most_bytes=2)
        if number in groups:
            raise Malformed("chip.signed_data", "", "a group twice")
        groups[number] = fields[1].expect(tlv.OCTET_STRING).value
    return SecurityObject(signed=signed, digest=digest_name(parts[1]), groups=groups)
