"""Visits from an officer's phone at the server: the list without a name, browsers enrolled, each visit kept once and shown with its signature."""

from __future__ import annotations

import base64

import msgspec
import pytest
from server_parts import csrf_of
from server_police import add_officer, file_cases, officer_named
from sqlalchemy import select, update
from visit_parts import PUBLIC, sent_visit

from luutru.system import random_bytes
from registry import tables
from registry.accounts import find_account
from registry.interests import declare_interest
from registry.visits import sealing_key
from residence.cases.visits import Visit, VisitOutcome

NAME = "Phạm Thị Thử Nghiệm"


@pytest.fixture
def officer(world):
    return world.client("officer")


def send(client, *sent):
    return post(client, "/police/visits", msgspec.json.encode(list(sent)))


def post(client, path, body):
    return client.post(path, content=body, headers={"x-csrf-token": csrf_of(client), "content-type": "application/json"})


def enrol(client, key=PUBLIC):
    return post(client, "/police/visits/devices", msgspec.json.encode({"public_key": key}))


def visit_of(world, device_id, case_id, *, outcome=VisitOutcome.VISITOR, people=2, **header):
    visit = Visit(case_id=case_id, outcome=outcome, people=people)
    return sent_visit(visit, to=sealing_key(world.vault, "2026-07"), device_id=device_id, **header)


def rows(world):
    with world.registry.reading() as connection:
        return connection.execute(select(tables.visits)).all()


def test_the_list_says_places_and_rooms_and_nobody_and_what_to_seal_to(world, officer):
    case_id = world.open_case()
    given = officer.get("/police/visits/round?queue=now")
    assert NAME not in given.text
    found = given.json()
    assert found["stops"][0]["place"] == "Chung cư Hòa Bình"
    assert found["stops"][0]["cases"][0]["case_id"] == case_id
    assert base64.b64decode(found["key"]["public"]) == sealing_key(world.vault, "2026-07").public_key().public_bytes_raw()
    assert found["ends"] - found["now"] == 18 * 3600 * 1000  # eight in the morning
    with world.registry.reading() as connection:
        assert connection.execute(select(tables.access_records)).all() == []
    assert officer.get("/police/visits/round?queue=closed").status_code == 403
    assert world.client("clerk").get("/police/visits/round").status_code == 403


def test_the_page_that_a_phone_keeps_is_the_same_for_everybody_and_names_no_account(world, officer):
    world.open_case()
    page = officer.get("/police/visits/phone").text
    assert "cong-an" not in page
    assert "Hòa Bình" not in page
    assert csrf_of(officer) not in page
    assert world.client().get("/police/visits/phone").status_code == 200
    for client in (officer, world.client()):
        assert (
            '<h1 class="govuk-heading-l">Đi kiểm tra tối nay'
            in client.get("/police/visits/phone", headers={"accept-language": "vi"}).text
        )


def test_a_visit_is_kept_once_and_shown_in_the_case_with_its_phones_signature(world, officer):
    case_id = world.open_case()
    device = enrol(officer).json()["device_id"]
    assert enrol(officer).json()["device_id"] == device  # the same browser
    sent = visit_of(world, device, case_id, kept_at="2026-07-10T06:00:00Z")
    world.clock.pass_time(hours=5)
    officer = world.client("officer")
    answers = [send(officer, sent).json() for _ in range(2)]
    assert answers == [[{"visit_id": "019f4ad3-7580-7000-8000-0000000000aa", "state": "kept"}]] * 2
    (kept,) = rows(world)
    assert (kept.outcome, kept.people, kept.account_id) == ("visitor", 2, "acc-officer")
    assert kept.kept_at < kept.received_at
    page = officer.get(f"/police/cases/{case_id}").text
    assert "Visit: A visitor who does not stay the night, people met: 2" in page
    assert "signature verified; received" in page
    with world.registry.writing() as connection:
        connection.execute(update(tables.visits).values(outcome="lives-here"))
    assert "the signature does not hold; received" in officer.get(f"/police/cases/{case_id}").text


def test_each_visit_is_answered_for_itself_and_the_same_id_takes_no_other_content(world, officer):
    case_id = world.open_case()
    device = enrol(officer).json()["device_id"]
    good = visit_of(world, device, case_id)
    other = visit_of(world, device, case_id, people=3)
    later = visit_of(world, device, case_id, visit_id="019f4ad3-7580-7000-8000-0000000000bb")
    nowhere = visit_of(world, device, "no-such-case", visit_id="019f4ad3-7580-7000-8000-0000000000cc")
    answers = send(officer, good, other, nowhere, later).json()
    assert [(each["state"], each.get("code")) for each in answers] == [
        ("kept", None), ("refused", "visit.other_content"), ("refused", "server.not_allowed"), ("kept", None),
    ]  # fmt: skip
    assert len(rows(world)) == 2


def test_a_visit_counts_for_whoever_enrolled_the_phone_and_never_in_their_own_cause(world, officer):
    case_id = world.open_case()
    device = enrol(officer).json()["device_id"]
    other = officer_named(world, add_officer(world, "acc-second", "thu-hai"))
    assert send(other, visit_of(world, device, case_id)).json()[0]["code"] == "visit.device_unknown"
    with world.registry.writing() as connection:
        account = find_account(connection, "cong-an")
        declare_interest(
            connection, account, ("relative", "blk-hoa-binh"), by="x", now=world.clock.now(), random_bytes=random_bytes
        )
    assert send(officer, visit_of(world, device, case_id)).json()[0]["code"] == "server.not_allowed"
    assert rows(world) == []


def test_a_phones_clock_is_believed_where_it_can_be_true(world, officer):
    case_id = world.open_case()
    device = enrol(officer).json()["device_id"]
    world.clock.pass_time(hours=1)
    officer = world.client("officer")
    for number, kept_at in enumerate(("1999-01-01T00:00:00Z", "2027-01-01T00:00:00Z")):
        own_id = f"019f4ad3-7580-7000-8000-00000000000{number}"
        assert send(officer, visit_of(world, device, case_id, kept_at=kept_at, visit_id=own_id)).json()[0]["state"] == "kept"
    early, late = rows(world)
    assert late.kept_at == late.received_at
    assert (early.received_at - early.kept_at).total_seconds() == 3600  # when the browser was enrolled
    assert send(officer, visit_of(world, device, case_id, kept_at="soon", visit_id="019f4ad3-7580-7000-8000-0000000000dd")).json()[0]["code"] == "time.malformed"  # fmt: skip


def test_what_is_no_list_of_visits_is_refused_whole(world, officer):
    assert post(officer, "/police/visits", b"{}").status_code == 422
    assert post(officer, "/police/visits", b"[" + b",".join([msgspec.json.encode(sent_visit())] * 51) + b"]").status_code in {
        413,
        422,
    }
    assert enrol(officer, b"short").status_code == 403
    assert officer.post("/police/visits", content=b"[]").status_code == 403  # without the page's token
    file_cases(world, 1)
    assert send(world.client("clerk")).status_code == 403
