"""Our words into the ministry's and back: what is asked for before sending, and what an answer means whatever it says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import factories
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some
from kbtt_parts import FOREIGNER

from gateway.authorities.kbtt_checks import problems_of
from gateway.authorities.kbtt_mapping import change_fields, declaration_fields, nationality_code, outcome_of, parts_of
from gateway.authorities.kbtt_session import wait_of
from gateway.authorities.port import Task
from gateway.authorities.portal_rows import COLUMNS, guest_row, read_labels
from gateway.authorities.secrets import read_secrets
from gateway.authorities.settings import KbttPaths, KbttSettings, parse_settings
from registry.authority_content import FIELDS
from residence.access.purposes import PERSONAL
from residence.errors import LuutruError
from residence.people.person import Document, DocumentKind, PartialDate
from residence.places.premises import PremisesKind
from residence.stays.declaration import Reason

SETTINGS = KbttSettings(base="http://127.0.0.1:1")
YEAR = PartialDate(value="1990", precision="year")


def task(declaration=None, *, person=None, settings=None, **changes):
    said = declaration or factories.make_declaration(**({"person": person} if person else {}))
    fields = {
        "operation": "arrival",
        "facility": "hoa-binh",
        "declaration": said,
        "premises_kind": PremisesKind.HOTEL,
        "unit": "301",
        "arrival": datetime(2026, 7, 10, 17, 30, tzinfo=UTC),
        "until": datetime(2026, 7, 12, 5, 0, tzinfo=UTC),
        **changes,
    }
    return Task(**fields)


def changed(**changes):
    return msgspec.structs.replace(factories.make_person(), **changes)


def foreign(**changes):
    person = msgspec.structs.replace(FOREIGNER, **changes)
    return task(factories.make_declaration(person=person, permitted_stay_until="2026-08-01"))


def codes(each, settings=SETTINGS):
    return [(found.code, found.pointer) for found in problems_of(each, settings)]


def document(kind, number):
    return changed(document=Document(kind=kind, number=number), personal_number=None)


PROBLEMS = {
    "fine": (task(), []),
    "no room in a hotel": (task(unit=None), [("authority.room_missing", "/unit")]),
    "no room in a household": (task(unit=None, premises_kind=PremisesKind.HOUSEHOLD), []),
    "no sex": (task(person=changed(sex=None)), [("authority.sex_missing", "/person/sex")]),
    "no birth date": (task(person=changed(birth=None)), [("authority.birth_missing", "/person/birth")]),
    "a birth year": (task(person=changed(birth=YEAR)), [("authority.birth_inexact", "/person/birth")]),
    "a number, and not of which document": (
        task(person=changed(document=None)),
        [("authority.document_kind_missing", "/person/document/kind")],
    ),
    "no document": (task(person=changed(document=None, personal_number=None)), [("authority.no_papers", "/person/document")]),
    "a document without a number": (
        task(person=document(DocumentKind.BIRTH_CERTIFICATE, None)),
        [("authority.number_missing", "/person/document/number")],
    ),
    "a licence with a dash": (
        task(person=document(DocumentKind.DRIVING_LICENCE, "AB-1")),
        [("authority.number_shape", "/person/document/number")],
    ),
    "another paper": (
        task(person=document(DocumentKind.OTHER, "1")),
        [("authority.document_not_taken", "/person/document/kind")],
    ),
    "no reason": (task(factories.make_declaration(reason=None)), [("authority.reason_missing", "/reason")]),
    "another reason": (
        task(factories.make_declaration(reason=Reason.OTHER)),
        [("authority.reason_text_missing", "/reason_text")],
    ),
    "a foreigner": (foreign(), []),
    "a foreigner by card": (
        foreign(document=Document(kind=DocumentKind.CARD_2021, number="001095000117")),
        [("authority.document_not_taken", "/person/document/kind")],
    ),
    "a foreigner's birth year": (foreign(birth=YEAR), [("authority.birth_inexact", "/person/birth")]),
    "an ended permit": (
        task(factories.make_declaration(person=FOREIGNER, permitted_stay_until="2026-07-10")),
        [("authority.permitted_ended", "/permitted_stay_until")],
    ),
    "a change without an address": (task(operation="extension"), [("authority.no_address_for_change", "/kind")]),
}


@pytest.mark.parametrize(("each", "expected"), PROBLEMS.values(), ids=PROBLEMS)
def test_everything_that_keeps_it_from_the_form_is_named(each, expected):
    assert codes(each) == expected


def test_what_a_setting_answers_is_no_problem_any_more():
    assert codes(task(person=changed(birth=YEAR)), KbttSettings(base="", partial_birth="first-day")) == []
    settings = KbttSettings(base="", year_only_code="Y", paths=KbttPaths(change="/doi"))
    assert codes(foreign(birth=YEAR), settings) == []
    fields = declaration_fields(foreign(birth=YEAR), settings, nationality="D")
    assert (fields["loaiNgayThangNamSinh"], fields["ngayThangNamSinhStr"]) == ("Y", "1990-01-01")
    assert codes(task(operation="departure"), settings) == []


@pytest.mark.parametrize(("sexes", "words"), [("letters", ("M", "F")), ("words", ("Nam", "Nữ"))])
def test_a_sex_is_written_as_the_setting_says(sexes, words):
    settings = KbttSettings(base="", sexes=sexes)
    written = [
        declaration_fields(task(person=changed(sex=sex)), settings, nationality=None)["gioiTinh"] for sex in ("male", "female")
    ]
    assert tuple(written) == words


def test_times_are_vietnams_and_a_change_names_the_guest_by_the_document():
    fields = declaration_fields(task(), SETTINGS, nationality=None)
    assert (fields["ngayDenCsltStr"], fields["ngayDiDuKienStr"]) == ("2026-07-11 00:30:00", "2026-07-12 12:00:00")
    named = {"soGiayTo": "001095000117", "loaiGiayTo": 1}
    assert change_fields(task(operation="extension"), SETTINGS) == {"loai": "GH", "thoiGianStr": "2026-07-12 12:00:00", **named}
    assert change_fields(task(operation="departure"), SETTINGS) == {"loai": "TS", **named}


NATIONS = [("D", ["D"], "D"), ("D", ["DEU"], "DEU"), ("DEU", ["D"], "D"), ("FRA", ["FRA"], "FRA"), ("FRA", ["D"], None)]


@pytest.mark.parametrize(("nationality", "catalogue", "code"), NATIONS)
def test_a_nationality_is_found_whichever_way_the_catalogue_writes_it(nationality, catalogue, code):
    assert nationality_code(nationality, catalogue, SETTINGS) == code


def body(code, message="x"):
    return json.dumps({"code": code, "message": message, "data": None}).encode()


ANSWERS = {
    "200 and its code": (200, body("200"), "accepted"),
    "200 and its code as a number": (200, body(200), "accepted"),
    "200 and another code": (200, body("400"), "refused"),
    "400 and the code of success": (400, body("200"), "refused"),
    "400": (400, b"", "refused"),
    "409": (409, body("409"), "refused"),
    "200 and no code": (200, b"{}", "silent"),
    "200 and a page": (200, b"<html>", "silent"),
    "200 and a list": (200, b"[]", "silent"),
    "200 in another encoding": (200, b"\xff\xfe", "silent"),
    "204": (204, b"", "silent"),
    "500": (500, body("500"), "silent"),
    "503": (503, b"", "silent"),
    "408": (408, b"", "silent"),
    "429": (429, b"", "not-sent"),
    "401": (401, b"", "not-sent"),
    "404": (404, b"", "not-sent"),
    "302": (302, b"", "not-sent"),
}


@pytest.mark.parametrize(("status", "content", "fate"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_means(status, content, fate):
    assert outcome_of(status, content).fate == fate


@given(status=some.integers(100, 599), content=some.binary(max_size=40))
def test_no_answer_is_taken_for_yes_but_the_one(status, content):
    outcome = outcome_of(status, content)
    assert outcome.fate != "accepted"  # forty random bytes hold no code of success
    assert outcome.code


def test_the_ministrys_one_text_is_taken_apart_for_display():
    assert parts_of("Bản khai báo 0: a, b, Bản khai báo 12: c") == [(0, "a, b"), (12, "c")]
    assert parts_of("lỗi hệ thống") == []


class Answer:
    def __init__(self, text):
        self.headers = {"retry-after": text}


WAITS = {"2": timedelta(seconds=2), "": None, "soon": None, "999999": timedelta(hours=1), "²": None, "-1": None}


@pytest.mark.parametrize(("text", "wait"), WAITS.items())
def test_a_wish_to_wait_is_seconds_and_at_most_an_hour(text, wait):
    assert wait_of(Answer(text)) == wait


REFUSED = {
    'base = "http://ministry.example"': "authorities.not_https",
    'base = "ftp://127.0.0.1"': "authorities.not_https",
    'base = "https://ministry.example"': "authorities.contract_missing",
    'base = "https://ministry.example"\ncontract = " "': "authorities.contract_missing",
    'base = "http://127.0.0.1"\nsexs = "words"': "authorities.unknown_setting",
    'base = "http://127.0.0.1"\nsexes = "both"': "authorities.invalid_setting",
    "base": "authorities.not_toml",
}


@pytest.mark.parametrize(("text", "code"), REFUSED.items())
def test_a_file_of_authorities_is_refused_for(text, code):
    with pytest.raises(LuutruError) as refused:
        parse_settings(f"[kbtt]\n{text}".encode())
    assert refused.value.code == code


def test_https_under_a_contract_and_this_machine_are_taken():
    assert parse_settings(b'[kbtt]\nbase = "https://ministry.example"\ncontract = "12/2026"').kbtt
    assert parse_settings(b'[kbtt]\nbase = "http://127.0.0.1:8791"').kbtt
    assert parse_settings(b"").kbtt is None


def test_secrets_are_never_shown_and_no_path_leaves_their_folder(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text('client_id = "i"\nclient_secret = "s3cret"\nusername = "u"\npassword = "p4ss"')
    path.chmod(0o600)
    secrets = read_secrets(tmp_path, "a")
    assert "s3cret" not in f"{secrets!r} {secrets}"
    path.write_text('password = "p4ss')
    for name in ("a", "b", "../a", "/etc/passwd"):
        with pytest.raises(LuutruError) as refused:
            read_secrets(tmp_path, name)
        assert "p4ss" not in str(refused.value)


def test_every_personal_field_that_is_told_has_words_for_a_dispute():
    every = tuple(sorted(FIELDS & PERSONAL))
    assert declaration_fields(task(disputed=every), SETTINGS, nationality=None)["ghiChu"].count(",") == len(every) - 1
    assert "ghiChu" not in declaration_fields(task(), SETTINGS, nationality=None)
    in_file = guest_row(task(disputed=("sex",)), number=1, labels=read_labels())[COLUMNS.index("GHI CHÚ")]
    assert in_file == "Thông tin đang có khiếu nại: giới tính"
