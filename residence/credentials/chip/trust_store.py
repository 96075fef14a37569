"""Whose signatures count: the authority's own choice of country signing certificates, revocation lists and known deviations.

- No anchor is built in. An empty store means that no chip is ever more than "signed, issuer unknown" (level 3).
- An anchor signs itself and may sign certificates; its own signature is checked once, when it is taken in.
- A link certificate counts only when an already trusted certificate of the same country signed it; an orphan stays out, with its reason.
- A revocation list counts only when a trusted certificate of the same country and name signed it.
- A deviation is a named departure from the rules: one country or one certificate, one rule, until a day. There are no silent ones.
- Taking certificates in is the expensive part; do it when the store changes, never per card.

Example: ``assemble(certificates, lists).issuer_of(document_signer)``
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from residence.credentials.chip.certificates import Certificate, RevocationList
from residence.errors import LuutruError, Untrusted

Rule = Literal["validity", "country"]
RevocationState = Literal["good", "revoked", "stale", "unknown"]
MOST_CERTIFICATES: Final = 5_000
_ROUNDS: Final = 16  # the longest chain of links taken in


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """One departure that is accepted: for a country, or for one certificate by its SHA-256."""

    id: str
    rule: Rule
    until: datetime
    country: str = ""
    fingerprint: str = ""

    def covers(self, certificate: Certificate, rule: Rule, *, when: datetime) -> bool:
        """Tell whether it excuses this certificate from this rule now."""
        named = self.fingerprint == certificate.fingerprint if self.fingerprint else self.country == certificate.country != ""
        return self.rule == rule and named and when <= self.until


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """Something that was not taken in, and why (a code of the catalogue)."""

    what: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustStore:
    """What is trusted now. ``version`` and ``expires`` only when it came as a signed bundle."""

    anchors: tuple[Certificate, ...] = ()
    links: tuple[Certificate, ...] = ()
    lists: tuple[RevocationList, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    version: int = 0
    expires: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is trusted."""
        return not self.anchors

    def has_run_out(self, when: datetime) -> bool:
        """Tell whether a bundle's time is over: it is kept, but nothing it says counts as fresh."""
        return self.expires is not None and when > self.expires

    def issuer_of(self, signer: Certificate) -> Certificate | None:
        """Return the trusted certificate that signed this one; None when no trusted one claims to be its issuer.

        Names differ in letters and key identifiers are left out in practice, so every certificate of the country is tried, those
        named first. ``Untrusted("chip.signature")``: the one whose key is named did not sign it.
        """
        same = [each for each in (*self.anchors, *self.links) if each.country == signer.country]
        named = [each for each in same if signer.authority_key and each.subject_key == signer.authority_key]
        for each in (*named, *(other for other in same if other not in named)):
            if _signed_by(signer, each):
                return each
        if named:
            raise Untrusted("chip.signature", "", "not by the issuer it names")
        return None

    def revocation_of(self, signer: Certificate, *, when: datetime) -> RevocationState:
        """Return what is known about a certificate's revocation; a revocation counts however old the list is."""
        lists = [each for each in self.lists if each.issuer == signer.issuer]
        if any(signer.serial in each.revoked for each in lists):
            return "revoked"
        if any(each.is_fresh(when) for each in lists) and not self.has_run_out(when):
            return "good"
        return "stale" if lists else "unknown"

    def deviation_for(self, certificate: Certificate, rule: Rule, *, when: datetime) -> Deviation | None:
        """Return the deviation that excuses a certificate from a rule."""
        return next((each for each in self.deviations if each.covers(certificate, rule, when=when)), None)


def _signed_by(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        certificate.verify_by(issuer)
    except LuutruError:
        return False
    return True


def _as_anchor(certificate: Certificate) -> str:
    """Return why a certificate is no anchor; empty when it is one."""
    if not certificate.is_authority:
        return "chip.not_an_authority"
    if not certificate.is_self_issued:
        return "chip.orphan"
    try:
        certificate.verify_by(certificate)
    except LuutruError as error:
        return error.code
    return ""


def assemble(
    certificates: Iterable[Certificate],
    lists: Iterable[RevocationList] = (),
    *,
    deviations: tuple[Deviation, ...] = (),
    version: int = 0,
    expires: datetime | None = None,
) -> TrustStore:
    """Take in what an operator or a verified list offers; what does not stand is left out with its reason."""
    offered = {each.fingerprint: each for each in certificates}
    if len(offered) > MOST_CERTIFICATES:
        raise Untrusted("chip.too_many_certificates", "", str(len(offered)))
    reasons = {each.fingerprint: _as_anchor(each) for each in offered.values()}
    anchors = [each for each in offered.values() if not reasons[each.fingerprint]]
    links, left = _take_links(anchors, [each for each in offered.values() if reasons[each.fingerprint]])
    left_out = [LeftOut(what=each.fingerprint, reason=_reason(each, reasons)) for each in left]
    kept: list[RevocationList] = []
    for each in lists:
        if _list_stands(each, (*anchors, *links)):
            kept.append(each)
        else:
            left_out.append(LeftOut(what=f"CRL {each.country}", reason="chip.orphan"))
    return TrustStore(
        anchors=tuple(anchors),
        links=tuple(links),
        lists=tuple(kept),
        deviations=deviations,
        left_out=tuple(left_out),
        version=version,
        expires=expires,
    )


def _reason(certificate: Certificate, reasons: dict[str, str]) -> str:
    return reasons[certificate.fingerprint]


def _take_links(anchors: list[Certificate], rest: list[Certificate]) -> tuple[list[Certificate], list[Certificate]]:
    """Accept, round by round, what a trusted certificate of the same country signed."""
    links: list[Certificate] = []
    waiting = [each for each in rest if each.is_authority]
    left = [each for each in rest if not each.is_authority]
    for _ in range(_ROUNDS):
        trusted = (*anchors, *links)
        fresh = [each for each in waiting if any(_may_have_signed(one, each) and _signed_by(each, one) for one in trusted)]
        if not fresh:
            break
        links += fresh
        waiting = [each for each in waiting if each not in fresh]
    return links, [*left, *waiting]


def _may_have_signed(issuer: Certificate, certificate: Certificate) -> bool:
    return issuer.country == certificate.country and issuer.raw != certificate.raw


def _list_stands(each: RevocationList, trusted: tuple[Certificate, ...]) -> bool:
    for issuer in trusted:
        if issuer.subject == each.issuer:
            try:
                each.verify_by(issuer)
            except LuutruError:
                continue
            return True
    return False
