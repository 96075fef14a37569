"""Certificates and revocation lists as document issuers write them, read from their own bytes.

- What is signed is the slice as read, never encoded again. Names are compared as bytes and, for countries, as letters.
- A certificate's key is parsed when it is needed, so that one nobody can use does not spoil a list of hundreds.
- Dates of both forms; a date that cannot be read is ``Malformed``. Extensions we need: key identifiers, basic constraints, key usage.
- A revocation list with a critical extension we do not know is ``Malformed``: it may be a difference to another list, or only a part of one, and a
  signer that is not on it would be called good (RFC 5280, 5.2).
- Numbers: at most ``MOST_REVOKED`` entries of a list are read.

Example: ``parse_certificate(der).verify_by(issuer)``
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from residence.credentials.chip import tlv
from residence.credentials.chip.public_keys import PublicKey, parse_public_key
from residence.credentials.chip.signature_algorithms import SignatureAlgorithm, parse_algorithm
from residence.errors import Malformed

MOST_REVOKED: Final = 200_000
_COUNTRY: Final = "2.5.4.6"
_SUBJECT_KEY: Final = "2.5.29.14"
_AUTHORITY_KEY: Final = "2.5.29.35"
_BASIC: Final = "2.5.29.19"
_USAGE: Final = "2.5.29.15"
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18
_SIGNS_CERTIFICATES: Final = 0x04
_FIFTY: Final = 50
_WITH_CRITICAL: Final = 3  # identifier, whether it is critical, value


def time_of(node: tlv.Node) -> datetime:
    """Return the instant of a UTCTime or GeneralizedTime."""
    text = node.value.decode("ascii", "replace")
    try:
        if node.tag == _UTC_TIME and len(text) == 13 and text.endswith("Z"):
            century = "19" if int(text[:2]) >= _FIFTY else "20"
            return datetime.strptime(century + text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
        if node.tag == _GENERALIZED_TIME and len(text) == 15 and text.endswith("Z"):
            return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        pass
    raise Malformed("chip.certificate", "", "date")


def country_of(name: tlv.Node) -> str:
    """Return the country of a distinguished name in capitals; empty where it has none."""
    for group in name.expect(tlv.SEQUENCE).children(most=40):
        for attribute in group.expect(tlv.SET).children(most=10):
            parts = attribute.expect(tlv.SEQUENCE).children(most=2)
            if len(parts) == 2 and tlv.object_id(parts[0]) == _COUNTRY:
                return parts[1].value.decode("ascii", "replace").upper()[:3]
    return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Certificate:
    """One certificate."""

    raw: bytes
    signed: bytes
    serial: int
    issuer: bytes
    subject: bytes
    country: str
    not_before: datetime
    not_after: datetime
    spki: bytes
    algorithm: tlv.Node
    signature: bytes
    subject_key: bytes = b""
    authority_key: bytes = b""
    is_authority: bool = False

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the certificate."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def key(self) -> PublicKey:
        """Return its public key; ``Malformed`` when nobody can use it."""
        return parse_public_key(self.spki)

    @property
    def made_with(self) -> SignatureAlgorithm:
        """Return how it was signed."""
        return parse_algorithm(self.algorithm)

    @property
    def is_self_issued(self) -> bool:
        """Tell whether issuer and subject are the same name."""
        return self.issuer == self.subject

    def verify_by(self, issuer: Certificate) -> None:
        """Check that this issuer's key signed it; ``Untrusted("chip.signature")`` otherwise."""
        issuer.key.verify(self.made_with, self.signature, self.signed)

    def held_at(self, when: datetime) -> bool:
        """Tell whether it was valid at this instant."""
        return self.not_before <= when <= self.not_after


def _three(raw: bytes) -> tuple[tlv.Node, tlv.Node, bytes]:
    parts = tlv.read_node(raw).expect(tlv.SEQUENCE).children(most=3)
    if len(parts) != 3:
        raise Malformed("chip.certificate", "", "three parts expected")
    return parts[0].expect(tlv.SEQUENCE), parts[1].expect(tlv.SEQUENCE), tlv.bit_string(parts[2])


def parse_certificate(raw: bytes) -> Certificate:
    """Read one certificate."""
    body, algorithm, signature = _three(raw)
    parts = list(body.children(most=12))
    if parts and parts[0].tag == 0xA0:
        parts.pop(0)
    if len(parts) < 6:
        raise Malformed("chip.certificate", "", "fields are missing")
    if parts[1].raw != algorithm.raw:
        raise Malformed("chip.certificate", "", "two different algorithms")
    dates = parts[3].expect(tlv.SEQUENCE).children(most=2)
    if len(dates) != 2:
        raise Malformed("chip.certificate", "", "two dates expected")
    known = _extensions(next((part for part in parts[6:] if part.tag == 0xA3), None))
    return Certificate(
        raw=raw,
        signed=body.raw,
        serial=tlv.integer(parts[0], most_bytes=64),
        issuer=parts[2].raw,
        subject=parts[4].raw,
        country=country_of(parts[4]) or country_of(parts[2]),
        not_before=time_of(dates[0]),
        not_after=time_of(dates[1]),
        spki=parts[5].raw,
        algorithm=algorithm,
        signature=signature,
        subject_key=_subject_key(known),
        authority_key=_authority_key(known),
        is_authority=_is_authority(known),
    )


def _extensions(wrapped: tlv.Node | None) -> dict[str, bytes]:
    if wrapped is None:
        return {}
    found: dict[str, bytes] = {}
    for extension in wrapped.only(tlv.SEQUENCE).children(most=60):
        parts = extension.expect(tlv.SEQUENCE).children(most=3)
        if len(parts) < 2:
            raise Malformed("chip.certificate", "", "extension")
        found[tlv.object_id(parts[0])] = parts[-1].expect(tlv.OCTET_STRING).value
    return found


def _subject_key(known: dict[str, bytes]) -> bytes:
    return tlv.read_node(known[_SUBJECT_KEY]).expect(tlv.OCTET_STRING).value if _SUBJECT_KEY in known else b""


def _authority_key(known: dict[str, bytes]) -> bytes:
    if _AUTHORITY_KEY not in known:
        return b""
    parts = tlv.read_node(known[_AUTHORITY_KEY]).expect(tlv.SEQUENCE).children(most=3)
    return next((part.value for part in parts if part.tag == 0x80), b"")


def _is_authority(known: dict[str, bytes]) -> bool:
    """Tell whether it may sign certificates: basic constraints say so, and key usage does not deny it."""
    parts = tlv.read_node(known[_BASIC]).expect(tlv.SEQUENCE).children(most=2) if _BASIC in known else ()
    is_ca = bool(parts) and parts[0].tag == 0x01 and parts[0].value != b"\0"
    usage = tlv.read_node(known[_USAGE]).expect(tlv.BIT_STRING).value if _USAGE in known else b"\0\xff"
    return is_ca and len(usage) > 1 and bool(usage[1] & _SIGNS_CERTIFICATES)


@dataclass(frozen=True, kw_only=True, slots=True)
class RevocationList:
    """One revocation list. ``revoked``: serial number -> when."""

    raw: bytes
    signed: bytes
    issuer: bytes
    country: str
    this_update: datetime
    next_update: datetime | None
    algorithm: tlv.Node
    signature: bytes
    revoked: dict[int, datetime] = field(default_factory=dict)

    def verify_by(self, issuer: Certificate) -> None:
        """Check that this issuer's key signed it."""
        issuer.key.verify(parse_algorithm(self.algorithm), self.signature, self.signed)

    def is_fresh(self, when: datetime) -> bool:
        """Tell whether it is still to be relied on; a list without an end never is."""
        return self.next_update is not None and self.this_update <= when <= self.next_update


def parse_revocation_list(raw: bytes) -> RevocationList:
    """Read one revocation list."""
    body, algorithm, signature = _three(raw)
    parts = list(body.children(most=8))
    if parts and parts[0].tag == tlv.INTEGER:
        parts.pop(0)
    if len(parts) < 3 or parts[0].raw != algorithm.raw:
        raise Malformed("chip.certificate", "", "revocation list")
    _whole(next((part for part in parts[3:] if part.tag == 0xA0), None))
    rest = parts[3:]
    ends = time_of(rest.pop(0)) if rest and rest[0].tag in {_UTC_TIME, _GENERALIZED_TIME} else None
    entries = rest[0].children(most=MOST_REVOKED) if rest and rest[0].tag == tlv.SEQUENCE else ()
    return RevocationList(
        raw=raw,
        signed=body.raw,
        issuer=parts[1].raw,
        country=country_of(parts[1]),
        this_update=time_of(parts[2]),
        next_update=ends,
        algorithm=algorithm,
        signature=signature,
        revoked=dict(map(_revoked, entries)),
    )


def _whole(wrapped: tlv.Node | None) -> None:
    """Refuse a list that says it must not be read by whoever does not know one of its extensions; we know none of those."""
    for extension in wrapped.only(tlv.SEQUENCE).children(most=60) if wrapped is not None else ():
        parts = extension.expect(tlv.SEQUENCE).children(most=3)
        if len(parts) == _WITH_CRITICAL and parts[1].value != b"\0":
            raise Malformed("chip.certificate", "", f"critical extension {tlv.object_id(parts[0])}")


def _revoked(entry: tlv.Node) -> tuple[int, datetime]:
    parts = entry.expect(tlv.SEQUENCE).children(most=3)
    if len(parts) < 2:
        raise Malformed("chip.certificate", "", "revocation entry")
    return tlv.integer(parts[0], most_bytes=64), time_of(parts[1])
