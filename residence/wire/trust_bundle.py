"""The authority's choice of whom to trust about chips, signed once and published to every kiosk, gateway and server.

- The payload is JSON in a COSE_Sign1 of its own type, signed by a key of use ``keyring``: whoever may change the keys may change this.
- ``version`` must rise: an older bundle, with a certificate since removed, cannot be brought back (``Untrusted("trust.rollback")``).
- A bundle whose time is over is still read, for a kiosk without a network has nothing better; the store it makes calls its revocation
  lists stale.
- What is inside is checked again where it is used: certificates that do not stand are left out with their reason.

Example: ``store_of(accept_bundle(data, keyring=ring, at=now, held=7))``
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final

import msgspec

from residence.credentials.chip.certificates import parse_certificate, parse_revocation_list
from residence.credentials.chip.trust_store import Deviation, LeftOut, Rule, TrustStore, assemble
from residence.errors import LuutruError, Malformed, Untrusted
from residence.wire import signing
from residence.wire.keyring import Keyring
from residence.wire.signing import SigningKey

TRUST_TYPE: Final = "application/vnd.luutru.trust+json"
LARGEST: Final = 16 * 2**20
Instant = Annotated[datetime, msgspec.Meta(tz=True)]  # a time without its offset is no time, and comparing it raises


class BundleDeviation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One departure the authority accepts, with the reason it gives: for one certificate (its SHA-256), or one country's (two letters)."""

    id: str
    rule: Rule
    until: Instant
    reason: str
    country: str = ""
    fingerprint: str = ""

    @property
    def accepted(self) -> Deviation:
        """Return it as it is judged by."""
        return Deviation(id=self.id, rule=self.rule, until=self.until, country=self.country, fingerprint=self.fingerprint)


class TrustBundle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Certificates and revocation lists in DER, with a version and an end."""

    version: int
    issued: Instant
    expires: Instant
    certificates: tuple[bytes, ...]
    lists: tuple[bytes, ...] = ()
    deviations: tuple[BundleDeviation, ...] = ()


def sign_bundle(bundle: TrustBundle, signer: SigningKey) -> bytes:
    """Return the bundle as it is published."""
    return signing.sign1(msgspec.json.encode(bundle), TRUST_TYPE, signer)


def accept_bundle(data: bytes, *, keyring: Keyring, at: datetime, held: int = 0) -> TrustBundle:
    """Return the bundle when the keyring vouches for it and it is not older than the one held."""
    if len(data) > LARGEST:
        raise Malformed("trust.malformed", "", "too large")
    checked = signing.open_sign1(data, TRUST_TYPE, use="keyring", keyring=keyring, at=at)
    try:
        bundle = msgspec.json.decode(checked.payload, type=TrustBundle)
    except (ValueError, RecursionError) as error:
        raise Malformed("trust.malformed", "", str(error)) from error
    if bundle.version < held:
        raise Untrusted("trust.rollback", "/version", f"{bundle.version} is before {held}")
    return bundle


def store_of(bundle: TrustBundle) -> TrustStore:
    """Return what the bundle makes trusted."""
    certificates, lists, left_out = [], [], []
    for index, raw in enumerate(bundle.certificates):
        try:
            certificates.append(parse_certificate(raw))
        except LuutruError as error:
            left_out.append(LeftOut(what=f"certificate {index}", reason=error.code))
    for index, raw in enumerate(bundle.lists):
        try:
            lists.append(parse_revocation_list(raw))
        except LuutruError as error:
            left_out.append(LeftOut(what=f"list {index}", reason=error.code))
    deviations = tuple(each.accepted for each in bundle.deviations)
    store = assemble(certificates, lists, deviations=deviations, version=bundle.version, expires=bundle.expires)
    return replace(store, left_out=(*left_out, *store.left_out))
