"""Stays told to another authority: what is told when, what a silence means, and that a person learns of what cannot be told."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from datetime import timedelta

import msgspec
import pytest
import structlog
from kbtt_parts import FOREIGNER, told_to_kbtt
from sqlalchemy import select

from luutru.system import random_bytes
from registry import tables
from registry.authority_lists import Count, answer, count_back, retry
from registry.disputing import Settlement, raise_dispute, settle_dispute
from residence.access.purposes import Field
from residence.people.person import Document, DocumentKind, PartialDate


@pytest.fixture
def told(small_office, tmp_path):
    with told_to_kbtt(small_office, tmp_path) as made:
        yield made


def test_a_stay_is_told_once_on_both_engines(office, tmp_path):
    with told_to_kbtt(office, tmp_path) as told:
        declaration = told.say()
        told.tell()
        assert told.states() == ["accepted"]
        assert told.held() == [(declaration.person.personal_number, False)]
        assert told.tell() == 0
        assert told.kbtt.requests["POST /client-service/kbtt-vn/kbtt-3th"] == 1


def test_what_is_told_is_what_was_declared_and_no_more(told):
    told.say(note="gọi trước khi đến", unit="0102")
    told.tell()
    (held,) = told.kbtt.ledger.held
    assert held.content == {
        "hoTen": "Trần Văn B",
        "gioiTinh": "M",
        "ngayThangNamSinhStr": "1995-02-01",
        "loaiGiayTo": 1,
        "soGiayTo": "001095000001",
        "ngayDenCsltStr": "2026-07-10 14:00:00",
        "ngayDiDuKienStr": "2026-07-12 12:00:00",
        "lyDoCuTru": 4,
        "soPhong": "0102",
    }


def test_a_telling_is_on_the_record_of_the_person(told):
    told.say()
    told.tell()
    with told.office.registry.reading() as connection:
        (look,) = connection.execute(select(tables.access_records)).all()
    assert (look.account_id, look.role, look.purpose) == ("authority:kbtt", "authority", "tell-authority")


def test_a_premises_that_is_not_bound_leaves_no_row(told):
    kiosk = told.office.kiosk()
    told.office.intake.take([told.office.deliver(kiosk, told.office.declaration(kiosk, premises_id="blk-none"))])
    assert told.rows() == []


def test_binding_notes_the_stays_of_today_and_yesterday(small_office, tmp_path):
    kiosk = small_office.kiosk()
    days = ("2026-07-10T09:00:00+07:00", "2026-07-09T00:00:00+07:00", "2026-07-08T23:59:00+07:00")
    small_office.intake.take([small_office.deliver(kiosk, small_office.declaration(kiosk, arrival=day)) for day in days])
    with told_to_kbtt(small_office, tmp_path) as told:
        told.tell()
        assert told.states() == ["accepted", "accepted"]


def test_who_is_expected_is_told_on_arrival_and_not_before(told):
    told.say(arrival="2026-07-10T18:00:00+07:00")
    told.tell()
    assert (told.states(), told.held()) == (["due"], [])
    told.pass_time(hours=4)
    told.tell()
    assert told.states() == ["accepted"]


def test_who_withdrew_before_being_told_is_nobodys_business(told):
    declaration = told.say(arrival="2026-07-10T18:00:00+07:00")
    told.follow_up(declaration, "withdrawal")
    told.tell()
    assert (told.states(), told.held()) == (["nothing"], [])


def test_an_extension_and_an_early_departure_are_told(told):
    declaration = told.say()
    told.tell()
    told.follow_up(declaration, "extension", planned_departure="2026-07-14T12:00:00+07:00")
    told.tell()
    told.pass_time(days=1)
    told.follow_up(declaration, "departure", planned_departure="2026-07-11T13:00:00+07:00")
    told.tell()
    assert [kind for _, kind, _ in told.kbtt.ledger.changes] == ["GH", "TS"]
    assert told.states() == ["accepted"]


def test_a_foreigner_goes_into_the_other_form_with_the_catalogues_code(told):
    told.say(person=FOREIGNER, permitted_stay_until="2026-08-01")
    told.tell()
    (held,) = told.kbtt.ledger.held
    assert (held.foreign, held.content["quocTich"], held.content["loaiNgayThangNamSinh"]) == (True, "D", "D")
    assert held.content["thoiHanTamTruStr"] == "2026-08-01 23:59:59"


def test_the_catalogue_is_kept_and_asked_for_again_when_it_is_stale_or_lacks_a_code(told):
    path = "GET /cms-backend/public/sandbox/quoc-tich"
    for number, (code, hours) in enumerate((("D", 0), ("D", 0), ("D", 25), ("DEU", 0))):
        told.pass_time(hours=hours)
        if code == "DEU":
            told.kbtt.behaviour.catalogue_version = 2
            told.pass_time(hours=25)
        passport = Document(kind=DocumentKind.PASSPORT, number=f"C0{number}", issuer="D")
        arrival = told.office.clock.now().isoformat()
        leaving = (told.office.clock.now() + timedelta(hours=5)).isoformat()
        person = msgspec.structs.replace(FOREIGNER, document=passport)
        told.say(person=person, permitted_stay_until="2026-08-01", arrival=arrival, planned_departure=leaving)
        told.tell()
    assert [each.content["quocTich"] for each in told.kbtt.ledger.held] == ["D", "D", "D", "DEU"]
    assert told.kbtt.requests[path] == 3


# what is wrong with a declaration -> (state, code)
UNFIT = {
    "no planned departure": ({"planned_departure": None}, ("refused", "authority.departure_missing")),
    "arrival before yesterday": ({"arrival": "2026-07-08T20:00:00+07:00"}, ("other-channel", "authority.arrival_too_long_ago")),
    "a foreigner without a permit": ({"person": FOREIGNER}, ("refused", "authority.permitted_missing")),
}


@pytest.mark.parametrize(("changes", "expected"), UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_is_not_sent_and_somebody_is_told(told, changes, expected):
    told.say(**changes)
    told.tell()
    (row,) = told.rows()
    assert (row.state, row.code) == expected
    assert told.held() == []
    assert not [path for path in told.kbtt.requests if path.startswith("POST")]


PERSONS = {
    "no papers": ({"document": Document(kind=DocumentKind.NONE), "personal_number": None}, "authority.no_papers"),
    "a birth year only": ({"birth": PartialDate(value="1995", precision="year")}, "authority.birth_inexact"),
    "a certificate the interface does not know": (
        {"document": Document(kind=DocumentKind.IDENTITY_CERTIFICATE, number="1"), "personal_number": None},
        "authority.document_not_taken",
    ),
}


@pytest.mark.parametrize(("changes", "code"), PERSONS.values(), ids=PERSONS)
def test_whom_the_interface_has_no_place_for_goes_another_way(told, changes, code):
    told.say(person=msgspec.structs.replace(told.office.person(), **changes))
    told.tell()
    assert (told.states(), told.codes()) == (["other-channel"], [code])


# fault -> state after the first try, then (state, how many are held, requests) after everything
SILENCES = {
    "timeout_before": ("silent", "accepted", 2),
    "drop_before": ("silent", "accepted", 2),
    "error_before": ("silent", "accepted", 2),
    "unavailable": ("silent", "accepted", 2),
    "timeout_after": ("silent", "probably", 2),
    "drop_after": ("silent", "probably", 2),
    "error_after": ("silent", "probably", 2),
    "garbage": ("silent", "probably", 2),
    "too_many": ("due", "accepted", 2),
    "token_expired": ("accepted", "accepted", 2),  # turned away at the door, logged in, and once more
}


@pytest.mark.parametrize(("fault", "expected"), SILENCES.items(), ids=SILENCES)
def test_after_any_fault_exactly_one_is_held_and_what_is_in_doubt_is_said(told, fault, expected):
    first, last, requests = expected
    told.kbtt.behaviour.faults, told.kbtt.behaviour.wording = [fault], len(fault) % 3  # nothing depends on the wording
    declaration = told.say()
    with told.impatient() if fault.startswith("timeout") else nullcontext():
        told.tell()
    assert told.states() == [first]
    for _ in range(3):
        told.pass_time(minutes=1)
        told.tell()
    assert told.states() == [last]
    assert told.held() == [(declaration.person.personal_number, False)]
    assert told.kbtt.requests["POST /client-service/kbtt-vn/kbtt-3th"] == requests


def test_a_silence_is_not_asked_about_past_the_day_after_arrival(told):
    told.kbtt.behaviour.faults = ["drop_before"]
    told.say()
    told.tell()
    told.pass_time(days=2)
    told.tell()
    assert (told.states(), told.codes()) == (["probably"], ["authority.probably_accepted"])


def test_a_departure_without_an_answer_is_asked_about_again(told):
    declaration = told.say()
    told.tell()
    told.pass_time(hours=20)
    told.kbtt.behaviour.faults = ["drop_after"]
    told.follow_up(declaration, "departure", planned_departure="2026-07-11T09:00:00+07:00")
    told.tell()
    assert told.states() == ["silent"]
    told.pass_time(minutes=1)
    told.tell()
    assert told.states() == ["probably"]
    assert [kind for _, kind, _ in told.kbtt.ledger.changes] == ["TS"]


def test_a_refusal_keeps_the_authoritys_words_sealed_and_is_sent_again_only_when_asked(told):
    told.kbtt.behaviour.faults = ["odd_refusal"]
    told.say()
    told.tell()
    (row,) = told.rows()
    assert (row.state, row.code) == ("refused", "authority.refused")
    assert row.words_sealed
    assert "Bản".encode() not in row.words_sealed
    told.pass_time(hours=1)
    assert told.tell() == 0
    with told.office.registry.writing() as connection:
        assert retry(connection, [row.record_id], now=told.office.clock.now()) == 1
    told.tell()
    assert told.states() == ["accepted"]


def test_what_changes_while_it_is_on_its_way_is_told_next(told):
    declaration = told.say()
    told.kbtt.behaviour.faults = ["drop_after"]
    told.tell()
    told.follow_up(declaration, "extension", planned_departure="2026-07-14T12:00:00+07:00")
    assert told.states() == ["silent"]
    told.pass_time(minutes=1)
    told.tell()
    assert told.states() == ["accepted"]  # a change was taken, so the stay is certainly there
    assert [kind for _, kind, _ in told.kbtt.ledger.changes] == ["GH"]


CANNOT = {
    "withdrawn": ("withdrawal", {}, "authority.no_withdrawal"),
    "another arrival": ("correction", {"arrival": "2026-07-10T13:00:00+07:00"}, "authority.no_correction"),
    "31 days": ("extension", {"planned_departure": "2026-08-10T12:00:00+07:00"}, "authority.longer_than_taken"),
}


@pytest.mark.parametrize(("kind", "changes", "code"), CANNOT.values(), ids=CANNOT)
def test_what_the_authority_has_no_way_to_take_is_said(told, kind, changes, code):
    declaration = told.say()
    told.tell()
    told.follow_up(declaration, kind, **changes)
    told.tell()
    assert (told.states(), told.codes()) == (["other-channel"], [code])


def test_a_success_that_was_none_is_found_by_counting_back_and_told_again(told):
    told.kbtt.behaviour.faults = ["none", "silent_success"]
    first, second = told.say(), told.say()
    told.tell()
    assert told.states() == ["accepted", "accepted"]
    now = told.office.clock.now()
    with told.office.registry.writing() as connection:
        count = Count(authority="kbtt", facility="hoa-binh", day="2026-07-10", theirs=len(told.held()))
        counted = count_back(connection, count, now=now, random_bytes=random_bytes)
        assert (counted.ok, counted.ours, counted.confirmed) == (False, 2, 0)
        answer(connection, told.rows()[1].record_id, is_there=False, now=now)
    told.tell()
    assert {number for number, _ in told.held()} == {first.person.personal_number, second.person.personal_number}
    with told.office.registry.writing() as connection:
        count = Count(authority="kbtt", facility="hoa-binh", day="2026-07-10", theirs=2)
        assert count_back(connection, count, now=now, random_bytes=random_bytes).confirmed == 2
    assert told.states() == ["confirmed", "confirmed"]


def test_a_line_that_fails_again_and_again_is_shut_and_tried_once_when_it_opens(told):
    told.kbtt.behaviour.faults = ["too_many"] * 20
    for _ in range(8):
        told.say()
    told.tell()
    path = "POST /client-service/kbtt-vn/kbtt-3th"
    assert told.kbtt.requests[path] == 5
    told.pass_time(seconds=59)
    assert told.tell() == 0
    told.pass_time(seconds=2)
    told.tell()
    assert told.kbtt.requests[path] == 6
    told.sender = told.new_sender()  # a new start remembers that the line is shut
    assert told.tell() == 0
    told.kbtt.behaviour.faults = []
    told.pass_time(minutes=40)
    told.tell()
    assert told.states() == ["accepted"] * 8


def test_a_wrong_password_sends_nothing_until_it_is_mended(told):
    told.say()
    secrets = told.file.parent / "secrets" / "hoa-binh.toml"
    secrets.write_text(secrets.read_text().replace("sandbox-2", "wrong"))
    told.tell()
    assert (told.states(), told.codes()) == (["due"], ["authority.login_refused"])
    secrets.write_text(secrets.read_text().replace("wrong", "sandbox-2"))
    told.pass_time(minutes=1)
    told.tell()
    assert told.states() == ["accepted"]


def test_a_file_of_secrets_that_others_may_read_is_not_used(told):
    told.say()
    (told.file.parent / "secrets" / "hoa-binh.toml").chmod(0o644)
    told.tell()
    assert told.codes() == ["authority.secrets_open"]
    assert not [each for each in told.kbtt.requests if not each.startswith("GET /cms-backend/public/")]  # lists are public


def test_a_token_about_to_end_is_refreshed_and_a_refused_refresh_is_a_new_log_in(told):
    told.kbtt.behaviour.token_seconds = 90
    counts = []
    for refuse in (False, True):
        told.kbtt.behaviour.refuse_refresh = refuse
        told.say()
        told.tell()
        told.pass_time(seconds=45)
        told.say()
        told.tell()
        counts.append(
            (
                told.kbtt.requests["POST /authorization-service/oauth/token"],
                told.kbtt.requests["POST /authorization-service/oauth/refresh-token"],
            )
        )
    assert counts == [(1, 1), (2, 2)]
    assert told.states() == ["accepted"] * 4


def test_no_token_and_no_password_reach_a_log(told, caplog, capsys):
    structlog.reset_defaults()
    caplog.set_level(logging.DEBUG)
    told.kbtt.behaviour.token_seconds = 90
    for _ in range(2):
        told.say()
        told.tell()
        told.pass_time(seconds=45)
    told.connector._session("hoa-binh").log_out()
    assert told.kbtt.requests["DELETE /authorization-service/oauth/revoke"] == 1
    written = caplog.text + capsys.readouterr().out
    assert "fate=accepted" in written
    assert not [word for word in ("refresh_token=", "access_token=", "sandbox-2", "sandbox-client-secret") if word in written]


def test_a_stay_that_cannot_be_read_keeps_nobody_waiting(told):
    broken, fine = told.say(), told.say()
    with told.office.registry.writing() as connection:
        damaged = tables.declarations.update().where(tables.declarations.c.declaration_id == broken.declaration_id)
        connection.execute(damaged.values(body_sealed=b"\x01" + bytes(60)))
    told.tell()
    assert sorted(told.states()) == ["accepted", "refused"]
    assert "authority.record_broken" in told.codes()
    assert [number for number, _ in told.held()] == [fine.person.personal_number]


def test_a_sender_that_was_away_for_half_its_claim_sends_nothing(told):
    told.say()
    told.sender = told.new_sender(lease=timedelta(0))
    told.sender.step()
    assert (told.states(), told.held()) == (["sending"], [])
    told.sender = told.new_sender()
    told.tell()
    assert told.states() == ["accepted"]


def dispute(told, field=Field.FULL_NAME):
    """Say that a field of everybody who stays is wrong; returns the dispute."""
    with told.office.registry.writing() as connection:
        person_id = connection.scalar(select(tables.stays.c.person_id))
        how = {"by": "acc-1", "reason": "the card says otherwise", "now": told.office.clock.now(), "random_bytes": random_bytes}
        return raise_dispute(connection, person_id, field, **how)


def known(told):
    (row,) = told.rows()
    return row.state, row.code, row.told["disputed"]


def test_what_is_under_dispute_is_told_as_such(told):
    told.say()
    dispute(told)
    told.tell()
    (held,) = told.kbtt.ledger.held
    assert held.content["ghiChu"] == "Thông tin đang có khiếu nại: họ tên"
    assert known(told) == ("accepted", None, ["full-name"])


def test_a_dispute_the_authority_cannot_hear_of_is_told_to_a_person_until_it_is_settled(told):
    told.say()
    told.tell()
    standing = dispute(told, Field.BIRTH_DATE)
    told.tell()
    assert known(told) == ("accepted", "authority.disputed_since", [])
    assert told.kbtt.requests["POST /client-service/kbtt-vn/kbtt-3th"] == 1, "nothing is told twice"
    with told.office.registry.writing() as connection:
        settle_dispute(
            connection, standing, Settlement(outcome="upheld", by="acc-2", reason="both papers seen"), now=told.office.clock.now()
        )
    told.tell()
    assert known(told) == ("accepted", None, [])


def test_a_foreigners_form_has_no_place_for_a_dispute_and_a_person_is_told(told):
    told.say(person=FOREIGNER, permitted_stay_until="2026-08-01")
    dispute(told)
    told.tell()
    (held,) = told.kbtt.ledger.held
    assert "ghiChu" not in held.content
    assert known(told) == ("accepted", "authority.disputed_since", [])
