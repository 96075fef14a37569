"""What reconciliation says about stays and findings, as rows.

- A stay takes from the declarations it rests on: the best evidence, the earliest deadline, and whether any of them met it.
- A state that is replaced becomes a row of the stay's history; each state names the declaration that caused it.
- Findings are kept by id: what stands is upserted, what no longer stands gets the time it ceased to.

Example: called by ``registry/recording_batch.py`` for each outcome.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from registry.declarations import Facts
from registry.stays import REMOVED
from registry.surroundings import Surroundings
from registry.writing import Pending
from residence.clock import parse_instant
from residence.stays.declaration import StayDeclaration
from residence.stays.findings import Finding
from residence.stays.known import KnownStay
from residence.stays.reconcile import Reconciliation, StayChange

if TYPE_CHECKING:
    from registry.statements import Means

_NO_FACTS = Facts(evidence_level=0)


def write_stays(
    pending: Pending,
    change: StayChange,
    *,
    before: Mapping[str, KnownStay],
    message: StayDeclaration,
    picture: Surroundings,
    means: Means,
) -> None:
    """Collect the rows of every stay that changed, and of those that stand no longer."""
    for stay_id in change.removed:
        if stay_id in before:
            _write(pending, before[stay_id], REMOVED, message=message, picture=picture, means=means)
    for stay in change.stays:
        if before.get(stay.stay_id) != stay:
            _write(pending, stay, stay.status, message=message, picture=picture, means=means)


def _write(
    pending: Pending, stay: KnownStay, status: str, *, message: StayDeclaration, picture: Surroundings, means: Means
) -> None:
    row = {
        "commune_code": picture.communes[stay.premises_id],
        "stay_id": stay.stay_id,
        "person_id": stay.person_id,
        "premises_id": stay.premises_id,
        "unit": stay.unit,
        "status": status,
        "start_at": parse_instant(stay.start),
        "planned_end": parse_instant(stay.planned_end) if stay.planned_end else None,
        "ended_at": parse_instant(stay.ended_at) if stay.ended_at else None,
        "declaration_ids": list(stay.declaration_ids),
        **_taken_over([picture.kept[each].facts for each in stay.declaration_ids if each in picture.kept] or [_NO_FACTS]),
        "declaration_id": message.declaration_id,
        "recorded_at": means.now,
        "objected_at": None,
        "changed_at": means.now,
    }
    pending.write_stay(row, is_new=stay.declaration_ids == (message.declaration_id,))


def _taken_over(facts: list[Facts]) -> dict[str, Any]:
    judged = [(each.due, each) for each in facts if each.due is not None]
    first = min(judged, key=lambda pair: pair[0])[1] if judged else facts[0]
    on_time = [each.on_time for each in facts if each.on_time is not None and each.due == first.due]  # the deadline that is shown
    return {
        "evidence_level": max(each.evidence_level for each in facts),
        "reason": next((each.reason for each in facts if each.reason), None),
        "due": first.due,
        "on_time": any(on_time) if on_time else None,
        "rule": first.rule,
        "rule_set": first.rule_set,
    }


def write_findings(pending: Pending, outcome: Reconciliation, *, commune_code: str, now: datetime) -> None:
    """Collect findings(after) = findings(before) - cleared + findings."""
    for finding in outcome.cleared:
        pending.cleared.add(finding.finding_id)
        pending.findings.pop((commune_code, finding.finding_id), None)
    for finding in outcome.findings:
        pending.cleared.discard(finding.finding_id)
        add_finding(pending, finding, commune_code=commune_code, now=now)


def add_finding(pending: Pending, finding: Finding, *, commune_code: str, now: datetime) -> None:
    """Collect one finding and what it is about."""
    own_id = finding.finding_id
    pending.findings[commune_code, own_id] = {
        "commune_code": commune_code,
        "finding_id": own_id,
        "code": finding.code,
        "severity": finding.severity,
        "pointer": finding.pointer,
        "about": list(finding.about),
        "found_at": now,
        "cleared_at": None,
    }
    for about in finding.about:
        pending.links[commune_code, about, own_id] = {"commune_code": commune_code, "about_id": about, "finding_id": own_id}
