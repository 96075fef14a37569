"""Every state in every language as a page: rendered whole, accessible, inside the screen at three sizes, also when texts grow.

The screens are the real templates and style sheet in the system's Chromium, put in place of each other; the walk through them is in ``test_page_browser.py``.
"""

from __future__ import annotations

import math
from typing import get_args

import pytest
from factories import StandingClock
from kiosk_browser import AXE, SIZES, STATIC, show, still_page
from kiosk_states import STATES, page_of

from edge_agent.kiosk import texts
from edge_agent.kiosk.states import PartyResult, Result
from edge_agent.sim.video import SampleCards
from firmware_config.profiles import Language
from luutru.processes.kiosk_readers import read_deck

LANGUAGES = get_args(Language)
# A list may be longer than the screen: it scrolls inside itself.
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

    with sync_playwright() as driver, still_page(driver) as page:
        page.evaluate(AXE.read_text("utf-8"))
        yield page


def screens_of(names, language, **how):
    return {name: page_of(name, language, template="screen.html", **how) for name in names}


def looked_at(page, screens, language, look, size):
    """Return by name what a look finds on each screen, at one size of the window: its name or its pixels."""
    width, height = SIZES.get(size, size)
    page.set_viewport_size({"width": width, "height": height})
    return page.evaluate(EACH_SCREEN.replace("LOOK", look), [screens, texts.lang_tag(language)])


def judged(page, screens, language):
    """Return the screens axe finds something on."""
    return {name: found for name, found in looked_at(page, screens, language, JUDGE, "lobby").items() if found}


def measured(page, screens, language):
    """Return where something is too wide, cut or outside, and where a screen is too low: the ways out stand at its foot."""
    wrong = {}
    for size in SIZES:
        for name, found in looked_at(page, screens, language, MEASURE, size).items():
            if found["wide"] > 0 or found["cut"] or found["outside"] or found["tall"] > 0:
                wrong[name, size] = found
    return wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_is_clean_for_axe_and_fits_in_every_language(page, language):
    screens = screens_of(STATES, language)
    assert judged(page, screens, language) == {}
    assert measured(page, screens, language) == {}


RESULTS = [name for name, state in STATES.items() if isinstance(state.screen, Result | PartyResult)]
# The words and the code stand whole in view, large enough for an eye two steps away, and nothing lies over them.
HOW = """() => {
    const how = document.querySelector('.slip__how, .party__how .hint'), box = how.getBoundingClientRect();
    const foot = document.querySelector('#bottom').getBoundingClientRect().top;
    return [how.checkVisibility(), how.innerText.length > 10, parseFloat(getComputedStyle(how).fontSize) >= 12,
        box.top >= 0 && box.bottom <= foot, document.elementFromPoint(box.left + 4, box.top + box.height / 2) === how];
}"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_result_says_how_to_check_it_later_whatever_else_it_says_at_every_size(page, language):
    screens = screens_of(RESULTS, language)
    assert {"chip-accepted-slip", "kept-slip", "case-number", "party"} <= screens.keys()
    for size in SIZES:
        assert {name: found for name, found in looked_at(page, screens, language, HOW, size).items() if not all(found)} == {}, (
            size
        )


# Every line of every text that was whole in view at some time while * was pressed until it came round; what a key leads to apart.
READ_BY_KEYPAD = """() => {
    const lines = () => {
        const all = [], walker = document.createTreeWalker(document.getElementById('stage'), NodeFilter.SHOW_TEXT), range = document.createRange();
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const of = node.parentElement;
            if (!node.data.trim() || !of.checkVisibility() || of.closest('.unseen, .facts__words, svg')) continue;
            const frame = of.closest('[tabindex="0"]')?.getBoundingClientRect();
            range.selectNodeContents(node);
            [...range.getClientRects()].forEach((box, at) => {
                const y = (box.top + box.bottom) / 2;
                all.push([node.data.trim().slice(0, 30) + at, y > 0 && y < innerHeight && (!frame || (y > frame.top && y < frame.bottom))]);
            });
        }
        return all;
    };
    const read = new Set(), note = () => lines().forEach(([line, seen]) => seen && read.add(line));
    scrollTo(0, 0);
    document.querySelector('#stage h1').focus({ preventScroll: true });
    for (let presses = 0; presses < 80; presses++) {
        note();
        document.dispatchEvent(new KeyboardEvent('keydown', { key: '*' }));
        if (document.activeElement.value === 'contrast:high' || document.activeElement.value === 'contrast:usual') break;
    }
    return lines().map(([line]) => line).filter((line) => !read.has(line));
}"""


def test_with_a_keypad_alone_nothing_on_a_screen_is_skipped_unread(page):
    page.evaluate((STATIC / "keypad.js").read_text("utf-8"))
    names = ["own-words", "review-paperless", "group-review-words", "party", "chip-accepted-slip", "refused"]
    skipped = {}
    for large in (False, True):
        screens = screens_of(names, "ru", large=large)
        for size in ("small", "lobby"):
            found = looked_at(page, screens, "ru", READ_BY_KEYPAD, size)
            skipped |= {(name, size, large): unread for name, unread in found.items() if unread}
    page.goto("http://kiosk.test/")  # without the keypad's script
    page.evaluate(AXE.read_text("utf-8"))
    assert skipped == {}


def test_own_words_stand_whole_on_a_page_of_their_own_which_the_review_leads_to(page):
    page.set_viewport_size({"width": 800, "height": 480})
    for name, key in (("review-paperless", "words"), ("review-all-words", "words"), ("group-review-words", "words")):
        show(page, name, "ja")
        assert page.locator(f'#stage button[value="{key}"]').count() == 1, name
    show(page, "own-words", "ja")
    note, reason = (STATES["own-words"].screen.review.draft.typed.words, STATES["own-words"].screen.review.draft.reason_text)
    assert page.locator(".said__words").all_inner_texts() == [note, reason]
    assert page.evaluate("[...document.querySelectorAll('.said__words')].every((each) => each.scrollHeight <= each.clientHeight)")
    show(page, "review", "ja")
    assert page.locator('#stage button[value="words"]').count() == 0


@pytest.mark.parametrize("size", [(1024, 600), (1280, 800), (1920, 1080)], ids=str)
def test_on_other_usual_screens_every_state_stands_whole_in_view(page, size):
    found = looked_at(page, screens_of(STATES, "ru"), "ru", MEASURE, size)
    assert {name: seen for name, seen in found.items() if seen["tall"] > 0 or seen["wide"] > 0 or seen["outside"]} == {}


def test_with_the_voice_on_its_caption_leaves_every_state_whole_in_view(page):
    """Russian has the longest words."""
    screens = screens_of(STATES, "ru", voice=2)
    for size in ("small", "lobby"):
        found = looked_at(page, screens, "ru", MEASURE, size)
        assert {name: seen for name, seen in found.items() if seen["tall"] > 0 or seen["wide"] > 0 or seen["outside"]} == {}, size


def test_where_all_is_large_own_words_stand_whole_on_the_review(page):
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        show(page, "review-paperless", "ru", large=True)
        assert (
            page.evaluate(
                "(({clientHeight, scrollHeight}) => scrollHeight - clientHeight)(document.querySelector('.facts__words'))"
            )
            == 0
        )


def test_with_a_trials_cards_below_the_first_screen_still_fits_whole_on_every_screen_in_every_language(page):
    deck = SampleCards(read_deck(None), clock=StandingClock(), cycling=False).deck
    for language in LANGUAGES:
        screens = screens_of(["idle"], language, deck=deck)
        for size in SIZES:
            assert looked_at(page, screens, language, MEASURE, size)["idle"]["tall"] <= 0, (language, size)


def test_a_trials_cards_are_offered_wherever_a_card_is_asked_for(page):
    deck = SampleCards(read_deck(None), clock=StandingClock(), cycling=False).deck
    screens = screens_of(["card", "gathering", "host"], "ru", deck=deck)
    assert all('value="deck:1"' in each for each in screens.values())
    screens |= screens_of(
        ["card-not-read", "card-guided", "chip-card", "desk-card"], "ru", deck=deck
    )  # the longest words there are
    assert {
        name: found["tall"] for name, found in looked_at(page, screens, "ru", MEASURE, "lobby").items() if found["tall"] > 0
    } == {}


def test_on_a_tall_screen_the_houses_name_has_a_row_of_its_own(page):
    rows = "() => ['.top__place', '.top .chip', '.top .languages'].map((each) => document.querySelector(each).getBoundingClientRect().top)"
    name, *beside = looked_at(page, screens_of(["idle"], "ru"), "ru", rows, "tall")["idle"]
    assert all(name < each for each in beside)


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


def unfit(page, language, **look):
    """Return the states that are too wide, cut or reach outside: each on the small screen, every fourth on the others."""
    found = {}
    for size in SIZES:
        screens = screens_of([*STATES][:: 1 if size == "small" else 4], language, **look)
        for name, seen in looked_at(page, screens, language, MEASURE, size).items():
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


@pytest.mark.parametrize("large", [False, True], ids=["usual", "large"])
def test_while_the_agent_is_away_its_word_is_whole_in_every_language_on_every_screen(page, large):
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        show(page, "card", "vi", large=large)
        outside = page.evaluate(
            """() => {
                const away = document.getElementById('restarting');
                away.hidden = false;
                const outside = [...away.children].filter((each) => {
                    const box = each.getBoundingClientRect();
                    return box.top < 0 || box.left < 0 || box.bottom > innerHeight || box.right > innerWidth;
                }).map((each) => each.lang);
                away.hidden = true;
                return outside;
            }"""
        )
        assert outside == [], size
