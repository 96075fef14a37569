"""A person's own pages in all six languages: the words, the switch that needs no script, and who is spoken to in two."""

from __future__ import annotations

import html
import re

import pytest
from server_own import bind_resident, live_at_home, say_it_is_wrong
from server_parts import csrf_of
from sqlalchemy import select

from registry import tables
from server.languages import ENDONYMS, LANGUAGES, catalogue, lang_tag

HEADINGS = {
    "/": "Declare where you stay, at the door, in seconds", "/sign-in": "Sign in", "/receipts": "Check a receipt", "/stay": "Open the page of my stay",
    "/sign-in/kiosk": "Open my page with the kiosk's code", "/sign-in/paper": "Sign in with a paper from the commune police", "/me": "What is held about me",
    "/me/looks": "Who looked", "/me/rights": "My rights", "/me/copy": "A copy of my data", "/account": "Your account",
    "/me/delegations": "Somebody who acts for me", "/nowhere": "That did not work",
}  # fmt: skip
# Three English words in a row: names of places and what somebody wrote themselves are not among them.
ENGLISH = re.compile(r"\b[A-Za-z]{3,} [a-z]{2,} [a-z]{2,}\b")


@pytest.fixture
def person_id(world):
    person_id = bind_resident(world)
    live_at_home(world, person_id)
    say_it_is_wrong(world)
    return person_id


def words_of(page):
    main = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "\n", main)).replace("the card says otherwise", "")


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each not in {"vi", "en"}])
def test_every_essential_page_speaks_the_browsers_language_and_no_english(world, person_id, language):
    me = world.client("resident")
    with world.registry.reading() as connection:
        stay_id = connection.scalar(select(tables.stays.c.stay_id))
        declaration_id = connection.scalar(select(tables.declarations.c.declaration_id))
    own = (
        f"/me/stays/{stay_id}/wrong/stay",
        f"/me/stays/{stay_id}/leave",
        f"/me/proofs/{declaration_id}",
        "/me/lock",
        "/me/messages",
    )
    for path in (*HEADINGS, *own):
        answer = me.get(path, headers={"accept-language": f"{language}, en;q=0.3"})
        page = words_of(answer.text)
        assert answer.headers["content-language"] == lang_tag(language), path
        assert f'lang="{lang_tag(language)}"' in answer.text[:300], path
        assert ENGLISH.findall(page) == [], path
        assert catalogue(language)[HEADINGS.get(path, "Check a receipt")] in html.unescape(answer.text), path
        assert len(answer.content) < 40_000, path
    refused = me.post("/receipts", data={"csrf": csrf_of(me, "/receipts"), "code": "xx"}, headers={"accept-language": language})
    assert ENGLISH.findall(words_of(refused.text)) == []


def test_the_switch_names_each_language_by_itself_and_is_remembered_without_a_script(world, person_id):
    me = world.client("resident")
    switch = re.findall(r'href="/language/(\w+)\?back=/me" lang="([\w-]+)"[^>]*>([^<]+)<', me.get("/me").text)
    assert switch == [(each, lang_tag(each), ENDONYMS[each]) for each in LANGUAGES]
    assert catalogue("ja")["What is held about me"] in me.get("/language/ja?back=/me").text


def test_whoever_is_here_to_work_is_spoken_to_in_two(world):
    officer = world.client("officer")
    page = officer.get("/language/ru?back=/account")
    assert "Your account" in page.text
    assert page.headers["content-language"] == "en"
    assert "中文" not in page.text
    assert "Work queue" in officer.get("/police/queue/all").text


def test_an_officers_area_is_a_commune_by_its_name_where_a_table_of_units_names_it(world):
    officer = world.client("officer")
    assert "The whole commune (code demo-01)" in officer.get("/account").text
    unit = {"commune_code": "demo-01", "valid_from": "2025-07-01", "level": "commune", "name": "Phường Mẫu", "file_id": "f"}
    with world.registry.writing() as connection:
        connection.execute(tables.admin_units.insert(), [unit])
    assert "Phường Mẫu" in officer.get("/account").text


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each not in {"vi", "en"}])
def test_the_page_around_a_guided_path_speaks_its_language_too(world, language):
    for path in ("/paths", "/paths/begin"):
        answer = world.client().get(path, headers={"accept-language": f"{language}, en;q=0.3"})
        assert f'lang="{lang_tag(language)}"' in answer.text[:300], path
        assert ENGLISH.findall(words_of(answer.text)) == [], path
