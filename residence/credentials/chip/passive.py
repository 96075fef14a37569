"""Passive authentication: whether what the chip says is what an issuer signed, and which issuer (ICAO Doc 9303-11 section 5.1).

- ``passive``: the security object's signature holds, and every group read has exactly the signed digest.
- ``issuer``: a trusted certificate signed the document signer's; both were valid when the document was signed, not now; the countries of
  both, and of the document, agree. An issuer we do not hold is "not performed", never "failed" and never "passed".
- ``revocation``: good is passed, revoked is failed, a list that has run out is stale, no list at all is not performed.
- A departure is accepted only by a named deviation of the trust store; it is listed in the outcome.
- All findings come back at once, each a code of the catalogue.

Example: ``authenticate(files, store, country="VNM", now=now).checks["issuer"]``
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from residence.credentials.chip.certificates import Certificate
from residence.credentials.chip.countries import TWO_LETTERS
from residence.credentials.chip.lds import NUMBERS
from residence.credentials.chip.security_object import SecurityObject, parse_sod
from residence.credentials.chip.trust_store import Rule, TrustStore
from residence.credentials.evidence import CheckOutcome
from residence.errors import LuutruError, Problem, problem

_REVOCATION: Final[dict[str, CheckOutcome]] = {
    "good": "passed",
    "revoked": "failed",
    "stale": "stale",
    "unknown": "not_performed",
}


@dataclass(kw_only=True)
class PassiveOutcome:
    """What was found. ``covered``: group -> whether its bytes are the signed ones; ``signed_groups``: all that were signed."""

    checks: dict[str, CheckOutcome] = field(
        default_factory=lambda: {"passive": "not_performed", "issuer": "not_performed", "revocation": "not_performed"}
    )
    covered: dict[str, bool] = field(default_factory=dict)
    signed_groups: frozenset[str] = frozenset()
    findings: list[Problem] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)
    issuer: str = ""
    signed_with: str = ""
    signed_at: datetime | None = None

    def find(self, code: str, pointer: str = "", **params: object) -> None:
        """Add a finding."""
        self.findings.append(problem(code, pointer, **params))


def authenticate(
    files: Mapping[str, bytes],
    store: TrustStore,
    *,
    country: str | None,
    now: datetime,
    issued: datetime | None = None,
    country_names: Mapping[str, str] = TWO_LETTERS,
) -> PassiveOutcome:
    """Judge the files of one chip by name ("SOD", "DG1" ...); never raises. ``country``: as its zone has it, None where there is no zone."""
    outcome = PassiveOutcome()
    raw = files.get("SOD")
    if raw is None:
        return outcome
    try:
        sod = parse_sod(raw)
        signer, made = sod.signed.verify()
    except LuutruError as error:
        outcome.checks["passive"] = "failed"
        outcome.find(error.code, "/SOD")
        return outcome
    outcome.signed_with = f"{made.algorithm.name}, {sod.digest}"
    if "sha1" in outcome.signed_with:
        outcome.find("chip.old_digest", "/SOD")
    outcome.signed_groups = frozenset(name for name, number in NUMBERS.items() if number in sod.groups)
    _judge_groups(outcome, sod, files)
    _judge_issuer(outcome, signer, store, when=made.signing_time or issued, now=now)
    if country is not None and outcome.checks["issuer"] == "passed":
        _judge_country(outcome, signer, store, country=country_names.get(country, ""), now=now)
    return outcome


def _judge_groups(outcome: PassiveOutcome, sod: SecurityObject, files: Mapping[str, bytes]) -> None:
    for name, number in NUMBERS.items():
        if name not in files:
            continue
        match = sod.matches(number, files[name])
        outcome.covered[name] = bool(match)
        if match is None:
            outcome.find("chip.group_not_signed", f"/{name}")
        elif not match:
            outcome.find("chip.group_altered", f"/{name}")
    outcome.checks["passive"] = "passed" if all(outcome.covered.values()) else "failed"


def _judge_issuer(
    outcome: PassiveOutcome, signer: Certificate, store: TrustStore, *, when: datetime | None, now: datetime
) -> None:
    if store.is_empty:
        outcome.find("chip.no_anchors")
        return
    try:
        issuer = store.issuer_of(signer)
    except LuutruError:
        outcome.checks["issuer"] = "failed"
        outcome.find("chip.signer_forged", "/SOD")
        return
    if issuer is None:
        outcome.find("chip.issuer_unknown", "/SOD", country=signer.country or "?")
        return
    outcome.issuer = issuer.country
    if when is None:
        when = signer.not_before
        outcome.find("chip.signing_time_assumed", "/SOD")
    outcome.signed_at = when
    held = signer.held_at(when) and issuer.held_at(when)
    fits = held or _excused(outcome, signer, store, "validity", now=now)
    if not fits:
        outcome.find("chip.signer_expired", "/SOD")
    outcome.checks["issuer"] = "passed" if fits else "failed"
    state = store.revocation_of(signer, when=now)
    outcome.checks["revocation"] = _REVOCATION[state]
    if state != "good":
        outcome.find(f"chip.revocation_{state}", "/SOD")


def _judge_country(outcome: PassiveOutcome, signer: Certificate, store: TrustStore, *, country: str, now: datetime) -> None:
    if not country:
        outcome.find("chip.country_not_compared", "/DG1")
        return
    if signer.country == country or _excused(outcome, signer, store, "country", now=now):
        return
    outcome.checks["issuer"] = "failed"
    outcome.find("chip.wrong_country", "/SOD", signer=signer.country or "?", document=country)


def _excused(outcome: PassiveOutcome, signer: Certificate, store: TrustStore, rule: Rule, *, now: datetime) -> bool:
    deviation = store.deviation_for(signer, rule, when=now)
    if deviation is None:
        return False
    outcome.deviations.append(deviation.id)
    outcome.find("chip.deviation", "/SOD", id=deviation.id)
    return True
