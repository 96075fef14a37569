"""Every state in every language as a page: rendered whole, accessible, inside the screen at three sizes, also when texts grow.

The screens are the real templates and style sheet in the system's Chromium, put in place of each other; the walk through them is in ``test_page_browser.py``.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import get_args

import pytest
from kiosk_states import STATES, page_of

from edge_agent.kiosk import texts
from firmware_config.profiles import Language

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "edge_agent" / "kiosk" / "static"
AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
LANGUAGES = get_args(Language)
SIZES = {"lobby": (1280, 720), "tall": (1080, 1920), "small": (800, 480)}
TYPES = {".css": "text/css", ".svg": "image/svg+xml", ".js": "text/javascript"}
# A list may be longer than the screen: it scrolls inside itself. On the small screen a few pages may be scrolled as a whole.
MEASURE = """() => ({
    wide: document.documentElement.scrollWidth - innerWidth,
    tall: document.documentElement.scrollHeight - innerHeight,
    cut: [...document.querySelectorAll('button, h1, h2, strong, .chip, .lead, .hint, .note')]
        .filter((each) => each.checkVisibility() && !each.closest('.unseen') && each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== 'inline')
        .map((each) => each.textContent.trim().slice(0, 60)),
    outside: [...document.querySelectorAll('button, input:not([type=hidden])')]
        .filter((each) => each.checkVisibility() && !each.closest('.people, .units'))
        .filter((each) => { const box = each.getBoundingClientRect(); return box.left < 0 || box.right > innerWidth + 1; })
        .map((each) => each.textContent.trim().slice(0, 60)),
})"""
JUDGE = """async () => (await axe.run(document, { resultTypes: ['violations'], runOnly: {
    type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] } })).violations
    .map((each) => [each.id, each.nodes.slice(0, 2).map((node) => node.html.slice(0, 100))])"""
# Screen after screen put where the script would put it; each is looked at once its pictures are there.
EACH_SCREEN = """async ([screens, tag]) => {
    const look = LOOK, found = {};
    document.documentElement.lang = tag;
    for (const [name, html] of Object.entries(screens)) {
        document.getElementById('kiosk').innerHTML = html;
        await Promise.all([...document.images].map((each) => each.decode().catch(() => {})));
        found[name] = await look();
    }
    return found;
}"""


@pytest.fixture(scope="module")
def page():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.route("**/*", _serve)
        page.goto("http://kiosk.test/")
        page.evaluate(AXE)
        yield page
        browser.close()


def _serve(route):
    path = route.request.url.partition("http://kiosk.test")[2].partition("?")[0]
    if path == "/":
        route.fulfill(body=page_of("idle", "vi"), content_type="text/html; charset=utf-8")
    elif path.startswith("/static/") and path.endswith((".css", ".svg")):
        route.fulfill(body=(STATIC / path.removeprefix("/static/")).read_text("utf-8"), content_type=TYPES[Path(path).suffix])
    elif path == "/receipt.svg":
        route.fulfill(body=(STATIC / "card.svg").read_text("utf-8"), content_type=TYPES[".svg"])
    else:
        route.abort()  # no script: each screen is looked at as it was sent


def screens_of(names, language, **how):
    return {name: page_of(name, language, template="screen.html", **how) for name in names}


def looked_at(page, screens, language, look, size):
    """Return by name what a look finds on each screen, at one size of the window."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    return page.evaluate(EACH_SCREEN.replace("LOOK", look), [screens, texts.lang_tag(language)])


def judged(page, screens, language):
    """Return the screens axe finds something on."""
    return {name: found for name, found in looked_at(page, screens, language, JUDGE, "lobby").items() if found}


def measured(page, screens, language):
    """Return where something is too wide, cut or outside, and where the two large screens are too low."""
    wrong = {}
    for size in SIZES:
        for name, found in looked_at(page, screens, language, MEASURE, size).items():
            if found["wide"] > 0 or found["cut"] or found["outside"] or (found["tall"] > 0 and size != "small"):
                wrong[name, size] = found
    return wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_is_clean_for_axe_and_fits_in_every_language(page, language):
    screens = screens_of(STATES, language)
    assert judged(page, screens, language) == {}
    assert measured(page, screens, language) == {}


def test_the_warning_is_clean_too(page):
    assert judged(page, screens_of(["review"], "vi", warning=True), "vi") == {}


def test_a_screen_that_is_not_clean_or_does_not_fit_is_found(page):
    screens = {**screens_of(["idle"], "en"), "bad": "<button style='position: absolute; left: -500px'></button>"}
    assert "button-name" in {rule for rule, _ in judged(page, screens, "en")["bad"]}
    wrong = measured(page, screens, "en")
    assert set(wrong) == {("bad", size) for size in SIZES}
    assert all(found["outside"] for found in wrong.values())


def longer(monkeypatch, share):
    """Let every text grow: as many more letters as ``share`` of it, in words of usual length."""
    written = texts.Texts.__call__

    def grown(self, key, **values):
        text = written(self, key, **values)
        more = math.ceil(len(text) * share)
        return text + "".join(" " if at % 7 == 0 else "w" for at in range(more)).rstrip()

    monkeypatch.setattr(texts.Texts, "__call__", grown)


def test_texts_that_grow_by_two_fifths_break_nothing(page, monkeypatch):
    longer(monkeypatch, 0.4)
    wrong = measured(page, screens_of(STATES, "en"), "en")
    assert not {at: found for at, found in wrong.items() if found["wide"] > 0 or found["cut"] or found["outside"]}
