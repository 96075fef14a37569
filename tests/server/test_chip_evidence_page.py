"""What an officer and an operator see of a chip: every check in words, then and now, and a kiosk that claimed too much; never a name."""

from __future__ import annotations

import chip_parts as chips
import pytest
from chip_parts import Citizen, lying, pki, store_of
from town_with_chips import Town, shown


@pytest.fixture(scope="module")
def country():
    return pki.Country()


@pytest.fixture
def town(tmp_path, country):
    made = Town(tmp_path, store_of(country, version=4))
    yield made
    made.close()


def test_an_officer_goes_from_the_list_to_every_check_of_a_genuine_chip_and_sees_no_name(town, country):
    address = town.declare(Citizen(country).card())
    officer = town.client("officer")
    assert f'href="{address}"' in shown(officer, address.partition("/evidence/")[0])
    page = shown(officer, address)
    for words in (
        "Evidence: Chip present",
        "signature verified",
        "What the chip says is exactly what was signed",
        "The chip holds its key, so it is no copy (Chip Authentication)",
        "The chip names the person who was declared",
        "On arrival",
        "here 4, at the kiosk 4",
    ):
        assert words in page
    assert page.count("govuk-tag--green") >= 7
    assert "Failed" not in page
    assert chips.PERSON.full_name not in page
    assert chips.NUMBER not in page


def test_a_copy_that_its_kiosk_hides_is_shown_as_one_and_the_kiosk_to_operators(town, country):
    address = town.declare(chips.cloned(country).card(), tell=lying)
    page = shown(town.client("officer"), address)
    assert "Evidence: Chip verified" in page
    assert "The kiosk claims a higher evidence level than the bytes it sent show" in page
    row = page[page.index("The chip holds its key") :]
    assert row.index("Failed") < row.index("<strong>Passed</strong>")  # what was found, and what the kiosk said
    kiosks = shown(town.client("operator"), "/operators/kiosks")
    assert "It claimed more of chips than it showed (1)" in kiosks


def test_what_changed_since_stands_beside_what_counted_then(town, country):
    address = town.declare(Citizen(country).card())
    town.store = store_of(country, country.signer.certificate.serial_number, version=5)
    officer = town.client("officer")
    page = shown(officer, address)
    assert page.index("When an officer opened it") < page.index("On arrival")
    assert "here 5, at the kiosk 4" in page
    assert "Evidence: Chip present" in page  # the level that counted stays
    assert shown(officer, address).count("When an officer opened it") == 1


def test_the_page_speaks_vietnamese_and_names_the_two_sides_of_a_difference(town, country):
    address = town.declare(chips.altered(country).card())
    officer = town.client("officer")
    assert "The name of the declaration is not that of the chip" in shown(officer, address)
    officer.cookies.set("luutru_language", "vi")
    page = shown(officer, address)
    assert "Họ tên trên tờ khai khác với chip" in page
    assert "Nội dung chip đúng y như khi được ký" in page


def test_a_declaration_without_a_chip_says_that_this_is_no_reason_to_look(town):
    kiosk = town.gateway.kiosk()
    message = town.gateway.declaration(kiosk)
    town.gateway.intake.take([town.gateway.deliver(kiosk, message)])
    address = f"/police/premises/{kiosk.premises_id}/evidence/{message.declaration_id}"
    assert "No chip was read for this declaration. That is no reason to look" in shown(town.client("officer"), address)


def test_nobody_but_an_officer_of_the_commune_opens_evidence_and_only_where_it_belongs(town, country):
    address = town.declare(Citizen(country).card())
    for role in ("clerk", "operator", "resident"):
        assert town.client(role).get(address).status_code == 403
    officer = town.client("officer")
    for wrong in (address.replace("blk-000", "blk-hoa-binh"), address.replace("blk-000", "htl-xa"), address[:-1] + "x"):
        assert officer.get(wrong).status_code == 403
