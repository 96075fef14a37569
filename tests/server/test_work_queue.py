"""The officer's work queues: what is where and why, taken, given, handed back and put on hold; nobody decides in their own cause."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from server_parts import COMMUNE, csrf_of
from server_police import add_officer, file_cases, officer_named
from sqlalchemy import select

from luutru.system import random_bytes
from registry import tables
from registry.accounts import find_account
from registry.case_queue import distribute_cases
from registry.case_tasks import tasks_of
from registry.interests import declare_interest
from residence.cases.triage import CaseTimes
from residence.places.premises import Premises, PremisesKind
from server.police.route_pages import stops_of

NAME = "Phạm Thị Thử Nghiệm"


@pytest.fixture
def officer(world):
    return world.client("officer")


def rows(world, table):
    with world.registry.reading() as connection:
        return connection.execute(select(table)).all()


def task(client, case_id, action, **more):
    return client.post(f"/police/cases/{case_id}/task", data={"csrf": csrf_of(client), "action": action} | more)


def distribute(world):
    return distribute_cases(world.registry, now=world.clock.now(), times=CaseTimes(), random_bytes=random_bytes)


def test_of_forty_cases_the_page_opens_with_the_nine_that_cannot_wait_each_with_a_sentence_why(world, officer):
    file_cases(world, 40, fresh=9)
    page = officer.get("/police/queue").text
    assert page.count('<li data-case="') == 9
    assert page.count("whoever it is may be there tonight") == 9
    assert "All <span>40</span>" in page
    assert "Now <span>9</span>" in page
    assert "Take the next one" in page


def test_no_queue_names_anybody_or_leaves_a_look(world, officer):
    world.open_case()
    for queue in ("now", "mine", "free", "asked", "held", "all", "closed"):
        assert NAME not in officer.get(f"/police/queue/{queue}").text
    assert rows(world, tables.access_records) == []


def test_an_address_says_queue_and_filter_and_can_be_kept_under_a_label(world, officer):
    file_cases(world, 6, fresh=3)
    address = "/police/queue/all?rule=night_check&urgency=NOW"
    page = officer.get(address).text
    assert page.count('<li data-case="') == 3
    form = {"csrf": csrf_of(officer), "action": "save", "label": "đêm qua", "rule": "night_check", "urgency": "NOW"}
    kept = officer.post("/police/queue/all", data=form).text
    assert 'href="/police/queue/all?rule=night_check&amp;urgency=NOW">đêm qua' in kept
    (saved,) = rows(world, tables.saved_filters)
    assert (saved.account_id, saved.queue) == ("acc-officer", "all")
    gone = officer.post("/police/queue/all", data={"csrf": csrf_of(officer), "action": "forget", "filter": saved.filter_id}).text
    assert "đêm qua" not in gone
    assert officer.get("/police/queue/all?rule=looks-odd").status_code == 422
    assert officer.post("/police/queue/all", data=form | {"label": " "}).status_code == 403
    assert officer.get("/police/queue/no-such").status_code == 403


def test_the_next_one_is_claimed_for_the_purpose_its_button_names(world, officer):
    case_id = world.open_case()
    page = officer.post("/police/queue/now", data={"csrf": csrf_of(officer), "action": "take-next"}).text
    assert NAME in page
    assert [(each.about, each.purpose) for each in rows(world, tables.access_records)] == [(case_id, "undeclared-case")]
    again = officer.post("/police/queue/now", data={"csrf": csrf_of(officer), "action": "take-next"})
    assert (again.status_code, "Nothing is left here" in again.text) == (403, True)


def test_cases_are_shared_evenly_by_themselves_and_what_is_handed_back_goes_to_somebody_else(world, officer):
    add_officer(world, "acc-second", "thu-hai")
    file_cases(world, 5, fresh=2)
    assert distribute(world).given == 5
    assert distribute(world).given == 0
    held = [each.given_to for each in rows(world, tables.case_tasks)]
    assert sorted((held.count("acc-officer"), held.count("acc-second"))) == [2, 3]
    mine = next(each.case_id for each in rows(world, tables.case_tasks) if each.given_to == "acc-officer")
    assert task(officer, mine, "hand-back").status_code == 403  # without a reason
    assert "Nobody has it" in task(officer, mine, "hand-back", reason="on leave").text
    assert distribute(world).given == 1
    with world.registry.reading() as connection:
        assert tasks_of(connection, [mine])[mine].given_to == "acc-second"


def test_a_case_in_ones_own_cause_is_not_shown_not_opened_and_never_given(world, officer):
    (case_id,) = file_cases(world, 1)
    with world.registry.writing() as connection:
        account = find_account(connection, "cong-an")
        declare_interest(
            connection, account, ("relative", "blk-hoa-binh"), by="cong-an", now=world.clock.now(), random_bytes=random_bytes
        )
    page = officer.get("/police/queue/all").text
    assert case_id not in page
    assert "or your own establishment: 1" in page
    assert case_id not in officer.get("/police").text
    claim = {"csrf": csrf_of(officer), "action": "claim", "purpose": "undeclared-case"}
    for answer in (officer.get(f"/police/cases/{case_id}"), officer.post(f"/police/cases/{case_id}", data=claim)):
        assert answer.status_code == 403
    assert (distribute(world).given, distribute(world).nobodys) == (0, 1)
    second = add_officer(world, "acc-second", "thu-hai")
    refused = task(officer_named(world, second), case_id, "give", to="acc-officer")
    assert (refused.status_code, "must not work on this case" in refused.text) == (403, True)
    assert distribute(world).given == 1


def test_a_case_rests_for_its_claimant_until_a_morning_and_then_is_there_again(world, officer):
    case_id = world.open_case()
    assert task(officer, case_id, "hold", days="2", reason="away").status_code == 403  # nobody has claimed it
    officer.post("/police/queue/now", data={"csrf": csrf_of(officer), "action": "take-next"})
    assert task(officer, case_id, "hold", days="2").status_code == 403
    assert task(officer, case_id, "hold", days="30", reason="away").status_code == 403
    assert "Put on hold" in task(officer, case_id, "hold", days="2", reason="the host is away").text
    assert case_id not in officer.get("/police/queue/mine").text
    assert "Rests until" in officer.get("/police/queue/held").text
    world.clock.pass_time(days=2, hours=18)
    officer = world.client("officer")
    assert case_id in officer.get("/police/queue/mine").text
    assert case_id not in officer.get("/police/queue/held").text


def test_a_case_rests_at_most_until_what_was_seen_is_deleted(world, officer):
    case_id = world.open_case()
    world.clock.pass_time(days=12)
    officer = world.client("officer")
    officer.post("/police/queue/all", data={"csrf": csrf_of(officer), "action": "take-next"})
    assert task(officer, case_id, "hold", days="5", reason="busy").status_code == 403
    assert task(officer, case_id, "hold", days="1", reason="busy").status_code == 200
    assert "Taken up again" in task(officer, case_id, "resume").text


def test_giving_is_no_claim_and_answers_a_key_without_a_page(world, officer):
    case_id = world.open_case()
    form = {"csrf": csrf_of(officer), "action": "give"}
    answer = officer.post(f"/police/cases/{case_id}/task", data=form, headers={"accept": "application/json"})
    assert answer.json() == {"holder": "cong-an"}
    assert NAME not in officer.get(f"/police/cases/{case_id}").text
    assert rows(world, tables.access_records) == []
    for somebody in ("acc-clerk", "acc-operator", "nobody"):
        assert task(officer, case_id, "give", to=somebody).status_code == 403
    assert task(world.client("clerk"), case_id, "give").status_code == 403


def test_closed_cases_are_listed_with_what_they_were_for_sixty_days(world, officer):
    case_id = world.open_case()
    officer.post("/police/queue/now", data={"csrf": csrf_of(officer), "action": "take-next"})
    officer.post(f"/police/cases/{case_id}", data={"csrf": csrf_of(officer), "action": "close-explained:visitor"})
    page = officer.get("/police/queue/closed").text
    assert "A visitor who did not stay the night" in page
    assert "Closed <span>1</span>" in page
    world.clock.instant += timedelta(days=61)
    assert case_id not in world.client("officer").get("/police/queue/closed").text


def test_an_officers_own_house_and_household_and_what_they_own_bar_them(world):
    from registry.households import Registration, add_household, add_residences
    from registry.interests import interests_of
    from registry.relations import Relation, add_relation

    now, made = world.clock.now(), {"now": world.clock.now(), "random_bytes": random_bytes}
    with world.registry.writing() as connection:
        add_household(connection, "hh-1", commune_code=COMMUNE, premises_id="blk-hoa-binh", unit="1203", now=now)
        homes = [("officer", "2020-01-01", None), ("sister", "2020-01-01", "2021-01-01")]
        add_residences(
            connection,
            [
                Registration(person_id=who, premises_id="blk-hoa-binh", kind="permanent", valid_from=since, valid_to=until, household_id="hh-1")
                for who, since, until in homes
            ],
            commune_code=COMMUNE, **made,
        )  # fmt: skip
        owner = Relation(kind="owner", subject_id="htl-sao-mai", person_id="sister", valid_from=None, valid_to=None)
        add_relation(connection, owner, commune_code=COMMUNE, recorded_by=None, **made)
        add_officer(world, "acc-bound", "co-ho-khau", person_id="officer", connection=connection)
        connection.execute(
            tables.persons.insert().values(
                commune_code=COMMUNE, person_id="officer", status="living", name_quality="full", created_at=now, changed_at=now
            )
        )
        found = interests_of(connection, "acc-bound", on=now.date())
    assert found.people == {"officer", "sister"}
    assert found.places == {"blk-hoa-binh", "htl-sao-mai"}


def test_a_list_to_walk_by_goes_house_by_house_room_by_room_and_names_nobody(world, officer):
    world.open_case()
    file_cases(world, 8, premises=True)
    page = officer.get("/police/route/all").text
    assert page.count('<section class="luutru-stop">') == 2
    block, hotel = page.split('<section class="luutru-stop">')[1:]
    assert "Số 1 Đường Mẫu" in block  # Đường before Phố
    assert [each in hotel for each in ("Khách sạn Sao Mai", "room 201", "room 1203")] == [True, True, False]
    assert block.index("room 1203") < block.index("room 1204")
    assert NAME not in page
    assert rows(world, tables.access_records) == []
    assert "Cases: 1 ·" in officer.get("/police/route/all?rule=night_check").text
    assert officer.get("/police/route/closed").status_code == 403


@pytest.mark.parametrize(
    ("addresses", "order"),
    [
        (("Số 10 Đường Mẫu", "Số 9 Đường Mẫu"), (1, 0)),
        (("Số 1 Phố Thử", "Số 2 Đường Mẫu", "Số 1 Đường Mẫu"), (2, 1, 0)),
        (("Số 5A Ngõ 10", "Số 5 Ngõ 10", ""), (2, 1, 0)),
    ],
)
def test_houses_of_one_street_stand_together_and_numbers_count_as_numbers(addresses, order):
    places = {str(at): Premises(premises_id=str(at), kind=PremisesKind.HOUSEHOLD, commune_code=COMMUNE, name="x", address_text=text) for at, text in enumerate(addresses)}  # fmt: skip
    items = [SimpleNamespace(row=SimpleNamespace(premises_id=each, unit=None, case_id=each)) for each in places]
    assert [stop.place.premises_id for stop in stops_of(items, places)] == [str(each) for each in order]
