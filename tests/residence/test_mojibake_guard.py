"""The guard for text of a decoder that guessed the character set."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.credentials.mojibake import bytes_behind, is_garbled
from residence.credentials.reading import read_payload

CARD = "001095000117||Trần Văn An|01021995|Nam|Láng Hạ, Đống Đa, Hà Nội|15082021"
NAMES = ["Trần Văn An", "H' Loan Niê Kdăm", "Y-Bŏ Čĕ Ñĭ", "ĐẶNG THỊ ÊU", "Ê’ Ban", "Nguyễn Ước", "ẤU ÂU ÃN"]


PAYLOADS = [CARD.replace("Trần Văn An", name) for name in NAMES] + [
    "079095123456||Phạm Nhật Bùi|01021995|Nữ|Quận 3, Láng|15082021",
    "079095123456||Vũ Tâm Trần|01021995|Nam|An Giang, Láng|15082021",
]


def guessed(charset):
    """Payloads whose UTF-8 another decoder can have taken for this character set, with the text it then gives."""
    for payload in PAYLOADS:
        try:
            yield payload.encode(), payload.encode().decode(charset)
        except UnicodeError:
            continue


@pytest.mark.parametrize("charset", ["latin-1", "cp932", "big5"])
def test_a_wrong_guess_is_undone_when_a_card_comes_out(charset):
    cases = list(guessed(charset))
    assert len(cases) > 1
    for payload, text in cases:
        assert bytes_behind(text) == payload
        outcome = read_payload(text, reader="camera:pyzbar", today=date(2026, 7, 10))
        assert outcome.reading.person.full_name in payload.decode()
        assert outcome.problems[0].code == "payload.character_set_recovered"


def test_right_text_is_left_alone():
    assert bytes_behind(CARD) == CARD.encode()
    assert not read_payload(CARD, reader="camera:pyzbar", today=date(2026, 7, 10)).problems


def test_garbled_text_that_cannot_be_undone_is_refused():
    text = CARD.replace("ầ", "蘯ｧ")
    assert bytes_behind(text) is None
    assert not read_payload(text, reader="camera:pyzbar", today=date(2026, 7, 10)).ok


@pytest.mark.parametrize("name", NAMES)
def test_real_names_are_not_called_garbled(name):
    assert not is_garbled(name)
    assert not is_garbled(name.upper())


@pytest.mark.parametrize("charset", ["latin-1", "cp1252"])
@pytest.mark.parametrize("name", ["Trần Văn Đô", "Nguyễn Ước", "Lê Thị Hồng", "Đỗ Mười"])
def test_utf8_read_as_windows_text_is_called_garbled(name, charset):
    assert is_garbled(name.encode().decode(charset, "replace"))


@given(st.text(max_size=300))
def test_the_guard_never_raises_and_never_invents(text):
    behind = bytes_behind(text)
    assert behind is None or behind.decode().count("|") in {6, 10}
