"""Addresses: verbatim beside a reading, and never a silent pick."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.places.addresses import Address, address_key, match_successor, match_unit, parts_of, read_address, unit_key
from residence.places.provinces import match_province, names_of, province_of_code, provinces, successor_of

OLD, NEW = "until-2025-06-30", "from-2025-07-01"

READINGS = {
    "doubled comma": ("Khu Phố 1,, Uyên Hưng, Tân Uyên, Bình Dương", None, (OLD, "Bình Dương", "Tân Uyên", "Uyên Hưng", "Khu Phố 1")),
    "a commune named like a province": (
        "Thôn 2, Hòa Bình, Chợ Mới, An Giang",
        "2022-01-01",
        (OLD, "An Giang", "Chợ Mới", "Hòa Bình", "Thôn 2"),
    ),
    "numbered units": (
        "123/45 Lê Văn Sỹ, Phường 13, Quận 3, TP.Hồ Chí Minh",
        None,
        (OLD, "Hồ Chí Minh", "Quận 3", "Phường 13", "123/45 Lê Văn Sỹ"),
    ),
    "no street": ("Láng Hạ, Đống Đa, Hà Nội", "2023-03-02", (OLD, "Hà Nội", "Đống Đa", "Láng Hạ", None)),
    "two levels": ("45 Nguyễn Huệ, Phường Sài Gòn, TP.Hồ Chí Minh", "2025-08-05", (NEW, "Hồ Chí Minh", None, "Phường Sài Gòn", "45 Nguyễn Huệ")),
    "two levels by short form": ("K12/3 Hải Phòng, P. Hải Châu, TP.Đà Nẵng", None, (NEW, "Đà Nẵng", None, "P. Hải Châu", "K12/3 Hải Phòng")),
    "commune and district both with type words": ("Xã Tân An, Huyện Tân Châu, Tây Ninh", None, (OLD, "Tây Ninh", "Huyện Tân Châu", "Xã Tân An", None)),
    "nothing tells the era": ("Số 1, Láng Hạ, Đống Đa, Hà Nội", None, (None, "Hà Nội", None, None, None)),
    "a new card may still show an old address": ("Số 1, Láng Hạ, Đống Đa, Hà Nội", "2026-01-01", (None, "Hà Nội", None, None, None)),
    "too few parts": ("Đông Sơn, Thanh Hóa", "2022-01-01", (OLD, "Thanh Hóa", None, None, None)),
    "hyphen city": (
        "KP6, Mỹ Đông, Phan Rang-Tháp Chàm, Ninh Thuận",
        None,
        (OLD, "Ninh Thuận", "Phan Rang-Tháp Chàm", "Mỹ Đông", "KP6"),
    ),
    "a city named like its province": ("Lê Lợi, TP. Quảng Ngãi, Quảng Ngãi", None, (OLD, "Quảng Ngãi", "TP. Quảng Ngãi", "Lê Lợi", None)),
    "a commune where the district should be": ("Khu 1, Phường 5, Bình Dương", None, (OLD, "Bình Dương", None, None, None)),
    "no province": ("12 Main Street, Springfield", None, (None, None, None, None, None)),
    "nothing": ("", None, (None, None, None, None, None)),
}  # fmt: skip


@pytest.mark.parametrize(("text", "issued", "expect"), READINGS.values(), ids=READINGS)
def test_addresses_are_read_from_the_right(text, issued, expect):
    found = read_address(text, issued=issued)
    assert (found.era, found.province, found.district, found.commune, found.detail) == expect
    assert found.text == text


@given(st.text(max_size=120))
def test_any_text_is_kept_verbatim_and_only_its_own_parts_are_named(text):
    found = read_address(text, issued="2022-01-01")
    assert isinstance(found, Address)
    assert found.text == text
    assert {found.commune, found.district} - {None} <= set(parts_of(text))


SAME = {
    "ward": ("P.13", "Phường 13"),
    "ward without dot": ("P13", "phường 013"),
    "district with a zero": ("Quận 03", "Q.3"),
    "city": ("T.P. Huế", "Thành phố Huế"),
    "settlement": ("KP6", "Khu phố 6"),
    "tone placement": ("Hoà Bình", "Hòa Bình"),
    "street": ("Đ. Lê Lợi", "đường Lê Lợi"),
    "town": ("TX Tân Uyên", "Thị xã Tân Uyên"),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_short_forms_have_the_same_key(one, other):
    assert unit_key(one) == unit_key(other)


@pytest.mark.parametrize("part", ["Hòa Bình", "Thôn X", "Phú Quốc", "Quảng Ngãi", "Tân An", "Đa Kao", "12/3", "T", "P."])
def test_names_are_not_taken_for_short_forms(part):
    assert unit_key(part) == part.casefold()


def test_whole_addresses_compare_past_commas_and_short_forms():
    assert address_key("Khu Phố 1,, Uyên Hưng, Tân Uyên") == address_key("KP1, Uyên Hưng, Tân Uyên")


def test_sixty_three_provinces_became_thirty_four():
    assert (len(names_of(OLD)), len(names_of(NEW)), len(provinces())) == (63, 34, 63)


SEVEN = {"Lào Cai": "10 15", "Bắc Ninh": "27 24", "Quảng Trị": "45 44", "Gia Lai": "64 52", "Tây Ninh": "72 80", "Đồng Tháp": "87 82", "An Giang": "89 91"}  # fmt: skip


@pytest.mark.parametrize(("name", "codes"), SEVEN.items())
def test_seven_provinces_keep_their_name_under_another_code(name, codes):
    before, after = codes.split()
    assert province_of_code(before, OLD) == province_of_code(after, NEW) == name
    assert province_of_code(after, OLD) != name


PROVINCES = {
    "Tỉnh Hoà Bình": "Hòa Bình",
    "TP.HCM": "Hồ Chí Minh",
    "TPHCM": "Hồ Chí Minh",
    "TP. Hồ Chí Minh": "Hồ Chí Minh",
    "Thành phố Huế": "Huế",
    "Thừa Thiên Huế": "Thừa Thiên Huế",
    "Bà Rịa-Vũng Tàu": "Bà Rịa - Vũng Tàu",
    "BRVT": "Bà Rịa - Vũng Tàu",
    "T. Tây Ninh": "Tây Ninh",
    "Ha Noi": None,
}


@pytest.mark.parametrize(("text", "expect"), PROVINCES.items())
def test_provinces_are_named_by_alias_but_never_without_their_accents(text, expect):
    assert match_province(text).name == expect


def test_a_province_without_accents_is_a_candidate():
    assert match_province("HA NOI").candidates == ("Hà Nội",)
    assert successor_of("Bình Dương") == "Hồ Chí Minh"


def test_communes_that_differ_only_in_accents_are_for_a_person_to_choose():
    communes = ("Sa Pa", "Sa Pả", "Hàm Rồng")
    assert match_unit("Sa Pả", communes).name == "Sa Pả"
    assert match_unit("Sa Pa", communes) == type(match_unit("x", ()))(name=None, candidates=("Sa Pa", "Sa Pả"))
    assert match_unit("ham rong", communes).name is None
    assert match_unit("ham rong", communes).candidates == ("Hàm Rồng",)
    assert match_unit("Xã Hàm Rồng", communes).name == "Hàm Rồng"


def test_a_split_commune_is_never_decided_here():
    assert match_successor(("Giảng Võ", "Láng", "Đống Đa")).name is None
    assert match_successor(("Tân Mỹ",)).name == "Tân Mỹ"
