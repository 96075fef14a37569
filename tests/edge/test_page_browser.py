"""The kiosk's page in a real Chromium: the whole way, by keyboard alone, judged by axe-core, wiped to the last byte."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kiosk_page_parts import LOBBY, at, press, running_kiosk, served, to_review
from playwright import sync_api

from edge_agent.kiosk.states import Idle, Result
from residence.stays.declaration import Reason

CHROMIUM = Path("/usr/bin/chromium")
AXE = (Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
SIZES = {"lobby": (1280, 800), "phone": (390, 844), "small": (800, 480)}


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def kiosk():
    with running_kiosk(LOBBY, check_url="http://localhost:8300/receipts") as kiosk:
        yield kiosk


@pytest.fixture
def url(kiosk):
    with served(kiosk) as url:
        yield url


@pytest.fixture
def page(chromium, url):
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.trouble = []
    page.on("console", lambda message: page.trouble.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.trouble.append(str(error)))
    page.goto(url)
    yield page
    context.close()


def test_a_card_becomes_a_receipt_and_the_screen_says_each_step(kiosk, page):
    to_review(kiosk, page)
    press(page, "confirm", "review")
    at(page, "result")
    assert page.locator("h1").inner_text() == "Đã lưu"
    declaration_id = kiosk.outbox.messages[0].declaration_id
    kiosk.outbox.settlements[declaration_id].state = "sent"
    page.get_by_role("heading", name="Đã gửi đi").wait_for()
    kiosk.outbox.settle(declaration_id, "accepted", due="2026-07-10T23:00:00+07:00", on_time=True)
    page.get_by_role("heading", name="Đã ghi nhận").wait_for()
    assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}", page.locator(".slip__code").inner_text())
    assert page.locator(".slip__qr").evaluate("each => each.decode().then(() => each.naturalWidth > 0)")
    press(page, "stop", "result")
    at(page, "idle")
    assert not page.trouble


def test_offline_the_screen_says_kept_here_and_will_be_sent(kiosk, page):
    kiosk.line[0] = "waiting"
    page.get_by_text("Mất mạng").first.wait_for()
    to_review(kiosk, page)
    press(page, "confirm", "review")
    page.get_by_text("sẽ tự gửi khi có mạng").wait_for()
    page.get_by_text("1 khai báo đã lưu ở đây").wait_for()


def test_the_whole_way_goes_by_keyboard_alone(kiosk, page):
    """No pointer: Tab, Enter and letters; what has the focus is always inside the window."""

    def tab_to(value):
        for _ in range(40):
            page.keyboard.press("Tab")
            focus = page.evaluate("[document.activeElement.value, document.activeElement.getBoundingClientRect().bottom]")
            if focus[0] == value:
                assert 0 < focus[1] <= 800
                page.keyboard.press("Enter")
                return
        pytest.fail(f"no way to {value} by Tab")

    tab_to("start:en")
    at(page, "purpose")
    tab_to("purpose:stay")
    at(page, "card")
    tab_to("no-card")
    at(page, "typing-name")
    page.keyboard.type("Nguyễn Thị Bình")
    page.keyboard.press("Enter")
    at(page, "typing-birth")
    page.keyboard.type("05111967")
    page.keyboard.press("Enter")
    at(page, "typing-sex")
    tab_to("typed:female")
    at(page, "typing-nationality")
    tab_to("typed:VNM")
    at(page, "typing-number")
    page.keyboard.press("Enter")
    at(page, "typing-helper")
    tab_to("skip")
    at(page, "person")
    tab_to("yes")
    at(page, "unit")
    page.keyboard.type("1203")
    page.keyboard.press("Enter")
    at(page, "nights")
    tab_to("nights:3")
    at(page, "reason")
    tab_to("reason:family-visit")
    at(page, "review")
    tab_to("confirm")
    at(page, "result")
    (declaration,) = kiosk.outbox.messages
    assert declaration.person.full_name == "Nguyễn Thị Bình"
    assert declaration.person.birth.value == "1967-11-05"
    assert declaration.reason is Reason.FAMILY_VISIT
    assert not page.trouble


def test_the_keys_on_the_screen_write_a_vietnamese_name(kiosk, page):
    for do, name in (("start:vi", "idle"), ("purpose:stay", "purpose"), ("no-card", "card")):
        press(page, do, name)
    at(page, "typing-name")
    tones = {"`": "huyền", "'": "sắc", "?": "hỏi", "~": "ngã", ".": "nặng"}
    for word in ("NGUYÊN~", "THI.", "HÔNG`", "QUYÊN"):
        for letter in word:
            button = f'[aria-label="Dấu {tones[letter]}"]' if letter in tones else f'[data-pad] [data-key="{letter}"]'
            page.locator(button).click()
        page.locator('[data-pad] [data-key=" "]').click()
    assert page.locator("input.field").input_value().strip() == "Nguyễn Thị Hồng Quyên"


def test_what_is_being_typed_stays_when_the_network_comes_and_goes(kiosk, page):
    for do, name in (("start:vi", "idle"), ("purpose:stay", "purpose"), ("no-card", "card")):
        press(page, do, name)
    at(page, "typing-name")
    page.keyboard.type("Nguyễn Thị")
    kiosk.line[0] = "waiting"
    page.get_by_text("Mất mạng").first.wait_for()
    page.keyboard.type(" Bình")
    assert page.locator("input.field").input_value() == "Nguyễn Thị Bình"


def test_the_warning_can_be_answered_and_the_place_is_kept(kiosk, page):
    to_review(kiosk, page)
    kiosk.clock.pass_time(seconds=31)
    page.locator(".warning").wait_for()
    assert page.evaluate("document.activeElement.value") == "more-time"
    assert page.locator("#stage").evaluate("each => each.inert")
    page.keyboard.press("Enter")
    page.locator(".warning").wait_for(state="detached")
    assert not page.locator("#stage").evaluate("each => each.inert")
    at(page, "review")


def test_after_the_time_out_nothing_is_left_in_the_browser(kiosk, page, url):
    to_review(kiosk, page)
    assert "Trần Văn An" in page.content()
    cookie = page.context.cookies()[0]["value"]
    page.evaluate("""async () => {
        localStorage.setItem('planted', 'Trần Văn An');
        sessionStorage.setItem('planted', 'Trần Văn An');
        await (await caches.open('planted')).put('/planted', new Response('Trần Văn An'));
    }""")
    with page.expect_response("**/wiped"):
        kiosk.clock.pass_time(seconds=51)
    at(page, "idle")
    assert isinstance(kiosk.screen, Idle)
    assert "Trần" not in page.content()
    left = page.evaluate("async () => [localStorage.length, sessionStorage.length, (await caches.keys()).length, history.length]")
    assert left[:3] == [0, 0, 0]
    assert left[3] <= 2  # the empty tab and the page; no entry per screen
    assert page.context.cookies()[0]["value"] != cookie
    page.go_back()
    page.go_forward()
    at(page, "idle")
    assert "Trần" not in page.content()
    assert page.url == f"{url}/"


def test_while_the_agent_is_away_the_page_says_restarting_and_shows_nobody(chromium, kiosk):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    with served(kiosk) as url:
        port = int(url.rpartition(":")[2])
        page.goto(url)
        to_review(kiosk, page)
    page.locator("#restarting:not([hidden])").wait_for()
    assert "Máy đang khởi động lại" in page.locator("#restarting").inner_text()
    assert "Trần" not in page.content()
    with running_kiosk() as again, served(again, port=port):
        at(page, "idle")
        assert page.locator("#restarting[hidden]").count() == 1
    page.close()


def test_an_agent_that_hangs_and_keeps_its_line_open_leaves_nobody_on_the_screen(kiosk, page):
    to_review(kiosk, page)
    page.route("**/alive", lambda _route: None)  # asked, and never answered; the stream of events goes on
    page.locator("#restarting:not([hidden])").wait_for(timeout=60_000)
    assert "Trần" not in page.content()
    page.unroute_all()
    at(page, "review")  # it answers again: the visit is where it was


def judge(page):
    """Return what axe-core finds; the script is put in by the test and bypasses the page's own policy."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    result = page.evaluate("""async () => {
        const tags = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'];
        return axe.run({ resultTypes: ['violations'], runOnly: { type: 'tag', values: tags } });
    }""")
    return [(each["id"], [node["html"][:120] for node in each["nodes"]][:3]) for each in result["violations"]]


TYPED_ANSWERS = (
    ("name", "Nguyễn Thị Bình", "typed"),
    ("birth", "05111967", "typed"),
    ("sex", "", "skip"),
    ("nationality", "", "typed:VNM"),
    ("number", "", "back"),
    ("nationality", "", "typed:other"),
    ("country", "", "typed:other"),
    ("code", "SWE", "typed"),
    ("passport", "L898902C3", "typed"),
    ("permitted", "30092026", "typed"),
    ("helper", "", "skip"),
)


def test_axe_finds_nothing_on_any_screen_at_any_size(kiosk, page):
    """One walk with the page's own script; every state in every language is in ``test_kiosk_states.py``."""
    found = {}

    def look(name):
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            violations = judge(page)
            if violations:
                found[name, size] = violations

    look("idle")
    press(page, "start:vi", "idle")
    at(page, "purpose")
    look("purpose")
    press(page, "purpose:stay", "purpose")
    at(page, "card")
    kiosk.show("https://example.org/")
    page.locator(".note").wait_for()
    look("card")
    press(page, "no-card", "card")
    for name, text, do in TYPED_ANSWERS:
        at(page, f"typing-{name}")
        look(name)
        page.keyboard.type(text)
        press(page, do, f"typing-{name}")
    at(page, "person")
    look("person")
    press(page, "yes", "person")
    at(page, "unit")
    page.keyboard.type("9999")
    page.keyboard.press("Enter")
    page.locator(".note").wait_for()
    look("unit")
    page.locator("input.field").fill("1203")
    press(page, "unit", "unit")
    at(page, "nights")
    look("nights")
    press(page, "nights:2", "nights")
    at(page, "reason")
    look("reason")
    press(page, "reason:other", "reason")
    press(page, "tell", "telling")
    page.locator(".note").wait_for()
    look("telling")
    press(page, "back", "telling")
    press(page, "reason:visit", "reason")
    at(page, "review")
    look("review")
    kiosk.clock.pass_time(seconds=31)
    page.locator(".warning").wait_for()
    look("warning")
    press(page, "more-time", "review")
    page.locator(".warning").wait_for(state="detached")
    press(page, "confirm", "review")
    at(page, "result")
    look("kept")
    for standing in ("received", "refused"):
        kiosk.outbox.settle(kiosk.outbox.messages[0].declaration_id, standing)
        kiosk.wait_for(lambda wanted=standing: isinstance(kiosk.screen, Result) and kiosk.screen.standing == wanted)
        page.locator(".track__one--failed" if standing == "refused" else ".answer").first.wait_for()
        look(standing)
    assert not found
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("size", ["lobby", "small"])
def test_what_is_touched_is_large_enough_and_every_screen_fits(kiosk, page, size):
    """64 px on the lobby's screen for everything but the letters of the keyboard and the trial's cards."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    small = []

    def measure(name):
        at(page, name)
        boxes = page.evaluate("""() => [...document.querySelectorAll('button, input:not([type=hidden])')]
            .filter((each) => each.checkVisibility() && !each.closest('.board'))
            .map((each) => [each.textContent.trim() || each.name, each.offsetWidth, each.offsetHeight])""")
        small.extend((name, *box) for box in boxes if min(box[1:]) < 64)
        if page.evaluate("document.documentElement.scrollHeight > innerHeight"):
            small.append((name, "does not fit without scrolling"))

    measure("idle")
    press(page, "start:vi", "idle")
    measure("purpose")
    press(page, "purpose:stay", "purpose")
    measure("card")
    press(page, "no-card", "card")
    page.locator("input.field").fill("An")
    press(page, "typed", "typing-name")
    measure("typing-birth")
    press(page, "skip", "typing-birth")
    press(page, "skip", "typing-sex")
    measure("typing-nationality")
    press(page, "typed:other", "typing-nationality")
    measure("typing-country")
    press(page, "typed:other", "typing-country")
    measure("typing-code")
    press(page, "skip", "typing-code")
    measure("typing-passport")
    press(page, "skip", "typing-passport")
    measure("typing-permitted")
    kiosk.show()
    measure("person")
    press(page, "yes", "person")
    measure("unit")
    press(page, "unit:1203", "unit")
    measure("nights")
    press(page, "nights:1", "nights")
    measure("reason")
    press(page, "reason:visit", "reason")
    measure("review")
    press(page, "confirm", "review")
    measure("result")
    assert not small


def test_another_reason_is_written_with_the_keys_on_the_screen(kiosk, page):
    to_review(kiosk, page)
    press(page, "back", "review")
    press(page, "reason:other", "reason")
    at(page, "telling")
    for key in "TR":
        page.locator(f'[data-pad] [data-key="{key}"]').click()
    page.keyboard.type("ông nhà")
    for key in " BA":
        page.locator(f'[data-pad] [data-key="{key}"]').click()
    page.locator('[aria-label="Dấu huyền"]').click()
    assert page.locator("input.field").input_value() == "Trông nhà bà"
    press(page, "tell", "telling")
    at(page, "review")
    assert "Trông nhà bà" in page.locator(".facts").inner_text()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_where_a_card_can_be_shown_a_phone_wide_screen_fits_too(kiosk, page, language):
    page.set_viewport_size({"width": 390, "height": 844})
    too_long = []

    def measure(name):
        at(page, name)
        if page.evaluate("document.documentElement.scrollHeight > innerHeight"):
            too_long.append(name)

    measure("idle")
    press(page, f"start:{language}", "idle")
    measure("purpose")
    press(page, "purpose:stay", "purpose")
    measure("card")
    kiosk.show("https://example.org/")
    page.locator(".note").wait_for()
    measure("card")
    assert not too_long


def test_an_answer_that_comes_late_never_puts_an_older_screen_back(kiosk, page):
    """Not even for a moment: a button that is redrawn under a finger loses the tap."""
    page.evaluate("""() => {
        window.names = [];
        new MutationObserver(() => names.push(document.getElementById('state').dataset.name)).observe(
            document.getElementById('kiosk'), { childList: true, subtree: true });
    }""")
    held = []
    page.route("**/screen", lambda route: held.append((route, route.fetch())), times=1)
    kiosk.line[0] = "waiting"  # the page fetches the screen as it is: idle
    while not held:
        page.wait_for_timeout(20)
    press(page, "start:en", "idle")
    at(page, "purpose")
    with page.expect_response("**/screen", timeout=10_000):
        held[0][0].fulfill(response=held[0][1])
    press(page, "purpose:stay", "purpose")
    at(page, "card")
    names = page.evaluate("names")
    assert names == sorted(names, key=["idle", "purpose", "card"].index)


@pytest.mark.parametrize("size", SIZES)
def test_a_hint_fits_is_accessible_and_leaves_the_way_without_a_card_in_view(kiosk, page, size):
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    press(page, "start:vi", "idle")
    press(page, "purpose:stay", "purpose")
    at(page, "card")
    kiosk.agent.guide("glare")
    page.locator(".note--guide").wait_for()

    assert "Nghiêng nhẹ thẻ" in page.locator("[role=status] .note--guide").inner_text()
    button, bottom = (page.locator(each).bounding_box() for each in ('button[value="no-card"]', "#bottom"))
    assert button["y"] + button["height"] <= bottom["y"] + 1
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert judge(page) == []
    kiosk.show()
    at(page, "person")
    assert page.locator(".note--guide").count() == 0
