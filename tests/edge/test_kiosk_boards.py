"""The boards on the screen: what a person says in own words is written in the language of the visit, by touch, in a real Chromium."""

from __future__ import annotations

import unicodedata
from collections import Counter
from itertools import pairwise
from typing import get_args

import pytest
from kiosk_browser import AXE, STATIC
from kiosk_page_parts import LOBBY, running_kiosk, served, to_the_words
from playwright import sync_api

from edge_agent.kiosk import boards
from firmware_config.profiles import Language

LANGUAGES = get_args(Language)
ALL = [value for value in vars(boards).values() if isinstance(value, boards.Board)]
JUDGE = """async () => (await axe.run(document, { resultTypes: ['violations'], runOnly: {
    type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] } })).violations.map((each) => each.id)"""
FITS = "document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth"
# A sentence in own words, as the keys are touched; · leads to the digits and signs, | back to the letters.
SAID = {
    "ko": ("ㄷㅏㄹㄱㅇㅣ ㅇㅓㅂㅅㄷㅏ·2!|ㅁㅕㅇ", "닭이 없다2!명"),
    "ru": ("Я ИЗ ЁЛКИ·, 5(", "Я из ёлки, 5("),
    "ja": ("か゛つ゛こう、ひと゛い·2", "がっこう、ひどい2"),
    "zh": ("WO LAI·. 2|REN", "Wo lai. 2ren"),
}


def test_every_board_has_each_sign_once_and_a_keypad_writes_all_of_them():
    for board in ALL:
        signs = Counter("".join(board.rows))
        assert set(signs.values()) == {1}, board.name
        assert len(board.phone) == 10
        assert set("".join(board.phone)) == set(signs) - {boards.ERASE}, board.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_own_words_may_be_said_in_ones_own_letters_in_latin_ones_and_with_digits_and_signs(language):
    offered = boards.boards_for("words", language)
    own = {"ru": "cyrillic", "ko": "hangul", "ja": "kana"}
    assert [each.name for each in offered] == [*([own[language]] if language in own else []), "latin", "signs"]
    assert all(boards.OTHERS in "".join(each.rows) for each in offered)
    assert boards.boards_for("birth", language) == ()


@pytest.fixture(scope="module")
def chromium():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def writes(chromium):
    """Return what touching some letters, one after the other, writes: the kiosk's own script, without a page round it."""
    page = chromium.new_page()
    page.evaluate((STATIC / "writing.js").read_text("utf-8"))
    yield lambda words: page.evaluate(
        """(words) => words.map((keys) => {
            const field = { value: "", dataset: {}, maxLength: -1 };
            for (const key of keys) field.value = writing.keyed(field, key);
            return field.value;
        })""",
        words,
    )
    page.close()


def letters_of(syllable):
    """Take a Korean syllable apart into the letters on the keys, by Python's own Unicode tables."""
    doubled = {
        "ㄳ": "ㄱㅅ",
        "ㄵ": "ㄴㅈ",
        "ㄶ": "ㄴㅎ",
        "ㄺ": "ㄹㄱ",
        "ㄻ": "ㄹㅁ",
        "ㄼ": "ㄹㅂ",
        "ㄽ": "ㄹㅅ",
        "ㄾ": "ㄹㅌ",
        "ㄿ": "ㄹㅍ",
        "ㅀ": "ㄹㅎ",
        "ㅄ": "ㅂㅅ",
    }
    doubled |= {"ㅘ": "ㅗㅏ", "ㅙ": "ㅗㅐ", "ㅚ": "ㅗㅣ", "ㅝ": "ㅜㅓ", "ㅞ": "ㅜㅔ", "ㅟ": "ㅜㅣ", "ㅢ": "ㅡㅣ"}
    named = [unicodedata.name(each).rsplit(" ", 1)[1] for each in unicodedata.normalize("NFD", syllable)]
    single = [unicodedata.lookup(f"HANGUL LETTER {name}") for name in named]
    return "".join(doubled.get(each, each) for each in single)


def test_every_korean_syllable_is_written_by_its_letters_and_erased_letter_by_letter(writes):
    syllables = [chr(code) for code in range(0xAC00, 0xD7A4)]
    assert writes([letters_of(each) for each in syllables]) == syllables
    keys = {each: letters_of(each) for each in ("값", "왜", "닭", "가")}
    erased = writes([[*letters, *["backspace"] * gone] for letters in keys.values() for gone in range(1, len(letters) + 1)])
    assert erased == ["갑", "가", "ㄱ", "", "오", "ㅇ", "", "달", "다", "ㄷ", "", "ㄱ", ""]


def test_a_syllable_gives_its_last_letter_to_a_vowel_that_follows_and_lone_letters_stay(writes):
    words = {
        "ㄱㅏㄱㅏ": "가가",
        "ㄷㅏㄹㄱㅏ": "달가",
        "ㅏㄴㅏ": "ㅏ나",
        "ㄱㄱㅏ": "ㄱ가",
        "ㄱㅏㄸㅏ": "가따",
        "ㅇㅓㅂㅅㅓ": "업서",
        "ㅋㅋ a": "ㅋㅋ a",
    }
    assert writes(list(words)) == list(words.values())


def test_japanese_marks_go_round_and_change_nothing_else(writes):
    rounds = {
        "か": "がか",
        "は": "ばぱは",
        "つ": "っづつ",
        "や": "ゃや",
        "う": "ぅゔう",
        "ん": "んん",
        "ー": "ーー",
        "a": "aa",
        "あ": "ぁあ",
    }
    asked = [[letter, *["゛"] * times] for letter, forms in rounds.items() for times in range(1, len(forms) + 1)]
    assert writes(asked) == [form for forms in rounds.values() for form in forms]
    assert writes([["゛"]]) == [""]


@pytest.fixture(scope="module")
def kiosk():
    with running_kiosk(LOBBY) as kiosk:
        yield kiosk


@pytest.fixture(scope="module")
def page(chromium, kiosk):
    with served(kiosk) as url:
        page = chromium.new_context(viewport={"width": 800, "height": 480}, bypass_csp=True).new_page()
        page.set_default_timeout(10_000)
        page.trouble = []
        page.on("pageerror", lambda error: page.trouble.append(str(error)))
        page.goto(url)
        yield page
        page.context.close()


def touch(page, keys, turns):
    for sign in keys:
        if sign in turns:
            page.locator(f'[data-turn="{turns[sign]}"]').click()
        else:
            page.locator(f'[data-pad] [data-key="{sign}"]').click()


@pytest.mark.parametrize("language", SAID)
def test_a_person_without_papers_writes_in_their_own_language_by_touch(kiosk, page, language):
    keys, said = SAID[language]
    to_the_words(kiosk, page, language)
    own = boards.boards_for("words", language)[0].name

    touch(page, keys, {"·": "signs", "|": own})
    assert page.locator(".field").input_value() == said
    page.locator('[value="typed"]').click()
    page.wait_for_selector('#state[data-name="typing-helper"]', state="attached")

    assert kiosk.agent.view().state.screen.typed.words == said
    assert page.trouble == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_board_fits_the_small_screen_has_names_and_axe_finds_nothing(kiosk, page, language):
    to_the_words(kiosk, page, language)
    page.evaluate(AXE.read_text("utf-8"))
    offered = [each.name for each in boards.boards_for("words", language)]
    for before, board in pairwise([offered[0], *offered[1:], offered[0]]):
        assert page.evaluate(FITS), before
        page.locator(f'[data-turn="{board}"]').click()
        assert page.evaluate(JUDGE) == [], board
        names = page.locator("[data-pad] .key").evaluate_all(
            "(keys) => keys.map((each) => each.ariaLabel || each.textContent.trim())"
        )
        assert all(names)
        assert len(set(names)) == len(names)
    assert page.evaluate("document.activeElement.className") == "field"
