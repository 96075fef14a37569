"""A whole reading of the simulated card, judged: what a genuine card reaches, and what each kind of bad card comes to."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest
from simulators.card import citizen, pki
from simulators.card.citizen import CAN, MRZ_KEY, QR, Citizen

from edge_agent.chip.drawing import FromBytes
from edge_agent.chip.session import ChipReader, Opening
from luutru.system import SystemClock, random_bytes
from residence.credentials.card_qr import parse_card
from residence.credentials.chip.capture import Capture
from residence.credentials.chip.certificates import parse_certificate, parse_revocation_list
from residence.credentials.chip.groups import STANDARD
from residence.credentials.chip.trust_store import TrustStore, assemble
from residence.credentials.chip.verdict import judge
from residence.errors import LuutruError, Refused

DRAW = FromBytes(random_bytes)
NOW = datetime(2026, 7, 10, 9, tzinfo=UTC)
TODAY = date(2026, 7, 10)
BOUND = (b"kiosk-1", b"declaration-1")
FIELDS = parse_card(QR, today=TODAY).fields


@pytest.fixture(scope="module")
def country():
    return pki.Country()


@pytest.fixture(scope="module")
def store(country):
    return store_of(country)


def store_of(country, *revoked, certificates=(), **lists):
    crl = parse_revocation_list(country.revocation_list(*revoked, **lists))
    return assemble([parse_certificate(each) for each in (country.authority.der, *certificates)], [crl])


def read(card, opening=None, **how):
    reader = ChipReader(card, draw=DRAW, clock=SystemClock(), reset=card.reset)
    return reader.read(opening or Opening(can=CAN, mrz_keys=(MRZ_KEY,)), bound_to=BOUND, **how)


def verdict_of(card, store, opening=None, **how):
    capture = read(card, opening, **how)
    # it travels to the gateway and is judged there: what is not in the bytes does not count
    travelled = msgspec.json.decode(msgspec.json.encode(capture), type=Capture)
    verdict = judge(travelled, store, now=NOW, today=TODAY, card=FIELDS)
    return capture, verdict, {each.code for each in verdict.findings}


def test_a_genuine_card_is_present_and_every_check_says_why(country, store):
    capture, verdict, codes = verdict_of(Citizen(country).card(), store)

    assert verdict.level == 5
    assert capture.access.protocol == "PACE-ECDH-GM-AES-128-CAN"
    assert verdict.checks == {
        "pace": "passed",
        "bac": "not_performed",
        "passive": "passed",
        "issuer": "passed",
        "revocation": "passed",
        "chip_auth": "passed",
        "active_auth": "passed",
        "cross_check": "passed",
    }
    assert verdict.zone.personal_number == citizen.NUMBER
    assert verdict.details.texts["residence"] == "Láng Hạ, Đống Đa, Hà Nội"
    assert verdict.details.parents == ("Nguyễn Văn Ba", "Lê Thị Bốn")
    assert not codes
    assert "DG2" not in capture.files
    assert CAN.encode() not in msgspec.json.encode(capture.access)


@pytest.mark.parametrize(
    ("build", "about"),
    [
        ({"chip": (12, 1), "active": ""}, {}),
        ({"chip": (17, 4), "chip_key_id": 2, "active": ""}, {}),
        ({"chip": (1, 2), "active": ""}, {}),
        ({"chip": (2, 1), "chip_key_id": 1, "active": ""}, {}),
        ({"chip": None, "active": "secp256r1"}, {}),
        ({"chip": None, "active": "brainpoolP512r1"}, {}),
        ({"chip": None, "active": "secp256r1", "der": True}, {}),
        ({"pace": (6, 2, 13), "chip": None, "active": ""}, {}),
        ({"pace": (6, 4, 17), "chip": None, "active": ""}, {"knows_short_names": False}),
        ({"pace": (4, 2, 12)}, {}),
        ({"pace": (1, 3, 1)}, {}),
        ({"digest": "sha512"}, {"sends_end_of_file": True}),
        ({}, {"knows_extended": False, "answers_at_most": 223}),
        ({"chip": None, "active": "rsa2048"}, {"knows_extended": False}),
        ({}, {"knows_short_names": False}),
    ],
    ids=[
        "CA-3DES",
        "CA-key-id",
        "CA-DH",
        "CA-DH-3DES",
        "AA-P256",
        "AA-P512",
        "AA-DER",
        "CAM",
        "CAM-P512",
        "IM",
        "PACE-DH",
        "sha512",
        "short",
        "in-pieces",
        "selecting",
    ],
)
def test_cards_of_every_make_are_present_too(country, store, build, about):
    _, verdict, codes = verdict_of(Citizen(country, **build).card(**about), store)
    assert (verdict.level, codes) == (5, set())


def test_a_card_without_pace_is_opened_with_bac_and_that_is_no_downgrade(country, store):
    capture, verdict, codes = verdict_of(Citizen(country, pace=None).card(), store)
    assert capture.access.protocol == "BAC"
    assert verdict.checks["pace"] == "not_supported"
    assert (verdict.level, codes) == (5, set())


@pytest.mark.parametrize("step", ["select", "nonce", "token"])
def test_pace_that_is_refused_is_told_and_bac_only_where_the_site_allows_it(country, store, step):
    capture, verdict, codes = verdict_of(Citizen(country).card(refuses_pace_at=step), store)
    assert capture.access.protocol == "BAC"
    assert capture.access.downgraded_from == "PACE-ECDH-GM-AES-128"
    assert verdict.checks["pace"] == "failed"
    assert "chip.downgraded" in codes
    assert [each.outcome for each in capture.access.attempts][-1] == "9000"

    with pytest.raises(Refused, match=r"chip\.not_opened"):
        read(Citizen(country).card(refuses_pace_at=step), Opening(can=CAN, mrz_keys=(MRZ_KEY,), allow_bac=False))


def test_a_wrong_number_is_tried_once_and_opens_nothing(country):
    card = Citizen(country).card()
    with pytest.raises(Refused, match=r"chip\.not_opened"):
        read(card, Opening(can="000000"))
    assert card.is_.wrong_tokens == 1

    card = Citizen(country).card()
    with pytest.raises(Refused) as refusal:
        read(card, Opening(can="000000", mrz_keys=(MRZ_KEY.replace("1", "2"),)))
    assert (card.is_.wrong_tokens, card.is_.wrong_keys) == (2, 0)  # BAC would have tried the same zone once more
    assert refusal.value.detail == "PACE-ECDH-GM-AES-128-CAN chip.wrong_key, PACE-ECDH-GM-AES-128-MRZ chip.wrong_key"

    card = Citizen(country, pace=None).card()
    candidates = (MRZ_KEY.replace("1", "2"), MRZ_KEY.replace("1", "3"), MRZ_KEY)
    assert read(card, Opening(mrz_keys=candidates)).access.protocol == "BAC"
    assert card.is_.wrong_keys == 2


def test_without_any_anchor_the_level_is_three_at_best(country):
    _, verdict, codes = verdict_of(Citizen(country).card(), TrustStore())
    assert verdict.level == 3
    assert verdict.checks["issuer"] == "not_performed"
    assert codes == {"chip.no_anchors"}


def test_an_issuer_nobody_installed_is_unknown_not_false(country):
    _, verdict, codes = verdict_of(Citizen(country).card(), store_of(pki.Country(code="DE")))
    assert (verdict.level, verdict.checks["issuer"]) == (3, "not_performed")
    assert codes == {"chip.issuer_unknown"}


def test_a_key_longer_than_any_reader_draws_is_not_computed_with(country, store):
    """It would come to the same point, and keep the judge busy for as long as whoever sent it likes."""
    capture = read(Citizen(country, active="").card())
    longer = int.from_bytes(capture.chip.ephemeral, "big") + (STANDARD[13].order << 4096)
    endless = msgspec.structs.replace(capture.chip, ephemeral=longer.to_bytes(600, "big"))
    bent = msgspec.structs.replace(capture, chip=endless)
    assert judge(capture, store, now=NOW, today=TODAY).checks["chip_auth"] == "passed"
    assert judge(bent, store, now=NOW, today=TODAY).checks["chip_auth"] == "failed"


def test_a_signature_made_for_another_declaration_is_worth_nothing(country, store):
    capture = read(Citizen(country, chip=None).card())
    replayed = msgspec.structs.replace(
        capture, active=msgspec.structs.replace(capture.active, bound_to=(b"kiosk-1", b"declaration-2"))
    )
    assert judge(replayed, store, now=NOW, today=TODAY).checks["active_auth"] == "failed"


@pytest.mark.parametrize(
    ("lists", "check", "level"),
    [
        ({}, "passed", 5),
        ({"this": datetime(2026, 5, 1, tzinfo=UTC)}, "stale", 3),
        (None, "not_performed", 3),
    ],
    ids=["fresh", "stale", "none"],
)
def test_what_is_known_about_revocation_is_a_check_of_its_own(country, lists, check, level):
    store = assemble([parse_certificate(country.authority.der)]) if lists is None else store_of(country, **lists)
    _, verdict, _ = verdict_of(Citizen(country).card(), store)
    assert (verdict.checks["revocation"], verdict.level) == (check, level)


def test_a_revoked_signer_counts_for_nothing_however_old_the_list(country):
    serial = country.signer.certificate.serial_number
    store = store_of(country, serial, this=datetime(2026, 1, 1, tzinfo=UTC))
    _, verdict, codes = verdict_of(Citizen(country).card(), store)
    assert (verdict.checks["revocation"], verdict.level) == ("failed", 2)
    assert "chip.revocation_revoked" in codes


@pytest.mark.parametrize(
    "about",
    [
        {"authority_key": "rsa2048", "signer_key": "rsa2048", "authority_digest": "sha256"},
        {"authority_key": "rsa2048", "signer_key": "rsa2048", "authority_digest": "sha256", "pss": True},
        {"authority_key": "secp521r1", "signer_key": "secp384r1", "authority_digest": "sha512"},
        {"authority_key": "brainpoolP512r1", "signer_key": "brainpoolP512r1", "authority_digest": "sha512"},
    ],
    ids=["RSA", "PSS", "P-521", "brainpoolP512r1"],
)
def test_issuers_of_other_algorithms_are_understood(about):
    country = pki.Country(**about)
    _, verdict, _ = verdict_of(Citizen(country, chip=None, pss=about.get("pss", False)).card(), store_of(country))
    assert verdict.level == 5


def test_sha1_is_accepted_and_shown(country, store):
    _, verdict, codes = verdict_of(Citizen(country, digest="sha1").card(), store)
    assert codes == {"chip.old_digest"}
    assert verdict.level == 5


def test_a_code_of_another_person_shows_and_a_moved_address_is_only_a_finding(country, store):
    other = ("IDVNM0951234567079095123456<<7", "9512254M3512252VNM<<<<<<<<<<<2", "TRAN<<VAN<AN<<<<<<<<<<<<<<<<<<")
    _, verdict, codes = verdict_of(Citizen(country, lines=other).card(), store)
    assert (verdict.level, verdict.checks["cross_check"]) == (1, "failed")
    assert "chip.differs_name" in codes

    made = Citizen(country)
    made.groups[13] = citizen.dg13(citizen.DETAILS | {9: "Thôn Hạ, Cư Kuin, Đắk Lắk"}, in_set=True, string_tag=0x13)
    _, verdict, codes = verdict_of(made.card(), store)
    assert (verdict.level, codes) == (5, {"chip.differs_residence"})


def test_a_card_pulled_away_gives_nothing_half_read(country):
    card = Citizen(country).card()
    honest = card.transceive

    def transceive(raw):
        if len(card.log) > 14:
            raise Refused("chip.card_gone")
        return honest(raw)

    card.transceive = transceive
    phases = []
    reader = ChipReader(card, draw=DRAW, clock=SystemClock(), report=phases.append)
    with pytest.raises(Refused, match=r"chip\.card_gone"):
        reader.read(Opening(can=CAN))
    assert phases == ["opening", "reading"]
    with pytest.raises(LuutruError):
        reader.read(Opening(can=CAN))
