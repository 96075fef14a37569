"""Keys two records of one person may share: Vietnamese writing is settled here, before any engine sees a letter."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.people.birth_keys import birth_keys
from residence.people.name_keys import name_keys
from residence.people.person import PartialDate
from residence.people.phones import phone_key
from residence.places.address_keys import address_keys

SYLLABLES = [
    "Nguyễn",
    "Thị",
    "Hòa",
    "Thủy",
    "Đặng",
    "Quý",
    "Hoàn",
    "H'Loan",
    "Niê",
    "Kdăm",
    "Y-Bhăm",
    "Êban",
    "Mỹ",
    "An",
    "Ân",
    "Thúy",
]
names = st.lists(st.sampled_from(SYLLABLES), min_size=1, max_size=5).map(" ".join)

# (one writing, the other, the keys that must be equal, keys that must differ)
SAME_NAME = {
    "tone placement": ("Nguyễn Thị Hoà", "Nguyễn Thị Hòa", "accented plain", ""),
    "tone of uy": ("Trần Thuỷ", "Trần Thủy", "accented plain", ""),
    "decomposed letters": ("Nguyễn", unicodedata.normalize("NFD", "Nguyễn"), "accented plain", ""),
    "capitals": ("Đặng Văn Lâm", "ĐẶNG VĂN LÂM", "accented plain", ""),
    "the wrong letter Ð": ("Đặng Lâm", "Ðặng Lâm", "accented plain", ""),
    "D for Đ": ("Đặng Lâm", "Dặng Lâm", "plain", "accented"),
    "no accents": ("Đặng Thị Mỹ", "DANG THI MY", "plain", "accented"),
    "i for y": ("Lê Quý", "Lê Quí", "plain", "accented"),
    "other accents": ("Phạm An", "Phạm Ân", "plain", "accented"),
    "given name first": ("Nguyễn Văn An", "An Nguyen Van", "words", "plain given"),
    "middle name left out": ("Nguyễn Thị Thu Lan", "Nguyễn Lan", "ends given", "plain word_count"),
    "another middle name": ("Nguyễn Thu Lan", "Nguyễn Mai Lan", "ends given word_count", "plain words"),
    "initials": ("Nguyễn Văn An", "N. V. An", "initials given", "plain ends"),
    "apostrophe and space": ("H' Loan Niê Kdăm", "H’Loan Niê Kdăm", "accented plain", ""),
    "lost apostrophe": ("H'Loan Niê Kdăm", "HLOAN NIE KDAM", "plain", "words"),
    "hyphen": ("Y-Bhăm Êban", "Y Bham Eban", "plain words", "accented"),
}


@pytest.mark.parametrize("case", SAME_NAME.values(), ids=SAME_NAME)
def test_two_writings_of_a_name_share_exactly_the_keys_they_should(case):
    one, other, equal, different = case
    first, second = name_keys(one), name_keys(other)
    assert {key: getattr(first, key) for key in equal.split()} == {key: getattr(second, key) for key in equal.split()}
    for key in different.split():
        assert getattr(first, key) != getattr(second, key), key


def test_what_has_no_letter_has_no_keys():
    assert [name_keys(text) for text in ("", " ", "'", "-. ·")] == [None] * 4


@given(names)
def test_a_name_without_accents_in_capitals_keeps_all_plain_keys(name):
    full, bare = name_keys(name), name_keys(unicodedata.normalize("NFD", name).upper())
    assert full == bare
    assert full.plain.isascii()
    assert full.words.isascii()


@given(names)
def test_the_order_of_words_is_set_aside_by_the_key_of_words_alone(name):
    turned = " ".join(reversed(name.split()))
    assert sorted(name_keys(name).words) == sorted(name_keys(turned).words)
    assert name_keys(name).words == name_keys(turned).words


def test_a_date_meets_itself_and_its_swapped_form_and_a_year_only_the_year():
    one, other = (birth_keys(PartialDate(value=value, precision="day")) for value in ("1990-03-04", "1990-04-03"))
    assert (one.swapped, one.either) == (other.day, other.either)
    assert birth_keys(PartialDate(value="1990-03-25", precision="day")).swapped is None
    assert birth_keys(PartialDate(value="1990-05-05", precision="day")).swapped is None
    year = birth_keys(PartialDate(value="1990", precision="year"))
    assert (year.year, year.day, year.swapped, year.either) == ("1990", None, None, None)
    assert birth_keys(PartialDate(value="1990-03", precision="month")).day is None


@given(st.dates())
def test_what_is_swapped_is_a_real_date_and_swaps_back(day):
    keys = birth_keys(PartialDate(value=day.isoformat(), precision="day"))
    if keys.swapped:
        back = birth_keys(PartialDate(value=keys.swapped, precision="day"))
        assert (back.swapped, back.either) == (keys.day, keys.either)


PHONES = {
    "0912 345 678": "0912345678",
    "+84 912.345.678": "0912345678",
    "0084912345678": "0912345678",
    "+84 (0)912345678": "0912345678",
    "01699333999": "0399333999",
    "0128-787-8888": "0787878888",
    "02838291234": "02838291234",  # a landline of eleven digits keeps them
    "+49 30 901820": None,
    "0912345678 / 0987654321": None,
    "an@vi.du": None,
    "٠٩١٢٣٤٥٦٧٨": None,
    "": None,
}


@pytest.mark.parametrize(("text", "key"), PHONES.items())
def test_a_telephone_is_the_number_it_is_dialled_by_today(text, key):
    assert phone_key(text) == key


SAME_HOUSE = {
    "before and since 2025": (
        "12 Lê Lợi, Uyên Hưng, Tân Uyên, Bình Dương",
        "Số 12 đường Lê Lợi, Phường Tân Uyên, Thành phố Hồ Chí Minh",
    ),
    "short forms": ("SN 05 Đ. Số 7, P.03, Q.5, TP.HCM", "5 đường số 7, Phường 3, Quận 5, Hồ Chí Minh"),
    "settlements": ("Tổ 2 KP6, Phường 3, Tân An, Long An", "Tổ 2 khu phố 6, phường Long An, tỉnh Tây Ninh"),
    "no accents": ("Thôn Đông, Hoà Bình, Chợ Mới, An Giang", "THON DONG, XA CHO MOI, TINH AN GIANG"),
}


@pytest.mark.parametrize("case", SAME_HOUSE.values(), ids=SAME_HOUSE)
def test_a_house_has_one_key_however_the_units_above_it_are_written(case):
    assert address_keys(case[0]).house == address_keys(case[1]).house is not None


def test_addresses_that_say_less_have_fewer_keys():
    assert address_keys(" , ,") is None
    assert address_keys("An Giang").house is None
    assert address_keys("12 Lê Lợi, Phường Mẫu, Xứ Xa").province is None
    assert address_keys("12 Lê Lợi, Phường Mẫu, An Giang").house != address_keys("12 Lê Lợi, Phường Mẫu, Cà Mau").house
