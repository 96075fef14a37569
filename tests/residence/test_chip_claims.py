"""What a kiosk claims of a chip, judged again from the bytes that travel: honest kiosks agree with us, lying ones are caught."""

from __future__ import annotations

from datetime import timedelta

import chip_parts as chips
import msgspec
import pytest
from chip_parts import PERSON, Citizen, evidence, lying, pki, store_of
from factories import EVENING, make_declaration, make_person

from residence.credentials.chip import tlv
from residence.credentials.chip.capture import Access, Attempt, Capture, ChipTranscript
from residence.credentials.chip.carried import MOST_BYTES, ChipEvidence, binding, carried
from residence.credentials.chip.chip_authentication import infos_of_dg14, ways_of
from residence.credentials.chip.claims import judge_claim, needs_judging
from residence.credentials.chip.suites import AUTHENTICATION
from residence.credentials.chip.trust_store import TrustStore
from residence.credentials.chip.verdict import CHECKS
from residence.credentials.evidence import Evidence
from residence.people.person import Person
from residence.stays.declaration import Declarant, StayDeclaration
from residence.wire.messages import STAY_DECLARATION, decode_message, encode_message

KIOSK, OWN_ID = "kiosk-lobby-1", "019f4ad3-7580-7000-8000-0000000000aa"


@pytest.fixture(scope="module")
def country():
    return pki.Country()


@pytest.fixture(scope="module")
def store(country):
    return store_of(country)


def of(card, store, **about):
    return evidence(card, store, kiosk_id=KIOSK, declaration_id=OWN_ID, **about)


def travelled(found: Evidence) -> Evidence:
    return msgspec.json.decode(msgspec.json.encode(found), type=Evidence)


def judged(found, store, *, person=PERSON, declaration_id=OWN_ID, kiosk_id=KIOSK, now=EVENING):
    return judge_claim(travelled(found), person, bound_to=binding(kiosk_id, declaration_id), store=store, now=now)


HONEST = {
    "both": ({}, 5),
    "chip": ({"active": ""}, 4),
    "active": ({"chip": None, "active": "secp256r1"}, 5),
    "mapping": ({"pace": (6, 2, 13), "chip": None, "active": ""}, 4),
}


@pytest.mark.parametrize(("how", "level"), HONEST.values(), ids=HONEST)
def test_an_honest_kiosk_and_the_judge_find_the_same(country, store, how, level):
    said = of(Citizen(country, **how).card(), store)
    found = judged(said, store)
    assert (said.level, found.level, found.doubt) == (level, level, "")
    assert ("chip.seen_by_kiosk_alone" in found.findings) is (level == 4)
    assert found.checks == {name: said.checks[name] for name in found.checks}
    assert said.chip.size <= MOST_BYTES


def test_nothing_of_a_picture_of_religion_or_of_parents_travels(country, store):
    card = Citizen(country)
    said = of(card.card(), store)
    chip = msgspec.structs.asdict(said.chip)
    sent = b"".join(value for value in chip.values() if isinstance(value, bytes))
    assert all(card.groups[number] in sent for number in (1, 14, 15))
    assert card.groups[2] not in sent
    assert "Nguyễn Văn Ba".encode() not in sent
    assert chips.CAN.encode() not in msgspec.json.encode(said.chip.access)


CARDS = {
    "a copy": (chips.cloned, {}, 4, {"chip_auth": "failed"}),
    "altered": (chips.altered, {}, 1, {"passive": "failed", "cross_check": "failed"}),
}


@pytest.mark.parametrize(("build", "how", "level", "checks"), CARDS.values(), ids=CARDS)
def test_a_bad_card_is_shown_for_what_it_is_and_a_kiosk_that_hides_it_is_caught(country, store, build, how, level, checks):
    said = of(build(country, **how).card(), store)
    honest = judged(said, store)
    assert (said.level, honest.level, honest.doubt) == (level, level, "")
    assert {name: honest.checks[name] for name in checks} == checks

    caught = judged(lying(said), store)
    assert (caught.level, caught.doubt) == (level, "chip.claim_not_shown")


def test_evidence_of_another_declaration_kiosk_or_person_shows_nothing_new(country, store):
    said = of(Citizen(country, chip=None, active="secp256r1").card(), store)
    for about in ({"declaration_id": OWN_ID[:-1] + "b"}, {"kiosk_id": "kiosk-lobby-2"}):
        found = judged(said, store, **about)
        assert (found.level, found.checks["active_auth"], found.doubt) == (4, "failed", "chip.claim_not_shown")
    somebody = msgspec.structs.replace(PERSON, full_name="Trần Thị Khác", personal_number="079195123457")
    found = judged(said, store, person=somebody)
    assert (found.level, found.doubt) == (1, "chip.claim_not_shown")
    assert "chip.differs_number" in found.findings


def written_without_the_chip(said):
    """A transcript of Chip Authentication made from DG14 alone, by somebody who has never seen the chip again."""
    way = ways_of(infos_of_dg14(said.chip.dg14))[0]
    group, scalar = way.group, 7
    key = way.suite.derive(group.secret(group.power(group.decode(way.public), scalar)), AUTHENTICATION)
    status = bytes.fromhex("99029000")
    answer = status + tlv.encode(0x8E, way.suite.message_mac(key, 2, status)) + b"\x90\x00"
    forged = ChipTranscript(oid=way.oid, key_id=way.key_id, ephemeral=scalar.to_bytes(32, "big"), answer=answer)
    return msgspec.structs.replace(said, chip=msgspec.structs.replace(said.chip, chip=forged))


def test_a_genuine_chip_shows_nothing_of_somebody_without_a_number_to_compare(country, store):
    """Else any chip at hand would do for whoever is declared with little."""
    said = of(Citizen(country).card(), store)
    nobody = Person(full_name=PERSON.full_name, nationality="VNM")
    found = judged(said, store, person=nobody)
    assert (found.level, found.doubt, found.checks["cross_check"]) == (1, "chip.claim_not_shown", "not_performed")
    assert "chip.not_compared" in found.findings


@pytest.mark.parametrize("how", ["sent again", "written without the chip"])
def test_chip_authentication_alone_lets_no_kiosk_claim_that_the_chip_is_there(country, store, how):
    before = of(Citizen(country, active="").card(), store)
    said = before if how == "sent again" else written_without_the_chip(before)
    again = judged(lying(said), store, declaration_id=OWN_ID[:-1] + "b")
    assert again.checks["chip_auth"] == "passed"  # for all that anybody but its kiosk can tell
    assert (again.level, again.doubt) == (4, "chip.claim_not_shown")


def test_a_level_without_bytes_is_the_cards_and_the_claim_is_noticed():
    for source, level in (("card-qr", 1), ("typed", 0)):
        for claimed in (2, 3, 4, 5, 6):
            said = Evidence(level=claimed, source=source, attested_by="somebody")
            assert needs_judging(said)
            found = judged(said, TrustStore())
            assert (found.level, found.doubt) == (level, "chip.claim_not_shown")
    assert not needs_judging(Evidence(level=1, source="card-qr"))


def test_who_trusts_less_finds_less_and_calls_nobody_a_liar(country, store):
    said = of(Citizen(country).card(), store)
    assert (judged(said, TrustStore()).level, judged(said, TrustStore()).doubt) == (3, "chip.trust_differs")
    revoked = store_of(country, country.signer.certificate.serial_number)
    assert (judged(said, revoked).level, judged(said, revoked).doubt) == (2, "chip.trust_differs")
    later = EVENING + timedelta(days=400)
    assert judged(said, store, now=later).checks["revocation"] == "stale"


def test_a_kiosk_without_certificates_is_given_the_level_the_judge_finds(country, store):
    said = of(Citizen(country).card(), TrustStore())
    found = judged(said, store)
    assert (said.level, found.level, found.doubt) == (3, 5, "")


def test_what_the_kiosk_saw_fail_in_bytes_that_stay_with_it_stays_failed(country, store):
    card = Citizen(country)
    card.sod_options["covered"] = dict(card.groups)
    card.groups[13] = card.groups[13].replace("Láng Hạ".encode(), "Láng Bộ".encode())
    said = of(card.card(), store)
    assert said.checks["passive"] == "failed"
    found = judged(said, store)
    assert (found.checks["passive"], found.level, found.doubt) == ("failed", 2, "")
    assert "chip.group_altered" in found.findings


def test_what_does_not_fit_is_given_up_in_order():
    access = Access(protocol="BAC")
    files = {"SOD": bytes(3_000), "DG1": bytes(95), "DG14": bytes(900), "DG15": bytes(1_000)}
    fits = Capture(access=access, files=files, card_security=bytes(3_000))
    assert carried(fits, findings=()).dg15
    assert not carried(fits, findings=()).card_security
    larger = msgspec.structs.replace(fits, files={**files, "DG15": bytes(4_000)})
    assert (carried(larger, findings=()).dg15, carried(larger, findings=()).sod) == (b"", files["SOD"])
    largest = msgspec.structs.replace(fits, files={**files, "SOD": bytes(7_000)})
    assert carried(largest, findings=("chip.tlv",)) == ChipEvidence(access=access, findings=("chip.tlv",))


def test_evidence_of_the_largest_size_fits_an_envelope():
    longest = make_person(full_name="ệ" * 100, residence_text="ệ" * 250)
    chip = ChipEvidence(
        access=Access(
            protocol="PACE-ECDH-GM-AES-128-CAN", attempts=(Attempt(protocol="PACE-ECDH-GM-AES-128-CAN", outcome="9000"),)
        ),
        sod=bytes(MOST_BYTES),
        findings=("chip.differs_residence",) * 12,
    )
    said = Evidence(level=5, source="card-qr", reader="camera:zxing", checks=dict.fromkeys(CHECKS, "not_performed"), chip=chip)
    helped = Declarant(role="facility", name="ệ" * 100)
    declaration = make_declaration(person=longest, unit="ệ" * 32, reason_text="ệ" * 200, declarant=helped, evidence=said)
    text = encode_message(declaration)
    assert len(text) <= 10 * 1024
    assert isinstance(decode_message(STAY_DECLARATION, text), StayDeclaration)


def test_no_evidence_makes_the_judge_stumble(store):
    hostile = ChipEvidence(
        access=Access(protocol="PACE"), sod=b"\x77\x84", dg1=b"\x61", dg14=b"\x6e\x00", dg15=b"\x6f", active_signature=b"x"
    )
    found = judged(Evidence(level=5, source="card-qr", chip=hostile), store)
    assert (found.level, found.doubt) == (1, "chip.claim_not_shown")
    assert found.checks["passive"] == "failed"
    assert judged(
        Evidence(level=1, source="card-qr", chip=ChipEvidence(findings=("no such code", "chip.tlv"))), store
    ).findings == ("chip.tlv",)
