"""The played KBTT holds to the ministry's document: what it refuses, how it logs in, and the faults it plays."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from datetime import timedelta

import httpx
import pytest
from kbtt_parts import FOREIGN_GUEST, VIETNAMESE_GUEST, desk

from luutru.sandbox.kbtt_office import AUTHORIZATION

# what is changed in a declaration that passes (None: the field is left out); EVENING is 2026-07-10 14:00 in Vietnam
REFUSED = {
    "no name": {"hoTen": None},
    "an empty name": {"hoTen": ""},
    "a blank before the name": {"hoTen": " An"},
    "a sex in words": {"gioiTinh": "Nam"},
    "a birth date in another order": {"ngayThangNamSinhStr": "01/02/1995"},
    "a day that is none": {"ngayThangNamSinhStr": "1995-02-30"},
    "a document type as text": {"loaiGiayTo": "1"},
    "a document type that is true": {"loaiGiayTo": True},
    "a document type for files only": {"loaiGiayTo": 9},
    "eleven digits": {"soGiayTo": "00109500011"},
    "a number with a space": {"loaiGiayTo": 3, "soGiayTo": "AB 123"},
    "a passport too long": {"loaiGiayTo": 4, "soGiayTo": "ABCDEFGHIJK"},
    "arrival the day before yesterday": {"ngayDenCsltStr": "2026-07-08 23:59:59"},
    "arrival tomorrow": {"ngayDenCsltStr": "2026-07-11 00:00:00"},
    "a zone on a time": {"ngayDenCsltStr": "2026-07-10T13:00:00+07:00"},
    "departure before arrival": {"ngayDiDuKienStr": "2026-07-10 12:59:59"},
    "no planned departure": {"ngayDiDuKienStr": None},
    "a reason that is none": {"lyDoCuTru": 21},
    "another reason unexplained": {"lyDoCuTru": 20},
    "no room in a hotel": {"soPhong": None},
    "a ward of the statistics office": {"maPX": "00001"},
    "a picture of the card": {"anhTruocB64": "AAAA"},
    "a field nobody knows": {"email": "a@b"},
    "a list as a room": {"soPhong": ["301"]},
}
PASSING = {
    "as it is": {},
    "arrival yesterday": {"ngayDenCsltStr": "2026-07-09 00:00:00"},
    "nine digits of an old document": {"loaiGiayTo": 2, "soGiayTo": "012345678"},
    "another reason, explained": {"lyDoCuTru": 20, "lyDoChiTiet": "Chờ tàu"},
    "a province of its own catalogue": {"maTT": "101", "maPX": "101000001"},
}
FOREIGN_REFUSED = {
    "a nationality outside the catalogue": {"quocTich": "DEU"},
    "a permit that ended yesterday": {"thoiHanTamTruStr": "2026-07-09 23:59:59"},
    "no permit": {"thoiHanTamTruStr": None},
    "a passport with a sign": {"soHoChieu": "X-123"},
}


def changed(guest, changes):
    return {name: value for name, value in {**guest, **changes}.items() if value is not None}


@pytest.fixture(scope="module")
def open_desk():
    with desk() as made:
        yield made


@pytest.fixture
def hotel(open_desk):
    open_desk.office.ledger.held.clear()
    return open_desk


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
def test_a_declaration_is_refused_for(hotel, changes):
    answer = hotel.declare(changed(VIETNAMESE_GUEST, changes))
    assert (answer.status_code, answer.json()["code"]) == (400, "400")
    assert answer.json()["message"].startswith("Bản khai báo 1: ")
    assert not hotel.office.ledger.held


@pytest.mark.parametrize("changes", PASSING.values(), ids=PASSING)
def test_a_declaration_passes(hotel, changes):
    assert hotel.declare(changed(VIETNAMESE_GUEST, changes)).json()["code"] == "200"
    assert len(hotel.office.ledger.held) == 1


@pytest.mark.parametrize("changes", FOREIGN_REFUSED.values(), ids=FOREIGN_REFUSED)
def test_a_foreigner_is_refused_for(hotel, changes):
    assert hotel.declare(changed(FOREIGN_GUEST, changes), foreign=True).status_code == 400
    assert hotel.declare(FOREIGN_GUEST, foreign=True).status_code == 200


def test_the_same_guest_twice_is_an_overlap_and_twice_in_a_batch_a_duplicate(hotel):
    assert hotel.declare(VIETNAMESE_GUEST, VIETNAMESE_GUEST).status_code == 400
    assert hotel.declare(VIETNAMESE_GUEST).status_code == 200
    assert hotel.declare(VIETNAMESE_GUEST).status_code == 400
    assert len(hotel.office.ledger.held) == 1


def test_who_left_and_was_not_reported_counts_as_staying_elsewhere_until_they_are():
    with desk() as hotel:
        hotel.declare(VIETNAMESE_GUEST)
        first, hotel.token = hotel.token, hotel.log_in("nha-tro").json()
        assert hotel.declare(VIETNAMESE_GUEST).status_code == 400
        second, hotel.token = hotel.token, first
        assert hotel.change(loai="TS").status_code == 200
        assert hotel.change(loai="TS").status_code == 400
        hotel.token = second
        assert hotel.declare(VIETNAMESE_GUEST).status_code == 200


UNTIL = {"2026-07-12 12:00:00": 400, "2026-07-12 12:00:01": 200, "2026-08-09 13:00:00": 200, "2026-08-09 13:00:01": 400}


@pytest.mark.parametrize(("until", "status"), UNTIL.items())
@pytest.mark.parametrize("foreign", [False, True])
def test_an_extension_goes_beyond_the_departure_and_not_beyond_thirty_days(hotel, until, status, foreign):
    hotel.declare(FOREIGN_GUEST if foreign else VIETNAMESE_GUEST, foreign=foreign)
    assert hotel.change(foreign=foreign, loai="GH", thoiGianStr=until).status_code == status


def test_a_batch_is_taken_whole_or_in_part_as_it_is_switched():
    bad = {**VIETNAMESE_GUEST, "soGiayTo": "1"}
    for atomic, held in ((True, 0), (False, 1)):
        with desk(atomic=atomic, first_number=0, error_status=200) as hotel:
            answer = hotel.declare(VIETNAMESE_GUEST, bad)
            assert (answer.status_code, answer.json()["code"]) == (200, "400")
            assert answer.json()["message"].startswith("Bản khai báo 1: ")
            assert len(hotel.office.ledger.held) == held


def test_logging_in_needs_the_client_the_facility_and_the_grant(hotel):
    assert hotel.log_in(password="wrong").status_code == 401
    assert hotel.log_in(grant_type="password").status_code == 401
    assert hotel.http.post(f"{AUTHORIZATION}/token", data={}).status_code == 401
    assert set(hotel.log_in().json()) >= {"AccessToken", "RefreshToken", "Exp", "CsltId", "IsCsltChinh"}


def test_a_token_ends_is_refreshed_once_and_can_be_revoked():
    with desk(token_seconds=60) as hotel:
        old = hotel.token
        hotel.office.ahead = timedelta(seconds=61)
        assert hotel.declare(VIETNAMESE_GUEST).status_code == 401
        refresh = f"{AUTHORIZATION}/refresh-token"
        answer = hotel.http.post(refresh, params={"refresh_token": old["RefreshToken"]})
        assert hotel.http.post(refresh, params={"refresh_token": old["RefreshToken"]}).status_code == 401
        hotel.token = answer.json()
        assert hotel.declare(VIETNAMESE_GUEST).status_code == 200
        assert (
            hotel.http.delete(f"{AUTHORIZATION}/revoke", params={"access_token": hotel.token["AccessToken"]}).status_code == 200
        )
        assert hotel.declare(VIETNAMESE_GUEST).status_code == 401


def test_a_catalogue_is_public_and_answers_304_until_it_changes(hotel):
    path = "/cms-backend/public/dm-tinh-tp/get-all"
    first = hotel.http.get(path)
    same = {"If-None-Match": first.headers["etag"]}
    assert hotel.http.get(path, headers=same).status_code == 304
    hotel.office.behaviour.catalogue_version = 2
    assert hotel.http.get(path, headers=same).status_code == 200
    hotel.office.behaviour.catalogue_version = 1


# fault -> (what the client meets, how many declarations are held)
FAULTS = {
    "timeout_before": (httpx.ReadTimeout, 0),
    "timeout_after": (httpx.ReadTimeout, 1),
    "drop_before": (httpx.RemoteProtocolError, 0),
    "drop_after": (httpx.RemoteProtocolError, 1),
    "error_before": (500, 0),
    "error_after": (500, 1),
    "unavailable": (503, 0),
    "too_many": (429, 0),
    "garbage": (200, 1),
    "silent_success": (200, 0),
    "token_expired": (401, 0),
    "odd_refusal": (400, 0),
}


@pytest.mark.parametrize(("fault", "expected"), FAULTS.items(), ids=FAULTS)
def test_a_fault_is_played_once(hotel, fault, expected):
    meets, held = expected
    hotel.office.behaviour.faults = [fault]
    hotel.http.timeout = httpx.Timeout(20, read=0.3 if fault.startswith("timeout") else 20)
    if isinstance(meets, int):
        assert hotel.declare(VIETNAMESE_GUEST).status_code == meets
    else:
        with pytest.raises(meets):
            hotel.declare(VIETNAMESE_GUEST)
    assert len(hotel.office.ledger.held) == held
    hotel.http.timeout = 20
    assert hotel.declare(VIETNAMESE_GUEST).status_code == (400 if held else 200)


def test_more_than_is_allowed_in_a_second_is_told_to_wait():
    with desk(per_second=1) as hotel:
        assert hotel.declare(VIETNAMESE_GUEST).status_code == 200
        answer = hotel.declare(VIETNAMESE_GUEST)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


def test_the_sandbox_starts_as_a_command_and_is_switched_over_http():
    command = [sys.executable, "-m", "luutru", "sandbox", "kbtt", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        address = process.stdout.readline().split()[4].rstrip(";")
        assert httpx.put(f"{address}/sandbox/behaviour", content=json.dumps({"atomic": False})).status_code == 200
        assert httpx.put(f"{address}/sandbox/behaviour", content=json.dumps({"atomc": False})).status_code == 400
        assert httpx.put(f"{address}/sandbox/clock", content="2026-07-10T14:00:00+07:00").status_code == 200
        state = httpx.get(f"{address}/sandbox").json()
        assert state["now"].startswith("2026-07-10T07:00:")
        assert state["held"] == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
