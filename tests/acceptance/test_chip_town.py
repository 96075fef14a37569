"""From a card on a real reader service to the officer's page: kiosk, broker, gateway and server as processes of their own.

One test, for there is one smart-card service and one virtual reader on a machine. The same invented person comes four times: with their own
card, pulled away once; with a copy of it; with one that was altered; and at last the kiosk itself lies.
"""

from __future__ import annotations

import html
import io
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import chip_parts as chips
import httpx
import msgspec
import numpy as np
import pytest
import zxingcpp
from acceptance.driver_kiosk import declaration, open_outbox
from acceptance_stage import wait_until
from browser_parts import CHROMIUM
from chip_parts import Citizen, lying, pki
from PIL import Image
from playwright.sync_api import sync_playwright
from server_parts import fields_of
from simulators.card.vpcd import CardInReader, pcscd

from luutru.keys import read_signing_key
from residence.wire.trust_bundle import TrustBundle, sign_bundle, store_of

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900), pytest.mark.xdist_group("pcscd")]
PATIENCE = 20  # seconds for one reading on a busy machine
GLANCE = 4  # seconds until the service asks a card it sees who it is; it looks several times a second
TRIES = 12
LOBBY, PLACE = "kiosk-lobby-1", "blk-hoa-binh"
CHIP = '\n[chip]\nenabled = true\ntrust = "trust.bundle"\n'
TO_THE_CARD = {"idle": "start:en", "purpose": "purpose:stay", "card": "deck:0", "person": "yes", "askchip": "chip"}
TO_THE_END = {"nights": "nights:1", "reason": "reason:visit", "review": "confirm"}


class AtTheKiosk:
    """Somebody before the kiosk's page, without script: presses what the screen offers, and looks."""

    def __init__(self, url):
        self.client, self.url = httpx.Client(base_url=url, follow_redirects=True, timeout=20), url

    def page(self):
        return html.unescape(self.client.get("/").text)

    @property
    def screen(self):
        return re.search(r'id="state"[^>]*data-name="([^"]*)"', self.page())[1]

    def press(self, do, **fields):
        page = self.client.get("/").text
        hidden = {name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("token", "screen")}
        self.client.post("/act", data={**hidden, "do": do, **fields}, headers={"Origin": self.url})

    def goes(self, along, *, to, unit="0101"):
        """Press along until a screen is reached."""

        def there():
            screen = self.screen
            if screen in to:
                return screen
            if screen == "unit":
                self.press("unit", value=unit)
            elif screen in along:
                self.press(along[screen])
            return ""

        return wait_until(there, seconds=300, every=0.2, say=self.page)

    def says(self, words):
        wait_until(lambda: words in self.page(), seconds=120, every=0.1, say=self.page)


class Stubborn:
    """A card that stops answering at its twelfth command, until it is pulled away."""

    def __init__(self, card):
        self.card, self.reached, self.pulled, self.commands = card, threading.Event(), threading.Event(), 0

    def reset(self):
        self.card.reset()

    def transceive(self, apdu):
        self.commands += 1
        if self.commands == 12:
            self.reached.set()
            self.pulled.wait(60)
        return self.card.transceive(apdu)


@pytest.fixture
def country():
    return pki.Country()


@pytest.fixture
def bundle(country):
    now = datetime.now(UTC)
    crl = country.revocation_list(this=now - timedelta(days=1))
    return TrustBundle(
        version=4, issued=now, expires=now + timedelta(days=30), certificates=(country.authority.der,), lists=(crl,)
    )


@pytest.fixture
def town(stage, bundle, monkeypatch):
    """Broker, gateway, server and one kiosk with a reader for chips; all trust the same bundle."""
    signed = sign_bundle(bundle, read_signing_key(stage.layout.key("keyring"), use="keyring"))
    folder = stage.layout.kiosk_folder(LOBBY)
    for path in (stage.layout.directory / "trust.bundle", folder / "trust.bundle"):
        path.write_bytes(signed)
    (folder / "sample-cards.txt").write_text(chips.QR + "\n", "utf-8")
    profile = stage.layout.kiosk_profile(LOBBY)
    profile.write_text(profile.read_text("utf-8") + CHIP, "utf-8")
    monkeypatch.setenv("LUUTRU_CHIP_TRUST", str(stage.layout.directory / "trust.bundle"))
    stage.town.broker.start()
    stage.town.start_gateway()
    stage.town.start_server()
    stage.town.start_kiosk(LOBBY)
    children = stage.town.children
    children.wait_for_page("server", f"{stage.town.server_url}/healthz", seconds=300)
    children.wait_for_page(LOBBY, f"{stage.town.kiosk_url(LOBBY)}/health", seconds=300)
    return stage


@pytest.fixture
def reader_service():
    if not Path("/usr/sbin/pcscd").exists() or not list(Path("/usr/lib/pcsc/drivers/serial").glob("*vpcd*")):
        pytest.fail("pcscd or vsmartcard-vpcd is not installed: run scripts/bootstrap test")
    with pcscd() as process:
        assert process.poll() is None
        yield process


def judgements(stage):
    return stage.rows("SELECT declaration_id, level, claimed_level, doubt FROM chip_judgements ORDER BY judged_at")


def newest(stage, count):
    wait_until(lambda: len(judgements(stage)) == count, seconds=300, say=lambda: stage.town.children.last_words("gateway"))
    return judgements(stage)[-1]


def signed_in(stage, role):
    client = httpx.Client(base_url=stage.town.server_url, follow_redirects=True, timeout=30, headers={"accept-language": "en"})
    page = client.get(stage.accounts()[role].link).text
    action = re.search(r'<form[^>]*action="([^"]+)"', page[page.rindex("<form") :])
    client.post(action[1] if action else "/sign-in/link", data=fields_of(page))
    return client


def opened(client, declaration_id):
    answer = client.get(f"/police/premises/{PLACE}/evidence/{declaration_id}")
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


def laid_until_read(visitor, card):
    """Lay a card, and again where the reader did not see it: after a command that broke off, vpcd may drop the next connection."""
    for _ in range(TRIES):
        visitor.goes(TO_THE_CARD, to={"laycard"})
        laid = CardInReader(card)
        until = time.monotonic() + (PATIENCE if laid.asked.wait(GLANCE) else 0)
        while time.monotonic() < until and laid.thread.is_alive():
            if visitor.screen == "chipshown":
                return laid
            time.sleep(0.2)
        laid.take_away()
    pytest.fail(visitor.page())


def read_and_declare(visitor, card, *, unit, then=lambda: None):
    """Lay a card, see what the screen says of it, and declare; returns the words."""
    laid = laid_until_read(visitor, card)
    words = visitor.page()
    laid.take_away()
    visitor.press("chip-seen")
    visitor.goes(TO_THE_END, to={"result"}, unit=unit)
    then()
    visitor.press("stop")
    return words


def test_from_the_card_on_the_reader_to_the_officers_page(request, town, reader_service, country, bundle):
    visitor = AtTheKiosk(town.town.kiosk_url(LOBBY))
    request.addfinalizer(visitor.client.close)

    visitor.goes(TO_THE_CARD, to={"laycard"})
    stubborn = Stubborn(Citizen(country).card())
    laid = CardInReader(stubborn)
    assert stubborn.reached.wait(60)
    laid.line.close()  # pulled away in the middle of a command
    stubborn.pulled.set()
    visitor.says("The card left the reader. Lay it down again")
    assert not judgements(town)

    words = read_and_declare(visitor, Citizen(country).card(), unit="0101", then=lambda: open_on_a_phone(town, visitor))
    assert "The chip is genuine" in words
    assert chips.NUMBER not in words
    genuine, level, claimed, doubt = newest(town, 1)
    assert (level, claimed, doubt) == (5, 5, "")

    words = read_and_declare(visitor, chips.cloned(country).card(), unit="0102")
    assert "A check of the chip did not pass. You can declare all the same" in words
    copy, level, claimed, doubt = newest(town, 2)
    assert (level, claimed, doubt) == (4, 4, "")

    words = read_and_declare(visitor, chips.altered(country).card(), unit="0103")
    assert "A check of the chip did not pass" in words
    altered, level, claimed, doubt = newest(town, 3)
    assert (level, claimed, doubt) == (1, 1, "")

    lie = declare_with_a_lie(town, chips.cloned(country).card(), store_of(bundle))
    told, level, claimed, doubt = newest(town, 4)
    assert (told, level, claimed, doubt) == (lie, 4, 5, "chip.claim_not_shown")

    states = dict(town.rows("SELECT declaration_id, state FROM receipts"))
    assert {states[each] for each in (genuine, copy, altered, lie)} <= {"accepted", "conflicting"}  # one person, four rooms
    see_on_the_pages(town, genuine=genuine, copy=copy, altered=altered, lie=lie)
    logs = "".join(path.read_text("utf-8", "replace") for path in town.layout.logs.glob("*.log"))
    assert not [each for each in (chips.NUMBER, chips.PERSON.full_name) if each in logs]


def open_on_a_phone(town, visitor):
    """Scan the kiosk's code, open the page on one phone and add a passkey there; a second phone with the same code comes too late."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        phone, stranger = (browser.new_context(viewport={"width": 390, "height": 844}, locale="en").new_page() for _ in range(2))
        visitor.says("Open my page on my phone")
        visitor.press("my-page")
        visitor.says("Scan this with your own phone")
        phone.set_content(visitor.client.get("/receipt.svg").text)
        (code,) = zxingcpp.read_barcodes(np.array(Image.open(io.BytesIO(phone.screenshot())).convert("L")))
        assert chips.NUMBER not in code.text
        phone.goto(code.text)
        assert "#" not in phone.url  # the script took it out of the address
        phone.click("main form button")
        phone.wait_for_url("**/account")
        with_authenticator(phone)
        phone.fill("#label", "my phone")
        phone.click("[data-passkey=register] button")
        phone.wait_for_selector("text=my phone")
        phone.click(".luutru-link-button")
        stranger.goto(code.text)
        stranger.click("main form button")
        assert "was used already" in stranger.inner_text("main")
        phone.goto(f"{town.town.server_url}/sign-in")
        phone.click("[data-passkey=sign-in] button")
        phone.wait_for_url("**/me")
        said = phone.inner_text("main")
        assert chips.PERSON.full_name in said
        assert "Your page was opened at a kiosk, with your card's chip." in said
        browser.close()


def with_authenticator(page):
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def declare_with_a_lie(town, card, store):
    """What a kiosk in the wrong hands does: its own keys, a copied card, and a level nobody can show."""
    town.town.children.stop(LOBBY)
    outbox, uplink, premises_id, unit = open_outbox(town.layout.kiosk_profile(LOBBY))
    message = declaration(1, premises_id, unit)
    said = chips.evidence(card, store, kiosk_id=LOBBY, declaration_id=message.declaration_id, now=datetime.now(UTC))
    outbox.keep(msgspec.structs.replace(message, person=chips.PERSON, evidence=lying(said)))
    uplink.start()
    wait_until(lambda: not outbox.depth(), seconds=300)
    uplink.stop()
    outbox.close()
    return message.declaration_id


def see_on_the_pages(town, *, genuine, copy, altered, lie):
    officer, operator = signed_in(town, "officer"), signed_in(town, "operator")
    page = opened(officer, genuine)
    assert "Evidence: Chip present" in page
    assert "Failed" not in page
    assert chips.PERSON.full_name not in page
    assert "The chip holds its key, so it is no copy" in opened(officer, copy)
    assert "Evidence: Chip verified" in opened(officer, copy)
    assert "The name of the declaration is not that of the chip" in opened(officer, altered)
    assert "The kiosk claims a higher evidence level than the bytes it sent show" in opened(officer, lie)
    listed = html.unescape(officer.get(f"/police/premises/{PLACE}").text)
    assert listed.count("See each check") >= 1
    assert "It claimed more of chips than it showed (1)" in html.unescape(operator.get("/operators/kiosks").text)
    officer.close()
    operator.close()
