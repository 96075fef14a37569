"""A scanner that types, in whatever state the page is: the next card opens the next guest, nobody is lost and nobody declared twice."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager
from datetime import timedelta

import pytest
from browser_parts import CHROMIUM, Window
from playwright import sync_api
from server_parts import World, free_address

from registry.stays import stays_at

AN = "001095000117|012345678|Trần Văn An|01021995|Nam|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"
NGOC = "001195000447|112345678|Lê Thị Bích Ngọc|08031995|Nữ|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"
BINH = "001095000226|212345678|Phạm Văn Bình|11121995|Nam|Số 9 Ngõ 1, Láng Hạ, Đống Đa, Hà Nội|15082021"
NAMES = {AN: "Trần Văn An", NGOC: "Lê Thị Bích Ngọc", BINH: "Phạm Văn Bình"}


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path, base_url=free_address(), live_for=timedelta(seconds=30))
    with made.serving():
        yield made
    made.close()


@pytest.fixture(scope="module")
def playing():
    with sync_api.sync_playwright() as playwright:
        yield playwright


@pytest.fixture
def clerk(playing, world):
    launched = playing.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield Window(launched, world, "clerk")
    launched.close()


def rooms(world):
    with world.registry.reading() as connection:
        return sorted((each.unit, each.reason) for each in stays_at(connection, "htl-sao-mai"))


def is_ready(clerk):
    clerk.page.wait_for_function("() => typeof key === 'object'")  # the page's store is open
    clerk.page.wait_for_timeout(200)


def opens(clerk, card):
    """The card is scanned, and its guest is the one who is open then."""
    is_ready(clerk)
    clerk.scan(card)
    clerk.page.wait_for_function(
        f"() => document.querySelector('#full_name')?.value === '{NAMES[card]}' && typeof sink === 'object' && !sink.value"
    )


def declares(clerk, reason):
    clerk.page.select_option("#reason", reason)
    clerk.page.focus("#first-room")
    clerk.press("a", "Enter")
    clerk.page.wait_for_selector(".luutru-receipt__code")


def waits(clerk, *names):
    """Those guests are listed as begun, and nobody else."""
    shown = ", ".join(names)
    clerk.page.wait_for_function(
        f"() => [...document.querySelectorAll('[data-begun] strong')].map((each) => each.innerText).join(', ') === '{shown}'"
    )


def test_the_next_card_opens_the_next_guest_from_a_receipt_from_tonight_and_from_a_stay_where_undo_is_pressed_next(world, clerk):
    clerk.open("/desk/declare")
    opens(clerk, AN)
    declares(clerk, "visit")
    opens(clerk, NGOC)  # on the receipt, where a space and a line end press a button
    declares(clerk, "tourism")
    clerk.open("/desk")
    opens(clerk, BINH)
    clerk.open("/desk")
    waits(clerk, "Phạm Văn Bình")  # left, not lost
    clerk.page.click("tbody a")
    clerk.page.focus("#undo")
    opens(clerk, BINH)
    assert rooms(world) == [("201", "visit"), ("202", "tourism")]  # nothing was undone
    waits(clerk)
    clerk.open("/desk/house")
    is_ready(clerk)
    clerk.page.fill("#list", "a list being pasted")
    clerk.scan(AN)
    waits(clerk, "Phạm Văn Bình", "a card that was scanned")  # and what was being done stays open
    assert clerk.page.input_value("#list") == "a list being pasted"


def test_a_guest_who_is_half_filled_in_waits_as_left_and_goes_on_by_a_button_or_by_the_same_card(world, clerk):
    page = clerk.page
    clerk.open("/desk/declare")
    opens(clerk, NGOC)
    page.fill("#residence_text", "Phố Mới")  # and the cursor stays in the field
    opens(clerk, AN)
    assert page.input_value("#residence_text") == "Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội"
    waits(clerk, "Lê Thị Bích Ngọc")
    page.select_option("#reason", "study")
    opens(clerk, AN)  # the same card again is the same guest
    assert page.input_value("#reason") == "study"
    opens(clerk, NGOC)
    assert page.input_value("#residence_text") == "Phố Mới"
    waits(clerk, "Trần Văn An")
    declares(clerk, "visit")
    clerk.page.click("[data-begun] button")  # go on
    page.wait_for_function("() => document.querySelector('#full_name')?.value === 'Trần Văn An'")
    assert page.input_value("#reason") == "study"
    declares(clerk, "study")
    assert rooms(world) == [("201", "visit"), ("202", "study")]


def test_a_card_scanned_while_the_one_before_is_being_sent_opens_and_both_stand(world, clerk):
    page, held = clerk.page, []
    clerk.open("/desk/declare")
    opens(clerk, AN)
    page.select_option("#reason", "visit")
    page.route("**/desk/declare", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    page.focus("#first-room")
    clerk.press("a", "Enter")
    page.wait_for_function("() => sending.size === 1")
    opens(clerk, NGOC)
    page.unroute("**/desk/declare")
    clerk.keeps(0)  # what was on its way is sent from here
    waits(clerk)
    declares(clerk, "tourism")
    assert sorted(reason for _, reason in rooms(world)) == ["tourism", "visit"]


def test_a_card_scanned_before_the_page_of_the_one_before_has_come_waits_and_neither_is_lost(world, clerk):
    page, held = clerk.page, []
    for path in ("/desk", "/desk/declare"):
        clerk.open(path)
        is_ready(clerk)
        page.route("**/healthz", lambda route: held.append(route) if not held else route.continue_())
        clerk.scan(AN)
        page.wait_for_function("() => onItsWay && !sink.value")
        clerk.scan(BINH)
        waits(clerk, "a card that was scanned")
        held[0].continue_()
        page.wait_for_function("() => document.querySelector('#full_name')?.value === 'Trần Văn An'")
        waits(clerk, "a card that was scanned")
        page.click("[data-begun] button")
        page.wait_for_function("() => document.querySelector('#full_name')?.value === 'Phạm Văn Bình'")
        waits(clerk, "Trần Văn An")
        page.unroute("**/healthz")
        held.clear()
        page.evaluate("async () => { for (const id of await keptIds(BEGUN)) await drop(id, BEGUN); }")
    assert rooms(world) == []


def test_a_scanner_that_pauses_within_the_last_field_is_read_whole(world, clerk):
    clerk.open("/desk")
    is_ready(clerk)
    held = []
    clerk.page.route("**/healthz", lambda route: held.append(route) if not held else route.continue_())
    clerk.page.focus("#card_text")
    clerk.page.keyboard.insert_text(AN[:-6])
    clerk.page.wait_for_function("() => onItsWay && !sink.value")
    clerk.page.keyboard.type(AN[-6:])
    held[0].continue_()
    clerk.page.wait_for_function("() => document.querySelector('#full_name')?.value === 'Trần Văn An'")
    assert clerk.page.input_value("[data-declare] [name=card_text]") == AN


@contextmanager
def killed_after(playing, world, profile):
    """A clerk at a browser with a folder of its own, which is killed."""
    process = subprocess.Popen(
        [CHROMIUM, "--headless=new", "--no-sandbox", "--remote-debugging-port=0", f"--user-data-dir={profile}", "--no-first-run"],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    with process:
        try:
            address = next(line.split()[-1] for line in process.stderr if "DevTools listening on" in line)
            browser = playing.chromium.connect_over_cdp(address)
            yield Window(browser, world, "clerk", context=browser.contexts[0])
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_what_was_kept_and_what_was_begun_outlive_a_browser_that_is_killed(world, playing, tmp_path):
    with killed_after(playing, world, tmp_path / "profile") as clerk:
        clerk.open("/desk/declare")
        opens(clerk, AN)
        clerk.page.select_option("#reason", "visit")
        clerk.context.set_offline(True)
        clerk.page.focus("#first-room")
        clerk.press("a", "Enter")
        clerk.page.wait_for_selector("[data-queue]:has-text('1')")
        clerk.page.fill("#full_name", "Phạm Văn Bình")  # the next one is being typed
        clerk.keeps(1, "BEGUN")
    assert rooms(world) == []
    with killed_after(playing, world, tmp_path / "profile") as clerk:
        clerk.page.wait_for_url("**/desk")
        clerk.keeps(0)
        assert rooms(world) == [("201", "visit")]
        waits(clerk, "Phạm Văn Bình")
