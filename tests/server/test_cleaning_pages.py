"""The officer looks after the register: what waits by rule, a preview before a decision, a decision taken back, and no name."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from server_cleaning import find
from server_parts import csrf_of, fields_of

from registry.scoreboard.counting import keep_day
from residence.cleaning.scoreboard import MEASURES

RULE = "/police/cleaning/premises_over_capacity"


@pytest.fixture
def officer(world):
    world.declare_guest()
    find(world)
    return world.client("officer")


def choose(client, path=RULE, **changes):
    items = dict.fromkeys(re.findall(r'name="(item-[^"]+)"', client.get(path).text), "yes")
    form = {"csrf": csrf_of(client), "action": "preview", "outcome": "accepted"} | items | changes
    return client.post(path, data=form)


def test_what_waits_is_told_by_rule_in_a_sentence_and_without_a_name(officer):
    page = officer.get("/police/cleaning").text
    assert "More people are registered or staying here than the recorded capacity." in page
    assert "First due" in page
    assert "Last looked through: 14:00, 10 July 2026" in page
    items = officer.get(RULE).text
    assert "Khách sạn Sao Mai" in items
    assert "Commune police officer" in items
    assert "Trần Văn An" not in page + items


def test_a_decision_goes_through_a_preview_and_can_be_taken_back(officer):
    seen = choose(officer)
    assert "This is what you would settle" in seen.text
    assert "Khách sạn Sao Mai" in officer.get(RULE).text  # a preview settles nothing
    settled = officer.post(RULE, data=fields_of(seen.text) | {"csrf": csrf_of(officer), "reason": "beds were added"})
    assert "beds were added" in settled.text
    assert "Nothing waits" in officer.get(RULE).text
    batch = re.search(r'name="batch" value="([^"]+)"', settled.text)[1]
    back = officer.post("/police/cleaning", data={"csrf": csrf_of(officer), "batch": batch, "reason": "the wrong place"})
    assert "Taken back" in back.text
    assert "Khách sạn Sao Mai" in officer.get(RULE).text


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"outcome": "confirmed"}, 403), ({"action": "decide", "token": "0" * 32, "reason": "x"}, 409), ({"outcome": ""}, 403)],
)
def test_what_cannot_be_decided_so_is_refused_and_settles_nothing(officer, changes, status):
    assert choose(officer, **changes).status_code == status
    assert "Khách sạn Sao Mai" in officer.get(RULE).text


def test_nothing_chosen_and_no_such_rule_are_refused(officer):
    form = {"csrf": csrf_of(officer), "action": "preview", "outcome": "accepted"}
    assert officer.post(RULE, data=form).status_code == 403
    assert officer.get("/police/cleaning/no_such_rule").status_code == 403


@pytest.mark.parametrize("role", ["clerk", "operator", "resident"])
def test_nobody_but_an_officer_looks_after_the_register(world, role):
    client = world.client(role)
    assert [client.get(path).status_code for path in ("/police/cleaning", RULE)] == [403, 403]
    form = {"csrf": csrf_of(client), "batch": "x", "reason": "x", "action": "preview", "outcome": "accepted", "item-1": "yes"}
    assert [client.post(path, data=form).status_code for path in ("/police/cleaning", RULE)] == [403, 403]


def test_the_page_draws_how_the_register_stands_with_the_latest_figure_and_its_range(world, officer):
    assert "How the register stands" not in officer.get("/police/cleaning").text  # nothing was counted yet
    for days in (1, 0):
        keep_day(world.registry, now=world.clock.now() - timedelta(days=days))
    page = officer.get("/police/cleaning").text
    assert page.count("<svg viewBox") == len(MEASURES)
    assert re.search(r"Seen with a card</span>\s*<strong>100\.0 %</strong>.*?\d+\.\d–100\.0", page)
    assert "<polyline" in page
    assert "<polygon" in page
