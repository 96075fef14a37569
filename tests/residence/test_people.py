"""Numbers, names, dates and documents of people."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.errors import Malformed
from residence.people.documents import DOCUMENT_RULES, check_document, kind_of_card, ministry_code
from residence.people.letters import alias_key, match_key, place_tones, plain_key, stored_form, without_accents
from residence.people.names import check_name, compare_names, is_name_character
from residence.people.old_number import is_old_number
from residence.people.partial_dates import earliest, is_possible, read_card_date
from residence.people.person import Document, DocumentKind, PartialDate
from residence.people.personal_number import check_personal_number, is_personal_number, parse_personal_number, places

VECTORS = Path(__file__).parents[1] / "vectors"
NUMBERS = json.loads((VECTORS / "personal-number" / "numbers.json").read_text("utf-8"))["cases"]
NAMES = json.loads((VECTORS / "names" / "comparisons.json").read_text("utf-8"))["cases"]


def test_no_letter_is_let_through_that_cannot_stand_in_a_name():
    letters = [chr(code) for code in range(0x20, 0x2100)]
    assert [each for each in letters if check_name(f"An{each}", "/n") == ()] == [
        each for each in letters if is_name_character(each)
    ]


@pytest.mark.parametrize("case", NUMBERS, ids=lambda case: repr(case["number"]))
def test_every_number_vector_says_what_it_says(case):
    birth = case["birth"] and PartialDate(value=case["birth"], precision="day" if len(case["birth"]) > 4 else "year")
    found = check_personal_number(case["number"], sex=case["sex"], birth=birth, pointer="/n")
    assert [each.code for each in found] == case["problems"]
    if case["says"] is None:
        with pytest.raises(Malformed):
            parse_personal_number(case["number"])
    else:
        parsed = parse_personal_number(case["number"])
        assert {key: getattr(parsed, key) for key in case["says"]} == case["says"]


def test_all_sixty_three_provinces_and_the_countries_are_known():
    codes = places()
    assert sum(code.startswith("0") for code in codes) == 63
    assert codes["244"].count(",") == 1
    assert codes["079"] == "Hồ Chí Minh"


@given(st.text(max_size=14))
def test_a_number_is_twelve_ascii_digits_and_nothing_else(text):
    assert is_personal_number(text) == (len(text) == 12 and all(each in "0123456789" for each in text))


@given(st.integers(0, 10**12 - 1).map("{:012}".format))
def test_every_number_of_twelve_digits_can_be_taken_apart(number):
    parsed = parse_personal_number(number)
    assert 1900 <= parsed.birth_year <= 2399
    assert parsed.birth_year % 100 == int(number[4:6])


OLD = {"012345678": True, "12345678": False, "0123456789": False, "01234567x": False, "０１２３４５６７８": False, "": False}


@pytest.mark.parametrize(("text", "expect"), OLD.items())
def test_an_old_number_is_nine_digits(text, expect):
    assert is_old_number(text) is expect


@pytest.mark.parametrize("case", NAMES, ids=lambda case: f"{case['a']} / {case['b']}")
def test_every_pair_of_names_compares_as_it_says_either_way_round(case):
    for one, other in ((case["a"], case["b"]), (case["b"], case["a"])):
        found = compare_names(one, other)
        assert (found.result, found.why) == (case["result"], case["why"])


@given(st.text(max_size=30), st.text(max_size=30))
def test_comparing_never_raises_and_does_not_care_about_the_side(one, other):
    assert compare_names(one, other) == compare_names(other, one)


NAME_LETTERS = "aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵŏŭčĕĭñ"
word = st.text(NAME_LETTERS, min_size=1, max_size=7)


@given(st.lists(word, min_size=1, max_size=6).map(" ".join))
def test_the_same_name_in_capitals_decomposed_or_without_accents_is_the_same(name):
    decomposed = unicodedata.normalize("NFD", name.upper())
    assert compare_names(name, decomposed).result == "same"
    assert compare_names(name, without_accents(name).upper()).result == "same"
    assert not check_name(stored_form(decomposed), "/n")


TONES = {
    "Hoà Bình": "Hòa Bình",
    "quý": "quý",
    "hoàn": "hoàn",
    "thuỷ": "thủy",
    "khoẻ": "khỏe",
    "uý": "úy",
    "XOÁ": "XÓA",
    "qúy": "quý",
    "hòan": "hoàn",
    "hoặc": "hoặc",
    "ngoằn ngoèo": "ngoằn ngoèo",
    "Huỳnh": "Huỳnh",
    "ngoài": "ngoài",
    "tuyết": "tuyết",
}


@pytest.mark.parametrize(("given_text", "expect"), TONES.items())
def test_tones_are_placed_the_old_way_and_nowhere_else(given_text, expect):
    assert place_tones(given_text) == expect


@given(st.text())
def test_placing_tones_twice_changes_nothing_more_and_keeps_the_letters(text):
    once = place_tones(text)
    assert place_tones(once) == once
    assert without_accents(once) == without_accents(unicodedata.normalize("NFC", text))


def test_keys_follow_the_table_of_text_normalisation():
    assert plain_key("Đặng") == "dang"
    assert stored_form(unicodedata.normalize("NFD", "Nguyễn")) == "Nguyễn"
    assert match_key("\ufeffH’  Loan\u200b") == "h' loan"
    assert alias_key("Mĩ Quí") == alias_key("Mỹ Quý")
    assert alias_key("Mai Thúy") != alias_key("May Thúi")


DATES = {
    "01021995": ("1995-02-01", "day"),
    "00021995": ("1995-02", "month"),
    "00001945": ("1945", "year"),
    "1945": ("1945", "year"),
    "29022000": ("2000-02-29", "day"),
    "29021900": None,
    "30022000": None,
    "00000000": None,
    "01001995": None,
    "32011995": None,
    "01011799": None,
    "0101995": None,
    "01/02/1995": None,
    "０１０２１９９５": None,
    "+1021995": None,
    "": None,
}


@pytest.mark.parametrize(("text", "expect"), DATES.items())
def test_card_dates_are_read_to_the_precision_they_have(text, expect):
    found = read_card_date(text)
    assert (found and (found.value, found.precision)) == expect


@given(st.dates())
def test_a_partial_date_is_possible_at_every_precision_and_its_first_day_is_inside(day):
    iso = day.isoformat()
    for value, precision in ((iso, "day"), (iso[:7], "month"), (iso[:4], "year")):
        found = PartialDate(value=value, precision=precision)
        assert is_possible(found) == (day.year >= 1880)
        assert earliest(found) <= day


@given(st.text(max_size=12), st.sampled_from(["day", "month", "year"]))
def test_rubbish_is_no_possible_date(value, precision):
    if is_possible(PartialDate(value=value, precision=precision)):
        assert value.replace("-", "").isascii()


def test_every_kind_of_document_has_a_rule():
    assert set(DOCUMENT_RULES) == set(DocumentKind)
    assert [ministry_code(kind) for kind in (DocumentKind.CARD_2021, DocumentKind.CARD_2024, DocumentKind.NONE)] == [1, 8, None]


KINDS = {
    "eleven fields": (11, None, DocumentKind.CARD_2024),
    "last day of the older card": (7, "2024-06-30", DocumentKind.CARD_2021),
    "first day of the newer card": (7, "2024-07-01", DocumentKind.CARD_2024),
    "no readable issue date": (7, None, None),
}


@pytest.mark.parametrize(("fields", "issued", "expect"), KINDS.values(), ids=KINDS)
def test_the_type_of_a_card_comes_from_fields_and_issue_date(fields, issued, expect):
    assert kind_of_card(fields=fields, issued=issued) is expect


SHAPES = {
    "card": (DocumentKind.CARD_2021, "001095000117", True),
    "card with 11 digits": (DocumentKind.CARD_2024, "00109500011", False),
    "old number of 9": (DocumentKind.OLD_ID, "012345678", True),
    "old number of 12": (DocumentKind.OLD_ID, "001095000117", True),
    "old number of 10": (DocumentKind.OLD_ID, "0123456789", False),
    "passport": (DocumentKind.PASSPORT, "C1234567", True),
    "passport with a space": (DocumentKind.PASSPORT, "C 1234567", False),
    "passport of 11": (DocumentKind.PASSPORT, "C1234567890", False),
    "licence with other digits": (DocumentKind.DRIVING_LICENCE, "１２３", False),
    "line end after the number": (DocumentKind.OLD_ID, "012345678\n", False),
    "birth certificate": (DocumentKind.BIRTH_CERTIFICATE, "12/2020 quyển 1", True),
    "no papers": (DocumentKind.NONE, None, True),
}


@pytest.mark.parametrize(("kind", "number", "fine"), SHAPES.values(), ids=SHAPES)
def test_document_numbers_have_the_shape_of_their_kind(kind, number, fine):
    assert (check_document(Document(kind=kind, number=number), "/person/document") == ()) is fine
