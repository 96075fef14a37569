"""What a thief finds in the browser's profile on the disk: one person declared on the page, another typed their name, and nothing of them is left."""

from __future__ import annotations

from kiosk_page_parts import CARD, LOBBY, running_kiosk, served
from playwright.sync_api import sync_playwright
from traces import traces

from edge_agent.kiosk.states import Idle

TYPED = "Phạm Quốc Tuấn"
PLANTED = [TYPED, "Trần Văn An", "001095000117", "1995-02-01", "01/02/1995"]
LARGEST = 4 << 20  # what is larger is Chromium's own


def press(page, do, name):
    page.wait_for_selector(f'#state[data-name="{name}"]', state="attached")
    page.locator(f'#stage button[value="{do}"], #bottom button[value="{do}"]').last.click()


def declare(kiosk, page, card):
    press(page, "start:vi", "idle")
    press(page, "purpose:stay", "purpose")
    page.wait_for_selector('#state[data-name="card"]', state="attached")
    kiosk.show(card)
    for do, name in (
        ("yes", "person"),
        ("unit:1203", "unit"),
        ("nights:2", "nights"),
        ("reason:visit", "reason"),
        ("confirm", "review"),
        ("stop", "result"),
    ):
        press(page, do, name)


def type_a_name_and_leave(kiosk, page):
    press(page, "start:vi", "idle")
    press(page, "purpose:stay", "purpose")
    press(page, "no-card", "card")
    page.locator("input.field").fill(TYPED)
    press(page, "typed", "typing-name")
    page.wait_for_selector('#state[data-name="typing-birth"]', state="attached")
    kiosk.clock.pass_time(seconds=51)
    kiosk.wait_for(lambda: isinstance(kiosk.screen, Idle))


def test_the_browsers_profile_does_not_say_who_was_here(tmp_path):
    with running_kiosk(LOBBY) as kiosk, served(kiosk) as url, sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = context.pages[0]
        page.set_default_timeout(20_000)
        page.goto(url)
        declare(kiosk, page, CARD)
        type_a_name_and_leave(kiosk, page)
        page.wait_for_selector('#state[data-name="idle"]', state="attached")
        assert len(kiosk.outbox.messages) == 1
        context.close()
    files = [path for path in (tmp_path / "profile").rglob("*") if path.is_file() and path.stat().st_size < LARGEST]
    assert any(path.name == "History" for path in files), "the profile is where it is looked for"
    found = {path.name: left for path in files if (left := traces(path.read_bytes(), PLANTED))}
    assert found == {}
