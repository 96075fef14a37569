"""What a gateway finds in the chip evidence it is sent: honest kiosks' levels stand, lying ones are caught, nobody is held up."""

from __future__ import annotations

from datetime import timedelta

import chip_parts as chips
import msgspec
import pytest
from authority import Authority
from chip_parts import Citizen, evidence, lying, pki, store_of
from factories import EVENING
from sqlalchemy import select, update

from gateway.trust import TrustStore
from luutru.system import random_bytes
from registry import tables
from registry.chip_judgements import Doubts, Judging, doubts_by_kiosk, open_evidence
from registry.declarations import findings_about
from residence.credentials.evidence import Evidence


@pytest.fixture(scope="module")
def country():
    return pki.Country()


@pytest.fixture(scope="module")
def store(country):
    return store_of(country, version=4)


@pytest.fixture
def authority(tmp_path, store):
    town = Authority(tmp_path, kiosks=1)
    town.intake = town.make_intake(trust=TrustStore(town.registry, chip_trust=lambda _now: store))
    yield town
    town.close()


class Sent:
    """One declaration on its way with a chip's evidence, and what became of it."""

    def __init__(self, authority, card=None, store=None, *, tell=lambda said: said):
        self.authority, self.kiosk = authority, authority.kiosk()
        self.message = authority.declaration(self.kiosk, person=chips.PERSON)
        own_id = self.message.declaration_id
        if card is not None:
            said = evidence(card, store, kiosk_id=self.kiosk.kiosk_id, declaration_id=own_id)
            self.message = msgspec.structs.replace(self.message, evidence=said)
        self.message = msgspec.structs.replace(self.message, evidence=tell(self.message.evidence))
        self.delivery = authority.deliver(self.kiosk, self.message)
        self.outcome = authority.intake.take([self.delivery])
        (self.receipt,) = authority.receipts(self.outcome)
        with authority.registry.reading() as connection:
            declarations, judgements = tables.declarations, tables.chip_judgements
            self.row = connection.execute(select(declarations).where(declarations.c.declaration_id == own_id)).one()
            self.judgement = connection.execute(select(judgements).where(judgements.c.declaration_id == own_id)).first()
            self.stays = connection.execute(select(tables.stays)).all()
            self.findings = {each.code for each in findings_about(connection, [own_id]).get(own_id, [])}

    def opened(self, store, now=EVENING):
        registry = self.authority.registry
        judging = Judging(vault=registry.vault, store=store, now=now, random_bytes=random_bytes)
        with registry.writing() as connection:
            return open_evidence(connection, self.message.declaration_id, premises_id=self.kiosk.premises_id, judging=judging)


def test_a_genuine_chip_is_found_present_and_every_check_is_a_row(authority, country, store):
    sent = Sent(authority, Citizen(country).card(), store)
    assert sent.receipt.state == "accepted"
    assert (sent.row.evidence_level, sent.judgement.level, sent.judgement.claimed_level, sent.judgement.doubt) == (5, 5, 5, "")
    assert sent.stays[0].evidence_level == 5
    assert (sent.judgement.judged_by, sent.judgement.trust_version, sent.judgement.issuer) == ("gateway", 4, "VN")
    (kept,) = sent.opened(store).judgements
    assert kept.claim.checks == {
        "pace": "passed",
        "bac": "not_performed",
        "passive": "passed",
        "issuer": "passed",
        "revocation": "passed",
        "chip_auth": "passed",
        "active_auth": "passed",
        "cross_check": "passed",
    }
    assert kept.said == kept.claim.checks
    assert not sent.findings - {"person.unknown"}


BAD = {
    "a copy": (chips.cloned, 4, "chip_auth"),
    "altered": (chips.altered, 1, "passive"),
}


@pytest.mark.parametrize(("build", "level", "failed"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("tell", [lambda said: said, lying], ids=["said", "hidden"])
def test_a_bad_card_counts_for_what_its_bytes_show_whatever_the_kiosk_says(authority, country, store, build, level, failed, tell):
    sent = Sent(authority, build(country).card(), store, tell=tell)
    assert sent.receipt.state == "accepted"
    assert sent.row.evidence_level == level
    (kept,) = sent.opened(store).judgements
    assert kept.claim.checks[failed] == "failed"
    caught = tell is lying
    assert ("chip.claim_not_shown" in sent.findings) is caught
    assert sent.outcome.counts["chip.claim_not_shown"] == int(caught)
    # the declarant, who did not make the claim, is not told of it
    assert not [each for each in sent.receipt.findings if each.code.startswith("chip.")]


@pytest.mark.parametrize("level", [2, 5, 6])
def test_a_level_nothing_stands_behind_is_a_cards_and_is_told_to_operators(authority, level):
    sent = Sent(authority, tell=lambda _: Evidence(level=level, source="card-qr", attested_by="Nobody Signed In"))
    assert (sent.receipt.state, sent.row.evidence_level, sent.judgement.claimed_level) == ("accepted", 1, level)
    with authority.registry.reading() as connection:
        since = EVENING - timedelta(days=1)
        assert doubts_by_kiosk(connection, "demo-01", since=since) == {sent.kiosk.kiosk_id: Doubts(not_shown=1)}
        assert doubts_by_kiosk(connection, "demo-01", since=EVENING + timedelta(days=1)) == {}


def test_evidence_taken_for_another_declaration_is_caught(authority, country, store):
    other = evidence(
        Citizen(country, chip=None, active="secp256r1").card(),
        store,
        kiosk_id=authority.kiosk().kiosk_id,
        declaration_id="019f4ad3-7580-7000-8000-0000000000aa",
    )
    sent = Sent(authority, tell=lambda _: other)
    assert (sent.row.evidence_level, sent.judgement.doubt) == (4, "chip.claim_not_shown")


def test_a_presence_at_a_level_no_card_can_have_is_kept_at_a_cards(authority):
    kiosk = authority.kiosk()
    seen = authority.presence(kiosk, evidence=Evidence(level=5, source="card-qr"))
    authority.intake.take([authority.deliver(kiosk, seen)])
    with authority.registry.reading() as connection:
        assert connection.scalar(select(tables.presences.c.evidence_level)) == 1


def test_an_officer_sees_it_judged_again_and_what_changed_since(authority, country, store):
    sent = Sent(authority, Citizen(country).card(), store)
    assert len(sent.opened(store).judgements) == 1
    revoked = store_of(country, country.signer.certificate.serial_number, version=5)
    later = sent.opened(revoked, EVENING + timedelta(hours=1))
    assert later.signature == "held"
    assert [(each.judged_by, each.claim.level) for each in later.judgements] == [("gateway", 5), ("server", 2)]
    assert later.now.claim.checks["revocation"] == "failed"
    assert later.level == 5  # what counted when it came stays on the record
    assert len(sent.opened(revoked, EVENING + timedelta(hours=2)).judgements) == 2


def test_a_statement_that_was_changed_since_is_not_judged_and_says_so(authority, country, store):
    sent = Sent(authority, Citizen(country).card(), store)
    other = Sent(authority)
    with authority.registry.writing() as connection:
        own = tables.declarations.c.declaration_id == sent.message.declaration_id
        connection.execute(update(tables.declarations).where(own).values(signed=other.row.signed))
    opened = sent.opened(store)
    assert (opened.signature, opened.code, len(opened.judgements)) == ("failed", "envelope.body_digest", 1)


def test_a_gateway_that_trusts_nobody_finds_a_chip_signed_and_no_more(authority, country, store):
    authority.intake = authority.make_intake()
    sent = Sent(authority, Citizen(country).card(), store)
    assert (sent.receipt.state, sent.row.evidence_level, sent.judgement.doubt) == ("accepted", 3, "chip.trust_differs")


def test_judging_that_fails_takes_the_statement_at_the_cards_level(authority, country, store):
    def away(_now):
        raise RuntimeError("the trust store is gone")

    authority.intake = authority.make_intake(trust=TrustStore(authority.registry, chip_trust=away))
    sent = Sent(authority, Citizen(country).card(), store)
    assert (sent.receipt.state, sent.row.evidence_level, sent.judgement.findings) == ("accepted", 1, ["chip.not_judged"])


def test_what_claims_no_chip_costs_no_judging(authority):
    def never(_now):
        raise AssertionError("a card's text needs no trust store")

    authority.intake = authority.make_intake(trust=TrustStore(authority.registry, chip_trust=never))
    sent = Sent(authority)
    assert sent.judgement is None
    assert authority.count("chip_checks") == 0


def test_the_same_envelope_again_makes_no_second_judgement(authority, country, store):
    sent = Sent(authority, Citizen(country).card(), store)
    again = authority.intake.take([sent.delivery])
    assert again.counts["replayed"] == 1
    assert authority.count("chip_judgements") == 1
