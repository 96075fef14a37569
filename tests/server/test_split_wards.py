"""Split wards in an operator's hands: asked by street, decided by somebody with a reason, taken back, and only by who answers for a candidate."""

from __future__ import annotations

import pytest
from server_operators import ask_about_a_split_ward
from server_parts import csrf_of
from sqlalchemy import select

from registry import tables
from registry.unit_questions import list_questions

PAGE = "/operators/wards"
REASON = "the plan of the split"


def press(client, path, **fields):
    return client.post(path, data={"csrf": csrf_of(client, "/account"), **fields})


def state(world, own_id):
    with world.registry.reading() as connection:
        found = list_questions(connection, None, states=("open", "decided", "divided"))
    return next((each.state, each.choice) for each in found if each.question_id == own_id)


@pytest.fixture
def own_id(world):
    return ask_about_a_split_ward(world)


def test_a_street_is_listed_with_its_old_ward_and_every_candidate_unchosen(world, own_id):
    client = world.client("operator")
    listed = client.get(PAGE).text
    assert "Lê Lợi" in listed
    assert "Xã Chia" in listed
    page = client.get(f"{PAGE}/{own_id}").text
    assert "Phường Mẫu Thử" in page
    assert "Xã Chia Đông" in page
    assert page.count('type="radio"') == 3
    assert "checked" not in page


@pytest.mark.parametrize(
    ("choice", "after"), [("demo-01", ("decided", "demo-01")), ("90003", ("decided", "90003")), ("divided", ("divided", None))]
)
def test_somebody_decides_and_may_take_it_back_with_both_on_the_record(world, own_id, choice, after):
    client = world.client("operator")
    answer = press(client, f"{PAGE}/{own_id}", action="decide", choice=choice, reason=REASON)
    assert state(world, own_id) == after
    assert REASON in answer.text
    assert "van-hanh" in answer.text
    answer = press(client, f"{PAGE}/{own_id}", action="undo", reason="the wrong street")
    assert state(world, own_id) == ("open", None)
    assert REASON in answer.text
    assert "the wrong street" in answer.text


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"choice": "demo-01", "reason": " "}, 403),
        ({"choice": "90013", "reason": REASON}, 403),
        ({"choice": "", "reason": REASON}, 403),
        ({"action": "undo", "reason": REASON}, 409),
    ],
)
def test_without_a_reason_a_candidate_or_a_decision_nothing_changes(world, own_id, fields, status):
    assert press(world.client("operator"), f"{PAGE}/{own_id}", **fields).status_code == status
    assert state(world, own_id) == ("open", None)


def test_what_somebody_decided_first_stands(world, own_id):
    client = world.client("operator")
    press(client, f"{PAGE}/{own_id}", action="decide", choice="90003", reason=REASON)
    assert press(client, f"{PAGE}/{own_id}", action="decide", choice="demo-01", reason=REASON).status_code == 409
    assert state(world, own_id) == ("decided", "90003")


def test_a_question_of_other_communes_and_one_that_is_not_there_answer_alike(world):
    own_id = ask_about_a_split_ward(world, commune="demo-09")
    client = world.client("operator")
    assert "There are none" in client.get(PAGE).text
    for path in (f"{PAGE}/{own_id}", f"{PAGE}/no-such-question"):
        assert client.get(path).status_code == 403
        assert press(client, path, choice="demo-09", reason=REASON).status_code == 403
    assert state(world, own_id) == ("open", None)


@pytest.mark.parametrize("role", ["clerk", "officer", "resident"])
def test_nobody_else_sees_or_decides(world, own_id, role):
    client = world.client(role)
    assert client.get(PAGE).status_code == 403
    assert client.get(f"{PAGE}/{own_id}").status_code == 403
    assert press(client, f"{PAGE}/{own_id}", choice="demo-01", reason=REASON).status_code == 403
    with world.registry.reading() as connection:
        assert connection.execute(select(tables.unit_decisions)).all() == []


def test_a_press_without_the_forms_token_changes_nothing(world, own_id):
    client = world.client("operator")
    assert client.post(f"{PAGE}/{own_id}", data={"choice": "demo-01", "reason": REASON}).status_code == 403
    assert state(world, own_id) == ("open", None)
