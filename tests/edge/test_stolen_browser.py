"""What a thief finds in the browser's profile on the disk: one person declared on the page, another typed their name, a third had their own words read
aloud, and nothing of them is left."""

from __future__ import annotations

from kiosk_page_parts import CARD, LOBBY, running_kiosk, served, to_the_words
from playwright.sync_api import sync_playwright
from traces import traces

from edge_agent.kiosk import events as happen
from edge_agent.kiosk.states import Idle
from edge_agent.voices.speaking import Voice
from firmware_config.profiles import VoiceSection
from residence.stays.declaration import Reason

TYPED = "Phạm Quốc Tuấn"
SAID = "Toi o nho nha chau Tuan Quoc"
PLANTED = [TYPED, SAID, "Trần Văn An", "001095000117", "1995-02-01", "01/02/1995"]
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


def hear_own_words(kiosk, page, voice):
    """Return a part of the sound that no other file has by chance."""
    to_the_words(kiosk, page, "vi")
    answers = (happen.Typed(asked="words", text=SAID), happen.Typed(asked="helper", text=""), happen.PersonConfirmed())
    stay = (happen.UnitChosen(unit="1203"), happen.NightsChosen(nights=1), happen.ReasonChosen(reason=Reason.VISIT))
    for event in (*answers, *stay):
        kiosk.agent.act(event).result(5)
    press(page, "words", "review")
    with page.expect_response("**/prompt.wav*") as heard:
        press(page, "aloud", "ownwords")
    assert heard.value.ok
    page.wait_for_timeout(300)  # it is playing
    press(page, "stop", "ownwords")
    sound = voice.once("vi", SAID)
    return max((sound[at : at + 64] for at in range(1000, len(sound) - 64, 64)), key=lambda part: len(set(part)))


def test_the_browsers_profile_does_not_say_who_was_here(tmp_path):
    voice = Voice(VoiceSection(), folder=tmp_path)
    with running_kiosk(LOBBY) as kiosk, served(kiosk, voice=voice) as url, sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = context.pages[0]
        page.set_default_timeout(20_000)
        page.goto(url)
        declare(kiosk, page, CARD)
        sound = hear_own_words(kiosk, page, voice)
        page.wait_for_selector('#state[data-name="idle"]', state="attached")
        type_a_name_and_leave(kiosk, page)
        page.wait_for_selector('#state[data-name="idle"]', state="attached")
        assert len(kiosk.outbox.messages) == 1
        context.close()
    files = [path for path in (tmp_path / "profile").rglob("*") if path.is_file() and path.stat().st_size < LARGEST]
    assert any(path.name == "History" for path in files), "the profile is where it is looked for"
    found = {path.name: left for path in files if (left := traces(path.read_bytes(), PLANTED))}
    assert found == {}
    assert not [path.name for path in files if sound in path.read_bytes()]
