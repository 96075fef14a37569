"""What a person may ask about what is held of them: a copy with nobody else in it, requests with the law's two dates, answers that are signed and act."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

import msgspec
import pytest
from factories import EVENING, make_id, make_person
from server_own import bind_resident
from server_parts import csrf_of
from sqlalchemy import select

from registry import tables
from registry.contact_points import AddressGiven, addresses_of, give_address
from registry.desk_lists import Place
from registry.recall_consents import give_consent, is_recallable, recallable
from residence.access.rights import RIGHTS, clocks, load_rights
from residence.clock import VIETNAM, rfc3339
from residence.wire.answers import parse_answer_text, verify_answer
from residence.wire.keyring import KeyEntry, Keyring

HOUSE = Place("demo-01", "htl-sao-mai")


@pytest.fixture
def person_id(world):
    return bind_resident(world)


def ask(client, right, said="I was never asked"):
    return client.post("/me/rights", data={"csrf": csrf_of(client), "right": right, "said": said})


def waiting(officer):
    return re.findall(r"/police/requests/([0-9a-f-]{36})", officer.get("/police/requests").text)


CLOCKS = {  # asked -> right -> (answered before, done before): the first moment that is too late, in Vietnam's time
    "on a Friday morning, so the weekend is no working time": ("2026-07-10T09:00", "copy", ("2026-07-15", "2026-07-21")),
    "a second before midnight counts as that day": ("2026-07-13T23:59:59", "restriction", ("2026-07-16", "2026-07-29")),
    "at midnight the next day has begun": ("2026-07-14T00:00", "restriction", ("2026-07-17", "2026-07-30")),
    "on a Saturday": ("2026-07-11T12:00", "deletion", ("2026-07-15", "2026-08-01")),
    "over the end of a year": ("2026-12-30T12:00", "correction", ("2027-01-02", "2027-01-10")),
}


@pytest.mark.parametrize("case", CLOCKS.values(), ids=CLOCKS)
def test_the_two_dates_of_the_law(case):
    asked, right, days = case
    at = datetime.fromisoformat(asked).replace(tzinfo=VIETNAM)
    found = clocks(right, asked_at=at, rules=load_rights())
    assert tuple(each.astimezone(VIETNAM).isoformat() for each in (found.answer_by, found.act_by)) == tuple(
        f"{each}T00:00:00+07:00" for each in days
    )


def test_a_listed_holiday_is_no_working_day_and_a_processor_has_longer():
    (rules,) = load_rights()
    with_tet = (msgspec.structs.replace(rules, holidays=(date(2026, 7, 13), date(2026, 7, 14))),)
    friday = datetime(2026, 7, 10, 9, 0, tzinfo=VIETNAM)
    assert clocks("copy", asked_at=friday, rules=with_tet).answer_by.date() == date(2026, 7, 17)
    for right in RIGHTS:
        own, processor = (clocks(right, asked_at=friday, rules=(rules,), with_processor=each).act_by for each in (False, True))
        assert own < processor


def test_the_copy_holds_what_the_pages_show_and_nobody_else(world, person_id):
    other = make_person(full_name="Khách Thử", personal_number="001195000333", sex="female", document=None)
    world.declare_guest(declaration_id=make_id(), person=other, unit="201")  # the same room
    world.client("clerk").get("/desk?premises=htl-sao-mai")
    me = world.client("resident")
    given = me.get("/me/copy.json")
    told = given.json()
    assert (told["fields"]["full-name"], [each["premises"] for each in told["stays"]]) == ("Trần Văn An", ["Khách sạn Sao Mai"])
    assert told["stays"][0]["receipts"]
    assert {"declare-guest", "own-stays"} >= {each["purpose"] for each in told["looks"]} >= {"declare-guest"}
    page = me.get("/me/copy").text
    assert all(each in page for each in ("Trần Văn An", "Khách sạn Sao Mai", told["stays"][0]["receipts"][0]))
    for text in (given.text, page):
        assert not any(each in text for each in ("Khách Thử", "001195000333", "001095000117", "acc-clerk", "le-tan"))
    with world.registry.reading() as connection:
        ways = connection.scalars(select(tables.access_records.c.way).where(tables.access_records.c.role == "resident")).all()
    assert "export" in ways


def test_a_restriction_holds_from_the_hour_it_is_asked_until_it_is_refused(world, person_id):
    me, officer = world.client("resident"), world.client("officer")
    with world.registry.writing() as connection:
        said = connection.scalar(select(tables.declarations.c.declaration_id))
        give_consent(connection, HOUSE, said, account_id="acc-clerk", now=world.clock.now())

    def recalled():
        with world.registry.reading() as connection:
            found = recallable(connection, HOUSE, [person_id], now=world.clock.now())
            return found == said, is_recallable(connection, HOUSE, said, now=world.clock.now())

    assert recalled() == (True, True)
    assert ask(me, "restriction").status_code == 200
    assert recalled() == (False, False)
    (request_id,) = waiting(officer)
    assert "Trần Văn An" not in officer.get(f"/police/requests/{request_id}").text
    answer = {"csrf": csrf_of(officer), "outcome": "refused", "reason": "the house needs it"}
    assert "legal basis" in officer.post(f"/police/requests/{request_id}", data=answer).text
    assert recalled() == (False, False)
    officer.post(f"/police/requests/{request_id}", data=answer | {"legal_basis": "Law 91/2025, Art. 1"})
    assert recalled() == (True, True)
    signed = me.get(f"/me/rights/{request_id}/answer").text
    key = KeyEntry(
        key_id="receipt-1", use="receipt", owner="authority", public_key=world.signer.public_key, valid_from=rfc3339(EVENING)
    )
    told = verify_answer(parse_answer_text(signed), keyring=Keyring([key]))
    assert (told.answers, told.subject, told.outcome, told.legal_basis) == (
        "request",
        "restriction",
        "refused",
        "Law 91/2025, Art. 1",
    )
    assert officer.post(f"/police/requests/{request_id}", data=answer | {"legal_basis": "x"}).status_code == 409


def test_a_deletion_in_part_deletes_at_once_what_no_law_keeps_and_says_why_the_rest_stays(world, person_id):
    me, officer = world.client("resident"), world.client("officer")
    with world.registry.writing() as connection:
        said = connection.scalar(select(tables.declarations.c.declaration_id))
        give_consent(connection, HOUSE, said, account_id="acc-clerk", now=world.clock.now())
        address = AddressGiven(
            subject_kind="person", subject_id=person_id, commune_code="demo-01", address="an@example.org", language="vi", account_id="acc-resident"
        )  # fmt: skip
        give_address(
            connection, address, vault=world.vault, now=world.clock.now(), random_bytes=world.app.state.server.random_bytes
        )
    assert "an@example.org" in me.get("/me/copy").text
    ask(me, "deletion", "everything that may go")
    (request_id,) = waiting(officer)
    answer = {"csrf": csrf_of(officer), "outcome": "partly", "reason": "the register stays", "legal_basis": "Residence Law"}
    officer.post(f"/police/requests/{request_id}", data=answer)
    page = me.get("/me/rights").text
    assert all(each in page for each in ("in part", "the register stays", "Residence Law"))
    with world.registry.reading() as connection:
        assert addresses_of(connection, person_id, vault=world.vault) == []
        assert recallable(connection, HOUSE, [person_id], now=world.clock.now()) is None


def test_one_of_a_kind_waits_it_can_be_taken_back_and_nobody_else_sees_or_answers_it(world, person_id):
    me, officer = world.client("resident"), world.client("officer")
    assert ask(me, "objection").status_code == 200
    assert "asked for this already" in ask(me, "objection").text
    for right, said in (("copy", "x"), ("", "x"), ("deletion", " "), ("deletion", "x" * 501), ("deletion", "a\0b")):
        assert ask(me, right, said).status_code == 422
    (request_id,) = waiting(officer)
    for role in ("clerk", "operator", "officer"):
        client = world.client(role)
        token = {"csrf": csrf_of(client)}
        assert client.get(f"/me/rights/{request_id}/answer").status_code == 403
        assert client.post(f"/me/rights/{request_id}/withdraw", data=token).status_code == 403
        if role != "officer":
            assert client.get("/police/requests").status_code == 403
            assert (
                client.post(f"/police/requests/{request_id}", data=token | {"outcome": "granted", "reason": "x"}).status_code
                == 403
            )
    assert "taken back" in me.post(f"/me/rights/{request_id}/withdraw", data={"csrf": csrf_of(me)}).text
    assert waiting(officer) == []
    ask(me, "objection")
    with world.registry.writing() as connection:
        connection.execute(tables.rights_requests.update().values(commune_code="demo-02"))
    (mine,) = re.findall(r"/me/rights/([0-9a-f-]{36})/withdraw", me.get("/me/rights").text)
    for path in (f"/police/requests/{mine}", "/police/requests/nothing"):
        assert officer.get(path).status_code == 403
        assert officer.post(path, data={"csrf": csrf_of(officer), "outcome": "granted", "reason": "x"}).status_code == 403


def test_a_request_that_is_late_says_so_to_the_officer(world, person_id):
    ask(world.client("resident"), "deletion")
    assert "An answer is due by" in world.client("officer").get("/police/requests").text
    world.clock.pass_time(days=6)
    assert "An answer was due by" in world.client("officer").get("/police/requests").text
    assert timedelta(0) < clocks("deletion", asked_at=EVENING, rules=load_rights()).act_by - world.clock.now()
