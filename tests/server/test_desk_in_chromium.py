"""A clerk at a real browser: a guest in three keys after the scan, and a camera whose pictures never leave it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from browser_parts import CHROMIUM, Window, camera_showing
from factories import make_person
from playwright import sync_api
from server_parts import World, free_address

from registry.stays import stays_at

FIRST = "001095000117|012345678|Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"
SECOND = "001195000447|012345678|Lê Thị Bích Ngọc|08031995|Nữ|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"
KEPT = "async () => [await at('readonly', (forms) => forms.getAllKeys()), await at('readonly', (forms) => forms.getAll())]"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = camera_showing(SECOND, tmp_path_factory.mktemp("camera") / "card.y4m")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield launched
        launched.close()


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path, base_url=free_address(), live_for=timedelta(seconds=30))
    with made.serving():
        yield made
    made.close()


@pytest.fixture
def clerk(browser, world):
    window = Window(browser, world, "clerk")
    yield window
    window.context.close()


def stays(world):
    with world.registry.reading() as connection:
        return stays_at(connection, "htl-sao-mai")


def scan(clerk, text):
    """A scanner that types into the field the page holds ready."""
    assert clerk.page.evaluate("document.activeElement.id") == "card_text"
    clerk.page.keyboard.insert_text(text)
    clerk.page.wait_for_selector("#card-read")


def test_the_first_guest_of_a_tab_and_the_next_take_three_keys_after_the_scan_and_the_camera_sends_no_picture(world, clerk):
    clerk.open("/desk/usual")  # once, by the house
    clerk.page.select_option("#reason", "tourism")
    clerk.page.click("main form button.govuk-button")
    clerk.page.wait_for_selector("#reason-hint:has-text('Usual at this house: Tourism')")
    clerk.page.close()
    page = clerk.new_tab()
    clerk.open("/desk/declare")
    scan(clerk, FIRST)
    assert page.input_value("#reason") == "tourism"
    keys = clerk.press("a", "4", "Enter")  # the room, another reason than usual, declare
    page.wait_for_selector(".luutru-receipt__code")
    assert keys <= 3

    clerk.press("Enter")  # the next guest
    sent: list[bytes] = []
    page.on("request", lambda request: sent.append(request.post_data_buffer or b""))
    page.wait_for_selector("[data-camera]:not([hidden])")
    page.click("[data-camera]")
    page.wait_for_selector("#card-read")
    assert page.input_value("#full_name") == "Lê Thị Bích Ngọc"
    assert page.locator("[data-room]").all_inner_texts() == ["A 202"]
    keys = clerk.press("a", "Enter")
    page.wait_for_selector(".luutru-receipt__code")
    assert keys <= 3
    assert {(each.unit, each.reason, each.evidence_level) for each in stays(world)} == {
        ("201", "visit", 1),
        ("202", "tourism", 1),
    }
    assert max(len(body) for body in sent) < 1500  # texts of the form, no picture
    assert clerk.complaints == []


@pytest.mark.parametrize("focused", ["#first-room", "form[data-declare] button.govuk-button", "#attested"])
def test_a_card_typed_by_a_scanner_while_a_guest_is_open_declares_nobody_and_is_read(world, clerk, focused):
    page = clerk.page
    clerk.open("/desk/usual")
    page.select_option("#reason", "work")
    page.click("main form button.govuk-button")
    page.wait_for_function("() => document.activeElement.id === 'card_text'")
    scan(clerk, FIRST)
    page.focus(focused)
    clerk.press("1")  # the clerk's own choice before it
    page.wait_for_timeout(200)  # no scanner pauses so long
    page.keyboard.type(SECOND)  # its digits, a room's letter and its spaces are keys, too
    clerk.press("Enter")
    page.wait_for_selector("#full_name[value='Lê Thị Bích Ngọc']")
    assert (page.input_value("#unit"), page.input_value("#reason")) == ("", "work")
    assert stays(world) == []


def test_what_is_missing_is_where_the_next_key_goes(world, clerk):
    page = clerk.page
    clerk.open("/desk/declare")
    scan(clerk, FIRST)
    clerk.press("a", "Enter")  # nobody has said a reason in this tab
    page.wait_for_selector(".govuk-error-summary")
    page.wait_for_function("() => document.activeElement.id === 'reason'")
    page.select_option("#reason", "other")
    page.click("form[data-declare] button.govuk-button")
    page.wait_for_function("() => document.activeElement.id === 'reason_text'")  # unfolded
    assert stays(world) == []


def test_a_guest_scanned_without_a_network_is_declared_after_the_tab_was_closed_and_opened_again(world, clerk):
    page = clerk.page
    clerk.open("/desk/declare")
    page.wait_for_function("() => typeof key === 'object'")  # the page holds its account's key
    clerk.context.set_offline(True)
    page.select_option("#reason", "visit")
    page.focus("#card_text")
    page.keyboard.insert_text(FIRST)
    page.wait_for_function("() => document.activeElement.dataset.room === '201'")
    clerk.press("a", "Enter")
    page.wait_for_selector("[data-queue]:has-text('1')")
    stored = str(page.evaluate(KEPT))
    assert "luutru-desk:" in stored
    assert not any(part in stored for part in ("001095000117", "Trần", "unit=201"))
    page.close()
    assert stays(world) == []
    clerk.context.set_offline(False)

    clerk.page = clerk.context.new_page()
    clerk.open("/desk")
    clerk.page.wait_for_selector("[data-queue]", state="hidden")
    clerk.keeps(0)
    assert [(each.unit, each.evidence_level) for each in stays(world)] == [("201", 1)]


def test_cards_held_up_at_the_desks_kiosk_arrive_in_the_open_page(world, clerk):
    page = clerk.page
    clerk.open("/desk/declare")
    guest = make_person(full_name="Phạm Thị Thử Nghiệm", personal_number="001195000222", sex="female", document=None)
    world.see_somebody(premises_id="htl-sao-mai", unit=None, for_desk=True, person=guest)
    page.wait_for_selector("#card-read")  # nothing was pressed
    assert page.input_value("#full_name") == "Phạm Thị Thử Nghiệm"
    page.select_option("#document_kind", "cccd-2021")
    page.select_option("#reason", "visit")
    page.focus("#first-room")
    clerk.press("b", "Enter")
    page.wait_for_selector(".luutru-receipt__code")

    child = make_person(full_name="Phạm Bé Thử", personal_number="001315000011", document=None)
    world.see_somebody(premises_id="htl-sao-mai", unit=None, for_desk=True, person=child)
    page.wait_for_selector("[data-live] a:focus")  # on a receipt it is offered, and Enter takes it
    clerk.press("Enter")
    page.wait_for_selector("#card-read")
    assert page.input_value("#full_name") == "Phạm Bé Thử"
    assert [(each.unit, each.evidence_level) for each in stays(world)] == [("202", 1)]
    assert clerk.complaints == []
