"""A resident says that a field is wrong; it shows at once wherever the value is shown, until an officer answers."""

from __future__ import annotations

import re

import pytest
from server_own import bind_resident
from server_parts import csrf_of

from registry import tables

FLAG = "(under dispute)"


@pytest.fixture
def person_id(world):
    return bind_resident(world)


def say(client, field="full-name", reason="the card says otherwise"):
    return client.post("/me", data={"csrf": csrf_of(client), "field": field, "reason": reason})


def stay_page(world):
    with world.registry.reading() as connection:
        stay = connection.execute(tables.stays.select()).first()
    return f"/desk/stays/{stay.stay_id}"


def one_line(text):
    return re.sub(r"\s+", " ", text)


def test_it_is_raised_from_ones_own_page_shown_to_every_consumer_and_answered_once(world, person_id):
    resident, clerk, officer = (world.client(role) for role in ("resident", "clerk", "officer"))
    house = {"csrf": csrf_of(clerk), "premises_id": "htl-sao-mai", "list": "Room,Name\n999,Somebody Else"}
    consumers = {
        "own page": lambda: resident.get("/me").text,
        "tonight": lambda: clerk.get("/desk?premises=htl-sao-mai").text,
        "stay": lambda: clerk.get(stay_page(world)).text,
        "house list": lambda: clerk.post("/desk/house", data=house).text,
    }
    shown = {name: one_line(page()) for name, page in consumers.items()}
    assert all("Trần Văn An" in text and FLAG not in text for text in shown.values())
    assert FLAG in one_line(say(resident).text)
    shown = {name: one_line(page()) for name, page in consumers.items()}
    assert [name for name, text in shown.items() if FLAG not in text] == []
    assert "under dispute" in clerk.get(f"{stay_page(world)}/correct").text
    (dispute_id,) = re.findall(r"/police/disputes/([0-9a-f-]{36})", officer.get("/police/disputes").text)
    assert "Trần Văn An" in officer.get(f"/police/disputes/{dispute_id}").text
    answer = {"csrf": csrf_of(officer), "outcome": "upheld", "reason": "the paper was seen"}
    assert "No dispute is waiting" in officer.post(f"/police/disputes/{dispute_id}", data=answer).text
    assert officer.post(f"/police/disputes/{dispute_id}", data=answer).status_code == 409
    assert [name for name, page in consumers.items() if FLAG in one_line(page())] == []
    assert "the paper was seen" in resident.get("/me").text


def test_an_officer_sees_the_disputed_field_and_no_other_and_the_person_sees_that_they_looked(world, person_id):
    resident, officer = world.client("resident"), world.client("officer")
    say(resident, "birth-date")
    (dispute_id,) = re.findall(r"/police/disputes/([0-9a-f-]{36})", officer.get("/police/disputes").text)
    page = officer.get(f"/police/disputes/{dispute_id}").text
    assert "01/02/1995" in page
    assert "Trần Văn An" not in page
    assert "Review of a field somebody says is wrong" in resident.get("/me").text
    with world.registry.reading() as connection:
        looks = connection.execute(tables.access_records.select()).all()
    assert [(each.purpose, each.about, each.fields) for each in looks if each.role == "officer"] == [
        ("dispute-review", dispute_id, ["birth-date"])
    ]


def test_a_claimed_case_about_somebody_with_their_number_shows_the_field_as_disputed(world, person_id):
    resident, officer = world.client("resident"), world.client("officer")
    with world.registry.writing() as connection:
        # the case is about whoever was seen: another card, on which the person's number stands
        connection.execute(tables.identifiers.update().values(value_index=world.vault.number_index("personal", "001195000222")))
    case = f"/police/cases/{world.open_case()}"
    officer.post(case, data={"csrf": csrf_of(officer), "action": "claim", "purpose": "undeclared-case"})
    assert FLAG not in officer.get(case).text
    say(resident, "birth-date")
    assert re.search(r"01/02/1995 \(under dispute\)", one_line(officer.get(case).text))


@pytest.mark.parametrize(
    ("field", "reason", "status"),
    [("unit", "why", 422), ("personal-number", "why", 422), ("sex", " ", 422), ("sex", "x" * 501, 422), ("", "why", 422)],
)
def test_what_cannot_be_said_is_told_and_kept_nowhere(world, person_id, field, reason, status):
    resident = world.client("resident")
    assert say(resident, field, reason).status_code == status
    with world.registry.reading() as connection:
        assert connection.execute(tables.disputes.select()).all() == []


def test_one_field_is_disputed_once_at_a_time(world, person_id):
    resident = world.client("resident")
    assert say(resident).status_code == 200
    assert "under dispute already" in say(resident).text


def test_an_account_that_is_nobodys_shows_nothing_and_only_residents_have_such_a_page(world):
    assert world.client("resident").get("/me").status_code == 403
    for role in ("clerk", "officer", "operator"):
        assert world.client(role).get("/me").status_code == 403
    assert [world.client(role).get("/police/disputes").status_code for role in ("clerk", "operator", "resident")] == [
        403,
        403,
        403,
    ]


def test_a_dispute_of_another_commune_is_as_if_it_were_not_there(world, person_id):
    resident, officer = world.client("resident"), world.client("officer")
    say(resident)
    with world.registry.writing() as connection:
        dispute_id = connection.execute(tables.disputes.select()).first().dispute_id
        connection.execute(tables.disputes.update().values(commune_code="demo-02"))
    answer = {"csrf": csrf_of(officer), "outcome": "upheld", "reason": "x"}
    for path in (f"/police/disputes/{dispute_id}", "/police/disputes/nothing"):
        assert (officer.get(path).status_code, officer.post(path, data=answer).status_code) == (403, 403)


def test_an_answer_without_outcome_or_reason_is_asked_for_again(world, person_id):
    resident, officer = world.client("resident"), world.client("officer")
    say(resident)
    (dispute_id,) = re.findall(r"/police/disputes/([0-9a-f-]{36})", officer.get("/police/disputes").text)
    for form in ({"outcome": "upheld", "reason": " "}, {"reason": "x"}, {"outcome": "maybe", "reason": "x"}):
        assert officer.post(f"/police/disputes/{dispute_id}", data={"csrf": csrf_of(officer)} | form).status_code == 422
