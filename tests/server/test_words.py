"""Every sentence of the pages in both languages; the style sheet without the licensed font; forms read as written."""

from __future__ import annotations

import re
from string import Formatter

import persons_words
import pytest
from factories import EVENING
from server_messages import message_ids

from registry.authority_records import RecordState
from registry.chip_judgements import JudgedBy
from registry.correcting import Signature as CorrectionSignature
from registry.e_ids import Source
from registry.evidence import Signature
from registry.look_questions import OUTCOMES
from registry.merging import MOVING
from registry.notices import Answer
from registry.numbering import NumberEvent
from registry.persons import STATED
from registry.retention_policy import read_policy
from registry.second_eyes import Answer as EyesAnswer
from registry.second_eyes import Kind
from residence.access.fishing import RULES
from residence.access.look_rules import BOUNDS
from residence.cases.closing import ClosingCode
from residence.cases.covering import LapsedHere
from residence.cases.lapses import Excuse, LapseRule
from residence.cases.notices import NoticeKind
from residence.cases.outages import OutageCause
from residence.cases.transitions import CaseAction, CaseStatus
from residence.cases.triage import ClockName, Meaning, Urgency, Why
from residence.cases.undeclared import CaseRule, Explanation, SightingKind
from residence.credentials.chip.verdict import CHECKS
from residence.credentials.evidence import CheckOutcome
from residence.errors import catalogue as codes
from residence.people.person import DocumentKind
from residence.places.premises import PremisesKind
from residence.places.relations import Answering
from residence.stays.deadlines import DeadlineRule
from residence.stays.declaration import Reason
from residence.stays.duty import FALLBACK
from residence.stays.known import NumberKind, NumberStatus
from residence.stays.ministry_lists import LIST_NAMES
from residence.stays.rules import load_rule_book
from residence.wire.correction import CorrectionEvent
from residence.wire.messages import ReceiptState
from server.desk.guest_form import FormContext, field_of, partial_date_of, read_form
from server.languages import LANGUAGES, OF_WORK, catalogue, preferred_language
from server.pages import duration, wall
from server.persons_pages import PARTS, PERSONS, speaks
from server.settings import ServerSettings
from server.static_files import without_licensed_font
from server.wording import WORDS

CONTEXT = FormContext(now=EVENING, account_id="a", account_name="le-tan")


def test_every_sentence_has_its_vietnamese_and_none_is_left_over():
    assert set(catalogue("vi")) == message_ids()


def test_vietnamese_sentences_keep_the_places_for_values():
    for english, vietnamese in catalogue("vi").items():
        assert re.findall(r"\{\w+\}", english) == re.findall(r"\{\w+\}", vietnamese), english
        assert re.findall(r"%\(\w+\)s", english) == re.findall(r"%\(\w+\)s", vietnamese), english


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("state", ReceiptState.__args__),
        ("rule", DeadlineRule.__args__ + CaseRule.__args__ + LapsedHere.__args__),
        ("explanation", Explanation.__args__),
        ("premises", [each.value for each in PremisesKind]),
        ("document", [each.value for each in DocumentKind]),
        ("reason", [each.value for each in Reason]),
        ("case", [each.value for each in CaseStatus]),
        ("action", [each.value for each in CaseAction]),
        ("closing", [each.value for each in ClosingCode]),
        ("urgency", [str(each.value) for each in Urgency]),
        ("why", Why.__args__),
        ("case_clock", ClockName.__args__),
        ("meaning", Meaning.__args__),
        ("telling", RecordState.__args__),
        ("ministry_list", LIST_NAMES),
        ("list_difference", ("unknown", "missing", "moved", "reworded")),
        ("sighting", SightingKind.__args__),
        ("signature", Signature.__args__),
        ("chip_check", CHECKS),
        ("chip_outcome", CheckOutcome.__args__),
        ("chip_judged_by", JudgedBy.__args__),
        ("chip_level", [str(level) for level in range(7)]),
        ("answer", Answer.__args__),
        ("notice", [each.value for each in NoticeKind]),
        ("lapse", LapseRule.__args__),
        ("number_kind", NumberKind.__args__),
        ("number_status", (*NumberStatus.__args__, STATED)),
        ("number_event", NumberEvent.__args__),
        ("correction", CorrectionEvent.__args__),
        ("correction_signature", CorrectionSignature.__args__),
        ("answering", Answering.__args__),
        ("duty_holder", {each for rule_set in load_rule_book().sets for each in (*rule_set.duty_holders, FALLBACK)}),
        ("e_id_source", Source.__args__),
        ("data_class", [each.name for each in read_policy().timed]),
        ("excuse", Excuse.__args__),
        ("outage", OutageCause.__args__),
        ("evidence", [str(level) for level in range(7)]),
        ("look_rule", RULES),
        ("look_rule_means", RULES),
        ("look_setting", BOUNDS),
        ("look_outcome", OUTCOMES),
        ("eyes_kind", [each.value for each in Kind]),
        ("eyes_answer", [each.value for each in EyesAnswer]),
        ("moves", [name for name, *_ in MOVING]),
    ],
)
def test_every_code_word_of_the_domain_has_words_for_people(kind, values):
    assert set(values) <= set(WORDS[kind])


def test_no_code_of_the_server_needs_values_its_page_cannot_give():
    ours = {code: texts for code, texts in codes().items() if code.startswith(("server.", "account."))}
    for code, texts in ours.items():
        assert not [name for _, name, _, _ in Formatter().parse(texts["en"]) if name], code


def test_the_language_is_the_cookies_then_the_browsers_then_vietnamese():
    assert preferred_language(cookie="en", accept="vi") == "en"
    assert preferred_language(cookie="xx", accept="fr, en-GB;q=0.5") == "en"
    assert preferred_language(cookie=None, accept="fr") == "vi"
    assert preferred_language(cookie=None, accept="") == "vi"
    assert preferred_language(cookie=None, accept="zh-Hant-TW, en;q=0.5") == "zh"
    assert preferred_language(cookie="ko", accept="ja") == "ko"


def test_times_are_vietnams_and_dates_day_first():
    assert wall(EVENING, language="vi") == "14:00 ngày 10/07/2026"
    assert wall(EVENING, language="en") == "14:00, 10 July 2026"
    assert duration(EVENING - EVENING, language="vi") == "0 phút"


def test_the_style_sheet_carries_no_licensed_font_and_no_crest():
    static = ServerSettings().static
    served = without_licensed_font((static / "vendor/govuk-frontend/govuk-frontend.min.css").read_text("utf-8"))
    assert "GDS Transport" not in served
    assert "url(" not in served


@pytest.mark.parametrize(
    ("text", "value", "precision"),
    [
        ("1/2/1995", "1995-02-01", "day"),
        ("01.02.1995", "1995-02-01", "day"),
        ("1995-02-01", "1995-02-01", "day"),
        ("2/1995", "1995-02", "month"),
        ("1995", "1995", "year"),
    ],
)
def test_a_birth_date_is_read_as_precisely_as_it_was_written(text, value, precision):
    read = partial_date_of(text)
    assert (read.value, read.precision) == (value, precision)


@pytest.mark.parametrize("text", ["", "95", "hôm qua", "1/2/95", "31-12", "１９９５年"])
def test_what_is_no_date_is_no_date(text):
    assert partial_date_of(text) is None


def test_an_empty_form_gives_problems_and_never_an_exception():
    result = read_form({}, context=CONTEXT)
    assert {field_of(each.pointer) for each in result.problems} == {"full_name", "arrival"}


def test_a_pointer_nobody_knows_stands_at_the_name():
    assert field_of("/person/birth/value") == "birth"
    assert field_of("/something/new") == "full_name"


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each not in OF_WORK])
def test_a_persons_pages_are_whole_in_every_language_and_keep_the_places_for_values(language):
    known = catalogue(language)
    assert persons_words.message_ids() - set(known) == set()
    assert set(known) - persons_words.message_ids() == set()  # none is left over
    for english, said in known.items():
        assert sorted(re.findall(r"%\(\w+\)s|\{\w+\}", english)) == sorted(re.findall(r"%\(\w+\)s|\{\w+\}", said)), english


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each not in OF_WORK])
def test_no_sentence_holds_a_bare_per_cent_sign_which_ends_a_page(language):
    """Templates fill values in with ``%``, also where a sentence has none."""
    assert [said for said in catalogue(language).values() if re.search(r"%(?!\(\w+\)s)", said)] == []


def test_every_page_is_either_a_persons_or_for_work_and_is_there():
    assert [each for each in PERSONS | PARTS if not persons_words.path_of(each).exists()] == []
    assert (speaks("residents/own.html", wish="ko", at_work=False), speaks("residents/own.html", wish="ko", at_work=True)) == (
        "ko",
        "en",
    )
    assert (speaks("desk/tonight.html", wish="ru", at_work=False), speaks("desk/tonight.html", wish="vi", at_work=True)) == (
        "en",
        "vi",
    )
