"""The door's page in the system's Chromium: every language, at every size, clean, and a PIN on the screen or on a keypad."""

from contextlib import contextmanager
from typing import get_args

import pytest
from door_parts import Kiosk, Ticked, entry, listing
from kiosk_browser import AXE, SIZES, STATIC
from kiosk_page_parts import on_loopback
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from edge_agent.door.panel import DoorPanel
from edge_agent.door.shown import Typed
from edge_agent.kiosk.texts import Texts, lang_tag
from firmware_config.profiles import Language

# What stands on it: what is done before, whether the clock is confirmed, and what it says.
SHOWN = {
    "nobody": (lambda _door: None, True, "door.hold"),
    "a number": (lambda door: door.keeper.turn(Ticked()), False, "door.hold"),
    "a refusal": (lambda door: door.show("nobody"), True, "door.no"),
    "a refusal and a number": (lambda door: door.show("nobody"), False, "door.no"),
    "a PIN is asked for": (lambda door: door.show("an"), True, "door.wait"),
    "open": (lambda door: (door.show("an"), door.keeper.turn(Typed(pin="204966"))), True, "door.open"),
}
TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
JUDGE = "async (tags) => (await axe.run(document, { runOnly: { type: 'tag', values: tags } })).violations"
MEASURE = "[document.documentElement.scrollWidth - innerWidth, document.documentElement.scrollHeight - innerHeight]"


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def door_in(folder, *, synced=True):
    return Kiosk(folder, papers=[listing(entry("an", pin="204966"))], least="token-and-pin", synced=synced)


@contextmanager
def opened(chromium, door):
    """Serve a door's page and open it."""
    panel = DoorPanel(door.keeper, random_bytes=lambda length: bytes(range(length)))
    app = Starlette(routes=[*panel.routes(), Mount("/static", StaticFiles(directory=STATIC))])
    page = chromium.new_page()
    try:
        with on_loopback(app) as address:
            page.goto(f"{address}/door")
            yield page
    finally:
        page.close()


@pytest.mark.parametrize("what", SHOWN)
def test_it_speaks_every_language_at_once_stands_whole_and_is_clean(tmp_path, chromium, what):
    happens, synced, key = SHOWN[what]
    door = door_in(tmp_path, synced=synced)
    happens(door)
    with opened(chromium, door) as page:
        for language in get_args(Language):
            said = page.locator(f".door__said [lang={lang_tag(language)}]")
            assert said.inner_text() == Texts(language)(key)
            assert said.is_visible()
        for width, height in (*SIZES.values(), (1024, 600)):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate(MEASURE) == [0, 0], (width, height)
        page.evaluate(AXE.read_text("utf-8"))
        assert not [(each["id"], each["nodes"][0]["html"]) for each in page.evaluate(JUDGE, TAGS)]


def test_a_pin_is_typed_on_the_screen_or_on_a_keypad_and_the_page_follows_by_itself(tmp_path, chromium):
    door = door_in(tmp_path)
    with opened(chromium, door) as page:
        door.show("an")
        page.locator("#pin").wait_for()
        for digit in "2049":
            page.locator(f'[data-digit="{digit}"]').click()
        page.keyboard.type("67*6")
        page.wait_for_timeout(1200)
        assert page.locator("#pin").input_value() == "204966", "to ask what is new leaves what is being typed"
        with page.expect_response("**/door/pin"):
            page.keyboard.press("#")
        assert door.keeper._queue.get(timeout=10) == Typed(pin="204966")


def test_while_the_kiosk_is_away_it_says_so_and_nothing_of_before(tmp_path, chromium):
    door = door_in(tmp_path)
    door.show("nobody")
    with opened(chromium, door) as page:
        assert page.locator("main").is_visible()
        page.route("**/door", lambda route: route.abort())
        page.locator("#away").wait_for()
        assert not page.locator("main").is_visible()
        page.unroute("**/door")
        page.locator("main").wait_for()
