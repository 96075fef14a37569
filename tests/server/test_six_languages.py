"""A person's own pages in all six languages: the words, the switch that needs no script, and who is spoken to in two."""

from __future__ import annotations

import html
import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from factories import EVENING
from procedure_parts import filed
from server_own import bind_resident, link_to_house, live_at_home, say_it_is_wrong
from server_parts import World, csrf_of
from sqlalchemy import select

from registry import tables
from registry.public_figures import publish_month
from residence.errors import problem
from server.languages import ENDONYMS, LANGUAGES, catalogue, lang_tag, sentence_in
from server.page_list import PAGES
from server.paper import Paper
from server.residents import offline_page
from server.settings import Allowance
from server.wording import WORDS, word

HEADINGS = {
    "/": "Declare where you stay, at the door, in seconds", "/sign-in": "Sign in", "/receipts": "Check a receipt", "/stay": "Open the page of my stay",
    "/sign-in/kiosk": "Open my page with the kiosk's code", "/sign-in/paper": "Sign in with a paper from the commune police", "/me": "What is held about me",
    "/me/looks": "Who looked", "/me/rights": "My rights", "/me/copy": "A copy of my data", "/account": "Your account",
    "/me/delegations": "Somebody who acts for me", "/me/procedures": "Procedures around my stay", "/me/visitors/{home}": "Declare a guest",
    "/door": "Door pass", "/transparency": "Figures for everybody",
}  # fmt: skip
# What a person can fetch that is no page to be read in a browser: files, and the switch itself.
FILES = frozenset({
    "/language/{language}", "/healthz", "/transparency/figures.json", "/transparency/figures.csv", "/transparency/schema.json",
    "/me/procedures/{file_id}/file.json", "/me/procedures/{file_id}/pdf", "/receipts/offline", "/me/looks.csv", "/me/looks.json", "/me/receipts",
    "/me/proofs/{declaration_id}/pdf", "/me/proofs/{declaration_id}/log", "/me/copy.json", "/door/code", "/me/answers/{dispute_id}",
    "/me/rights/{request_id}/answer",
})  # fmt: skip
# Three English words in a row: names of places and what somebody wrote themselves are not among them.
ENGLISH = re.compile(r"\b[A-Za-z]{3,} [a-z]{2,} [a-z]{2,}\b")
OTHERS = [each for each in LANGUAGES if each not in {"vi", "en"}]


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    many = Allowance(times=1000, per=timedelta(minutes=5))
    made = World(tmp_path_factory.mktemp("six"), person_allowance=many, receipt_allowance=many, sign_in_allowance=many)
    person_id = bind_resident(made)
    live_at_home(made, person_id)
    say_it_is_wrong(made)
    made.open_case()
    made.me = made.client("resident")
    with made.registry.reading() as connection:
        stay_id = connection.scalar(select(tables.stays.c.stay_id))
        declaration_id = connection.scalar(select(tables.declarations.c.declaration_id))
        access_id = connection.scalar(select(tables.access_records.c.access_id))
    made.values = {
        "token": "A" * 43, "name": "vneid", "kind": "confirmation", "file_id": filed(made.me, "confirmation", reason="di hoc"), "declaration_id": declaration_id,
        "access_id": access_id, "secret": "A" * 43, "stay_id": stay_id, "fault": "stay", "home": "0", "grant_id": "none",
    }  # fmt: skip
    made.link = link_to_house(made)
    made.clock.pass_time(hours=24 * 25)  # a month is over, and nothing else
    publish_month(made.registry, now=made.clock.now(), least=5)
    made.clock.pass_time(hours=-24 * 25)
    yield made
    made.close()


@pytest.fixture
def person_id(world):
    person_id = bind_resident(world)
    live_at_home(world, person_id)
    return person_id


def words_of(page):
    main = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "\n", main)).replace("the card says otherwise", "")


def left_english(page, language):
    """Return what of a page stands in English: a whole sentence of ours that has a translation, or any three words."""
    known, words = catalogue(language), words_of(page)
    ours = [each.strip() for each in words.splitlines() if known.get(each.strip(), each.strip()) != each.strip()]
    return [*ours, *ENGLISH.findall(words)]


def persons_routes():
    """Yield the address of every page below the audiences of people: a new one is walked without being named here."""
    for pages in PAGES:
        if pages.__name__.startswith(("server.residents.", "server.accounts.", "server.home", "server.public_figures")):
            yield from (each.path for each in pages.router.routes if "GET" in each.methods and each.path not in FILES)


@pytest.mark.parametrize("language", OTHERS)
def test_every_page_a_person_can_reach_speaks_the_browsers_language_and_no_english(town, language):
    me, wish = town.me, {"accept-language": f"{language}, en;q=0.3"}
    for route in (*persons_routes(), "/nowhere"):
        path = town.link if route.startswith("/n/") else route.format(**town.values)
        answer = me.get(path, headers=wish)
        assert answer.headers["content-language"] == lang_tag(language), path
        assert f'lang="{lang_tag(language)}"' in answer.text[:300], path
        assert left_english(answer.text, language) == [], path
        assert catalogue(language)[HEADINGS.get(route, "Check a receipt")] in html.unescape(answer.text), path
        assert len(answer.content) < 40_000, path


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_wrong_with_a_form_is_said_in_its_language_too(town, language):
    me, wish = town.me, {"accept-language": language}
    csrf = csrf_of(me)
    sent = {
        "/receipts": {"code": "xx"},
        "/me/visitors/0": {"full_name": "Tr\u1ea7n <b>", "birth": "1/1/2090", "personal_number": "12", "document_kind": "cmnd", "document_number": "x"},
        "/me/procedures/new/temporary-residence": {"first": "soon", "last": ""},
        "/me/procedures/new/absence": {"destination": "x" * 3000},
        "/stay": {"code": "1", "own": "2"},
        "/paths/begin": {},
        "/me/delegations": {},
    }  # fmt: skip
    for path, form in sent.items():
        answer = me.post(path, data={"csrf": csrf} | form, headers=wish)
        assert answer.headers["content-language"] == lang_tag(language), path
        assert left_english(answer.text, language) == [], path


def test_a_sentence_with_values_is_found_by_its_shape():
    said = problem("document.number_shape", shape_vi="12 chữ số", shape_en="12 digits").message
    assert sentence_in(said, "ja") == "この書類の番号は数字12桁でなければなりません。"
    assert sentence_in(said, "vi").endswith("12 chữ số.")


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


@pytest.mark.parametrize(
    ("language", "font"), [("zh", "NotoSansCJKSC"), ("ko", "NotoSansCJKKR"), ("ja", "NotoSansCJKJP"), ("ru", "DejaVuSans")]
)
def test_papers_are_written_in_the_persons_language_with_its_own_letters_embedded(town, tmp_path, language, font):
    words, fonts = read_paper(town.me.get("/me/receipts", headers={"accept-language": language}).content, tmp_path)
    assert bare(word("paper", "own", language=language)) in bare(words)
    assert [each for each in fonts if font in each[0]]
    assert all(each[-5] == "yes" for each in fonts)  # embedded
    assert ENGLISH.findall(words.replace("luutru receipt verify", "")) == []


def test_a_procedures_paper_has_the_offices_words_first_and_the_persons_beside(town, tmp_path):
    language, file_id = "zh", town.values["file_id"]
    words, _ = read_paper(town.me.get(f"/me/procedures/{file_id}/pdf", headers={"accept-language": language}).content, tmp_path)
    for name in ("full_name", "birth_date", "place"):
        beside = word("procedure_field", name, language="vi") + " · " + word("procedure_field", name, language=language)
        assert bare(beside) in bare(words)


def test_the_page_that_checks_without_a_network_has_every_word_of_its_own_in_six_languages():
    parts = [each.read_text("utf-8") for each in Path(offline_page.__file__).parent.joinpath("offline").iterdir()]
    pairs = re.compile(r'\["[^a-z"][^"]*",\s*"([^"]+)"\]|`,\s*"([^"]+)"\]|lang="en">([^<]+)<')
    ours = {next(filter(None, found)) for text in parts for found in pairs.findall(text)}
    assert set(offline_page.beside_words()) == {each for each in ours if not each.startswith("Check a receipt without")} | {
        "Check a receipt"
    }
    assert all(set(said) == set(OTHERS) for said in offline_page.beside_words().values())
    codes = {text for kind in offline_page.KINDS for text in WORDS[kind].values()}
    assert [each for each in codes for language in OTHERS if each not in catalogue(language)] == []


def bare(text):
    return re.sub(r"\s", "", text)


def read_paper(content, folder):
    """Return a PDF's text and its fonts' rows, as poppler sees them."""
    (folder / "paper.pdf").write_bytes(content)
    runs = [
        subprocess.run([tool, str(folder / "paper.pdf"), *more], capture_output=True, text=True, check=True)
        for tool, *more in (("pdftotext", "-raw", "-"), ("pdffonts",))
    ]
    assert [each.stderr for each in runs] == ["", ""]
    told = [each.stdout for each in runs]
    return told[0], [each.split() for each in told[1].splitlines()[2:]]


def test_no_letter_of_a_paper_is_lost_where_one_font_follows_the_other_and_no_line_runs_into_another(tmp_path):
    paper = Paper(title="x", language="zh", made_at=EVENING)
    paper.text("机关阅读越南文", size=9)  # the second font alone, then both
    paper.text("Vn · 机\n机\nHọ và tên", size=9)
    paper.facts([("4. Số định danh cá nhân · 个人号码个人号码", "001"), ("Nơi cư trú", "机 " + "ab cd " * 60)])
    words, _ = read_paper(paper.content(), tmp_path)
    for each in ("机关阅读越南文", "Vn · 机", "Họ và tên", "Nơi cư trú"):
        assert each in words
    assert words.count("ab") == 60
    box = subprocess.run(
        ["pdftotext", "-bbox", str(tmp_path / "paper.pdf"), "-"], capture_output=True, text=True, check=True
    ).stdout
    top = {text: float(y) for y, text in re.findall(r'yMin="([\d.]+)"[^>]*>([^<]*)</word>', box)}
    assert top["Nơi"] - top["个人号码个人号码"] > 10  # points: a line below
