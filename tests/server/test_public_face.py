"""What a stranger with a browser, or one guest against another, tries on a person's pages: nothing is found out, kept in between, led astray or worn out."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta

import pytest
from factories import make_declaration, make_id, make_person
from hot_queries import listening
from server_own import bind_resident, form_to, live_at_home, say_it_is_wrong
from server_parts import csrf_of
from sqlalchemy import select

from registry import tables
from registry.own_words import set_lock
from registry.rights_requests import ask_right
from registry.stay_disputes import raise_stay_dispute
from registry.stays import stays_at
from residence.clock import rfc3339
from server.even_time import at_even_time
from server.settings import Allowance

OTHER = make_person(full_name="Khách Thử", personal_number="001195000333", sex="female", document=None)
MADE_NEW = re.compile(r'nonce="[^"]*"|value="[0-9a-f]{64}"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{21,}|\w{4}-\w{4}-\w{4}')


@pytest.fixture
def person_id(world):
    return bind_resident(world)


def random_bytes(world):
    return world.app.state.server.random_bytes


@pytest.fixture
def theirs(world, person_id):
    """Somebody else at the same house, with one of everything a person's page leads to."""
    world.declare_guest(declaration_id=make_id(), person=OTHER, unit="202")
    world.client("clerk").get("/desk?premises=htl-sao-mai")
    with world.registry.writing() as connection:
        (stay,) = [each for each in stays_at(connection, "htl-sao-mai") if each.person_id != person_id]
        how = {"by": "acc-other", "now": world.clock.now(), "random_bytes": random_bytes(world)}
        looks = tables.access_records.c
        return {
            "stay_id": stay.stay_id,
            "declaration_id": stay.declaration_ids[0],
            "dispute_id": raise_stay_dispute(connection, stay, "stay", reason="", **how),
            "request_id": ask_right(connection, stay.person_id, "deletion", said="all", **how),
            "access_id": connection.scalar(select(looks.access_id).where(looks.person_id == stay.person_id).limit(1)),
        }


def own_routes(world, method):
    """Yield the paths under /me that take a method, with the names in them."""

    def walk(routes, prefix=""):
        for route in routes:
            included = getattr(route, "original_router", None)
            if included is not None:
                yield from walk(included.routes, prefix + route.include_context.prefix)
            elif method in (getattr(route, "methods", None) or ()):
                yield prefix + route.path

    yield from (path for path in walk(world.app.routes) if path.startswith("/me"))


def filled(path, known):
    return re.sub(
        r"\{(\w+)(?::\w+)?\}", lambda found: known.get(found[1], {"fault": "stay", "home": "0"}.get(found[1], "x")), path
    )


def test_what_is_somebody_elses_and_what_is_not_there_are_answered_alike(world, theirs):
    me = world.client("resident")
    nothing = dict.fromkeys(theirs, "0197f000-0000-7000-8000-00000000ffff")
    tried = 0
    for method in ("GET", "POST"):
        for path in own_routes(world, method):
            if not any(f"{{{name}" in path for name in theirs):
                continue
            form = {"data": {"csrf": csrf_of(me)}} if method == "POST" else {}
            answers = [me.request(method, filled(path, known), follow_redirects=False, **form) for known in (theirs, nothing)]
            assert {each.status_code for each in answers} == {403}, path
            bodies = {
                each.text.replace(known[name], "")
                for each, known in zip(answers, (theirs, nothing), strict=True)
                for name in theirs
            }
            assert len({MADE_NEW.sub("", each) for each in bodies}) == 1, path
            tried += 1
    assert tried >= 10


def test_no_answer_of_a_persons_pages_is_kept_shown_in_a_frame_or_leads_elsewhere(world, person_id):
    live_at_home(world, person_id)
    me, stranger = world.client("resident"), world.client()
    with world.registry.reading() as connection:
        (stay,) = stays_at(connection, "htl-sao-mai")
    known = {"stay_id": stay.stay_id, "declaration_id": stay.declaration_ids[0], "dispute_id": say_it_is_wrong(world)}
    shown = 0
    for path in own_routes(world, "GET"):
        for client in (me, stranger):
            answer = client.get(
                filled(path, known), headers={"host": "testserver", "x-forwarded-host": "evil.example"}, follow_redirects=False
            )
            assert answer.headers["cache-control"] == "no-store", path
            assert answer.headers["x-frame-options"] == "DENY", path
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
            assert answer.headers["referrer-policy"] == "same-origin", path
            assert "evil.example" not in answer.text + answer.headers.get("location", ""), path
            assert not answer.headers.get("location", "/").startswith(("//", "http")), path
            assert "access-control-allow-origin" not in answer.headers, path
            shown += client is me and answer.status_code == 200
        assert "Trần Văn An" not in stranger.get(filled(path, known)).text
    assert shown >= 8


def test_a_cookie_laid_before_somebody_signs_in_is_worth_nothing_afterwards(world, person_id):
    attacker, victim = world.client(), world.client()
    attacker.get("/sign-in")
    laid = {each.name: each.value for each in attacker.cookies.jar}
    for name, value in laid.items():
        victim.cookies.set(name, value, domain="testserver.local")
    form = {"csrf": csrf_of(victim), "token": world.link("resident")}
    victim.post("/sign-in/link", data=form)
    assert "Trần Văn An" in victim.get("/me").text
    assert attacker.get("/me").url.path == "/sign-in"
    assert {each.value for each in victim.cookies.jar} & set(laid.values()) == set()


def test_the_registry_is_asked_the_same_of_a_number_whose_owner_locked_it_and_of_one_whose_owner_did_not(world, person_id):
    other = make_declaration(declaration_id=make_id(), premises_id="htl-sao-mai", unit="202", person=OTHER)
    assert world.record(other).receipt.state == "accepted"
    with world.registry.writing() as connection:
        set_lock(connection, person_id, by="acc-resident", now=world.clock.now(), random_bytes=random_bytes(world))
    world.clock.pass_time(days=3)
    arrival = rfc3339(world.clock.now())
    leaving = rfc3339(world.clock.now() + timedelta(days=1))
    asked, told = [], []
    for person, unit in ((make_person(document=None), "201"), (OTHER, "202")):
        said = make_declaration(
            declaration_id=make_id(world.clock.now()), declared_at=arrival, premises_id="htl-sao-mai", unit=unit, person=person,
            arrival=arrival, planned_departure=leaving,
        )  # fmt: skip
        with listening(world.registry.engine) as heard:
            told.append(world.record(said).receipt.state)
        asked.append([each.sql for each in heard])
    assert told == ["accepted", "accepted"]
    assert asked[0] == asked[1]
    assert not any("declaring_locks" in sql for sql in asked[0])


def test_one_account_asks_and_declares_so_often_and_no_more_and_others_go_on(make_world):
    world = make_world(person_allowance=Allowance(times=3, per=timedelta(hours=1)))
    live_at_home(world, bind_resident(world))
    me = world.client("resident")
    form = {"csrf": csrf_of(me), "right": "", "said": "x"}
    assert [me.post("/me/rights", data=form).status_code for _ in range(2)] == [422, 422]
    visitor = form_to(me.get("/me/visitors/0").text, "/me/visitors/0") | {"full_name": ""}
    assert [me.post("/me/visitors/0", data=visitor).status_code for _ in range(3)] == [422, 429, 429]
    assert me.get("/me").status_code == 200
    assert "/me/visitors/0" in me.get("/me").text
    world.clock.pass_time(minutes=20)
    assert me.get("/me").status_code == 200


class Passing:
    """A clock on which so much time passes between two looks."""

    def __init__(self, *spent):
        self.at, self.spent = 0, iter(spent)

    def monotonic_ns(self):
        self.at += next(self.spent)
        return self.at


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("spent", [0.009, 0.011, 0.399, 0.401, 3.2])
def test_what_takes_long_or_short_or_fails_ends_at_an_even_time(monkeypatch, spent, fails):
    waited = []
    monkeypatch.setattr("server.even_time.sleep", waited.append)
    with suppress(KeyError), at_even_time(Passing(5, int(spent * 1e9))):
        if fails:
            raise KeyError
    steps = (spent + waited[0]) / 0.4
    assert (len(waited), steps) == (1, pytest.approx(round(steps)))
    assert 0 < waited[0] <= 0.4


def test_how_long_a_visitors_form_takes_says_nothing_of_whether_the_number_is_known(world, person_id, monkeypatch):
    live_at_home(world, person_id)
    world.declare_guest(declaration_id=make_id(), person=OTHER, unit="202")
    me, waited = world.client("resident"), []
    monkeypatch.setattr("server.even_time.sleep", waited.append)
    for number in ("001195000333", "001195000334"):
        visitor = {
            "full_name": "Khách Thử",
            "birth": "1995-01-01",
            "sex": "female",
            "nationality": "VNM",
            "personal_number": number,
        }
        page = me.post("/me/visitors/0", data=form_to(me.get("/me/visitors/0").text, "/me/visitors/0") | visitor)
        assert "Your visitor is declared" in page.text
    assert len(waited) == 2
