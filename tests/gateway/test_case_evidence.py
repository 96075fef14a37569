"""What a case rests on: each sighting's signature checked anew, what was sent and answered, the outages, and what is deleted already."""

from __future__ import annotations

from datetime import timedelta

import pytest
from factories import StandingClock
from sighting_parts import DUE, EVENING, find_in_the_night, rows, run, see
from sqlalchemy import update

from luutru.system import random_bytes
from registry import cases, tables
from registry.cases import CaseStep
from registry.deletions import carry_out
from registry.disputing import Settlement, raise_dispute, settle_dispute
from registry.evidence import case_evidence
from registry.households import add_person
from registry.kiosks import retire_kiosk
from registry.outage_windows import keep_outage
from registry.retention_policy import read_policy
from residence.access.purposes import Field, Purpose
from residence.cases.closing import ClosingCode
from residence.cases.transitions import CaseAction
from residence.cases.triage import EVIDENCE_KEPT
from residence.clock import rfc3339
from residence.credentials.evidence import Evidence, EvidenceLevel
from residence.wire.outages import OutageWindow


@pytest.fixture
def case(office):
    """Somebody seen in the evening and found in the night, with the authority's keys on record."""
    person = office.person()
    see(office, person, EVENING)
    find_in_the_night(office, person)
    return rows(office, "cases")[0]


def evidence_of(office, case):
    with office.registry.reading() as connection:
        return case_evidence(connection, case, vault=office.registry.vault)


def signatures(evidence):
    return [each.facts["signature"] for each in evidence.moments if each.kind == "seen"]


def test_it_tells_in_order_what_was_seen_sent_and_done(office, case):
    evidence = evidence_of(office, case)
    assert [each.kind for each in evidence.moments] == ["seen", "notice", "seen", "step"]
    assert signatures(evidence) == ["held", "held"]
    assert evidence.moments[0].facts["kiosk_id"] == office.kiosk().kiosk_id
    assert evidence.expired == 0


def test_what_whoever_was_seen_says_is_wrong_about_them_stands_in_the_order_it_was_said(office):
    person, given = office.person(), {"commune_code": "demo-01", "random_bytes": random_bytes}
    with office.registry.writing() as connection:
        person_id = add_person(connection, person, vault=office.registry.vault, now=EVENING, **given)
        said = {"by": "acc-1", "reason": "certificate", "now": EVENING - timedelta(hours=1), "random_bytes": random_bytes}
        dispute_id = raise_dispute(connection, person_id, Field.BIRTH_DATE, **said)
        settle_dispute(
            connection, dispute_id, Settlement(outcome="upheld", by="o", reason="seen"), now=EVENING + timedelta(days=30)
        )
    see(office, person, EVENING)
    find_in_the_night(office, person)
    moments = evidence_of(office, rows(office, "cases")[0]).moments
    assert [each.kind for each in moments] == ["dispute", "seen", "notice", "seen", "step", "dispute"]
    assert [moments[at].facts for at in (0, -1)] == [{"field": "birth-date", "outcome": each} for each in (None, "upheld")]


ALTERED = {
    "when": ({"seen_at": EVENING - timedelta(hours=3)}, "case.evidence_altered"),
    "where": ({"unit": "9999"}, "case.evidence_altered"),
    "how sure": ({"evidence_level": 6}, "case.evidence_altered"),
    "the signature": ({"signed": b"no signature"}, "sign1.malformed"),
}


@pytest.mark.parametrize(("changes", "code"), ALTERED.values(), ids=ALTERED.keys())
def test_a_sighting_somebody_altered_is_shown_as_such(office, case, changes, code):
    columns = tables.presences.c
    with office.registry.writing() as connection:
        connection.execute(update(tables.presences).where(columns.kind == "night_check").values(**changes))
    evidence = evidence_of(office, case)
    assert sorted(signatures(evidence)) == ["failed", "held"]
    assert code in {each.facts["code"] for each in evidence.moments if each.kind == "seen"}


def test_a_key_revoked_later_takes_nothing_back(office, case):
    with office.registry.writing() as connection:
        retire_kiosk(connection, office.kiosk().kiosk_id, now=DUE + timedelta(days=2))
    assert signatures(evidence_of(office, case)) == ["held", "held"]


def test_what_expired_is_counted_and_the_rest_still_told(office, case):
    clock = StandingClock(EVENING + EVIDENCE_KEPT + timedelta(minutes=1))
    carry_out(office.registry, read_policy(), clock=clock, by="test")
    evidence = evidence_of(office, case)
    assert (evidence.expired, signatures(evidence)) == (1, ["held"])


def test_answers_and_closing_codes_are_told(office, case):
    claim = CaseStep(action=CaseAction.CLAIM, by="officer", purpose=Purpose.UNDECLARED_CASE)
    close = CaseStep(action=CaseAction.CLOSE_EXPLAINED, by="officer", code=ClosingCode.VISITOR)
    with office.registry.writing() as connection:
        for days, step in enumerate((claim, close), 2):
            cases.act(connection, case.case_id, step, now=DUE + timedelta(days=days), random_bytes=random_bytes)
    told = [(each.kind, each.facts.get("answer") or each.facts.get("code")) for each in evidence_of(office, case).moments]
    assert told[-3:] == [("step", None), ("answer", "decided"), ("step", "visitor")]


def test_outages_here_are_told_and_elsewhere_not(office, case):
    def window(number, premises_id):
        return OutageWindow(
            outage_id=f"o-{number}",
            cause="kiosk_offline",
            premises_id=premises_id,
            began_at=rfc3339(EVENING - timedelta(hours=2)),
            ended_at=rfc3339(EVENING - timedelta(hours=1)),
        )

    with office.registry.writing() as connection:
        for number, place in enumerate((case.premises_id, "somewhere-else")):
            keep_outage(connection, window(number, place), commune_code=case.commune_code, signer=office.fleet.receipt_key)
    (outage,) = [each for each in evidence_of(office, case).moments if each.kind == "outage"]
    assert outage.facts["cause"] == "kiosk_offline"
    assert outage.facts["signature"] == "held"


def test_what_a_kiosk_says_of_a_chips_checks_is_told_with_the_sighting(office):
    person = office.person()
    see(office, person, EVENING)
    find_in_the_night(office, person)
    said = Evidence(level=EvidenceLevel.CHIP_READ, source="chip", checks={"passive": "passed", "issuer": "not_performed"})
    office.clock.instant = EVENING + timedelta(hours=60)
    kiosk = office.kiosk()
    seen_at = office.clock.instant.isoformat()
    office.intake.take(
        [office.deliver(kiosk, office.presence(kiosk, person=person, seen_at=seen_at, kind="entry", evidence=said))]
    )
    run(office, EVENING + timedelta(hours=61))
    told = [each.facts["checks"] for each in evidence_of(office, rows(office, "cases")[0]).moments if each.kind == "seen"]
    assert told == [{}, {}, {"passive": "passed", "issuer": "not_performed"}]
