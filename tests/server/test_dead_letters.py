"""A dead letter in an operator's hands: looked at without its content, tried again or dismissed, by whom and why."""

from __future__ import annotations

import re

import pytest
from server_operators import DECLARATION, put_aside
from server_parts import csrf_of
from sqlalchemy import select

from registry import tables
from registry.letter_changes import Chosen, retry
from registry.quarantine import list_letters

PAGE = "/operators/dead-letters"


def press(client, path, **fields):
    return client.post(path, data={"csrf": csrf_of(client, "/account"), **fields})


def states(world):
    with world.registry.reading() as connection:
        found = list_letters(connection, states=("new", "retry", "settled", "dismissed"))
    return {each.quarantine_id: each.state for each in found}


def events(world):
    with world.registry.reading() as connection:
        columns = tables.letter_events.c
        query = select(columns.quarantine_id, columns.action, columns.account_id, columns.reason)
        return [tuple(row) for row in connection.execute(query.order_by(columns.at, columns.event_id))]


def test_a_letter_is_shown_with_everything_but_its_content(world):
    own_id = put_aside(world)
    page = world.client("operator").get(f"{PAGE}/{own_id}").text
    for words in (
        "message.schema_unknown",
        "kiosk-lobby-1",
        "Proven by its signature",
        "Received, being checked",
        DECLARATION.format(1),
        "/schema",
    ):
        assert words in page, words
    assert re.search(r"\b[0-9a-f]{64}</dd>|[0-9a-f]{64}\s*</dd>", page)
    assert "Secret" not in page


def test_a_statement_held_for_its_clock_says_what_to_look_at_and_is_tried_again(world):
    own_id = put_aside(world, "intake.clock_impossible")
    assert "check the clocks of the kiosk and of this gateway" in world.client("operator").get(f"{PAGE}/{own_id}").text
    press(world.client("operator"), f"{PAGE}/{own_id}", action="retry")
    assert states(world) == {own_id: "retry"}


def test_trying_again_marks_it_and_says_on_the_record_who_asked(world):
    own_id = put_aside(world)
    answer = press(world.client("operator"), f"{PAGE}/{own_id}", action="retry")
    assert states(world) == {own_id: "retry"}
    assert events(world) == [(own_id, "retry", "acc-operator", None)]
    assert "van-hanh" in answer.text
    assert "Marked, the gateway tries it next" in answer.text


def test_what_was_done_at_the_command_line_is_on_the_record_without_an_account(world):
    own_id = put_aside(world)
    with world.registry.writing() as connection:
        assert retry(connection, Chosen(), now=world.clock.now(), random_bytes=bytes) == 1
    assert events(world) == [(own_id, "retry", None, None)]
    assert "command line" in world.client("operator").get(f"{PAGE}/{own_id}").text


def test_a_letter_of_nobody_proven_is_never_tried_again(world):
    own_id = put_aside(world, "envelope.malformed", answer=None, commune="-")
    client = world.client("operator")
    assert "Not proven" in client.get(f"{PAGE}/{own_id}").text
    assert press(client, f"{PAGE}/{own_id}", action="retry").status_code == 409
    assert states(world) == {own_id: "new"}


def test_a_dismissal_needs_a_reason_and_keeps_it(world):
    own_id = put_aside(world)
    client = world.client("operator")
    assert press(client, f"{PAGE}/{own_id}", action="dismiss", reason="  ").status_code == 403
    assert states(world) == {own_id: "new"}
    assert "test kiosk" in press(client, f"{PAGE}/{own_id}", action="dismiss", reason="test kiosk").text
    assert events(world) == [(own_id, "dismissed", "acc-operator", "test kiosk")]
    assert press(client, f"{PAGE}/{own_id}", action="dismiss", reason="again").status_code == 409
    assert "There are none" in client.get(PAGE).text


def test_all_of_a_code_are_tried_again_and_no_other(world):
    mine = [put_aside(world, number=number) for number in range(1, 4)]
    other = put_aside(world, "registry.dead_letter", number=9)
    elsewhere = put_aside(world, number=8, commune="demo-02")
    press(world.client("operator"), PAGE, action="retry", code="message.schema_unknown")
    assert states(world) == dict.fromkeys(mine, "retry") | {other: "new", elsewhere: "new"}
    assert sorted(event[0] for event in events(world)) == sorted(mine)


def test_a_heap_is_dismissed_without_the_declarations_only_we_still_have(world):
    owed = put_aside(world, "envelope.sealed", answer="received", number=1)
    refused = put_aside(world, "envelope.sealed", answer="refused", number=2)
    noise = put_aside(world, "envelope.sealed", answer=None, number=3, commune="-")
    client = world.client("operator")
    press(client, PAGE, action="dismiss", code="envelope.sealed", reason="old firmware")
    assert states(world) == {owed: "new", refused: "dismissed", noise: "dismissed"}
    assert "somebody has to declare again" in client.get(f"{PAGE}/{owed}").text
    press(client, f"{PAGE}/{owed}", action="dismiss", reason="declared again at the desk")
    assert states(world)[owed] == "dismissed"


@pytest.mark.parametrize("fields", [{"action": "retry"}, {"action": "dismiss", "reason": "x"}])
def test_what_is_another_communes_and_what_is_not_there_answer_alike(world, fields):
    own_id = put_aside(world, commune="demo-02")
    client = world.client("operator")
    for path in (f"{PAGE}/{own_id}", f"{PAGE}/no-such-letter"):
        assert client.get(path).status_code == 403
        assert press(client, path, **fields).status_code == 403
    assert states(world) == {own_id: "new"}
    assert events(world) == []


@pytest.mark.parametrize("role", ["clerk", "officer", "resident"])
def test_nobody_else_sees_or_settles_letters(world, role):
    own_id = put_aside(world)
    client = world.client(role)
    for path in (PAGE, f"{PAGE}/{own_id}"):
        assert client.get(path).status_code == 403
        assert press(client, path, action="retry", code="message.schema_unknown").status_code == 403
    assert states(world) == {own_id: "new"}


def test_a_press_from_elsewhere_or_of_no_button_changes_nothing(world):
    own_id = put_aside(world)
    client = world.client("operator")
    assert client.post(f"{PAGE}/{own_id}", data={"action": "retry"}).status_code == 403
    assert client.post(f"{PAGE}/{own_id}", data={"action": "retry", "csrf": "0" * 64}).status_code == 403
    cross_site = {"sec-fetch-site": "cross-site"}
    data = {"csrf": csrf_of(client, "/account"), "action": "retry"}
    assert client.post(f"{PAGE}/{own_id}", data=data, headers=cross_site).status_code == 403
    assert press(client, f"{PAGE}/{own_id}", action="erase").status_code == 403
    assert states(world) == {own_id: "new"}
