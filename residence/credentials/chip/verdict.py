"""The one result of a chip: every check with its outcome, the evidence level they add up to, and all findings.

- ``judge`` is the same function on the kiosk, the gateway and the server; what it is given are bytes, never somebody's claims.
- Chip and Active Authentication count only when the signed security object covers the group with the key (DG14, DG15), and chip
  authentication mapping only when EF.CardSecurity is signed by the issuer of the document's country.
- EF.COM is signed by nobody, so it cannot hide a group: a key (DG14, DG15) that the security object lists and the chip does not give is a finding,
  and its check "not performed", never "not supported". A key of a kind we do not know is "not supported", never "failed".
- A genuine signature over a chip that names nobody (no readable DG1) shows nothing about the person: passive authentication is not performed.
- ``level_of`` and ``level_shown`` are the only places where checks become a level; a failed check is a finding and never raises anything.
- ``level_of`` is for whoever ran the protocols; ``level_shown`` for whoever is told of them. Whoever knows the ephemeral key of Chip
  Authentication, or the chip's public key under chip authentication mapping, can write the chip's answer: others see a chip present only by its
  signature of Active Authentication (ADR 63).
- Opening with BAC a chip that offers PACE, in EF.CardAccess or in the signed DG14, is a downgrade and is a finding; so is EF.CardAccess that
  offers what DG14 does not.
- There is no "valid": callers show the checks and the level.

Example: ``judge(capture, store, now=now, today=today).level``
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final, TypeVar

from residence.credentials.card_qr import CardFields
from residence.credentials.chip.active import challenge_for, verify_active
from residence.credentials.chip.capture import Capture
from residence.credentials.chip.chip_authentication import infos_of_dg14, transcript_holds, ways_of
from residence.credentials.chip.cross_check import cross_check
from residence.credentials.chip.dg13 import Dg13, day_of, parse_dg13
from residence.credentials.chip.lds import NUMBERS, parse_com, parse_dg1, parse_dg15
from residence.credentials.chip.mapping_proof import judge_mapping
from residence.credentials.chip.passive import PassiveOutcome, authenticate
from residence.credentials.chip.public_keys import parse_public_key
from residence.credentials.chip.security_infos import PaceInfo, parse_security_infos
from residence.credentials.chip.trust_store import TrustStore
from residence.credentials.evidence import CheckOutcome, EvidenceLevel
from residence.credentials.mrz import MrzFields, parse_mrz
from residence.errors import LuutruError, Malformed, Problem, problem

T = TypeVar("T")
CHECKS: Final = ("pace", "bac", "passive", "issuer", "revocation", "chip_auth", "active_auth", "cross_check")


@dataclass(kw_only=True)
class Verdict:
    """What a chip is worth."""

    checks: dict[str, CheckOutcome] = field(default_factory=lambda: dict.fromkeys(CHECKS, "not_performed"))
    level: EvidenceLevel = EvidenceLevel.STATED
    findings: list[Problem] = field(default_factory=list)
    covered: dict[str, bool] = field(default_factory=dict)
    zone: MrzFields | None = None
    details: Dg13 | None = None
    issuer: str = ""
    signed_with: str = ""
    present_by: str = ""  # which proof of the chip's presence held


def level_of(checks: dict[str, CheckOutcome]) -> EvidenceLevel:
    """Return the level these checks add up to (architecture section 5)."""
    if "passed" not in {checks["pace"], checks["bac"]}:
        return EvidenceLevel.STATED
    if checks["cross_check"] == "failed":
        return EvidenceLevel.CARD_TEXT
    if checks["passive"] != "passed" or checks["issuer"] == "failed" or checks["revocation"] == "failed":
        return EvidenceLevel.CHIP_READ
    if checks["issuer"] != "passed" or checks["revocation"] != "passed":
        return EvidenceLevel.CHIP_SIGNED_ISSUER_UNKNOWN
    if "failed" in {checks["chip_auth"], checks["active_auth"]}:
        return EvidenceLevel.CHIP_VERIFIED
    present = "passed" in {checks["chip_auth"], checks["active_auth"]}
    return EvidenceLevel.CHIP_PRESENT if present else EvidenceLevel.CHIP_VERIFIED


def level_shown(checks: dict[str, CheckOutcome]) -> EvidenceLevel:
    """Return the level these checks show to somebody who was not there: of nobody in particular a chip shows nothing."""
    level = level_of(checks)
    if checks["cross_check"] != "passed":
        return min(level, EvidenceLevel.CARD_TEXT)
    return level if checks["active_auth"] == "passed" else min(level, EvidenceLevel.CHIP_VERIFIED)


def judge(capture: Capture, store: TrustStore, *, now: datetime, today: date, card: CardFields | None = None) -> Verdict:
    """Judge what was taken from a chip; never raises on what it holds."""
    verdict = Verdict()
    _judge_access(verdict, capture)
    files = capture.files
    verdict.zone = _read(verdict, "DG1", lambda: parse_mrz(parse_dg1(files["DG1"]), today=today).fields, capture)
    if verdict.zone is not None and verdict.zone.issuer == "VNM":
        verdict.details = _read(verdict, "DG13", lambda: parse_dg13(files["DG13"]), capture)
    passive = authenticate(
        files, store, country=verdict.zone.issuer if verdict.zone else None, now=now, issued=_issued(verdict.details)
    )
    verdict.checks |= passive.checks
    verdict.findings += passive.findings
    verdict.covered, verdict.issuer, verdict.signed_with = passive.covered, passive.issuer, passive.signed_with
    if verdict.zone is None and verdict.checks["passive"] == "passed":
        verdict.checks["passive"] = "not_performed"
        verdict.findings.append(problem("chip.no_zone", "/DG1"))
    _judge_groups_present(verdict, capture, passive)
    _judge_chip(verdict, capture, passive, store, now=now)
    _judge_active(verdict, capture, passive)
    compared = cross_check(card=card, zone=verdict.zone, details=verdict.details)
    verdict.checks["cross_check"] = compared.check
    verdict.findings += compared.findings
    verdict.level = level_of(verdict.checks)
    return verdict


def _issued(details: Dg13 | None) -> datetime | None:
    day = day_of(details.texts.get("issued", "")) if details else None
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC) if day else None


def _read(verdict: Verdict, name: str, parse: Callable[[], T], capture: Capture) -> T | None:
    """Parse one group where it is there; what cannot be read is a finding."""
    if name not in capture.files:
        return None
    try:
        return parse()
    except LuutruError as error:
        verdict.findings.append(problem(error.code, f"/{name}"))
        return None


def _judge_access(verdict: Verdict, capture: Capture) -> None:
    access = capture.access
    for check, prefix in (("pace", "PACE"), ("bac", "BAC")):
        tried = [each for each in access.attempts if each.protocol.startswith(prefix)]
        if access.protocol.startswith(prefix):
            verdict.checks[check] = "passed"
        elif tried:
            verdict.checks[check] = "failed"
    offered = _offered(verdict, capture)
    signed = _signed_offers(capture)
    if not (offered or signed) and verdict.checks["pace"] == "not_performed":
        verdict.checks["pace"] = "not_supported"
    if access.protocol == "BAC" and (offered or signed):
        verdict.findings.append(problem("chip.downgraded", "/access", offered=(*offered, *signed)[0].name))
    if capture.card_access and signed and {each.oid for each in offered} != {each.oid for each in signed}:
        verdict.findings.append(problem("chip.offers_differ", "/CardAccess"))


def _offered(verdict: Verdict, capture: Capture) -> tuple[PaceInfo, ...]:
    """Return what EF.CardAccess offers, which nobody signed."""
    try:
        return parse_security_infos(capture.card_access).pace if capture.card_access else ()
    except LuutruError as error:
        verdict.findings.append(problem(error.code, "/CardAccess"))
        return ()


def _signed_offers(capture: Capture) -> tuple[PaceInfo, ...]:
    """Return what DG14 says is offered; one that cannot be read is judged with Chip Authentication."""
    try:
        return infos_of_dg14(capture.files["DG14"]).pace if "DG14" in capture.files else ()
    except LuutruError:
        return ()


def _judge_groups_present(verdict: Verdict, capture: Capture, passive: PassiveOutcome) -> None:
    """Report groups that are listed and were not seen, and lists that differ."""
    for name in ("DG14", "DG15"):
        if name in passive.signed_groups and name not in capture.files:
            verdict.findings.append(problem("chip.key_not_given", f"/{name}"))
    common = _read(verdict, "COM", lambda: parse_com(capture.files["COM"]), capture)
    if common is None:
        return
    for name in common.groups:
        if name not in capture.files and capture.missing.get(name) == "absent":
            verdict.findings.append(problem("chip.group_listed_but_absent", f"/{name}"))
    if passive.signed_groups and passive.signed_groups != {name for name in common.groups if name in NUMBERS}:
        verdict.findings.append(problem("chip.lists_differ", "/COM"))


def _judge_chip(verdict: Verdict, capture: Capture, passive: PassiveOutcome, store: TrustStore, *, now: datetime) -> None:
    """Judge Chip Authentication, or what chip authentication mapping showed instead."""
    if capture.mapping is not None:
        mapped = judge_mapping(capture.mapping, capture.card_security, store, passive, now=now)
        if mapped != "not_performed":
            verdict.checks["chip_auth"] = mapped
            if mapped == "passed":
                verdict.present_by = "PACE-CAM"
            else:
                verdict.findings.append(problem("chip.not_present", "/CardSecurity"))
            return
    if capture.chip is None and not capture.chip_refused:
        hidden = "DG14" in passive.signed_groups and "DG14" not in capture.files
        if not hidden and not _has_chip_key(capture.files.get("DG14", b"")):
            verdict.checks["chip_auth"] = "not_supported"
        return
    if capture.chip_refused or capture.chip is None:
        verdict.checks["chip_auth"] = "failed"
        verdict.findings.append(problem("chip.not_present", "/DG14"))
        return
    try:
        held = transcript_holds(capture.chip, dg14=capture.files.get("DG14", b""))
    except LuutruError as error:
        held = False
        verdict.findings.append(problem(error.code, "/DG14"))
    _conclude(verdict, "chip_auth", held=held, covered=passive.covered.get("DG14", False), pointer="/DG14")


def _has_chip_key(dg14: bytes) -> bool:
    try:
        return bool(ways_of(infos_of_dg14(dg14)))
    except LuutruError:
        return False


def _judge_active(verdict: Verdict, capture: Capture, passive: PassiveOutcome) -> None:
    if "DG15" not in capture.files:
        if "DG15" not in passive.signed_groups:
            verdict.checks["active_auth"] = "not_supported"
        return
    if capture.active is None:
        if capture.active_refused:
            verdict.checks["active_auth"] = "failed"
            verdict.findings.append(problem("chip.no_active_signature", "/DG15"))
        return
    held = False
    try:
        key = parse_public_key(parse_dg15(capture.files["DG15"]))
        oid = infos_of_dg14(capture.files["DG14"]).active_signature if "DG14" in capture.files else None
        verify_active(key, challenge_for(*capture.active.bound_to), capture.active.signature, algorithm_oid=oid)
        held = True
    except LuutruError as error:
        verdict.findings.append(problem(error.code, "/DG15"))
        if isinstance(error, Malformed) and passive.covered.get("DG15", False):
            verdict.checks["active_auth"] = "not_supported"  # the issuer's own key or algorithm, and we do not know it
            return
    _conclude(verdict, "active_auth", held=held, covered=passive.covered.get("DG15", False), pointer="/DG15")


def _conclude(verdict: Verdict, check: str, *, held: bool, covered: bool, pointer: str) -> None:
    """Note a proof of presence; a key nobody signed proves nothing."""
    if held and not covered:
        verdict.findings.append(problem("chip.key_not_signed", pointer))
    verdict.checks[check] = "passed" if held and covered else "failed"
    if verdict.checks[check] == "passed" and not verdict.present_by:
        verdict.present_by = check
