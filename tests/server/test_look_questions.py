"""Officers asked about their looks: raised from real looks, explained by the officer, settled by an inspector who is free to; numbers changed by two."""

from __future__ import annotations

import pytest
from server_duplicates import propose_pair
from server_eyes import claim, settle
from server_parts import COMMUNE, csrf_of
from server_police import add_officer, file_cases, officer_named
from sqlalchemy import select, update

from luutru.system import random_bytes
from registry import tables
from registry.accounts import KnownAccount, add_account
from registry.look_questions import raise_questions, rules_in_force


@pytest.fixture
def officer(world):
    return world.client("officer")


@pytest.fixture
def inspector(world):
    return world.client("inspector")


def post(client, path, **fields):
    return client.post(path, data={"csrf": csrf_of(client)} | fields)


def rows(world, table=tables.look_questions):
    with world.registry.reading() as connection:
        return connection.execute(select(table)).all()


def ask(world, *, days=4) -> int:
    world.clock.pass_time(days=days)
    return raise_questions(world.registry, now=world.clock.now(), random_bytes=random_bytes)


def bind(world, account_id, person_id):
    with world.registry.writing() as connection:
        connection.execute(update(tables.accounts).where(tables.accounts.c.account_id == account_id).values(person_id=person_id))


def sweep_a_block(world, officer, many=8):
    """Claim many cases of one block, look at each, and do nothing about any."""
    for case_id in file_cases(world, many):
        claim(officer, case_id)


def test_a_block_gone_through_without_a_step_is_asked_about_once_explained_and_settled(world, officer, inspector):
    sweep_a_block(world, officer)
    assert ask(world, days=2) == 0  # there is time to do something yet
    assert ask(world, days=2) == 2
    assert ask(world, days=1) == 0  # once
    asked = {each.rule: each for each in rows(world)}
    assert {rule: (each.people, each.premises_id) for rule, each in asked.items()} == {
        "one-address": (8, "blk-hoa-binh"),
        "no-step": (8, None),
    }
    one = asked["one-address"].question_id
    officer, inspector = world.client("officer"), world.client("inspector")
    page = inspector.get(f"/inspect/questions/{one}").text
    assert "6 or more people of one address within 7 days" in page
    assert "Chung cư Hòa Bình" in page
    assert post(inspector, f"/inspect/questions/{one}", outcome="explained", reason="x").status_code == 422  # may still answer
    assert "Many people of one address: Chung cư Hòa Bình" in officer.get("/police/questions").text
    assert post(officer, f"/police/questions/{one}", answer=" ").status_code == 422
    assert post(officer, f"/police/questions/{one}", answer="Kiểm tra đêm theo kế hoạch").status_code == 200
    assert post(officer, f"/police/questions/{one}", answer="something else").status_code == 422  # once
    assert "Kiểm tra đêm theo kế hoạch" in inspector.get(f"/inspect/questions/{one}").text
    assert post(inspector, f"/inspect/questions/{one}", outcome="forgiven", reason="x").status_code == 403
    assert post(inspector, f"/inspect/questions/{one}", outcome="explained", reason=" ").status_code == 422
    assert post(inspector, f"/inspect/questions/{one}", outcome="explained", reason="Có kế hoạch").status_code == 200
    assert post(inspector, f"/inspect/questions/{one}", outcome="handed-on", reason="x").status_code == 422  # settled
    assert "Có kế hoạch" in officer.get("/police/questions").text


def test_whoever_does_something_about_what_they_looked_at_is_asked_nothing(world, officer):
    for case_id in file_cases(world, 8):
        claim(officer, case_id)
        post(officer, f"/police/cases/{case_id}", action="close-explained:visitor")
    assert ask(world) == 0


def test_giving_a_case_back_is_no_step(world, officer):
    for case_id in file_cases(world, 8):
        claim(officer, case_id)
        post(officer, f"/police/cases/{case_id}", action="release", reason="a mistake")
    assert ask(world) == 2


def test_a_look_at_oneself_is_asked_about_whatever_was_done(world, officer):
    pair = propose_pair(world)
    with world.registry.reading() as connection:
        one = connection.scalar(select(tables.duplicate_pairs.c.one_id))
    bind(world, "acc-officer", one)
    post(officer, f"/police/duplicates/{pair}", action="look")
    post(officer, f"/police/duplicates/{pair}", action="different", reason="twins")
    assert ask(world) == 1
    assert [(each.rule, each.people) for each in rows(world)] == [("self", 1)]


def test_a_silent_officer_is_settled_without_after_the_time_to_answer(world, officer):
    sweep_a_block(world, officer)
    ask(world)
    one = rows(world)[0].question_id
    world.clock.pass_time(days=7)
    inspector = world.client("inspector")
    assert post(inspector, f"/inspect/questions/{one}", outcome="handed-on", reason="Không giải trình").status_code == 200


def test_nobody_inspects_themselves_their_family_or_another_commune(world, officer):
    world.declare_guest()
    sweep_a_block(world, officer)
    ask(world)
    one = rows(world)[0].question_id
    with world.registry.reading() as connection:
        person = connection.scalar(select(tables.persons.c.person_id))
    bind(world, "acc-officer", person)
    bind(world, "acc-inspector", person)
    same = world.client("inspector")
    assert "Many" not in same.get("/inspect").text.split("<main")[1]
    assert same.get(f"/inspect/questions/{one}").status_code == 403
    assert post(same, f"/inspect/questions/{one}", outcome="explained", reason="x").status_code == 403
    bind(world, "acc-inspector", None)
    assert world.client("inspector").get(f"/inspect/questions/{one}").status_code == 200
    with world.registry.writing() as connection:
        elsewhere = KnownAccount(
            account_id="acc-far", commune_code="demo-02", sign_in_name="xa", role="inspector", areas=(), created_at=world.clock.now()
        )  # fmt: skip
        add_account(connection, elsewhere)
    assert officer_named(world, "xa").get(f"/inspect/questions/{one}").status_code == 403


def test_an_officer_answers_for_nobody_else_and_sees_no_inspectors_page(world, officer):
    sweep_a_block(world, officer)
    ask(world)
    one = rows(world)[0].question_id
    colleague = officer_named(world, add_officer(world, "acc-colleague", "dong-nghiep"))
    assert post(colleague, f"/police/questions/{one}", answer="not mine").status_code == 403
    assert "You are asked about nothing." in colleague.get("/police/questions").text
    for role in ("officer", "clerk", "operator", "resident"):
        client = world.client(role)
        assert [client.get(path).status_code for path in ("/inspect", f"/inspect/questions/{one}")] == [403, 403]


def test_the_inspectors_pages_name_nobody_who_was_looked_at(world, officer, inspector):
    case_id = world.open_case()
    assert "Phạm Thị Thử Nghiệm" in claim(officer, case_id).text
    sweep_a_block(world, officer)
    ask(world)
    inspector = world.client("inspector")
    pages = [
        inspector.get("/inspect").text,
        *(inspector.get(f"/inspect/questions/{each.question_id}").text for each in rows(world)),
    ]
    assert not [page for page in pages if "Phạm Thị" in page or "001195000222" in page]
    assert len(rows(world, tables.access_records)) == 9  # an inspector's reading is no look at anybody


def test_two_inspectors_change_a_number_within_its_bounds_and_the_next_question_goes_by_it(world, officer, inspector):
    with world.registry.writing() as connection:
        other = KnownAccount(
            account_id="acc-inspector-2", commune_code=COMMUNE, sign_in_name="thanh-tra-2", role="inspector", areas=(), created_at=world.clock.now()
        )  # fmt: skip
        add_account(connection, other)
    colleague = officer_named(world, "thanh-tra-2")
    for wrong in ("2", "21", "x", "", "6"):  # out of bounds, no number, as it is
        assert post(inspector, "/looks/rules", address_people=wrong, reason="why").status_code == 403
    assert post(officer, "/looks/rules", address_people="9", reason="why").status_code == 403
    asked = post(inspector, "/looks/rules", address_people="9", reason="too many questions about one block")
    assert asked.status_code == 200
    assert officer.get(asked.url.path).status_code == 403  # an officer decides nothing about it
    assert settle(inspector, world, "granted").status_code == 422
    assert settle(colleague, world, "granted").status_code == 200
    with world.registry.reading() as connection:
        assert rules_in_force(connection, COMMUNE).address_people == 9
    sweep_a_block(world, officer)
    ask(world)
    assert [(each.rule, each.rules["address_people"]) for each in rows(world)] == [("no-step", 9)]
    assert "9 or more people of one address" in world.client("officer").get("/looks/rules").text
