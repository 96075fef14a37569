"""Several cases: a notice made into one, two worked on as one and apart again, a step for many previewed, done and taken back."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

import pytest
from factories import make_person
from server_parts import COMMUNE, csrf_of
from server_police import add_officer, file_cases, officer_named
from sqlalchemy import select

from luutru.system import random_bytes
from registry import tables
from registry.accounts import find_account
from registry.interests import declare_interest
from registry.notices import Notice, send_notice
from registry.presences import sightings
from residence.cases.notices import NoticeKind


@pytest.fixture
def officer(world):
    return world.client("officer")


def rows(world, table):
    with world.registry.reading() as connection:
        return connection.execute(select(table)).all()


def state_of(world, case_id):
    return next(each.state for each in rows(world, tables.cases) if each.case_id == case_id)


def post(client, path, **fields):
    return client.post(path, data={"csrf": csrf_of(client)} | fields)


def claim(client, case_id):
    return post(client, f"/police/cases/{case_id}", action="claim", purpose="undeclared-case")


def notify(world) -> str:
    """Let somebody be seen and their host be told; returns the notice."""
    world.see_somebody(kind="entry")
    now = world.clock.now()
    with world.registry.writing() as connection:
        (seen,) = sightings(connection, ["blk-hoa-binh"], since=now - timedelta(days=1))
        notice = Notice(
            kind=NoticeKind.PLEASE_DECLARE, about=seen.presence_id, who=seen.who, premises_id="blk-hoa-binh", commune_code=COMMUNE,
            addressee="host", unit="1204", due=now, rule="seen_past_deadline", rule_set="stay-2026-07-01", article="Art. 30",
        )  # fmt: skip
        return send_notice(connection, notice, now=now, random_bytes=secrets.token_bytes)


def test_a_notice_becomes_a_case_only_after_its_time_unanswered_and_for_a_reason(world, officer):
    notice_id = notify(world)
    assert "Make it a case" not in officer.get("/police").text
    assert post(officer, f"/police/alerts/{notice_id}", reason="seen nightly").status_code == 403
    world.clock.pass_time(days=1, hours=1)
    officer = world.client("officer")
    assert "Make it a case" in officer.get("/police").text
    assert post(officer, f"/police/alerts/{notice_id}").status_code == 403
    page = post(officer, f"/police/alerts/{notice_id}", reason="neighbours complain of noise every night").text
    assert "An officer made a case of a notice" in page
    assert "Made into a case by an officer: neighbours complain" in page
    assert post(officer, f"/police/alerts/{notice_id}", reason="again").status_code == 403
    assert [each.rule for each in rows(world, tables.cases)] == ["by_officer"]


def test_what_is_explained_by_now_or_ones_own_cause_becomes_no_case(world):
    notice_id = notify(world)
    world.clock.pass_time(days=1, hours=1)
    officer = world.client("officer")
    with world.registry.writing() as connection:
        account = find_account(connection, "cong-an")
        barred = declare_interest(connection, account, ("relative", "blk-hoa-binh"), by="x", now=world.clock.now(), random_bytes=random_bytes)  # fmt: skip
    assert post(officer, f"/police/alerts/{notice_id}", reason="x").status_code == 403
    with world.registry.writing() as connection:
        connection.execute(tables.officer_interests.delete().where(tables.officer_interests.c.interest_id == barred))
    person = make_person(full_name="Phạm Thị Thử Nghiệm", personal_number="001195000222", sex="female", document=None)
    world.declare_guest(premises_id="blk-hoa-binh", unit="1204", person=person, arrival="2026-07-10T14:00:00+07:00")
    assert post(officer, f"/police/alerts/{notice_id}", reason="x").status_code == 403
    assert rows(world, tables.cases) == []


def test_cases_of_one_house_are_worked_on_as_one_and_taken_apart_again(world, officer):
    lead, other, elsewhere, _ = file_cases(world, 4, premises=True)
    claim(officer, lead)
    assert post(officer, f"/police/cases/{lead}/merge", other=elsewhere, reason="x").status_code == 403  # another house
    assert post(officer, f"/police/cases/{lead}/merge", other=other).status_code == 403  # without a reason
    page = post(officer, f"/police/cases/{lead}/merge", other=other, reason="one family").text
    assert "Worked on together with this case" in page
    queue = officer.get("/police/queue/mine").text
    assert (f'data-case="{lead}"' in queue, f'data-case="{other}"' in queue) == (True, False)
    assert "room 1203 +1" in queue
    assert "Worked on together with <a" in officer.get(f"/police/cases/{other}").text
    assert post(officer, f"/police/cases/{other}", action="close-explained:visitor").status_code == 403  # not alone
    post(officer, f"/police/cases/{lead}", action="close-explained:visitor")
    assert {state_of(world, lead), state_of(world, other)} == {"closed-explained"}
    post(officer, f"/police/cases/{lead}", action="reopen", reason="seen again")
    claim(officer, lead)
    assert post(officer, f"/police/cases/{lead}/split", other=other).status_code == 200
    post(officer, f"/police/cases/{lead}", action="release", reason="on leave")
    assert (state_of(world, lead), state_of(world, other)) == ("open", "claimed")
    assert post(officer, f"/police/cases/{other}", action="close-explained:visitor").status_code == 200


def test_a_colleagues_case_is_not_taken_by_merging(world, officer):
    lead, other, *_ = file_cases(world, 4, premises=True)
    second = officer_named(world, add_officer(world, "acc-second", "thu-hai"))
    claim(second, other)
    claim(officer, lead)
    assert post(officer, f"/police/cases/{lead}/merge", other=other, reason="x").status_code == 403
    assert post(second, f"/police/cases/{lead}/merge", other=other, reason="x").status_code == 403


def chosen(*case_ids):
    return {f"case-{each}": "1" for each in case_ids}


def done(client, page):
    form = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page[page.rindex("<form method") :]))
    return post(client, "/police/bulk", **{name: value for name, value in form.items() if name != "csrf"})


def test_a_preview_changes_nothing_and_says_for_each_case_what_the_act_then_does(world, officer):
    mine, mine_too, free = file_cases(world, 3)
    for each in (mine, mine_too):
        claim(officer, each)
    before = rows(world, tables.cases), rows(world, tables.case_events)
    page = post(officer, "/police/bulk", action="close", code="our-mistake", **chosen(mine, free, mine_too)).text
    assert "<strong>2 / 3</strong>: Closed: A mistake of a kiosk or of this system" in page
    assert (page.count("would be done</strong>"), page.count("not done</strong>")) == (2, 1)
    assert (rows(world, tables.cases), rows(world, tables.case_events)) == before
    acted = done(officer, page)
    assert "<strong>2 / 3</strong>" in acted.text
    assert [state_of(world, each) for each in (mine, free, mine_too)] == ["closed-explained", "open", "closed-explained"]
    assert done(officer, page).url.path == acted.url.path  # sent twice, done once
    assert len(rows(world, tables.bulk_acts)) == 1


def test_an_act_is_taken_back_for_every_case_nothing_else_happened_to(world, officer):
    case_ids = file_cases(world, 3)
    for each in case_ids:
        claim(officer, each)
    acted = done(officer, post(officer, "/police/bulk", action="close", code="our-mistake", **chosen(*case_ids)).text)
    post(officer, f"/police/cases/{case_ids[1]}", action="reopen", reason="seen again")
    address = acted.url.path
    undone = post(officer, f"{address}/undo").text
    assert (undone.count("Taken back</span>"), undone.count("Not taken back:")) == (2, 1)
    assert [state_of(world, each) for each in case_ids] == ["claimed", "open", "claimed"]
    assert post(officer, f"{address}/undo").status_code == 409
    other = officer_named(world, add_officer(world, "acc-second", "thu-hai"))
    assert other.get(address).status_code == 403


def test_cases_are_given_and_rest_together_and_the_time_to_take_it_back_ends(world, officer):
    case_ids = file_cases(world, 2)
    add_officer(world, "acc-second", "thu-hai")
    given = done(officer, post(officer, "/police/bulk", action="give", to="acc-second", **chosen(*case_ids)).text)
    assert {each.given_to for each in rows(world, tables.case_tasks)} == {"acc-second"}
    assert post(officer, f"{given.url.path}/undo").status_code == 200
    assert {each.given_to for each in rows(world, tables.case_tasks)} == {None}
    for each in case_ids:
        claim(officer, each)
    held = done(officer, post(officer, "/police/bulk", action="hold", days="2", reason="away", **chosen(*case_ids)).text)
    assert "Rests until" in officer.get("/police/queue/held").text
    world.clock.instant += timedelta(minutes=31)
    assert post(world.client("officer"), f"{held.url.path}/undo").status_code == 409


def test_fifty_and_fifty_more_are_a_hundred_and_wait_for_a_second_person(world, officer):
    case_ids = file_cases(world, 60)
    add_officer(world, "acc-second", "thu-hai")
    give = {"action": "give", "to": "acc-second"}
    first = done(officer, post(officer, "/police/bulk", **give, **chosen(*case_ids[:40])).text)
    page = post(officer, "/police/bulk", **give, **chosen(*case_ids[40:])).text
    assert 'name="step" value="ask"' in page
    assert post(officer, "/police/bulk", **give, step="do", cases=" ".join(case_ids[40:])).status_code == 403
    assert 'name="step" value="do"' in post(officer, "/police/bulk", **give, **chosen(*case_ids[40:50])).text
    post(officer, f"{first.url.path}/undo")  # what was taken back does not count
    assert 'name="step" value="do"' in post(officer, "/police/bulk", **give, **chosen(*case_ids[40:])).text


def test_nothing_too_many_and_nobody_elses_queue_is_refused(world, officer):
    assert post(officer, "/police/bulk", action="give", to="acc-officer").status_code == 403
    many = {"cases": " ".join(f"case-{number}" for number in range(51))}
    assert post(officer, "/police/bulk", action="give", to="acc-officer", step="do", **many).status_code == 403  # alone
    far_too_many = {"cases": " ".join(f"case-{number}" for number in range(501))}
    assert post(officer, "/police/bulk", action="give", to="acc-officer", **far_too_many).status_code == 403
    assert post(officer, "/police/bulk", action="ask", **many).status_code == 403
    assert world.client("clerk").get("/police/bulk/now").status_code == 403
    file_cases(world, 2)
    assert officer.get("/police/bulk/all").text.count('type="checkbox"') == 2
