"""The officer's morning: a list without names, a case claimed for a purpose, every look on the record."""

from __future__ import annotations

import pytest
from server_parts import ACCOUNTS, COMMUNE, csrf_of
from sqlalchemy import select

from registry import tables
from registry.accounts import KnownAccount, add_account

NAME = "Phạm Thị Thử Nghiệm"


@pytest.fixture
def officer(world):
    return world.client("officer")


def looks(world):
    with world.registry.reading() as connection:
        return connection.execute(select(tables.access_records)).all()


def claim(client, case_id, **changes):
    form = {"csrf": csrf_of(client), "action": "claim", "purpose": "undeclared-case"} | changes
    return client.post(f"/police/cases/{case_id}", data=form)


def test_the_list_says_why_each_is_here_what_was_tried_and_no_name(world, officer):
    world.open_case()
    page = officer.get("/police").text
    assert "Found here at night, and no stay was declared by the deadline" in page
    assert "stay-2026-07-01" in page
    assert "registered residence here" in page
    assert NAME not in page
    assert looks(world) == []


def test_a_case_shows_no_name_before_it_is_claimed_with_a_purpose(world, officer):
    case_id = world.open_case()
    assert NAME not in officer.get(f"/police/cases/{case_id}").text
    for purpose in ("", "receipt-check", "curiosity"):
        assert claim(officer, case_id, purpose=purpose).status_code == 403
    assert looks(world) == []


def test_claiming_for_a_purpose_shows_the_person_and_each_look_is_recorded(world, officer):
    case_id = world.open_case()
    assert NAME in claim(officer, case_id).text
    officer.get(f"/police/cases/{case_id}")
    recorded = looks(world)
    assert len(recorded) == 2
    assert {(each.account_id, each.purpose, each.about) for each in recorded} == {("acc-officer", "undeclared-case", case_id)}
    assert "001195000222" not in officer.get(f"/police/cases/{case_id}").text  # the purpose releases last digits only
    page = officer.get("/police/access").text
    assert "Work on an undeclared person" in page
    assert "Full name" in page


def test_another_officer_sees_the_claimed_case_and_no_name(world, officer):
    case_id = world.open_case()
    claim(officer, case_id)
    with world.registry.writing() as connection:
        second = KnownAccount(account_id="acc-second", commune_code=COMMUNE, sign_in_name="thu-hai", role="officer", areas=(), created_at=world.clock.now())  # fmt: skip
        add_account(connection, second)
    ACCOUNTS["second"] = ("thu-hai", ())
    try:
        other = world.client("second")
    finally:
        del ACCOUNTS["second"]
    assert NAME not in other.get(f"/police/cases/{case_id}").text
    refused = other.post(
        f"/police/cases/{case_id}",
        data={"csrf": csrf_of(other), "action": "close-explained", "reason": "x", "purpose": "undeclared-case"},
    )
    assert refused.status_code == 403


def step(client, case_id, action, **more):
    return client.post(f"/police/cases/{case_id}", data={"csrf": csrf_of(client), "action": action} | more)


def test_closing_says_what_the_case_was_and_shows_no_name_afterwards(world, officer):
    case_id = world.open_case()
    claim(officer, case_id)
    for action in (
        "close-explained",
        "close-explained:procedure",
        "close-explained:nonsense",
        "close-explained:other-explanation",
    ):
        assert step(officer, case_id, action).status_code == 403, action
    closed = step(officer, case_id, "close-explained:other-explanation", reason="relative of 1204")
    assert "Closed: explained" in closed.text
    assert "nobody&#39;s fault" in closed.text
    assert "relative of 1204" in closed.text
    before = len(looks(world))
    assert NAME not in officer.get(f"/police/cases/{case_id}").text
    assert len(looks(world)) == before
    opened = step(officer, case_id, "reopen", reason="seen again")
    assert "Claim the case" in opened.text


def test_the_list_begins_with_what_wants_somebody_now_and_says_why(world, officer):
    world.open_case()
    page = officer.get("/police").text
    assert "whoever it is may be there tonight" in page
    world.clock.pass_time(days=12)
    officer = world.client("officer")
    assert "after that nobody can check this case" in officer.get("/police").text


def test_a_case_tells_its_clocks_and_what_it_rests_on(world, officer):
    page = officer.get(f"/police/cases/{world.open_case()}").text
    for said in (
        "Deadline to declare",
        "by law",
        "Found at night",
        "not signed: entered at a desk",
        "Notice (Host): Please declare",
    ):
        assert said in page, said
    assert "Opened by the sweep" in page


def test_a_step_the_table_does_not_allow_is_refused(world, officer):
    case_id = world.open_case()
    csrf = csrf_of(officer)
    for action in ("ask", "reopen", "no-such-step"):
        assert officer.post(f"/police/cases/{case_id}", data={"csrf": csrf, "action": action, "reason": "x"}).status_code == 403


def test_a_case_of_another_commune_and_no_case_answer_alike(world, officer):
    case_id = world.open_case()
    with world.registry.writing() as connection:
        connection.execute(tables.case_events.delete())
        connection.execute(tables.cases.update().values(commune_code="demo-02"))
    answers = [officer.get(f"/police/cases/{each}") for each in (case_id, "no-such-case")]
    assert [each.status_code for each in answers] == [403, 403]


def test_stays_by_premises_show_evidence_and_findings_in_words_and_no_name(world, officer):
    world.declare_guest()
    assert "Khách sạn Sao Mai" in officer.get("/police/premises").text
    page = officer.get("/police/premises/htl-sao-mai").text
    assert "a photo of a card would read the same" in page
    assert "Trần Văn An" not in page
    assert officer.get("/police/premises/htl-xa").status_code == 403


@pytest.mark.parametrize("role", ["clerk", "operator", "resident"])
def test_nobody_but_an_officer_sees_police_pages(world, role):
    case_id = world.open_case()
    client = world.client(role)
    for path in ("/police", "/police/access", "/police/premises", "/police/premises/htl-sao-mai", f"/police/cases/{case_id}"):
        assert client.get(path).status_code == 403, path
    assert claim(client, case_id).status_code == 403
