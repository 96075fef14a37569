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


def show(page, name, language, **how):
    """Put a state's screen where the script would put it, and wait for its pictures."""
    page.evaluate(
        """async ([html, tag]) => {
            document.documentElement.lang = tag;
            document.getElementById('kiosk').innerHTML = html;
            await Promise.all([...document.images].map((each) => each.decode().catch(() => {})));
        }""",
        [page_of(name, language, template="screen.html", **how), texts.lang_tag(language)],
    )


def judged(page):
    found = page.evaluate("""async () => (await axe.run(document, { resultTypes: ['violations'], runOnly: {
        type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] } })).violations""")
    return [(each["id"], [node["html"][:100] for node in each["nodes"]][:2]) for each in found]


def measured(page, sizes=SIZES):
    """Return what does not fit: too wide anywhere, too tall on the two large screens."""
    wrong = []
    for size, (width, height) in sizes.items():
        page.set_viewport_size({"width": width, "height": height})
        found = page.evaluate(MEASURE)
        if found["wide"] > 0 or found["cut"] or found["outside"] or (found["tall"] > 0 and size != "small"):
            wrong.append((size, found))
    return wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_is_clean_for_axe_and_fits_in_every_language(page, language):
    found = {}
    for name in STATES:
        show(page, name, language)
        page.set_viewport_size({"width": 1280, "height": 720})
        wrong = [*judged(page), *measured(page)]
        if wrong:
            found[name] = wrong
    assert not found


def test_the_warning_is_clean_too(page):
    show(page, "review", "vi", warning=True)
    assert judged(page) == []


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
    found = {}
    for name in STATES:
        show(page, name, "en")
        wrong = [each for each in measured(page) if each[1]["wide"] > 0 or each[1]["cut"] or each[1]["outside"]]
        if wrong:
            found[name] = wrong
    assert not found
