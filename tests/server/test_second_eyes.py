"""A second person: sees the whole, grants, refuses or returns, and is never the same; what is sealed is counted now and told on its day."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from log_parts import LogOf
from server_eyes import claim, proposals, settle
from server_parts import csrf_of, fields_of
from server_police import add_officer, officer_named
from sqlalchemy import select, update

from registry import tables
from registry.disclosures import Span, disclosures_of
from residence.clock import VIETNAM

WAITS = tables.proposals.c.outcome.is_(None)


@pytest.fixture
def world(make_world, tmp_path):
    return make_world(log=tmp_path / "log")


def day(world, days):
    return f"{(world.clock.now() + timedelta(days=days)).astimezone(VIETNAM):%Y-%m-%d}"


def ask(client, world, case_id, **changes):
    form = {"csrf": csrf_of(client), "case": case_id, "until": day(world, 30), "reason": "Theo lệnh số 1"} | changes
    return client.post("/police/second-eyes", data=form)


def seen_by_the_person(world, case_id):
    with world.registry.reading() as connection:
        who = connection.scalar(select(tables.cases.c.who).where(tables.cases.c.case_id == case_id))
        found = disclosures_of(connection, who, span=Span(), now=world.clock.now(), vault=world.vault)
        return [(each.purpose, bool(each.sealed_until)) for each in found.items]


def test_a_case_is_sealed_by_two_who_saw_the_whole_counted_at_once_and_told_on_its_day(world, tmp_path):
    case_id, officer = world.open_case(), world.client("officer")
    colleague = officer_named(world, add_officer(world, "acc-colleague", "dong-nghiep"))
    assert ask(officer, world, case_id).status_code == 403  # not held
    claim(officer, case_id)
    before = seen_by_the_person(world, case_id)
    for until in ("", day(world, 0), day(world, 200), "soon"):
        assert ask(officer, world, case_id, until=until).status_code == 422
    assert ask(officer, world, case_id, reason=" ").status_code == 422
    assert ask(officer, world, case_id).status_code == 200
    assert ask(officer, world, case_id).status_code == 422  # it waits already
    assert "Waits for somebody else" in officer.get("/police/second-eyes").text
    assert settle(officer, world, "granted").status_code == 422  # never the same
    (waiting,) = proposals(world, WAITS)
    shown = colleague.get(f"/police/second-eyes/{waiting}").text
    assert "Theo lệnh số 1" in shown
    assert "Chung cư Hòa Bình" in shown
    for answer in ("returned", "refused"):
        assert settle(colleague, world, answer, reason="").status_code == 422  # a reason is needed
    assert settle(colleague, world, "returned", reason="Thiếu căn cứ").status_code == 200
    assert "Thiếu căn cứ" in officer.get("/police/second-eyes").text
    officer.get(f"/police/cases/{case_id}")
    assert ask(officer, world, case_id, reason="Theo lệnh số 2").status_code == 200
    assert settle(colleague, world, "granted").status_code == 200
    told = seen_by_the_person(world, case_id)
    assert len(told) == len(before) + 1  # what was looked at before stays open
    officer.get(f"/police/cases/{case_id}")
    assert seen_by_the_person(world, case_id) == told
    log = LogOf(world.registry, tmp_path)
    assert log.publish().published == len(told) + 1  # counted now
    assert log.verified_with_registry()["ok"]
    world.clock.instant += timedelta(days=31)
    assert sorted(seen_by_the_person(world, case_id)) == sorted([*told, ("undeclared-case", True)])
    with world.registry.writing() as connection:  # somebody puts the day off, afterwards
        later = world.clock.now() + timedelta(days=900)
        connection.execute(update(tables.looks).where(tables.looks.c.sealed_until.is_not(None)).values(sealed_until=later))
    assert {each["code"] for each in log.verified_with_registry()["problems"]} == {"log.look_changed"}


def test_a_case_says_its_whole_number_and_leads_to_the_forms_that_ask_for_it(world):
    case_id, officer = world.open_case(), world.client("officer")
    assert f"Number of the case: {case_id}" in officer.get(f"/police/cases/{case_id}").text
    assert "/police/second-eyes" not in officer.get(f"/police/cases/{case_id}").text.partition("<main")[2]  # not held
    claim(officer, case_id)
    links = re.findall(r'href="(/police/second-eyes[^"]+)"', officer.get(f"/police/cases/{case_id}").text)
    assert len(links) == 2
    for each in links:
        path, _, field = each.partition("#")
        shown = officer.get(path).text
        assert f'id="{field}"' in shown
        assert shown.count(f'value="{case_id}"') == 2


def test_another_account_of_the_same_person_is_the_same_person(world):
    case_id, officer = world.open_case(), world.client("officer")
    other = officer_named(world, add_officer(world, "acc-again", "lan-nua", person_id="person-1"))
    with world.registry.writing() as connection:
        connection.execute(
            update(tables.accounts).where(tables.accounts.c.account_id == "acc-officer").values(person_id="person-1")
        )
    claim(officer, case_id)
    ask(officer, world, case_id)
    answer = settle(other, world, "granted")
    assert answer.status_code == 422
    assert "with another account neither" in answer.text
    assert len(proposals(world, WAITS)) == 1


@pytest.mark.parametrize("role", ["clerk", "operator", "resident"])
def test_nobody_but_an_officer_sees_or_settles_what_waits(world, role):
    case_id, officer = world.open_case(), world.client("officer")
    claim(officer, case_id)
    ask(officer, world, case_id)
    (waiting,) = proposals(world, WAITS)
    client = world.client(role)
    assert [client.get(path).status_code for path in ("/police/second-eyes", f"/police/second-eyes/{waiting}")] == [403, 403]
    assert client.post("/police/second-eyes", data={"csrf": csrf_of(client), "case": case_id}).status_code == 403
    granted = {"csrf": csrf_of(client), "answer": "granted"}
    assert client.post(f"/police/second-eyes/{waiting}", data=granted).status_code == 403


def test_what_weighs_most_is_proved_again_when_the_last_proof_is_long_ago(world):
    """Whoever sits down at an open page grants nothing, breaks no glass and opens nobody's page."""
    case_id, officer = world.open_case(), world.client("officer")
    name = add_officer(world, "acc-colleague", "dong-nghiep")
    colleague = officer_named(world, name)
    claim(officer, case_id)
    ask(officer, world, case_id)
    (waiting,) = proposals(world, WAITS)
    shown = colleague.get(f"/police/second-eyes/{waiting}").text
    world.clock.pass_time(minutes=11)
    csrf = csrf_of(colleague)
    seen = {"csrf": csrf, "answer": "granted", "reason": "x", "seen": fields_of(shown)["seen"]}
    sent = {
        f"/police/second-eyes/{waiting}": seen,
        f"/police/second-eyes/{waiting}/file": {"csrf": csrf},
        "/police/elsewhere": {"csrf": csrf, "case": case_id, "reason": "x"},
        "/police/numbers/person-1/way-in": {"csrf": csrf, "compared": "yes"},
        "/police/numbers/person-1/way-in/second": {"csrf": csrf, "compared": "yes"},
    }
    for path, fields in sent.items():
        answer = colleague.post(path, data=fields, headers={"referer": f"http://testserver{path}"}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in/again?next={path}")
    assert proposals(world, WAITS) == [waiting]
    assert settle(officer_named(world, name), world, "granted").status_code == 200  # proved by now
