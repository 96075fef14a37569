"""In a real browser: axe finds nothing on any page, nothing overflows a phone, passkeys work, a photo is read and never sent."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import segno
from factories import make_person
from playwright import sync_api
from server_cleaning import leave_disagreeing
from server_duplicates import NAMES, propose_pair
from server_lodgers import lodge
from server_operators import ask_about_a_split_ward, fill, put_aside
from server_own import bind_resident, link_to_house, say_it_is_wrong
from server_parts import World, free_address
from server_paths import take_a_path
from server_webhooks import told_of

from registry.stays import stays_at, stays_of_person
from server.settings import Allowance

ROOT = Path(__file__).parents[2]
AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
CHROMIUM = shutil.which("chromium")
CARD = "001195000447|012345678|Lê Thị Bích Ngọc|08031995|Nữ|Số 5 Ngõ 10, Láng Hạ, Đống Đa, Hà Nội|15082021"
RUN_AXE = """axe.run({ resultTypes: ['violations'] })
    .then(found => JSON.stringify(found.violations.map(each => [each.id, each.nodes.map(node => node.html)])))"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    many = Allowance(times=1000, per=timedelta(minutes=5))
    made = World(tmp_path_factory.mktemp("world"), base_url=free_address(), sign_in_allowance=many, receipt_allowance=many)
    made.resident = bind_resident(made)
    made.declare_guest(
        unit="202", person=make_person(full_name="Nguyễn Thị Thu Hà", personal_number="001195000333", sex="female", document=None)
    )
    made.see_somebody(premises_id="htl-sao-mai", unit="202")
    fill(made)
    made.letter = put_aside(made)
    made.dispute = say_it_is_wrong(made)
    made.question = ask_about_a_split_ward(made)
    leave_disagreeing(made)
    lodge(made)
    made.pair = propose_pair(made)
    made.hook = told_of(made)
    made.path = take_a_path(made)
    with made.serving():
        yield made
    made.close()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


class Visit:
    """One browser window and what it complained of."""

    def __init__(self, browser, world, role=None, *, width=1440, language="vi") -> None:
        self.base = world.settings.base_url
        self.context = browser.new_context(viewport={"width": width, "height": 900}, locale=language)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type in {"error", "warning"} else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        if role is not None:
            self.open(f"/sign-in/link/{world.link(role)}")
            self.page.click("main button")

    def open(self, path):
        self.page.goto(self.base + path)

    def axe(self):
        session = self.context.new_cdp_session(self.page)  # past the page's own content policy, which stays in force
        session.send("Runtime.evaluate", {"expression": AXE})
        answer = session.send("Runtime.evaluate", {"expression": RUN_AXE, "awaitPromise": True, "returnByValue": True})
        return json.loads(answer["result"]["value"])

    def overflow(self):
        return self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def pages(world):
    with world.registry.reading() as connection:
        stay = stays_at(connection, "htl-sao-mai")[0]
        own = stays_of_person(connection, world.resident)[0]
    case = world.open_case()
    return {
        None: ["/", "/sign-in", "/sign-in/link/x", "/receipts", "/sign-in/kiosk#LW1.AAAA", "/paths", "/paths/begin?in=zh", link_to_house(world)],
        "resident": [
            "/me", "/me/messages", f"/me/proofs/{own.declaration_ids[0]}", "/me/rights", "/me/copy", "/me/lock", f"/me/stays/{own.stay_id}/wrong/stay", f"/me/stays/{own.stay_id}/stay-longer", "/me/looks",
        ],
        "clerk": [
            "/", "/desk", "/desk/declare", f"/desk/stays/{stay.stay_id}", f"/desk/stays/{stay.stay_id}/correct",
            f"/desk/receipts/{stay.declaration_ids[0]}", "/desk/house", "/desk/lodgers", "/desk/closes", "/desk/messages?premises=htl-sao-mai",
            "/desk/houses", "/desk/check", "/desk/paths", "/desk/programs", f"/desk/programs/webhooks/{world.hook}", "/account",
        ],
        "officer": [
            "/police/queue/all", "/police/queue/mine", "/police/route/all", "/police", "/police/lapses", f"/police/cases/{case}", "/police/premises", "/police/premises/htl-sao-mai", "/police/access",
            "/police/cleaning", "/police/cleaning/premises_over_capacity", "/police/duplicates", f"/police/duplicates/{world.pair}",
            "/police/paths", f"/police/paths/{world.path}", f"/police/paths/{world.path}/handover", "/police/requests", "/police/disputes", f"/police/disputes/{world.dispute}", "/police/numbers", f"/police/numbers/{world.resident}", f"/police/homes/{world.resident}", "/police/premises/htl-sao-mai/correct",
        ],
        "operator": [
            "/operators/kiosks", "/operators/gateway", "/operators/dead-letters", f"/operators/dead-letters/{world.letter}", "/operators/wards",
            f"/operators/wards/{world.question}", "/operators/calls", "/operators/deletions", "/operators/authorities",
        ],
    }  # fmt: skip


# Looked at on a phone only: there is nothing on them that a desk shows otherwise.
ON_A_PHONE = {
    "officer": [
        "/police/ward", "/police/procedures", "/police/second-eyes", "/police/elsewhere", "/police/second-views", "/police/orders", "/police/questions",
    ],
    "inspector": ["/inspect", "/looks/rules", "/inspect/second-views"],
}  # fmt: skip


@pytest.mark.parametrize(("width", "language"), [(1440, "vi"), (390, "en")])
def test_axe_finds_nothing_and_nothing_overflows_or_complains_on_any_page(world, browser, width, language):
    both, phone = pages(world), ON_A_PHONE if width < 1000 else {}
    for role in [*both, *(phone.keys() - both.keys())]:
        own = language == "en" and role in {None, "resident"}  # a person's pages speak more than English
        visit = Visit(browser, world, role, width=width, language="ja" if own else language)
        for path in [*both.get(role, []), *phone.get(role, [])]:
            visit.open(path)
            assert visit.axe() == [], path
            assert visit.overflow() <= 0, path
        assert visit.complaints == []
        visit.context.close()


def test_an_officers_menu_is_worked_by_keys_and_says_where_one_is(world, browser):
    visit = Visit(browser, world, "officer", width=390)
    visit.open("/police/orders")
    opened = visit.page.locator("[data-menu] details[open]")
    assert visit.page.locator("[data-menu] summary[aria-current]").count() == 1
    visit.page.locator("[data-menu] summary").nth(1).focus()
    visit.page.keyboard.press("Enter")
    assert visit.axe() == []
    assert visit.overflow() <= 0
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.getAttribute('href')") == "/police/route/now"
    visit.page.keyboard.press("Escape")
    assert opened.count() == 0
    assert visit.page.evaluate("document.activeElement.tagName") == "SUMMARY"
    visit.page.locator("[data-menu] summary").nth(0).click()
    visit.page.locator("[data-menu] summary").nth(4).click()
    assert opened.count() == 1  # one at a time
    visit.page.mouse.click(195, 700)  # elsewhere on the page
    assert opened.count() == 0
    visit.context.close()


def test_axe_finds_nothing_on_pages_that_say_no_and_pages_after_a_form(world, browser):
    visit = Visit(browser, world, "clerk", width=390)
    visit.open("/desk/declare")
    visit.page.click("form[novalidate] button[type=submit]")
    visit.page.wait_for_selector(".govuk-error-summary")
    assert visit.axe() == []
    for path in ("/no-such-page", "/police"):
        visit.open(path)
        assert visit.axe() == [], path
    visit.open("/desk/house")
    visit.page.fill("#list", "Room,Name\n201,Trần Văn An\n305,Lê Thị Thử Nghiệm")
    visit.page.click("main form[action='/desk/house'] button")
    assert visit.page.locator("text=Lê Thị Thử Nghiệm").first.is_visible()
    assert visit.axe() == []
    visit.open("/receipts")
    visit.page.fill("#code", "nonsense")
    visit.page.click("main button")
    assert visit.axe() == []
    visit.context.close()
    world.open_case()
    officer = Visit(browser, world, "officer")
    officer.open("/police")
    officer.page.click("main .luutru-rows a >> nth=0")
    officer.page.check("input[value=undeclared-case]")
    officer.page.click("main button")
    assert "Phạm Thị Thử Nghiệm" in officer.page.content()
    assert officer.axe() == []
    officer.context.close()


def test_a_pair_is_looked_at_and_put_off_by_keyboard_alone(world, browser):
    officer = Visit(browser, world, "officer", language="en")
    page, keys = officer.page, officer.page.keyboard

    def reach(selector):
        for _ in range(40):
            keys.press("Tab")
            if page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        pytest.fail(f"no key reaches {selector}")

    def enter():
        with page.expect_navigation():
            keys.press("Enter")

    officer.open("/police/duplicates")
    reach(f"a[href$='{world.pair}']")
    enter()
    reach("main form button")
    enter()
    assert all(name.rpartition(" ")[0] in page.inner_text("main") for name in NAMES)
    assert officer.axe() == []
    reach("input[name=action]")
    keys.press("ArrowUp")  # from the first to the last: later
    reach("#reason")
    keys.type("she is away")
    enter()
    assert "Put off" in page.inner_text("main")
    assert officer.axe() == []
    assert officer.complaints == []
    officer.context.close()


def test_a_passkey_is_added_and_then_opens_the_account_by_itself(world, browser):
    visit = Visit(browser, world, "officer")
    session = visit.context.new_cdp_session(visit.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    visit.open("/account")
    visit.page.fill("#label", "máy bàn")
    visit.page.click("[data-passkey=register] button")
    visit.page.wait_for_selector("text=máy bàn")
    visit.page.click(".luutru-link-button")
    visit.open("/sign-in?next=/police/premises")
    visit.page.click("[data-passkey=sign-in] button")
    visit.page.wait_for_url("**/police/premises")
    assert visit.complaints == []
    visit.context.close()


def test_a_photo_of_a_card_is_read_in_the_browser_and_never_leaves_it(world, browser, tmp_path):
    photo = tmp_path / "card.png"
    segno.make(CARD, error="m").save(str(photo), scale=6, border=6)
    visit = Visit(browser, world, "clerk", width=390)
    sent: list[bytes] = []
    visit.page.on("request", lambda request: sent.append(request.post_data_buffer or b""))
    visit.open("/desk/declare")
    visit.page.set_input_files("#photo", str(photo))
    visit.page.wait_for_selector("#card-read")
    assert visit.page.input_value("#full_name") == "Lê Thị Bích Ngọc"
    assert max(len(body) for body in sent) < 1500  # the code's text and the form, no picture
    assert not any(b"PNG" in body for body in sent)
    visit.page.fill("#unit", "201")
    visit.page.fill("#planned_departure", "2026-07-12T12:00")
    visit.page.select_option("#reason", "visit")
    visit.page.click("form[novalidate] button[type=submit]")
    visit.page.wait_for_selector(".govuk-error-summary, .luutru-receipt__code")
    if visit.page.locator(".govuk-error-summary").count():
        visit.page.click("form[novalidate] button[type=submit]")
    visit.page.wait_for_selector(".luutru-receipt__code")
    assert visit.complaints == []
    visit.context.close()


def test_the_countdown_counts_by_the_servers_clock(world, browser):
    visit = Visit(browser, world, "clerk", language="en")
    visit.open("/desk")
    visit.page.wait_for_selector("[data-countdown]:has-text('8 h 59 min')")  # 14:00 there, whatever it is here
    visit.context.close()


def test_a_guest_declared_elsewhere_appears_on_the_open_list_by_itself(world, browser):
    visit = Visit(browser, world, "clerk")
    visit.page.clock.install()
    visit.open("/desk")
    world.declare_guest(
        unit="202", person=make_person(full_name="Đỗ Thị Lan", personal_number="001195000555", sex="female", document=None)
    )
    visit.page.clock.fast_forward(16_000)
    visit.page.wait_for_selector("text=Đỗ Thị Lan")
    visit.page.clock.fast_forward(16_000)  # now nothing is new: the states alone are swapped
    visit.page.wait_for_selector("text=Đỗ Thị Lan")
    assert visit.complaints == []
    visit.context.close()
