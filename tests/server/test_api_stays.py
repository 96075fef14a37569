"""Stays, steps, events, lists and the comparison, as hotel software asks for them."""

from __future__ import annotations

import secrets

import pytest
from factories import EVENING, make_declaration, make_id, make_person
from sqlalchemy import select

from registry import tables
from registry.authority_catalogues import Catalogue, keep
from residence.wire.receipts import parse_receipt_text, read_unverified

PREMISES = "/api/v1/premises/htl-sao-mai"


def calling(world, method, path, *, role="clerk", **options):
    headers = world.bearer(role) | {"idempotency-key": secrets.token_hex(8)} | options.pop("headers", {})
    return world.client().request(method, path, headers=headers, **options)


def declared(world, count=1):
    """Declare guests; returns their stays' ids, oldest arrival first."""
    for place in range(count):
        person = make_person(personal_number=f"0010950001{place:02}", document=None)
        arrival = f"2026-07-10T14:{place:02}:00+07:00"
        done = world.declare_guest(person=person, arrival=arrival, declaration_id=make_id(world.clock.now()))
        assert done.receipt.state == "accepted", done.receipt
    with world.registry.reading() as connection:
        return list(connection.scalars(select(tables.stays.c.stay_id).order_by(tables.stays.c.start_at)))


def test_stays_come_in_pages_without_names_and_each_once(world):
    stays = declared(world, 5)
    seen, cursor = [], None
    for size in (2, 2, 1):
        page = calling(world, "GET", f"{PREMISES}/stays", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        assert len(page["items"]) == size
        seen += [each["stay_id"] for each in page["items"]]
        cursor = page["next"]
    assert (seen, cursor) == (stays, None)
    assert "Trần" not in str(page)
    assert set(page["items"][0]) >= {"unit", "status", "due", "on_time", "declaration_ids"}


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"cursor": "x"}, "api.cursor_unreadable"),
        ({"cursor": "é"}, "api.cursor_unreadable"),
        ({"limit": "0"}, "api.limit_unfit"),
        ({"limit": "201"}, "api.limit_unfit"),
        ({"limit": "½"}, "api.limit_unfit"),
    ],
)
def test_a_page_that_cannot_be_is_refused(world, params, code):
    for path in (f"{PREMISES}/stays", "/api/v1/events"):
        answer = calling(world, "GET", path, params=params)
        assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_who_may_not_see_a_house_does_not_learn_whether_it_is_there(world):
    (stay_id,) = declared(world)
    for path in ("/api/v1/premises/htl-xa/stays", "/api/v1/premises/nothing/stays", "/api/v1/stays/nothing"):
        assert calling(world, "GET", path).json()["code"] == "server.not_allowed"
    assert calling(world, "GET", f"/api/v1/stays/{stay_id}", role="operator").status_code == 403


CHANGES = {
    "longer": ({"change": "extend", "until": "2026-07-14T12:00:00+07:00"}, "planned_end", "2026-07-14T05:00:00Z"),
    "another room": ({"change": "move", "unit": "202"}, "unit", "202"),
    "did not come": ({"change": "withdraw", "why": "no-show"}, "status", "withdrawn"),
    "taken back": ({"change": "undo"}, "status", "withdrawn"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_is_a_statement_with_a_receipt_and_the_stay_follows(world, case):
    change, field, value = CHANGES[case]
    (stay_id,) = declared(world)
    path = f"/api/v1/stays/{stay_id}"
    before = calling(world, "GET", path)
    dry = calling(world, "POST", f"{path}/changes", json=change, params={"dry_run": "true"})
    assert (dry.status_code, dry.json()["ok"]) == (200, True)
    assert calling(world, "GET", path).json() == before.json()
    answer = calling(world, "POST", f"{path}/changes", json=change, headers={"if-match": before.headers["etag"]})
    assert answer.status_code == 201, answer.text
    assert read_unverified(parse_receipt_text(answer.json()["text"])).state == "accepted"
    after = calling(world, "GET", path).json()
    assert after[field] == value
    assert answer.json()["receipt"]["declaration_id"] in after["declaration_ids"]


def test_a_check_out_says_when_and_is_said_once(world):
    (stay_id,) = declared(world)
    path, key = f"/api/v1/stays/{stay_id}/check-out", {"idempotency-key": "leaving-1"}
    first = calling(world, "POST", path, json={}, headers=key)
    assert first.status_code == 201, first.text
    again = calling(world, "POST", path, json={}, headers=key)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    shown = calling(world, "GET", f"/api/v1/stays/{stay_id}").json()
    assert (shown["status"], len(shown["declaration_ids"])) == ("ended", 2)


def test_a_check_out_in_the_future_is_refused_beside_its_field(world):
    (stay_id,) = declared(world)
    answer = calling(world, "POST", f"/api/v1/stays/{stay_id}/check-out", json={"left_at": "2026-07-20T10:00:00+07:00"})
    assert (answer.status_code, answer.json()["problems"][0]["pointer"]) == (422, "/planned_departure")


def test_whoever_read_an_older_stay_is_told_before_anything_is_said(world):
    (stay_id,) = declared(world)
    tag = calling(world, "GET", f"/api/v1/stays/{stay_id}").headers["etag"]
    calling(world, "POST", f"/api/v1/stays/{stay_id}/changes", json={"change": "move", "unit": "202"})
    late = calling(world, "POST", f"/api/v1/stays/{stay_id}/check-out", json={}, headers={"if-match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "api.changed_meanwhile")


@pytest.mark.parametrize("change", [{"change": "vanish"}, {"change": "withdraw", "why": "rain"}, {}, [], {"change": "extend"}])
def test_a_change_that_is_none_is_unreadable(world, change):
    (stay_id,) = declared(world)
    answer = calling(world, "POST", f"/api/v1/stays/{stay_id}/changes", json=change)
    assert (answer.status_code, answer.json()["code"]) == (422, "server.input_unreadable")


def follow(world, **params):
    return calling(world, "GET", "/api/v1/events", params=params).json()


def test_events_are_followed_by_cursor_and_the_same_cursor_gives_them_again(world):
    declared(world, 3)
    assert follow(world)["items"] == []  # not settled: a slower transaction may still come before them
    world.clock.pass_time(seconds=5)
    first = follow(world, limit=2)
    assert ([each["type"] for each in first["items"]], first["more"]) == (["declaration.accepted"] * 2, True)
    rest = follow(world, cursor=first["next"])
    assert (len(rest["items"]), rest["more"]) == (1, False)
    assert follow(world, cursor=rest["next"]) == {"items": [], "next": rest["next"], "more": False}
    world.record(a_departure(world))
    world.clock.pass_time(seconds=5)
    (event,) = follow(world, cursor=rest["next"])["items"]
    assert (event["kind"], event["premises_id"], event["origin"]) == ("departure", "htl-sao-mai", "desk")
    assert follow(world, cursor=first["next"])["items"] == [*rest["items"], event]
    assert len(follow(world, since="2026-07-10T00:00:00+07:00")["items"]) == 4
    assert "Trần" not in str(first)


def a_departure(world):
    with world.registry.reading() as connection:
        about = connection.scalar(select(tables.declarations.c.declaration_id))
    now = world.clock.now().isoformat()
    return make_declaration(
        premises_id="htl-sao-mai", unit="201", kind="departure", about=about, planned_departure=now, declaration_id=make_id(world.clock.now())
    )  # fmt: skip


def test_events_elsewhere_are_not_told(world):
    world.record(make_declaration())
    world.clock.pass_time(seconds=5)
    assert follow(world)["items"] == []
    assert calling(world, "GET", "/api/v1/events", role="operator").status_code == 403


def test_a_move_of_a_guest_declared_twice_moves_both_arrivals_once_however_often_it_is_sent(world):
    (stay_id,) = declared(world)
    world.clock.pass_time(minutes=5)
    declared(world)  # the same guest, by somebody else
    world.clock.pass_time(minutes=1)
    key = {"idempotency-key": "moved-to-another-room"}
    for _ in range(2):
        answer = calling(world, "POST", f"/api/v1/stays/{stay_id}/changes", json={"change": "move", "unit": "202"}, headers=key)
        assert answer.status_code == 201
    (only,) = calling(world, "GET", f"{PREMISES}/stays").json()["items"]
    assert (only["unit"], len(only["declaration_ids"])) == ("202", 4)


def test_lists_and_limits_are_told_and_not_sent_again_unchanged(world):
    client = world.client()
    names = [each["name"] for each in client.get("/api/v1/code-lists").json()]
    assert {"reason", "document-kind", "premises-kind"} <= set(names)
    for path in ("/api/v1/limits", *(f"/api/v1/code-lists/{name}" for name in names)):
        first = client.get(path)
        assert first.status_code == 200
        assert client.get(path, headers={"if-none-match": first.headers["etag"]}).status_code == 304
    (tourism,) = [each for each in client.get("/api/v1/code-lists/reason").json()["entries"] if each["code"] == "tourism"]
    assert (tourism["ministry_code"], tourism["label"]["vi"]) == (1, "Du lịch")
    documents = {each["code"]: each["ministry_code"] for each in client.get("/api/v1/code-lists/document-kind").json()["entries"]}
    assert (documents["cccd-2021"], documents["can-cuoc-2024"], documents["none"]) == (1, 8, None)
    dates = {each["code"]: each["valid_from"] for each in client.get("/api/v1/code-lists/document-kind").json()["entries"]}
    assert (dates["can-cuoc-2024"], dates["passport"]) == ("2024-07-01", None)
    assert client.get("/api/v1/limits").json()["batch_declarations"] == 500
    missing = client.get("/api/v1/code-lists/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "api.list_unknown")


def test_countries_bear_the_ministrys_code_once_its_catalogue_was_fetched(world):
    client = world.client()
    read = lambda: client.get("/api/v1/code-lists/country")  # noqa: E731
    before = read()
    assert {each["ministry_code"] for each in before.json()["entries"]} == {None}
    fetched = Catalogue(name="nationalities", content={"D": "Đức", "FRA": "Pháp"}, fetched_at=EVENING, fresh_until=EVENING)
    with world.registry.writing() as connection:
        keep(connection, "kbtt", fetched)
    after = read()
    found = {each["code"]: (each["ministry_code"], each["valid_to"]) for each in after.json()["entries"]}
    assert (found["DEU"], found["FRA"], found["VNM"], found["YUG"]) == (
        ("D", None),
        ("FRA", None),
        (None, None),
        (None, "2003-07-23"),
    )
    assert after.headers["etag"] != before.headers["etag"]


def test_a_house_that_agrees_and_one_that_does_not(world):
    (stay_id,) = declared(world)
    guest = {"reference": "R-1", "full_name": make_person().full_name, "number": "001095000100", "unit": "201"}
    path = f"{PREMISES}/reconciliation"
    told = calling(world, "POST", path, json={"guests": [guest]}).json()
    assert told == {
        "agrees": True,
        "matched": [{"reference": "R-1", "stay_id": stay_id, "differs": []}],
        "not_declared": [],
        "not_in_house": [],
        "likely": [],
    }
    stranger = {"reference": "R-2", "full_name": "Lê Thị Khác", "unit": "202"}
    told = calling(world, "POST", path, json={"guests": [guest | {"unit": "202"}, stranger]}).json()
    assert (told["agrees"], told["matched"][0]["differs"], told["not_declared"]) == (False, ["unit"], ["R-2"])
    empty = calling(world, "POST", path, json={"guests": []}).json()
    assert (empty["agrees"], [each["stay_id"] for each in empty["not_in_house"]]) == (False, [stay_id])
    with world.registry.reading() as connection:
        looks = connection.scalars(select(tables.access_records.c.purpose)).all()
    assert len(looks) == 3  # each look at the guest's name is on the record


@pytest.mark.parametrize(
    ("guests", "status", "code"),
    [
        ([{"reference": "R", "full_name": " "}], 422, "house-list.no_name"),
        ([{"reference": "R"}], 422, "server.input_unreadable"),
        ([{"reference": "R", "full_name": "A"}] * 1001, 413, "api.list_too_long"),
    ],
)
def test_a_list_that_cannot_be_compared_is_refused(world, guests, status, code):
    answer = calling(world, "POST", f"{PREMISES}/reconciliation", json={"guests": guests})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
