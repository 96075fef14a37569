"""The night of check-ins, as people meet it: real processes, real frames through the real decoder, and Chromium.

One town for the whole module; the tests are the hours of one evening and build on each other's state only through the product.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from acceptance_stage import Stage, wait_until
from playwright.sync_api import Browser, Page

from luutru.demo.control import ControlSocket, ask
from luutru.demo.show import answer

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600), pytest.mark.xdist_group("night")]
LOBBY, DESK = "kiosk-lobby-1", "kiosk-desk-1"

# what a person who wants to stay presses on each screen; None: wait for the machine
STAYING: dict[str, str | None] = {
    "idle": "start:en",
    "purpose": "purpose:stay",
    "card": None,
    "person": "yes",
    "nights": "nights:2",
    "reason": "reason:visit",
    "review": "confirm",
    "keeping": None,
}


@pytest.fixture(scope="module")
def evening(tmp_path_factory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("evening") / "town")
    stage.town.start()
    control = ControlSocket(stage.layout.control, lambda words: answer(stage.town, words))
    yield stage
    control.close()
    stage.close()


class Visitor:
    """Somebody who stands before a kiosk."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.goto(url)

    @property
    def screen(self) -> str:
        return self.page.locator("#state").get_attribute("data-name") or ""

    def press(self, value: str) -> None:
        self.page.locator(f"button[name=do][value='{value}']:visible").first.click()

    def choose_card(self, number: int) -> None:
        """Ask for one of the sample cards; it is then held before the rendered camera."""
        wait_until(lambda: self.page.locator(f"button[value='deck:{number}']").count(), say=lambda: self.screen)
        self.press(f"deck:{number}")

    def declare(self, *, card: int, unit: str) -> str:
        """Go through the whole dialogue and return the receipt code."""
        chosen = False
        for _ in range(200):
            screen = self.screen
            if screen == "result":
                return self.receipt_code()
            if screen == "card" and not chosen:
                self.choose_card(card)
                chosen = True
            elif screen == "unit":
                self.choose_unit(unit)
            elif STAYING.get(screen):
                self.press(str(STAYING[screen]))
            self.page.wait_for_timeout(200)
        raise AssertionError(f"stuck on {self.screen}: {self.page.inner_text('main')}")

    def enter_with(self, *, card: int) -> None:
        """Hold a card to the idle kiosk and say that it is for the entrance."""
        if self.screen != "idle":
            self.leave()
        for _ in range(10):  # a page that was just wiped loads anew and swallows a press
            if self.screen == "idle":
                self.choose_card(card)
            self.page.wait_for_timeout(2500)
            if self.screen == "purpose":
                break
        self.press("purpose:entry")
        wait_until(lambda: self.screen in {"result", "nothing"}, say=lambda: self.page.inner_text("main"))

    def choose_unit(self, unit: str) -> None:
        self.page.locator("input[name=value]").fill(unit)
        self.press("unit")

    def receipt_code(self) -> str:
        found = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", self.page.inner_text("main"))
        assert found, self.page.inner_text("main")
        return found[0]

    def leave(self) -> None:
        self.press("stop")
        wait_until(lambda: self.screen == "idle")


@pytest.fixture
def visitor(evening, browser: Browser) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield Visitor(context.new_page(), evening.town.kiosk_url(LOBBY))
    context.close()


def sign_in(browser: Browser, stage: Stage, role: str) -> Page:
    page = browser.new_context().new_page()
    page.goto(stage.accounts()[role].link)
    page.locator("main form button[type=submit], main form button").first.click()
    page.wait_for_load_state()
    return page


def receipt_state(stage: Stage, code: str) -> str:
    states = dict(stage.rows("SELECT code, state FROM receipts"))
    return str(states.get(code, ""))


def test_a_card_held_to_the_lobby_kiosk_becomes_an_accepted_stay_that_officer_and_resident_see(evening, visitor, browser):
    code = visitor.declare(card=0, unit="1203")
    wait_until(lambda: "accepted" in visitor.page.inner_text("main").lower(), say=lambda: visitor.page.inner_text("main"))
    assert "001095000117" not in visitor.page.content()
    visitor.leave()

    officer = sign_in(browser, evening, "officer")
    officer.goto(f"{evening.town.server_url}/police/premises/blk-hoa-binh")
    text = officer.inner_text("main")
    assert "1203" in text
    assert "Trần Văn An" not in text  # no name in a list

    resident = browser.new_context().new_page()
    resident.goto(f"{evening.town.server_url}/receipts")
    resident.locator("input[name=code]").fill(code)
    resident.locator("main form button").first.click()
    resident.wait_for_load_state()
    assert re.search("accepted|chấp nhận|đã nhận", resident.inner_text("main").lower()), resident.inner_text("main")
    assert not re.search("Trần Văn An|Hòa Bình|1203", resident.content())  # whoever finds the slip learns nothing of a home


def test_with_the_broker_down_check_ins_go_on_and_settle_by_themselves_after(evening, visitor):
    assert "down" in ask(evening.layout.control, "broker stop")
    wait_until(lambda: evening.kiosk_health(LOBBY)["connection"] != "up")
    code = visitor.declare(card=1, unit="0104")
    assert "kept" in visitor.page.inner_text("main").lower()
    assert receipt_state(evening, code) == ""
    assert evening.kiosk_health(LOBBY)["outbox_depth"] == 1
    assert "up" in ask(evening.layout.control, "broker start")
    wait_until(lambda: receipt_state(evening, code) == "accepted", say=lambda: json.dumps(evening.kiosk_health(LOBBY)))
    wait_until(lambda: evening.kiosk_health(LOBBY)["outbox_depth"] == 0)


def test_a_guest_at_the_hotel_desk_is_on_the_desks_list_of_tonight(evening, browser):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    desk = Visitor(context.new_page(), evening.town.kiosk_url(DESK))
    code = desk.declare(card=0, unit="305")  # the lobby's guest again: declared elsewhere, so a conflict is named, not hidden
    wait_until(lambda: receipt_state(evening, code) in {"accepted", "conflicting"})
    context.close()
    clerk = sign_in(browser, evening, "clerk")
    clerk.goto(f"{evening.town.server_url}/desk")
    assert "305" in clerk.inner_text("main")


def test_somebody_seen_but_never_declared_is_on_the_undeclared_list_after_the_deadline_with_a_notice_first(
    evening, visitor, browser
):
    visitor.enter_with(card=2)
    visitor.leave()
    wait_until(lambda: evening.rows("SELECT count(*) FROM presences") != [(0,)])
    ask(evening.layout.control, "clock +26h")
    wait_until(
        lambda: evening.rows("SELECT count(*) FROM notices") != [(0,)], say=lambda: evening.town.children.last_words("gateway")
    )
    assert evening.rows("SELECT count(*) FROM cases WHERE state <> 'notified'") == [(0,)]
    officer = sign_in(browser, evening, "officer")
    officer.goto(f"{evening.town.server_url}/police")
    text = officer.inner_text("main")
    assert "Hòa Bình" in text or "blk-hoa-binh" in text
    assert "Phạm Quốc Bảo" not in text


def test_no_log_of_any_process_names_a_person(evening):
    logs = "".join(path.read_text("utf-8", "replace") for path in evening.layout.logs.glob("*.log"))
    assert logs
    for personal in ("Trần Văn An", "001095000117", "Phạm Quốc Bảo", "048203001958"):
        assert personal not in logs
