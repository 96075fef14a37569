"""An evening signed off on the house's own list: every open point with a reason, counts signed, no name; by page and by program."""

from __future__ import annotations

import html
import re

import pytest
from factories import make_id, make_person
from server_parts import csrf_of

from registry.day_closes import closes_at
from registry.desk_lists import Place
from residence.stays.signing_off import FITS, KINDS, OpenPoint, ReasonedPoint, counted, digest_of_points, with_reasons
from residence.wire.day_close import parse_close_text, verify_close
from residence.wire.keyring import KeyEntry, Keyring
from server.desk_words import DESK_WORDS

HOTEL = Place("demo-01", "htl-sao-mai")
PATH = "/api/v1/premises/htl-sao-mai/closes"
AN = {"reference": "R-1", "full_name": "Trần Văn An", "number": "001095000117", "unit": "201"}
STRANGER = {"reference": "R-2", "full_name": "Lê Thị Khác", "unit": "202"}
HA = make_person(full_name="Nguyễn Thị Thu Hà", personal_number="001195000333", sex="female", document=None)
LATE = {"full_name": "Đỗ Văn Muộn", "personal_number": "001095000444", "document": None}


def what_a_clerk_sees(world):
    clerk = world.client("clerk")
    return [clerk.get(each).text for each in ("/desk", "/desk/houses")]


@pytest.fixture
def program(world):
    client, headers = world.client(), world.bearer("clerk")
    return lambda **body: client.post(PATH, json=body, headers=headers)


def closes(world):
    with world.registry.reading() as connection:
        return closes_at(connection, HOTEL)


def signed_of(world, text):
    key = KeyEntry(
        key_id=world.signer.key_id, use="receipt", owner="authority", public_key=world.signer.public_key, valid_from="2026-01-01T00:00:00Z"
    )  # fmt: skip
    return verify_close(parse_close_text(text), keyring=Keyring([key]))


def everything_open(world):
    """One guest alike, one on the list alone, one declared alone, one in another room, somebody seen."""
    world.declare_guest()
    stay = world.declare_guest(declaration_id=make_id(), unit="202", person=HA)
    world.see_somebody(premises_id="htl-sao-mai", unit="202")
    return stay


def test_each_point_that_stands_open_needs_a_reason_that_fits(world, program):
    everything_open(world)
    answer = program(guests=[AN | {"unit": "202"}, STRANGER])
    assert answer.status_code == 422
    found = {each["pointer"].split("/")[2]: each["pointer"] for each in answer.json()["problems"]}
    assert found.keys() == {"not-declared", "not-in-house", "differs", "undeclared"}
    assert (found["not-declared"], found["differs"]) == ("/reasons/not-declared/R-2", "/reasons/differs/R-1")
    unfit = program(guests=[AN], reasons=[{"kind": "undeclared", "reason": "not-here-yet"}]).json()["problems"]
    assert "day-close.reason_unfit" in {each["code"] for each in unfit}
    assert closes(world) == []


def test_what_stood_open_is_signed_in_counts_and_the_house_keeps_the_points(world, program):
    everything_open(world)
    wanted = program(guests=[AN | {"unit": "202"}, STRANGER]).json()["problems"]
    stay_id = next(each["pointer"].rpartition("/")[2] for each in wanted if "not-in-house" in each["pointer"])
    reasons = [
        {"kind": "not-declared", "about": "R-2", "reason": "papers-awaited"},
        {"kind": "not-in-house", "about": stay_id, "reason": "has-left"},
        {"kind": "differs", "about": "R-1", "reason": "list-wrong"},
        {"kind": "undeclared", "reason": "refuses"},
    ]
    first = program(guests=[AN | {"unit": "202"}, STRANGER], reasons=reasons)
    again = program(guests=[AN | {"unit": "202"}, STRANGER], reasons=reasons)
    assert (first.status_code, again.status_code, len(closes(world))) == (201, 200, 1)
    assert again.json() == first.json()
    close = signed_of(world, first.json()["close"]["text"])
    assert (close.listed, close.alike, close.closed_by) == (2, 0, "le-tan")
    assert [(each.kind, each.reason, each.people) for each in close.open] == [
        ("not-declared", "papers-awaited", 1), ("not-in-house", "has-left", 1), ("differs", "list-wrong", 1), ("undeclared", "refuses", 1),
    ]  # fmt: skip
    assert close.points == digest_of_points(ReasonedPoint(**each) for each in first.json()["points"])
    told = world.client().get(PATH, headers=world.bearer("clerk"))
    assert told.json()["items"] == [first.json()["close"]]
    assert not any(name in closes(world)[0].signed for name in ("Trần".encode(), "Khác".encode(), b"R-2"))
    page = world.client("clerk").get("/desk").text
    assert "Signed off with points that stand open: 4" in re.sub(r"<[^>]+>", "", page)
    assert "Signed off with points that stand open: 4" in re.sub(r"<[^>]+>", "", world.client("clerk").get("/desk/houses").text)
    assert ["Somebody came after" in page for page in what_a_clerk_sees(world)] == [False, False]
    world.declare_guest(declaration_id=make_id(), unit="202", person=make_person(**LATE))
    assert ["Somebody came after" in page for page in what_a_clerk_sees(world)] == [True, True]


def test_a_list_that_agrees_closes_the_day(world, program):
    world.declare_guest()
    close = signed_of(world, program(guests=[AN]).json()["close"]["text"])
    assert (close.listed, close.alike, close.open, close.points) == (1, 1, (), "")
    page = world.client("clerk").get("/desk").text
    assert "Show and print the close" in page
    assert "Sign and close the day" not in page


def test_a_clerk_signs_on_the_page_and_what_lacks_a_reason_comes_back_with_what_was_chosen(world):
    world.declare_guest()
    clerk = world.client("clerk")
    text = "Room,Name\n202,Trần Văn An\n202,Lê Thị Khác"
    form = {"csrf": csrf_of(clerk), "premises_id": "htl-sao-mai", "list": text}
    shown = clerk.post("/desk/house", data=form).text
    names = [html.unescape(each) for each in re.findall(r'<select[^>]*name="(reason:[^"]+)"', shown)]
    assert names == ["reason:not-declared:3", "reason:differs:2"]
    assert "Choose a reason</p>" not in shown
    half = clerk.post("/desk/house/sign-off", data=form | {names[0]: "papers-awaited"})
    assert half.status_code == 422
    assert half.text.count("govuk-form-group--error") == 1
    assert '<option value="papers-awaited" selected>' in half.text
    page = clerk.post("/desk/house/sign-off", data=form | {names[0]: "papers-awaited", names[1]: "list-wrong"})
    assert page.url.path == f"/desk/closes/{closes(world)[0].close_id}"
    assert "Papers are awaited" in page.text
    assert "Points that stand open: 2" in page.text
    assert "Everybody is declared" not in page.text
    assert "Lê Thị Khác" not in page.text


def test_nobody_signs_off_a_house_that_is_not_theirs(world):
    for role in ("officer", "operator"):
        client = world.client(role)
        answer = client.post(PATH, json={"guests": []}, headers=world.bearer(role))
        assert answer.status_code == 403
        form = {"csrf": csrf_of(client), "premises_id": "htl-sao-mai", "list": "Name\nA"}
        assert client.post("/desk/house/sign-off", data=form).status_code == 403
    far = world.client().post(PATH.replace("htl-sao-mai", "htl-xa"), json={"guests": []}, headers=world.bearer("clerk"))
    assert far.status_code == 403


def test_every_kind_and_reason_has_its_words_and_counts_keep_their_order():
    assert set(KINDS) == FITS.keys() == DESK_WORDS["open_kind"].keys()
    assert {why for each in FITS.values() for why in each} == DESK_WORDS["open_why"].keys()
    points = [OpenPoint(kind="to-mend", people=3), OpenPoint(kind="differs", about="R-1"), OpenPoint(kind="differs", about="R-2")]
    reasons = {("to-mend", ""): "authority", ("differs", "R-1"): "other", ("differs", "R-2"): "other"}
    found = counted(with_reasons(points, reasons).points)
    assert [(each.kind, each.people) for each in found] == [("differs", 2), ("to-mend", 3)]
