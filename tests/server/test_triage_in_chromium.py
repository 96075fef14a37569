"""A ward's morning by keyboard alone, in a real browser: moved through, narrowed, found, given, claimed; axe finds nothing; a sheet tells the keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser_parts import CHROMIUM, Window
from playwright import sync_api
from server_parts import World, free_address
from server_police import file_cases
from sqlalchemy import select

from registry import tables

AXE = (Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("triage"), base_url=free_address())
    made.case = made.open_case()
    file_cases(made, 54, fresh=8)
    with made.serving():
        yield made
    made.close()


@pytest.fixture(scope="module")
def window(world):
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = Window(browser, world, "officer")
        yield opened
        browser.close()


def violations(window):
    session = window.context.new_cdp_session(window.page)
    session.send("Runtime.evaluate", {"expression": AXE})
    run = "axe.run({resultTypes: ['violations']}).then(found => found.violations.map(each => [each.id, each.nodes.map(node => node.html)]))"
    return session.send("Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True})["result"]["value"]


def focused(window):
    return window.page.evaluate("document.activeElement.closest('li')?.dataset.case ?? document.activeElement.id")


def test_a_morning_is_worked_through_by_keyboard_alone(world, window):
    page = window.page
    window.open("/police/queue/now")
    order = page.evaluate("[...document.querySelectorAll('[data-case]')].map(each => each.dataset.case)")
    assert len(order) == 9
    window.press("j", "j", "k")
    assert focused(window) == order[0]
    window.press("k")
    assert focused(window) == order[0]  # there is none before the first

    window.press("?")
    assert page.locator("dialog[open]").is_visible()
    assert violations(window) == []
    window.press("j", "Escape")  # keys of the list sleep under the sheet
    assert not page.locator("dialog").is_visible()

    window.press("/")
    page.keyboard.type("1007")
    assert page.locator("[data-case]:visible").count() == 1
    window.press("Escape")
    assert focused(window) == page.locator("[data-case]:visible").get_attribute("data-case")
    window.press("a")
    page.wait_for_selector("[data-case]:not([hidden]) [data-holder]:has-text('cong-an')")
    assert "Given to you" in page.inner_text("[data-status]")

    window.press("f")
    assert focused(window) == "rule"
    window.open("/police/queue/all")
    page.focus(f"[data-case='{world.case}'] a")
    with page.expect_navigation():
        window.press("c")
    assert "Phạm Thị Thử Nghiệm" in page.inner_text("main")
    with world.registry.reading() as connection:
        looks = connection.execute(select(tables.access_records)).all()
    assert [(each.about, each.purpose) for each in looks] == [(world.case, "undeclared-case")]
    assert violations(window) == []
    assert window.complaints == []


def test_the_queue_opens_an_item_by_enter_and_prints_without_its_controls(window):
    page = window.page
    window.open("/police/queue/free")
    window.press("j")
    with page.expect_navigation():
        window.press("Enter")
    assert "/police/cases/" in page.url
    window.open("/police/queue/all")
    page.emulate_media(media="print")
    assert not any(page.locator(each).is_visible() for each in (".luutru-filter", ".luutru-tabs", ".luutru-header"))
    assert page.locator("[data-case]").first.is_visible()
    page.emulate_media(media="screen")
    assert window.complaints == []


def test_the_pages_around_the_queue_are_accessible_and_print_without_their_controls(world, window):
    page = window.page
    for path in ("/police/bulk/all", "/police/ward", "/police/premises/blk-hoa-binh", f"/police/cases/{world.case}", "/police"):
        window.open(path)
        assert violations(window) == [], path
    window.open("/police/ward")
    page.emulate_media(media="print")
    assert not any(page.locator(each).first.is_visible() for each in (".luutru-screen-only", ".luutru-header"))
    assert page.locator(".luutru-measure").first.is_visible()
    page.emulate_media(media="screen")
    window.open(f"/police/cases/{world.case}")
    assert page.locator("main form").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator("h1").first.is_visible()
    assert [each.evaluate("form => form.outerHTML") for each in page.locator("form").all() if each.is_visible()] == []
    page.emulate_media(media="screen")
    assert window.complaints == []


def test_a_case_is_claimed_on_a_phone_for_the_one_thing_it_is_and_nothing_hangs_over_the_edge(world, window):
    page = window.page
    page.set_viewport_size({"width": 390, "height": 844})
    with world.registry.reading() as connection:
        cases = tables.cases.c
        waiting = select(cases.case_id).where(cases.claimed_by.is_(None), cases.state == "open").limit(1)
        case_id = connection.scalar(waiting)
    window.open(f"/police/cases/{case_id}")
    purposes = page.locator("input[name=purpose]")
    assert [purposes.nth(each).input_value() for each in range(purposes.count())] == ["undeclared-case"]
    page.get_by_role("button", name="Claim the case").click()
    page.locator("#explanation").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert violations(window) == []
    page.set_viewport_size({"width": 1280, "height": 800})
    assert window.complaints == []


def test_a_long_queue_brings_its_rest_by_itself_and_finds_in_all_of_it(window):
    window.open("/police/queue/all")
    window.page.locator("[data-case]").nth(54).wait_for(state="attached")
    window.page.locator("[data-next]").wait_for(state="detached")
    window.press("/")
    window.page.keyboard.type("1053")
    assert window.page.locator("[data-case]:visible").count() == 1
    assert window.complaints == []
