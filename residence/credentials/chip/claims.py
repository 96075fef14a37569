"""What a declaration's chip evidence is worth, found again from its bytes, and whether its kiosk claimed more.

- Every check is found by ``verdict.judge`` from the bytes and the judge's own trust store; the person the declaration names is compared with
  the chip's machine-readable zone, so a genuine chip of somebody else shows nothing.
- The kiosk's word only lowers: a check it calls *failed* stays failed where what it saw does not travel (DG13).
- ``chip.claim_not_shown``: more is claimed than the bytes show, whoever is trusted. ``chip.trust_differs``: only the judgement of the issuer
  differs; a kiosk with an older trust bundle says such things honestly.
- Chip Authentication alone is the kiosk's word that a chip was there: it passed, it is told, and it does not raise the level above 4.
- What repeats a person (a correction, an extension) carries no chip and claims none (``said_again``).
- Without evidence a kiosk shows that it read a card, never more: nobody signs in at a kiosk, so nobody attests there either.

Example: ``judge_claim(evidence, person, bound_to=binding(kiosk_id, declaration_id), store=store, now=now).level``
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from residence.clock import VIETNAM
from residence.credentials.chip.carried import MOST_FINDINGS, as_capture
from residence.credentials.chip.cross_check import Stated
from residence.credentials.chip.trust_store import TrustStore
from residence.credentials.chip.verdict import CHECKS, Verdict, judge, level_shown
from residence.credentials.evidence import CheckOutcome, Evidence, EvidenceLevel
from residence.errors import catalogue
from residence.people.person import DocumentKind, Person

NOT_SHOWN: Final = "chip.claim_not_shown"
TRUST_DIFFERS: Final = "chip.trust_differs"
SEEN_BY_KIOSK: Final = "chip.seen_by_kiosk_alone"
# The checks whose loss the bytes that travel cannot show, and those that rest on whom the judge trusts.
_KIOSK_MAY_FAIL: Final = ("passive", "cross_check")
_BY_TRUST: Final = ("issuer", "revocation")
_READ: Final = frozenset({"card-qr", "mrz", "chip"})


class JudgedClaim(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. ``doubt`` is empty, or the code of how the kiosk's claim differs."""

    claimed: EvidenceLevel
    level: EvidenceLevel
    checks: dict[str, CheckOutcome] = {}
    findings: tuple[str, ...] = ()  # codes, each once
    doubt: str = ""
    issuer: str = ""
    signed_with: str = ""
    present_by: str = ""
    trust_version: int = 0
    kiosk_trust_version: int = 0


def needs_judging(evidence: Evidence) -> bool:
    """Tell whether evidence from a kiosk claims anything its bytes must show."""
    return evidence.chip is not None or evidence.level > level_without_bytes(evidence)


def level_without_bytes(evidence: Evidence) -> EvidenceLevel:
    """Return what a kiosk's word alone is worth."""
    most = EvidenceLevel.CARD_TEXT if evidence.source in _READ else EvidenceLevel.STATED
    return min(evidence.level, most)


def said_again(evidence: Evidence) -> Evidence:
    """Return what stands behind a statement that repeats a person somebody else read: what a word is worth, and nothing of the chip.

    A chip's bytes are bound to the first statement, where they were judged; repeated they would be a claim nobody checks.
    """
    checks = {name: outcome for name, outcome in evidence.checks.items() if name not in CHECKS}
    return msgspec.structs.replace(evidence, level=level_without_bytes(evidence), checks=checks, chip=None, attested_by=None)


def judge_claim(
    evidence: Evidence, person: Person, *, bound_to: tuple[bytes, ...], store: TrustStore, now: datetime
) -> JudgedClaim:
    """Judge the evidence of a declaration; never raises on what it holds."""
    ground = level_without_bytes(evidence)
    if evidence.chip is None:
        doubt = NOT_SHOWN if evidence.level > ground else ""
        return JudgedClaim(claimed=evidence.level, level=ground, doubt=doubt, trust_version=store.version)
    verdict = judge(
        as_capture(evidence.chip, bound_to=bound_to),
        store,
        now=now,
        today=now.astimezone(VIETNAM).date(),
        card=fields_of(person),
    )
    checks = lowered(verdict.checks, evidence.checks)
    level = max(ground, level_shown(checks))
    return JudgedClaim(
        claimed=evidence.level,
        level=level,
        checks=checks,
        findings=_codes(verdict, checks, evidence.chip.findings),
        doubt=_doubt(evidence, level, _allowed(verdict, evidence)),
        issuer=verdict.issuer,
        signed_with=verdict.signed_with,
        present_by=verdict.present_by,
        trust_version=store.version,
        kiosk_trust_version=evidence.chip.trust_version,
    )


def lowered(found: dict[str, CheckOutcome], said: dict[str, CheckOutcome]) -> dict[str, CheckOutcome]:
    """Return the checks found, with what the kiosk saw fail in bytes that do not travel."""
    return found | {name: "failed" for name in _KIOSK_MAY_FAIL if said.get(name) == "failed"}


def fields_of(person: Person, *, residence: bool = False) -> Stated:
    """Return a stated person as the chip is compared with; the residence only where the chip's details are there to compare."""
    document = person.document
    # a foreign identity card is told by its own number, like a passport; a Vietnamese one by the person's
    by_document = document is not None and (document.kind is DocumentKind.PASSPORT or person.personal_number is None)
    passport = document if by_document else None
    return Stated(
        document_number=passport.number if passport else None,
        nationality=person.nationality if passport else None,
        expiry=passport.expiry if passport else None,
        personal_number=person.personal_number,
        full_name=person.full_name,
        birth=person.birth if person.birth and person.birth.precision == "day" else None,
        sex=person.sex,
        residence_text=person.residence_text if residence else None,
        issued=person.document.issued if person.document else None,
    )


def _allowed(verdict: Verdict, evidence: Evidence) -> EvidenceLevel:
    """Return the most an honest kiosk can have found in these bytes, whomever it trusts."""
    by_trust = {name: evidence.checks.get(name, verdict.checks[name]) for name in _BY_TRUST}
    return max(level_without_bytes(evidence), level_shown(lowered(verdict.checks, evidence.checks) | by_trust))


def _doubt(evidence: Evidence, level: EvidenceLevel, allowed: EvidenceLevel) -> str:
    if evidence.level > allowed:
        return NOT_SHOWN
    return TRUST_DIFFERS if evidence.level > level else ""


def _codes(verdict: Verdict, checks: dict[str, CheckOutcome], said: tuple[str, ...]) -> tuple[str, ...]:
    known = catalogue()
    told = [code for code in said[:MOST_FINDINGS] if code.startswith("chip.") and code in known]
    alone = [SEEN_BY_KIOSK] if checks["chip_auth"] == "passed" != checks["active_auth"] else []
    return tuple(dict.fromkeys((*(each.code for each in verdict.findings), *alone, *told)))
