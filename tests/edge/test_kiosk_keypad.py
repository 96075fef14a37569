"""Every flow in a real Chromium with a keypad alone: ten digits, * and #, no pointer, no arrows, no letters."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import zxingcpp
from chip_parts import QR, Citizen, JudgingClock, Place, pki
from kiosk_page_parts import DESK, LOBBY, OTHER_CARD, running_kiosk, served, to_the_words
from playwright import sync_api

from edge_agent.chip.drawing import FromBytes
from edge_agent.chip_station import ChipStation, Means
from edge_agent.kiosk import boards
from luutru.system import random_bytes
from residence.credentials.chip.trust_store import TrustStore
from residence.stays.declaration import Reason
from residence.wire.receipts import receipt_code

# What a telephone's key writes when it is pressed once, twice, ...; tones are on 1.
KEYS = {"2": "ABCĂÂ", "3": "DEFĐÊ", "4": "GHI", "5": "JKL", "6": "MNOÔƠ", "7": "PQRS", "8": "TUVƯ", "9": "WXYZ", "0": " "}
PRESSES = {letter: key * (at + 1) for key, row in KEYS.items() for at, letter in enumerate(row)}
TONES = {"`": "1", "'": "11", "?": "111", "~": "1111", ".": "11111"}
MIXED = {letter: key * (at + 2) for key, row in KEYS.items() for at, letter in enumerate(row[:3] if key not in "79" else row)}


class Keypad:
    """Presses keys and knows which screen comes."""

    def __init__(self, kiosk, page):
        self.kiosk, self.page = kiosk, page

    def press(self, keys):
        assert set(keys) <= set("0123456789*#")
        for key in keys:
            self.page.keyboard.press(key)

    def at(self, name):
        self.page.wait_for_selector(f'#state[data-name="{name}"]', state="attached")
        if name == "idle":  # a fresh page: its script has to be there before a key can be heard
            self.page.wait_for_selector('#stage [data-choice="1"]')

    def does(self, *steps):
        """Go through (screen, keys): the keys are pressed once the screen is there."""
        for name, keys in steps:
            self.at(name)
            self.press(keys)

    def reach(self, name, value):
        """Move on with * until that has the focus, then press it."""
        self.at(name)
        for _ in range(40):
            if self.page.evaluate("document.activeElement.value") == value:
                box = self.page.evaluate("(({top, bottom}) => [top, bottom])(document.activeElement.getBoundingClientRect())")
                assert -1 <= box[0] < box[1] <= self.page.viewport_size["height"] + 1
                return self.press("#")
            self.press("*")
        pytest.fail(f"no way to {value} on {name}")

    def write(self, text, presses=PRESSES | TONES):
        """Write a word, waiting a moment after every letter; the page's clock is ours, so that a slow machine changes nothing."""
        for sign in text:
            self.press(presses.get(sign, sign))
            self.page.evaluate("window.passed += 2000")

    def codes(self):
        """Read the drawn codes off the screen, as a phone would."""
        self.page.evaluate("Promise.all([...document.images].map((each) => each.decode()))")
        pictures = [each.screenshot() for each in self.page.locator(".people__qr").all()]
        drawn = [cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_GRAYSCALE) for each in pictures]
        return [zxingcpp.read_barcode(cv2.resize(each, None, fx=4, fy=4)).text for each in drawn]

    def shows(self, text=None):
        self.kiosk.show(*([text] if text else []))


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


CHIP = "[chip]\nenabled = true\n"
PLACE = Place()


def station(_profile):
    means = Means(clock=JudgingClock(), draw=FromBytes(random_bytes), trust=lambda _now: TrustStore())
    return ChipStation(lambda: PLACE, kiosk_id="kiosk-lobby-1", means=means)


@pytest.fixture
def keypad(chromium, request):
    text = getattr(request, "param", LOBBY)
    with running_kiosk(text, chips=station, keypad=True) as kiosk, served(kiosk) as url:
        page = chromium.new_page(viewport={"width": 800, "height": 480})
        page.set_default_timeout(8_000)
        page.add_init_script("window.passed = 0; performance.now = () => window.passed;")
        page.goto(url)
        yield Keypad(kiosk, page)
        page.close()


TO_RESULT = (("nights", "3#"), ("reason", "1"))


def test_a_typed_guest_writes_a_vietnamese_name_and_declares(keypad):
    keypad.does(("idle", "1"), ("purpose", "1"), ("card", "1"))
    keypad.at("typing-name")
    keypad.write("ĐINH THI. M*MAI")
    keypad.press("#")
    keypad.does(("typing-birth", "0511**111967#"), ("typing-sex", "2"), ("typing-nationality", "1"), ("typing-number", "#"))
    keypad.reach("typing-helper", "skip")
    keypad.does(("person", "1"), ("unit", "12*203#"), *TO_RESULT, ("review", "1"), ("result", ""))
    (declaration,) = keypad.kiosk.outbox.messages
    assert declaration.person.full_name == "Đinh Thị Mai"
    assert (declaration.person.birth.value, declaration.unit) == ("1967-11-05", "1203")
    assert declaration.reason is Reason.FAMILY_VISIT
    keypad.reach("result", "stop")
    keypad.at("idle")


def test_a_group_with_a_foreign_child_and_somebody_taken_off(keypad):
    keypad.does(("idle", "1"), ("purpose", "2"), ("card", ""))
    keypad.shows()
    keypad.does(("person", "1"), ("unit", "1203#"), *TO_RESULT, ("gathering", ""))
    keypad.shows(OTHER_CARD)
    keypad.reach("gathering", "remove:0")
    keypad.page.wait_for_selector('[value="remove:0"]', state="detached")
    keypad.press("1")
    keypad.at("typing-name")
    keypad.write("KIM")
    keypad.press("#")
    keypad.does(("typing-birth", "**2019#"), ("typing-sex", "3"), ("typing-nationality", "2"))
    keypad.reach("typing-country", "typed:other")
    keypad.at("typing-code")
    keypad.write("SWE")
    keypad.press("#")
    keypad.at("typing-passport")
    keypad.write("L8D", MIXED)
    keypad.press("#")
    keypad.reach("typing-permitted", "skip")
    keypad.does(("gathering", "2"), ("group-review", "1"), ("party", ""))
    leader, child = keypad.kiosk.outbox.messages
    assert (leader.person.full_name, child.person.full_name, child.person.nationality) == ("Trần Văn An", "Kim", "SWE")
    assert child.person.document.number == "L8D"
    assert keypad.codes() == [receipt_code(each.declaration_id) for each in (leader, child)]


def test_without_papers_in_own_words_read_whole_before_they_are_signed_and_a_person_is_called_on_the_way(keypad):
    keypad.does(("idle", "1"), ("purpose", "1"), ("card", "2"))
    keypad.at("typing-name")
    keypad.write("LA")
    keypad.press("#")
    keypad.reach("typing-birth", "skip")
    keypad.does(("typing-sex", "3"), ("typing-nationality", "0"))
    keypad.page.wait_for_selector(".warning--call")
    keypad.press("#")
    keypad.page.wait_for_selector(".warning--call", state="detached")
    keypad.does(("typing-nationality", "1"))
    keypad.at("typing-words")
    keypad.write("Ơ? NHA`")
    keypad.press("#")
    keypad.reach("typing-helper", "skip")
    keypad.does(("person", "1"), ("unit", "1203#"), *TO_RESULT, ("review", "1"), ("ownwords", ""))
    assert keypad.page.locator(".said__words").inner_text() == "Ở nhà"
    keypad.does(("ownwords", "1"), ("review", "2"), ("result", ""))
    (declaration,) = keypad.kiosk.outbox.messages
    assert (declaration.person.full_name, declaration.note) == ("La", "Ở nhà")


@pytest.mark.parametrize(
    ("language", "signs", "said"),
    [("ru", "ДОМ⇄⇄7", "Дом7"), ("ko", "ㅇㅏㄴ⇄⇄2⇄ㅇㅗㅅ", "안2옷"), ("ja", "か゛い⇄X⇄3(", "がいx3(")],
)
def test_own_words_are_written_in_ones_own_letters_with_digits_and_signs(keypad, language, signs, said):
    to_the_words(keypad.kiosk, keypad.page, language)
    offered = boards.boards_for("words", language)
    fits = "document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth"
    at = 0
    for sign in signs:
        keypad.write(
            [sign],
            {each: str(digit) * (times + 1) for digit, row in enumerate(offered[at].phone) for times, each in enumerate(row)},
        )
        at = (at + (sign == boards.OTHERS)) % len(offered)
        assert keypad.page.evaluate(fits)
    keypad.press("#")
    keypad.reach("typing-helper", "skip")
    keypad.at("person")
    assert keypad.kiosk.agent.view().state.screen.draft.typed.words == said


def test_longer_leaving_wrong_room_and_not_me(keypad):
    keypad.does(("idle", "1"), ("purpose", "3"), ("change", "1"), ("card", ""))
    keypad.shows()
    keypad.does(("person", "1"), ("nights", "2#"), ("review", "1"))
    keypad.reach("result", "stop")
    code = receipt_code(keypad.kiosk.outbox.messages[0].declaration_id).replace("-", "")
    keypad.does(("idle", "1"), ("purpose", "3"), ("change", "2"), ("card", ""))
    keypad.shows()
    keypad.does(("person", "1"), ("review", "1"))
    keypad.reach("result", "stop")
    keypad.does(("idle", "1"), ("purpose", "3"), ("change", "4"), ("card", ""))
    keypad.shows()
    keypad.does(("person", "1"), ("receipt", ""))
    keypad.write(code, MIXED)
    keypad.press("#")
    keypad.does(("review", "1"))
    keypad.reach("result", "stop")
    assert [each.kind for each in keypad.kiosk.outbox.messages] == ["extension", "departure", "withdrawal"]


def test_the_resident_with_a_card_another_reason_more_time_and_nothing_to_declare(keypad):
    keypad.does(("idle", "1"), ("purpose", "1"), ("card", ""))
    keypad.shows()
    keypad.does(("person", "1"), ("unit", "1203#"), ("nights", "1#"))
    keypad.does(("reason", "8"), ("telling", ""))
    keypad.write("CON")
    keypad.press("#")
    keypad.does(("review", "3"), ("host", ""))
    keypad.shows(OTHER_CARD)
    keypad.at("review")
    keypad.kiosk.clock.pass_time(seconds=31)
    keypad.page.wait_for_selector(".warning")
    keypad.press("5*#")  # a digit does nothing here; * goes from "more time" to "stop and erase"
    keypad.at("idle")
    keypad.does(("idle", "2"), ("purpose", "6"), ("nothing", ""))
    keypad.reach("nothing", "stop")
    keypad.reach("idle", "contrast:high")
    keypad.page.wait_for_selector('#state[data-contrast="high"]', state="attached")
    assert keypad.kiosk.outbox.messages == []


@pytest.mark.parametrize("keypad", [LOBBY + CHIP], indirect=True)
def test_a_number_is_typed_for_a_chip_that_what_was_shown_does_not_open(keypad):
    card = Citizen(pki.Country()).card(can="246802", mrz_key="X" * 24)
    keypad.does(("idle", "1"), ("purpose", "1"), ("card", ""))
    keypad.shows(QR)
    keypad.does(("person", "1"), ("askchip", "1"), ("laycard", ""))
    PLACE.lay(card)
    keypad.page.wait_for_selector('[value="type-can"]')
    keypad.press("1")
    keypad.at("typecan")
    keypad.press("24681*02#")
    keypad.at("laycard")
    PLACE.take_away()
    PLACE.awaited.clear()
    assert PLACE.awaited.wait(20)
    card.reset()
    PLACE.lay(card)
    keypad.does(("chipshown", "1"), ("unit", "1203#"), *TO_RESULT, ("review", "1"), ("result", ""))
    assert keypad.kiosk.outbox.messages[0].evidence.level == 3  # of an issuer this kiosk does not know


@pytest.mark.parametrize("keypad", [DESK], indirect=True)
def test_a_desk_declares_a_guest(keypad):
    keypad.does(("idle", "1"), ("card", ""))
    keypad.shows()
    keypad.does(("person", "1"), ("unit", "101#"), ("nights", "1#"), ("reason", "1"), ("review", "1"), ("result", ""))
    assert keypad.kiosk.outbox.messages[0].unit == "101"


def test_the_numbers_fit_and_stand_on_choices_only(keypad):
    numbered = "[...document.querySelectorAll('[data-choice]')].map((each) => each.dataset.choice).join('')"
    fits = "document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth"
    for name, keys, numbers in (
        ("idle", "1", "123456"),
        ("purpose", "1", "123456"),
        ("card", "1", "12"),
        ("typing-name", "", ""),
    ):
        keypad.at(name)
        keypad.page.wait_for_function(f"{numbered} === '{numbers}'")
        assert keypad.page.evaluate(fits), name
        keypad.press(keys)
