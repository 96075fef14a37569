"""Card QR payloads: the vectors, and what must hold for any bytes at all."""

import json
import string
from datetime import date
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from residence.credentials.card_qr import CardPolicy, parse_card
from residence.credentials.payload_kind import KIND_CODES, PayloadKind
from residence.credentials.reading import is_complete, read_payload
from residence.errors import sentence
from residence.people.person import DocumentKind

VECTORS = sorted((Path(__file__).parents[1] / "vectors" / "card-qr").glob("*.json"))
TODAY = date(2026, 7, 10)
CARD = "001095000117||Trần Văn An|01021995|Nam|Láng Hạ, Đống Đa, Hà Nội|15082021"
NAME_LETTERS = "aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạắằẳẵặấầẩẫậéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵŏŭčĕĭñ"


def read(payload):
    return read_payload(payload, reader="test", today=TODAY)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_every_payload_vector_reads_as_it_says(path):
    vector = json.loads(path.read_text("utf-8"))
    payload = bytes.fromhex(vector["payload_hex"]) if "payload_hex" in vector else vector["payload"].encode()
    outcome = read_payload(payload, reader="test", today=date.fromisoformat(vector["today"]))
    found = json.loads(msgspec.json.encode(outcome))
    expect = vector["expect"]
    problems = [{key: each[key] for key in ("code", "severity", "pointer")} for each in found["problems"]]
    assert {**{key: found[key] for key in expect if key != "problems"}, "problems": problems} == expect


def test_all_examples_of_the_domain_are_among_the_vectors():
    assert sum(path.stem.startswith(("c21-", "c24-", "hyp-", "doc6-", "neg-")) for path in VECTORS) == 21


def test_a_clean_card_is_card_text_and_nothing_more():
    reading = read(CARD.encode()).reading
    assert reading.evidence.level == 1
    assert reading.person.document.kind is DocumentKind.CARD_2021
    assert reading.person.document.expiry is None


def test_a_refused_payload_gives_no_person_to_anybody():
    assert read(CARD.replace("15082021", "32082021").encode()).reading is None


words = st.text(NAME_LETTERS, min_size=1, max_size=7).map(str.capitalize)
names = st.lists(words, min_size=1, max_size=6).map(" ".join)
homes = st.lists(names, min_size=1, max_size=4).map(", ".join)
dates = st.dates(min_value=date(1900, 1, 1), max_value=TODAY)


@st.composite
def cards(draw):
    born, sex = draw(dates), draw(st.sampled_from(["male", "female"]))
    century_and_sex = 2 * (born.year // 100 - 19) + (sex == "female")
    number = f"079{century_and_sex}{born.year % 100:02}{draw(st.integers(0, 999999)):06}"
    old = draw(st.one_of(st.just(""), st.integers(0, 999_999_999).map("{:09}".format)))
    issued = draw(st.dates(min_value=max(born, date(2021, 1, 1)), max_value=TODAY))
    said = {"number": number, "old": old, "name": draw(names), "born": born, "sex": sex, "home": draw(homes), "issued": issued}
    fields = [number, old, said["name"], f"{born:%d%m%Y}", "Nam" if sex == "male" else "Nữ", said["home"], f"{issued:%d%m%Y}"]
    return said, "|".join(fields) + draw(st.sampled_from(["", "||||"]))


@given(cards())
def test_what_a_card_says_is_what_is_read(card):
    said, payload = card
    outcome = read(payload.encode())
    fields = outcome.fields
    assert outcome.ok
    assert not [each.code for each in outcome.problems if not each.code.endswith(("_lost", "_future", "_birth"))]
    assert (fields.personal_number, fields.old_number or "", fields.full_name) == (said["number"], said["old"], said["name"])
    assert (fields.birth.value, fields.sex, fields.issued) == (said["born"].isoformat(), said["sex"], said["issued"].isoformat())
    assert fields.residence_text == said["home"]


@given(cards(), st.data())
def test_a_card_cut_short_anywhere_is_never_accepted(card, data):
    payload = card[1].rstrip("|").encode()
    cut = payload[: data.draw(st.integers(0, len(payload) - 1))]
    assert not read(cut).ok
    assert not is_complete(cut)
    assert is_complete(payload)


def test_the_end_of_a_newer_card_may_come_late():
    assert not is_complete((CARD + "|").encode())
    assert is_complete((CARD + "||||\r").encode())
    assert read((CARD + "||").encode()).incomplete


@given(st.binary(max_size=400))
def test_no_bytes_raise_and_no_problem_is_without_sentences(payload):
    outcome = read(payload)
    assert outcome.ok == (outcome.reading is not None)
    assert outcome.ok or outcome.problems
    assert all(each.message.vi and each.message.en for each in outcome.problems)
    json.loads(msgspec.json.encode(outcome))


@given(st.text(max_size=400))
def test_no_text_raises(payload):
    read(payload)
    parse_card(payload, today=TODAY)


@given(cards(), st.data())
def test_a_card_with_one_character_changed_never_raises_and_keeps_strange_characters_out(card, data):
    payload = card[1]
    place = data.draw(st.integers(0, len(payload) - 1))
    strange = data.draw(st.sampled_from(string.printable + "\x00\u200b\u202e\ue000\ufffd٠０あ漢<>|;"))
    outcome = read((payload[:place] + strange + payload[place + 1 :]).encode())
    if outcome.ok:
        name = outcome.reading.person.full_name
        assert not set(name) & set("<>\x00\u200b\u202e\ue000\ufffd٠０あ漢|")
        assert outcome.reading.person.personal_number.isascii()


CASES = {
    "spaces around the name are kept": (2, " Trần Văn An ", "full_name"),
    "a doubled comma is data": (5, "Khu Phố 1,, Uyên Hưng", "residence_text"),
    "letters of other languages of the country": (2, "Y-Bŏ Čĕ Ñĭ ŭ", "full_name"),
    "curly apostrophes": (2, "H’ Loan Niê", "full_name"),
}


@pytest.mark.parametrize(("index", "value", "field"), CASES.values(), ids=CASES)
def test_free_text_is_kept_as_it_is(index, value, field):
    fields = CARD.split("|")
    fields[index] = value
    outcome = read("|".join(fields).encode())
    assert outcome.ok
    assert getattr(outcome.fields, field) == value


def test_a_site_can_refuse_the_layout_of_six_fields():
    six = CARD.replace("||", "|")
    assert read(six.encode()).ok
    refused = read_payload(six.encode(), reader="test", today=TODAY, policy=CardPolicy(accept_six_fields=False))
    assert [each.code for each in refused.problems] == ["card.field_count"]


def test_a_cancelled_number_counts_only_where_a_site_has_confirmed_its_place():
    payload = (CARD + "|001095000999|||").encode()
    assert read(payload).reading.person.cancelled_numbers == ()
    confirmed = read_payload(payload, reader="test", today=TODAY, policy=CardPolicy(cancelled_number_in=0))
    assert confirmed.reading.person.cancelled_numbers == ("001095000999",)


def test_a_payload_longer_than_any_code_is_refused_without_reading_it():
    outcome = read(CARD.encode() + b"a" * 3000)
    assert (outcome.kind, [each.code for each in outcome.problems]) == ("card-qr", ["payload.too_long"])


def test_every_kind_of_code_has_a_sentence_in_both_languages():
    assert set(KIND_CODES) == set(get_args(PayloadKind))
    assert all(sentence(code).vi and sentence(code).en for code in KIND_CODES.values())
