"""Every state in every language as a page: rendered whole, accessible, inside the screen at three sizes, also when texts grow.

The screens are the real templates and style sheet in the system's Chromium, put in place of each other; the walk through them is in ``test_page_browser.py``.
"""

from __future__ import annotations

import math
from typing import get_args

import pytest
from kiosk_browser import AXE, SIZES, show, still_page
from kiosk_states import STATES

from edge_agent.kiosk import texts
from firmware_config.profiles import Language

LANGUAGES = get_args(Language)
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

    with sync_playwright() as driver, still_page(driver) as page:
        page.evaluate(AXE.read_text("utf-8"))
        yield page


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


def unfit(page, language, **look):
    """Return the states that are too wide, cut or reach outside: each on the small screen, every fourth on the others."""
    found = {}
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for name in [*STATES][:: 1 if size == "small" else 4]:
            show(page, name, language, **look)
            seen = page.evaluate(MEASURE)
            if seen["wide"] > 0 or seen["cut"] or seen["outside"]:
                found[size, name] = seen
    return found


def test_twice_as_large_no_state_is_cut_or_too_wide(page):
    """Russian has the longest words; what does not fit below is scrolled to, as a whole page."""
    assert unfit(page, "ru", large=True) == {}


def test_every_word_is_twice_as_large(page):
    sizes = """() => [...document.querySelectorAll('#kiosk *')]
        .filter((each) => each.checkVisibility() && [...each.childNodes].some((part) => part.nodeType === 3 && part.data.trim()))
        .map((each) => [each.textContent.trim().slice(0, 40), parseFloat(getComputedStyle(each).fontSize)])"""
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        for name in ("idle", "review-typed", "birth", "kept"):
            show(page, name, "en")
            usual = dict(page.evaluate(sizes))
            show(page, name, "en", large=True)
            large = dict(page.evaluate(sizes))
            assert len(large) > 8
            assert not {word: (usual[word], size) for word, size in large.items() if word in usual and size < 1.95 * usual[word]}


def test_in_high_contrast_every_word_has_seven_to_one(page):
    page.set_viewport_size({"width": 1280, "height": 720})
    found = {}
    for name in STATES:
        show(page, name, "vi", contrast=True)
        seen = page.evaluate(
            "async () => (await axe.run(document, { resultTypes: ['violations'], runOnly: { type: 'rule', "
            "values: ['color-contrast-enhanced'] }, rules: { 'color-contrast-enhanced': { enabled: true } } })).violations"
        )
        if seen:
            found[name] = [node["html"][:120] for each in seen for node in each["nodes"]][:4]
    assert not found
