"""Acting for somebody: given, taken once, seen by both, ended in one tap, and never more than the giver has; guardians as the register says."""

from __future__ import annotations

import re
import secrets
from datetime import date, timedelta

import pytest
from factories import make_id, make_person
from server_own import bind_resident
from server_parts import COMMUNE, csrf_of
from sqlalchemy import select

from registry import accounts, tables
from registry.accounts import KnownAccount
from registry.numbering import Means, Officer
from registry.relation_changes import Begun, begin_relation
from residence.access.acting import acts_as_guardian
from residence.people.person import PartialDate

DAUGHTER = make_person(full_name="Khách Thử", personal_number="001195000333", sex="female", document=None)


@pytest.fixture
def giver(world):
    bind_resident(world)
    world.clock.pass_time(hours=3)
    return world.client("resident")


def sign_in(world, name, person_id):
    """Make an account of a person and sign in with it."""
    account = KnownAccount(account_id=f"acc-{name}", commune_code=COMMUNE, sign_in_name=name, role="resident", areas=(), created_at=world.clock.now(), person_id=person_id)  # fmt: skip
    with world.registry.writing() as connection:
        accounts.add_account(connection, account)
        accounts.add_link(connection, account, f"link-{name}", now=world.clock.now(), lifetime=timedelta(days=1))
    client = world.client()
    client.post("/sign-in/link", data={"csrf": csrf_of(client), "token": f"link-{name}"})
    return client


def stay_of(world, unit):
    with world.registry.reading() as connection:
        return connection.execute(select(tables.stays).where(tables.stays.c.unit == unit)).one()


@pytest.fixture
def taker(world, giver):
    world.declare_guest(declaration_id=make_id(), person=DAUGHTER, unit="202")
    return sign_in(world, "con-gai", stay_of(world, "202").person_id)


def give(giver, **form):
    sent = {"csrf": csrf_of(giver, "/me"), "label": "con gái tôi", "scope": "speak", "days": "30"} | form
    return giver.post("/me/delegations/give", data=sent)


def code_in(page):
    return re.search(r"([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})<", page.text)[1]


def take(taker, code):
    return taker.post("/me/delegations/take", data={"csrf": csrf_of(taker, "/me"), "code": code, "label": "bố tôi"})


def grant_in(page):
    return re.search(r"/me/for/[\w-]+", page.text)[0]


def forms(page):
    return re.findall(r'action="(/me/for/[^"]+)"', page.text)


def test_what_is_given_is_taken_once_and_each_use_is_seen_by_both(world, giver, taker):
    code = code_in(give(giver))
    theirs = grant_in(take(taker, code.lower()))
    page = taker.get(theirs)
    assert ("bố tôi" in page.text, "Khách sạn Sao Mai" in page.text, "Trần" in page.text) == (True, True, False)
    leave = next(each for each in forms(page) if each.endswith("/leave"))
    fields = {"csrf": csrf_of(taker, "/me"), "declaration_id": re.search(r'name="declaration_id" value="([^"]+)"', page.text)[1]}
    for _ in range(2):  # pressed twice, said once
        assert "Checked out" in taker.post(leave, data=fields).text
    wrong = next(each for each in forms(page) if each.endswith("/wrong/unit"))
    taker.post(wrong, data=fields)
    with world.registry.reading() as connection:
        said = connection.execute(select(tables.declarations.c.declarant_role, tables.declarations.c.declarant_account).where(tables.declarations.c.kind == "departure")).all()  # fmt: skip
    assert [tuple(each) for each in said] == [("household", "acc-con-gai")]
    seen, mine = giver.get("/me/delegations").text, taker.get("/me/delegations").text
    for words, where in (("con gái tôi", seen), ("bố tôi", mine)):
        assert where.count("Said that they left") == where.count("Said that a stay is wrong") == where.count("Stays seen") == 1
        assert where.count(words) >= 4
    again = sign_in(world, "nguoi-la", stay_of(world, "201").person_id)
    assert "This code opens nothing" in take(again, code).text


def test_it_ends_in_one_tap_of_either_and_on_its_day(world, giver, taker):
    for who in (giver, taker):
        theirs = grant_in(take(taker, code_in(give(giver))))
        end = re.findall(r"/me/delegations/[\w-]+/end", who.get("/me/delegations").text)[0]
        assert who.post(end, data={"csrf": csrf_of(who, "/me")}).status_code == 200
        assert taker.get(theirs).status_code == 403
    theirs = grant_in(take(taker, code_in(give(giver, days="1"))))
    world.clock.pass_time(hours=25)
    assert sign_in(world, "con-gai-2", stay_of(world, "202").person_id).get(theirs).status_code == 403


def test_it_reaches_nothing_but_the_givers_stays_and_only_what_was_given(world, giver, taker):
    theirs = grant_in(take(taker, code_in(give(giver, scope="see"))))
    own, mine = stay_of(world, "201").stay_id, stay_of(world, "202").stay_id
    assert forms(taker.get(theirs)) == []
    csrf = {"csrf": csrf_of(taker, "/me"), "declaration_id": make_id()}
    assert taker.post(f"{theirs}/stays/{own}/leave", data=csrf).status_code == 403
    theirs = grant_in(take(taker, code_in(give(giver))))
    grants = re.findall(r"/me/for/[\w-]+", taker.get("/me/delegations").text)
    (theirs,) = [each for each in grants if forms(taker.get(each))]
    for path in (
        f"/stays/{mine}/leave",
        "/stays/nothing/leave",
        f"/stays/{own}/mine",
        f"/stays/{mine}/wrong/stay",
        f"/stays/{own}/wrong/name",
    ):
        assert taker.post(theirs + path, data=csrf).status_code in {403, 404}, path
    for path in (f"/me/stays/{own}/leave", f"/me/proofs/{stay_of(world, '201').declaration_id}"):
        assert taker.get(path).status_code == 403
    assert giver.get(theirs).status_code == 403  # nobody acts for themselves by it
    stranger = sign_in(world, "nguoi-la", None)
    assert stranger.get(theirs).status_code == 403
    end = theirs.replace("/me/for", "/me/delegations") + "/end"
    third = sign_in(world, "nguoi-khac", stay_of(world, "201").person_id + "x")
    assert third.post(end, data={"csrf": csrf_of(third)}).status_code == 403


@pytest.mark.parametrize(
    ("form", "said"),
    [({"scope": ""}, "Choose what"), ({"days": "91"}, "from 1 to 90"), ({"days": "0"}, "from 1 to 90"), ({"days": "²"}, "from 1 to 90"), ({"label": " "}, "in a few words"), ({"label": "x" * 41}, "in a few words")],
)  # fmt: skip
def test_what_cannot_be_given_is_said(world, giver, form, said):
    assert said in give(giver, **form).text
    with world.registry.reading() as connection:
        assert connection.execute(select(tables.delegations)).all() == []


def test_to_give_asks_for_a_fresh_proof_and_a_code_waits_a_day_and_is_not_for_oneself(world, giver, taker):
    code = code_in(give(giver))
    assert "This code opens nothing" in take(giver, code).text
    world.clock.pass_time(minutes=11)
    assert str(give(giver).url).find("/sign-in/again") > 0
    world.clock.pass_time(hours=24)
    later = sign_in(world, "con-gai-3", stay_of(world, "202").person_id)
    assert "This code opens nothing" in take(later, code).text
    with world.registry.reading() as connection:
        kept = repr(connection.execute(select(tables.delegations)).all())
    assert code not in kept
    assert "con gái" not in kept


@pytest.mark.parametrize(
    ("began", "birth", "on", "may"),
    [
        ("2020-01-01", "2015-05-05", "2026-07-10", True),
        ("2020-01-01", "2010-05-05", "2026-07-10", False),  # grown since
        ("2020-01-01", "1950", "2026-07-10", True),  # began when they were grown: for an adult
        (None, "2015", "2026-07-10", True),
        (None, "2000", "2026-07-10", False),
        (None, None, "2026-07-10", False),
        ("2026-07-10", None, "2026-07-10", True),
    ],
)
def test_a_guardian_acts_for_a_child_until_it_is_grown_and_for_whoever_needs_one_as_an_adult(began, birth, on, may):
    assert acts_as_guardian(began=began, birth=birth, on=on, until_age=14) is may


def test_a_guardian_in_the_register_acts_for_the_child_while_it_says_so(world, giver):
    born = PartialDate(value="2018-03-03", precision="day")
    child = make_person(full_name="Bé Thử", personal_number="001318000333", sex="female", document=None, birth=born)
    world.declare_guest(declaration_id=make_id(), person=child, unit="202")
    ward, guardian = stay_of(world, "202").person_id, stay_of(world, "201").person_id
    assert "You act for nobody" in giver.get("/me/delegations").text
    with world.registry.writing() as connection:
        means = Means(vault=world.vault, now=world.clock.now(), random_bytes=secrets.token_bytes)
        officer = Officer(account_id="acc-officer", reason="birth certificate")
        begun = Begun(kind="guardian", subject_id=ward, person_id=guardian, first=date(2020, 1, 1))
        begin_relation(connection, begun, officer=officer, means=means)
    page = giver.get(grant_in(giver.get("/me/delegations")))
    assert "202" in page.text
    assert "Bé Thử" not in page.text
    assert "as guardian" in giver.get("/me/delegations").text
    with world.registry.writing() as connection:
        connection.execute(tables.relations.update().values(valid_to="2020-12-31"))
    assert giver.get(str(page.url)).status_code == 403
