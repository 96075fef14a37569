"""Passports' chips: opened with the zone's key, judged by the passport's own country, and no Vietnamese card's details asked for."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from chip_parts import PASSPORT, PASSPORT_KEY, PERSON, TRAVELLER, evidence, passport, pki, read, store_of
from factories import EVENING

from residence.credentials.chip.access_keys import ChipKeys, keys_of
from residence.credentials.chip.carried import binding
from residence.credentials.chip.claims import fields_of, judge_claim
from residence.credentials.chip.countries import TWO_LETTERS
from residence.credentials.chip.cross_check import cross_check
from residence.credentials.mrz import parse_mrz
from residence.people.person import Document, DocumentKind, PartialDate, Person

KIOSK, OWN = "kiosk-lobby-1", "019f4ad3-7580-7000-8000-0000000000aa"
BOUND = binding(KIOSK, OWN)
ZONE = parse_mrz(PASSPORT, today=date(2026, 7, 10)).fields
HOLDER = TRAVELLER.person


@pytest.fixture(scope="module")
def country():
    return pki.Country(code="SE")


@pytest.fixture(scope="module")
def store(country):
    return store_of(country)


def judged(found, store, person=HOLDER):
    return judge_claim(found, person, bound_to=BOUND, store=store, now=EVENING)


WAYS = {
    "PACE": ({}, "PACE-ECDH-GM-AES-128-MRZ"),
    "PACE with integrated mapping": ({"pace": (4, 2, 13)}, "PACE-ECDH-IM-AES-128-MRZ"),
    "BAC, where nothing else is offered": ({"pace": None}, "BAC"),
}


@pytest.mark.parametrize(("how", "protocol"), WAYS.values(), ids=WAYS)
def test_a_passport_is_opened_with_the_key_of_its_zone_and_found_genuine(country, store, how, protocol):
    found = evidence(passport(country, **how), store, kiosk_id=KIOSK, declaration_id=OWN, reading=TRAVELLER)
    assert (found.chip.access.protocol, found.chip.access.downgraded_from) == (protocol, "")
    again = judged(found, store)
    assert (found.level, again.level, again.doubt) == (5, 5, "")
    assert set(again.findings) == {"chip.signing_time_assumed"}  # nothing a passport's chip holds says when it was issued


def test_nothing_of_a_vietnamese_cards_details_is_read_from_a_passport(country):
    card = passport(country)
    capture = read(card, BOUND, HOLDER)
    assert {"COM", "SOD", "DG1", "DG14", "DG15"} == capture.files.keys()
    assert (0x010D in card.is_.files, "DG2" in capture.missing) == (True, False)


def test_a_passport_signed_by_another_country_shows_nothing_of_its_issuer():
    stranger = pki.Country(code="NO")
    found = evidence(passport(stranger), store_of(stranger), kiosk_id=KIOSK, declaration_id=OWN, reading=TRAVELLER)
    assert (found.level, found.checks["issuer"]) == (2, "failed")
    assert "chip.wrong_country" in found.chip.findings


OTHERS = {
    "another passport of theirs": (
        {"document": Document(kind=DocumentKind.PASSPORT, number="X0S821764")},
        "chip.differs_document",
    ),
    "another name": ({"full_name": "OSTER LENA BO"}, "chip.differs_name"),
    "another birth": ({"birth": PartialDate(value="1981-08-16", precision="day")}, "chip.differs_birth"),
}


@pytest.mark.parametrize(("changes", "code"), OTHERS.values(), ids=OTHERS)
def test_a_genuine_passport_shows_nothing_of_somebody_else(country, store, changes, code):
    found = evidence(passport(country), store, kiosk_id=KIOSK, declaration_id=OWN, reading=TRAVELLER)
    claimed = judged(found, store, msgspec.structs.replace(HOLDER, **changes))
    assert (claimed.level, claimed.doubt) == (1, "chip.claim_not_shown")
    assert code in claimed.findings


def stated(name, **changes):
    document = Document(kind=DocumentKind.PASSPORT, number="X0S821763", issuer="SWE")
    return Person(full_name=name, birth=HOLDER.birth, nationality="SWE", document=document, **changes)


NAMES = {
    "as the zone has it": ("OSTER LINA BO", "passed"),
    "the surname last": ("Lina Bo Oster", "passed"),
    "a name left out": ("Lina Oster", "passed"),
    "with the letters of home": ("Lína Bo Øster", "passed"),
    "one name alone": ("Lina", "failed"),
    "another name": ("Lena Oster", "failed"),
    "in other letters": ("莉娜", "passed"),
}


@pytest.mark.parametrize(("name", "outcome"), NAMES.values(), ids=NAMES)
def test_a_typed_name_may_stand_in_another_order(name, outcome):
    assert cross_check(card=fields_of(stated(name)), zone=ZONE, details=None).check == outcome


def test_a_foreign_identity_card_is_compared_by_its_own_number():
    card = msgspec.structs.replace(HOLDER, document=msgspec.structs.replace(HOLDER.document, kind=DocumentKind.OTHER))
    assert cross_check(card=fields_of(card), zone=ZONE, details=None).check == "passed"
    other = msgspec.structs.replace(card, document=msgspec.structs.replace(card.document, number="X0S821764"))
    found = cross_check(card=fields_of(other), zone=ZONE, details=None)
    assert (found.check, [each.code for each in found.findings]) == ("failed", ["chip.differs_document"])


def test_a_name_in_other_letters_alone_is_compared_with_nothing():
    found = cross_check(card=fields_of(Person(full_name="莉娜", nationality="SWE")), zone=ZONE, details=None)
    assert (found.check, [each.code for each in found.findings]) == ("not_performed", ["chip.not_compared"])


def test_a_name_is_compared_as_zones_spell_it():
    zone = msgspec.structs.replace(ZONE, surname="OESTERMUELLER")
    assert cross_check(card=fields_of(stated("Lina Bo Östermüller")), zone=zone, details=None).check == "passed"


def test_a_name_that_fills_its_field_may_go_on():
    zone = msgspec.structs.replace(ZONE, surname="NGUYEN", given_names="HOANG BAO TRAN PHUONG T", issuer="VNM", document_type="I")
    zone = msgspec.structs.replace(zone, personal_number=PERSON.personal_number)
    person = msgspec.structs.replace(PERSON, birth=None, sex=None, document=None)
    for name, outcome in (("Nguyễn Hoàng Bảo Trân Phương Thảo", "passed"), ("Nguyễn Hoàng Bảo Trâm Phương Thảo", "failed")):
        card = fields_of(msgspec.structs.replace(person, full_name=name))
        assert cross_check(card=card, zone=zone, details=None).check == outcome


def test_another_nationality_is_told_and_stops_nothing():
    found = cross_check(card=fields_of(msgspec.structs.replace(HOLDER, nationality="NOR")), zone=ZONE, details=None)
    assert (found.check, [each.code for each in found.findings]) == ("passed", ["chip.differs_nationality"])


KEYS = {
    "a passport": (HOLDER, ChipKeys(mrz_keys=(PASSPORT_KEY,))),
    "a passport of somebody with a personal number": (
        msgspec.structs.replace(HOLDER, personal_number="079081123456"),
        ChipKeys(mrz_keys=(PASSPORT_KEY,)),
    ),
    "a passport whose expiry nobody knows": (stated("Lina Oster"), ChipKeys()),
    "a birth of which only the year is known": (
        msgspec.structs.replace(HOLDER, birth=PartialDate(value="1981", precision="year")),
        ChipKeys(),
    ),
    "a card of which only the number is known": (Person(full_name="An", personal_number="079095123456"), ChipKeys(can="123456")),
    "nothing": (Person(full_name="An"), ChipKeys()),
}


@pytest.mark.parametrize(("person", "keys"), KEYS.values(), ids=KEYS)
def test_what_opens_a_chip_comes_from_what_was_shown(person, keys):
    assert keys_of(person) == keys
    assert keys.opens is (keys != ChipKeys())


def test_every_country_has_two_letters_of_its_own():
    assert len(set(TWO_LETTERS.values())) == len(TWO_LETTERS) - 1 == 249  # Germany has two codes of documents
