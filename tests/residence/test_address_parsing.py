"""An address in pieces: every word of it in exactly one, in whatever order it was written, and what fits nowhere said."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_tables import OLD, invented_units

from residence.people.letters import is_invisible, stored_form, without_accents
from residence.places.address_parsing import parse_address
from residence.places.locating import house_of, locate, place_of, same_house
from residence.places.units import UnitTable

UNITS = UnitTable(invented_units())
TODAY = "2026-07-10"
PIECES = ("house", "alleys", "street", "buildings", "hamlets", "commune", "district", "province", "unplaced")


def said(text, issued=None):
    found = parse_address(text, issued=issued)
    return {name: value for name in PIECES if (value := getattr(found, name))}


NUMBERED = {"house": "12", "street": "Lê Lợi", "commune": "P.13", "district": "Q.3", "province": "Hồ Chí Minh"}
PARSED = {
    "an alley in the number": ("12/3/4 Lê Lợi, P.13, Q.3, TP.HCM", NUMBERED | {"house": "12/3/4"}),
    "no commas": ("12 Lê Lợi P.13 Q.3 TP.HCM", NUMBERED | {"province": "Hồ Chí Minh"}),
    "the largest first": ("TP.HCM, Q.3, P.13, 12 Lê Lợi", NUMBERED),
    "the ward first": ("P.13, 12 Lê Lợi, Q.3, TP.HCM", NUMBERED),
    "no accents": (
        "so 5 hem 12 le loi, phuong 13, quan 3, tphcm",
        {"house": "so 5", "alleys": ("hem 12",), "street": "le loi", "commune": "phuong 13", "district": "quan 3", "province": "Hồ Chí Minh"},
    ),
    "lanes of the north": (
        "Số 5 ngách 12 ngõ 45 Láng Hạ, Phường Láng Hạ, Quận Đống Đa, Hà Nội",
        {"house": "Số 5", "alleys": ("ngách 12", "ngõ 45"), "street": "Láng Hạ", "commune": "Phường Láng Hạ", "district": "Quận Đống Đa", "province": "Hà Nội"},
    ),
    "a lane of Đà Nẵng, two levels": (
        "K12/3 Hải Phòng, P. Hải Châu, TP.Đà Nẵng",
        {"alleys": ("K12/3",), "street": "Hải Phòng", "commune": "P. Hải Châu", "province": "Đà Nẵng"},
    ),
    "a card of before, without type words": (
        "Khu Phố 1,, Uyên Hưng, Tân Uyên, Bình Dương",
        {"hamlets": ("Khu Phố 1",), "commune": "Uyên Hưng", "district": "Tân Uyên", "province": "Bình Dương"},
    ),
    "nothing tells the era, so nothing is placed": (
        "Số 1, Láng Hạ, Đống Đa, Hà Nội",
        {"house": "Số 1", "province": "Hà Nội", "unplaced": ("Láng Hạ", "Đống Đa")},
    ),
    "two settlements, the smaller first": (
        "Tổ 5 thôn Đoài, Xã Yên Viên, Huyện Gia Lâm, Hà Nội",
        {"hamlets": ("Tổ 5", "thôn Đoài"), "commune": "Xã Yên Viên", "district": "Huyện Gia Lâm", "province": "Hà Nội"},
    ),
    "a room and a building": (
        "P.1203 Chung cư Mẫu, 5 Lê Lợi, Phường Sài Gòn, TP.HCM",
        {"buildings": ("P.1203 Chung cư Mẫu",), "house": "5", "street": "Lê Lợi", "commune": "Phường Sài Gòn", "province": "Hồ Chí Minh"},
    ),
    "a street with a number for a name": (
        "12 đường số 5, KP3, Phường Linh Trung, TP Thủ Đức, TPHCM",
        {"house": "12", "street": "đường số 5", "hamlets": ("KP3",), "commune": "Phường Linh Trung", "district": "TP Thủ Đức", "province": "Hồ Chí Minh"},
    ),
    "what people say instead of a number": (
        "nhà ông Tư, ấp Bắc, Xã Tân An, Huyện Tân Châu, Tây Ninh",
        {"unplaced": ("nhà ông Tư",), "hamlets": ("ấp Bắc",), "commune": "Xã Tân An", "district": "Huyện Tân Châu", "province": "Tây Ninh"},
    ),
    "a place abroad": ("12 Main Street, Springfield", {"house": "12", "street": "Main Street", "unplaced": ("Springfield",)}),
    "nothing": (" ,, ", {}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expect"), PARSED.values(), ids=PARSED)
def test_an_address_is_taken_to_pieces(text, expect):
    assert said(text) == expect
    assert parse_address(text).text == text


NAMES_WITH_TYPE_WORDS = [
    "Bà Huyện Thanh Quan", "Xóm Chiếu", "Đội Cấn", "Ấp Bắc", "Tỉnh lộ 10", "QL1A", "đường Làng Tăng Phú", "Xã Đàn", "Đ. 3 Tháng 2", "Phố Huế", "Tố Hữu",
]  # fmt: skip


@pytest.mark.parametrize("street", NAMES_WITH_TYPE_WORDS)
def test_a_street_named_with_a_word_for_something_else_stays_a_street(street):
    found = parse_address(f"5 {street}, P.6, Q.3, TP.HCM")
    assert (found.house, found.street, found.commune, found.unplaced) == ("5", street, "P.6", ())


@pytest.mark.parametrize("parts", list(permutations(["Phường 13", "Quận 3", "12 Lê Lợi"])), ids=" / ".join)
@pytest.mark.parametrize("last", [True, False])
def test_units_with_their_type_words_may_stand_in_any_order(parts, last):
    text = ", ".join([*parts, "TP.HCM"] if last else ["TP.HCM", *parts])
    found = parse_address(text)
    assert (found.house, found.street, found.commune, found.district, found.province) == ("12", "Lê Lợi", "Phường 13", "Quận 3", "Hồ Chí Minh")  # fmt: skip


SOME = (
    "12 12/3/4 5A Số số hẻm Ngõ 45 ngách K12 đường Lê Lợi Phố Tổ 3 tổ thôn Đoài KP6 Khu phố 1 P. P.13 Phường phường 13 Q.3 Quận quan 3 Huyện Xã Bà Tân An "
    "TP.HCM TP. Hồ Chí Minh Hà Nội Bình Dương , , , ; Thị xã trấn P.1203 Chung cư căn hộ (gần chợ) -"
)
WORDS = st.sampled_from(SOME.split(" "))


def plain_words(text):
    visible = "".join(each for each in text if not is_invisible(each))
    return Counter(stored_form(visible).replace(",", " ").replace(";", " ").split())


@given(st.one_of(st.lists(WORDS, max_size=14).map(" ".join), st.text(max_size=80)), st.sampled_from([None, "2022-01-01"]))
def test_every_word_of_any_text_is_in_exactly_one_piece(text, issued):
    found = parse_address(text, issued=issued)
    assert found.text == found.reading.text == text
    assert sum((plain_words(each) for each in found.pieces()), Counter()) == plain_words(text)


@given(st.lists(WORDS, max_size=14).map(" ".join))
def test_an_address_without_accents_is_never_placed_more_surely_than_with_them(text):
    bare = parse_address(without_accents(text))
    assert bare.province is None or bare.province_text is not None
    assert sum((plain_words(each) for each in bare.pieces()), Counter()) == plain_words(without_accents(text))


ONE_HOUSE = {
    "an alley in words": ("12/3/4 Lê Lợi", "Số 4 hẻm 12/3 đường Lê Lợi"),
    "lanes one by one": ("số 5 ngách 12 ngõ 45 Láng Hạ", "45/12/5 Láng Hạ"),
    "a lane that names the outer one": ("số 5 ngách 45/12 ngõ 45 Láng Hạ", "45/12/5 phố Láng Hạ"),
    "Đà Nẵng": ("K12/3 Hải Phòng", "12/3 Hải Phòng"),
    "without accents": ("12 Lê Lợi, Phường Mẫu, Huyện Bịa, Tây Ninh", "12 LE LOI, P. Mẫu Thử"),
    "tone placement": ("12 Hoà Bình", "12 Hòa Bình"),
    "a settlement": ("Số 7, KP6, Phường Mẫu, Bình Dương", "7, Khu phố 6, Phường Mẫu Thử, TP.HCM"),
}
TWO_HOUSES = {
    "another number": ("12 Lê Lợi", "14 Lê Lợi"),
    "another alley": ("12/3/4 Lê Lợi", "12/5/4 Lê Lợi"),
    "another street": ("12 Lê Lợi", "12 Lê Lai"),
    "a number and a letter": ("12 Lê Lợi", "12A Lê Lợi"),
    "no number": ("Thôn Đoài", "Thôn Đoài"),
    "no street and no settlement": ("12", "12"),
    "a street and none": ("12 Lê Lợi", "Số 12, thôn Đoài, Xã Xa, Huyện Bịa, Tây Ninh"),
}


@pytest.mark.parametrize(("one", "other"), ONE_HOUSE.values(), ids=ONE_HOUSE)
def test_two_writings_are_one_house(one, other):
    assert same_house(parse_address(one), parse_address(other))
    assert same_house(parse_address(other), parse_address(one))


@pytest.mark.parametrize(("one", "other"), TWO_HOUSES.values(), ids=TWO_HOUSES)
def test_two_houses_are_not_one(one, other):
    assert not same_house(parse_address(one), parse_address(other))


def test_a_text_without_a_number_is_no_house():
    assert house_of(parse_address("Thôn Đoài, Xã Xa, Huyện Bịa, Tây Ninh")) is None


LOCATED = {
    "merged": ("12 Lê Lợi, Phường Thử, Huyện Bịa, Tây Ninh", ["Phường Thử"], ["Phường Mẫu Thử"], "Phường Mẫu Thử"),
    "renamed": ("Xã Xa, Huyện Bịa, Tây Ninh", ["Xã Xa"], ["Xã Xa Mới"], "Xã Xa Mới"),
    "split": ("12 Lê Lợi, Xã Chia, Huyện Bịa, Tây Ninh", ["Xã Chia"], ["Phường Mẫu Thử", "Xã Chia Đông"], None),
    "of today": ("12 Lê Lợi, Xã Chia Đông, Tây Ninh", ["Xã Chia Đông"], ["Xã Chia Đông"], "Xã Chia Đông"),
    "without accents": ("12 Le Loi, Phuong Thu, Huyện Bịa, Tây Ninh", ["Phường Thử"], ["Phường Mẫu Thử"], None),
    "nobody's": ("12 Lê Lợi, Phường Lạ, Huyện Bịa, Tây Ninh", [], [], None),
}


@pytest.mark.parametrize(("text", "named", "today", "unit"), LOCATED.values(), ids=LOCATED)
def test_an_address_is_located_by_a_table_and_a_split_ward_never_picked(text, named, today, unit):
    found = locate(parse_address(text), UNITS, on=TODAY)
    assert [each.name for each in found.named] == named
    assert [each.name for each in found.today] == today
    assert (found.unit.name if found.unit else None) == unit


def test_a_split_is_asked_by_street_or_hamlet_and_never_by_house():
    street = parse_address("12/3/4 đường Lê Lợi, P.13, Q.3, TP.HCM")
    assert place_of(street) == ("street:le loi", "đường Lê Lợi")
    assert place_of(parse_address("Tổ 5 thôn Đoài, Xã Xa, Huyện Bịa, Bình Dương")) == ("hamlet:thon doai", "thôn Đoài")
    assert place_of(parse_address("nhà ông Tư, Xã Tân An, Huyện Tân Châu, Tây Ninh")) == ("", "")


def test_the_district_is_known_as_ended():
    found = parse_address("12 Lê Lợi, Phường Thử, Huyện Bịa, Bình Dương")
    assert (found.era, found.district) == ("until-2025-06-30", "Huyện Bịa")
    assert not UNITS.at("900", OLD).holds_on("2025-07-01")
