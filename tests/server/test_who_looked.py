"""Who looked at me: every way of looking, in words, on a page, as a file, by program and in Estonia's shape; never who else was there."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import timedelta
from io import StringIO

import pytest
import schemathesis
from factories import make_declaration, make_id, make_person
from hypothesis import HealthCheck, Phase, given, settings
from server_eyes import settle
from server_own import bind_resident
from server_parts import COMMUNE, World, csrf_of
from server_police import add_officer, officer_named

from registry.persons import holders
from registry.tables import accounts
from residence.clock import VIETNAM

QUICK = settings(
    max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)  # fmt: skip
NUMBER = "001095000117"


def look_in_every_way(world) -> None:
    """Let the hotel's clerk look at its guests on the list, alone, for a file and by program."""
    clerk = world.client("clerk")
    stay = re_stay(clerk)
    clerk.get(f"/desk/stays/{stay}")
    clerk.get(f"/desk/stays/{stay}/receipts")
    guests = {"guests": [{"reference": "1", "full_name": "Somebody Else", "unit": "999"}]}
    clerk.request("POST", "/api/v1/premises/htl-sao-mai/reconciliation", json=guests, headers=world.bearer("clerk"))


def re_stay(clerk) -> str:
    page = clerk.get("/desk?premises=htl-sao-mai").text
    return page.split("/desk/stays/")[1].split('"')[0].split("/")[0]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("looks"))
    made.resident = bind_resident(made)
    look_in_every_way(made)
    made.me = made.client("resident")
    yield made
    made.close()


def test_a_person_sees_each_look_with_its_house_its_way_its_reason_and_its_fields(world):
    page = world.me.get("/me/looks").text
    for words in ("Khách sạn Sao Mai", "You alone", "On a list", "For a file or paper", "By a program", "Duty of the premises"):
        assert words in page
    for hidden in ("acc-clerk", "le-tan", "htl-sao-mai"):
        assert hidden not in page
    only = world.me.get("/me/looks?way=api").text
    assert (only.count("<strong>Khách sạn Sao Mai"), "/me/looks.csv" in only) == (1, True)


def test_the_files_hold_them_all_and_no_cell_is_a_formula(world):
    rows = list(csv.reader(StringIO(world.me.get("/me/looks.csv").content.decode("utf-8-sig"))))
    assert rows[0] == ["When", "From where", "Who", "Why", "In which way", "Which fields"]
    ways = {row[4] for row in rows[1:]}
    assert ways >= {"You alone", "On a list", "For a file or paper", "By a program"}
    told = json.loads(world.me.get("/me/looks.json").content)
    assert (told["total"], told["sealed"]) == (len(rows) - 1, 0)


def test_a_program_follows_the_pages_to_the_end_and_sees_each_look_once(world):
    headers, cursor, found = world.bearer("resident"), "", []
    while cursor is not None:
        page = world.me.get(f"/api/v1/me/looks?limit=2&cursor={cursor}", headers=headers).json()
        found += [(each["at"], each["way"]) for each in page["items"]]
        cursor = page["next"]
    assert len(found) == page["total"] == len(json.loads(world.me.get("/me/looks.json").content)["items"])
    assert found == sorted(found, key=lambda each: each[0], reverse=True)


@pytest.mark.parametrize("path", ["/me/looks", "/me/looks.csv", "/me/looks.json", "/api/v1/me/looks"])
def test_whoever_is_no_person_of_the_register_sees_none(world, path):
    assert world.client("clerk").get(path).status_code == 403


def seen_by(world) -> tuple:
    me = world.client("resident")
    told = me.get("/me/looks.json").json()
    usage = ask(me, world, number=NUMBER).json()
    items = [(each["unit"], each["way"], each["why"], tuple(each["fields"])) for each in told["items"]]
    return items, told["total"], told["sealed"], usage["totalUsages"], [each["action"] for each in usage["usages"]]


def test_nothing_a_person_sees_differs_by_who_else_was_there(make_world):
    """A guest alone, and with two others in the room: page, file, program and tracker say the same, in the same order."""

    def story(others):
        world = make_world()
        bind_resident(world)
        for place in range(others):
            who = make_person(full_name=f"Khách Thử {place}", personal_number=f"00119500033{place}", sex="female", document=None)
            world.declare_guest(declaration_id=make_id(), person=who, unit="201")
        clerk = world.client("clerk")
        for path in ("/desk?premises=htl-sao-mai", "/desk/statements/pdf?premises=htl-sao-mai"):
            world.clock.pass_time(seconds=1)
            assert clerk.get(path).status_code == 200
        return seen_by(world)

    alone = story(0)
    assert alone[1] == 2
    assert story(2) == alone


def officers_look(world, case_id):
    officer = world.client("officer")
    form = {"csrf": csrf_of(officer), "action": "claim", "purpose": "undeclared-case"}
    assert officer.post(f"/police/cases/{case_id}", data=form).status_code == 200


def bind_to(world, number):
    """Bind the resident's account to whoever has a number."""
    index = world.vault.number_index("personal", number)
    with world.registry.writing() as connection:
        (person_id,) = holders(connection, [index])[index]
        connection.execute(accounts.update().where(accounts.c.account_id == "acc-resident").values(person_id=person_id))


def test_a_look_at_somebody_not_yet_known_is_theirs_once_they_are_and_is_counted_only_while_it_is_sealed(make_world):
    world = make_world()
    case_id = world.open_case()
    officers_look(world, case_id)
    seal(world, case_id)
    assert world.client("officer").get(f"/police/cases/{case_id}").status_code == 200
    who = make_person(full_name="Phạm Thị Thử Nghiệm", personal_number="001195000222", sex="female", document=None)
    world.record(make_declaration(declaration_id=make_id(), person=who, premises_id="blk-hoa-binh", unit="1204"))
    bind_to(world, "001195000222")
    page = world.client("resident").get("/me/looks").text
    assert ("Work on an undeclared person" in page, COMMUNE in page) == (True, True)
    assert ("Not shown yet, sealed by decision" in page, "was sealed until" in page, "decision 12" in page) == (
        True,
        False,
        False,
    )
    world.clock.pass_time(days=31)
    page = world.client("resident").get("/me/looks").text
    assert ("Not shown yet" in page, "was sealed until" in page) == (False, True)


def seal(world, case_id):
    """Two officers seal the looks for a case, for thirty days."""
    officer, second = world.client("officer"), officer_named(world, add_officer(world, "acc-second", "thu-hai"))
    until = f"{(world.clock.now() + timedelta(days=30)).astimezone(VIETNAM):%Y-%m-%d}"
    form = {"csrf": csrf_of(officer), "case": case_id, "until": until, "reason": "decision 12"}
    assert officer.post("/police/second-eyes", data=form).status_code == 200
    assert settle(second, world, "granted").status_code == 200


def ask(client, world, *, number, asker=None, **query):
    headers = world.bearer("resident") | {"x-road-userid": asker or number}
    asked = "&".join([f"userCode={number}", *(f"{name}={value}" for name, value in query.items())])
    return client.get(f"/tracker/v2/findUsage?{asked}", headers=headers)


def test_the_tracker_says_when_why_and_from_where_and_counts_all_whatever_the_page(world):
    found = ask(world.me, world, number=f"VN{NUMBER}", limit=1, offset=1).json()
    everything = ask(world.me, world, number=NUMBER).json()
    assert found["usages"] == everything["usages"][1:2]
    assert found["totalUsages"] == everything["totalUsages"] == len(everything["usages"])
    usage = found["usages"][0]
    assert (usage["receiverCode"], usage["receiverName"], usage["receiverSystem"]) == (
        "htl-sao-mai",
        "Khách sạn Sao Mai",
        "luutru",
    )
    period = world.me.get("/tracker/v2/usagePeriod").json()["periodStart"]
    assert ask(world.me, world, number=NUMBER, periodStart=period[:-1] + "%2B00:00").json() == everything
    assert ask(world.me, world, number=NUMBER, periodEnd="2000-01-01T00:00:00").json()["totalUsages"] == 0
    assert world.me.get("/tracker/v2/heartbeat").json() == {"status": "OK"}


def test_a_strangers_number_and_a_number_nobody_has_are_answered_alike(world):
    world.declare_guest(declaration_id=make_id(), person=make_person(personal_number="001195000888", document=None), unit="202")
    answers = [ask(world.me, world, number=number) for number in ("001195000888", "001195000999", "not-a-number")]
    answers.append(ask(world.me, world, number=NUMBER, asker="001195000888"))
    answers.append(world.client().get(f"/tracker/v2/findUsage?userCode={NUMBER}", headers={"x-road-userid": NUMBER}))
    assert len({(each.status_code, each.content) for each in answers}) == 1
    assert answers[0].status_code == 400


TIME = {"type": "string", "format": "date-time"}
USAGE = {
    "type": "object",
    "required": ["logtime", "action", "receiverCode", "receiverSystem"],
    "properties": {"logtime": TIME}
    | {each: {"type": "string"} for each in ("action", "receiverCode", "receiverName", "receiverSystem")},
}
SHAPES = {
    "findUsage": {
        "type": "object",
        "required": ["totalUsages", "usages"],
        "properties": {"totalUsages": {"type": "integer", "format": "int32"}, "usages": {"type": "array", "items": USAGE}},
    },
    "usagePeriod": {"type": "object", "required": ["periodStart"], "properties": {"periodStart": TIME, "periodEnd": TIME}},
    "heartbeat": {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"enum": ["OK", "FAIL"]}, "message": {"type": "string"}},
    },
}


def contract(number):
    """Return the tracker's contract as a document of our own, with the number somebody may ask for among the examples."""

    def parameter(name, kind, place="query", *, required=False, **schema):
        return {"name": name, "in": place, "required": required, "schema": {"type": kind, **schema}}

    who = {"enum": [number, f"VN{number}"]}
    parameters = [
        parameter("X-Road-UserId", "string", "header", required=True, **who),
        parameter("userCode", "string", required=True, **who),
        *(parameter(name, "string", format="date-time") for name in ("periodStart", "periodEnd")),
        *(parameter(name, "integer", format="int32") for name in ("offset", "limit")),
    ]

    def operation(name):
        said = {"description": "as agreed", "content": {"application/json": {"schema": SHAPES[name]}}}
        refused = {"description": "not of the form agreed", "content": {"application/json": {"schema": {"type": "object"}}}}
        asked = parameters if name == "findUsage" else []
        return {"get": {"operationId": name, "parameters": asked, "responses": {"200": said, "400": refused}}}

    paths = {f"/tracker/v2/{name}": operation(name) for name in SHAPES}
    return {"openapi": "3.0.3", "info": {"title": "tracker", "version": "2.1.0"}, "paths": paths}


def test_the_tracker_keeps_its_contract_whatever_is_asked(world):
    schema = schemathesis.openapi.from_dict(contract(NUMBER))
    # a request may be right in form and ask for somebody else
    schema.config.checks.update(excluded_check_names=["positive_data_acceptance"])
    token = world.bearer("resident")["authorization"]
    answered = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()

        def ask_it(case):
            answer = case.call(app=world.app, headers={**(case.headers or {}), "authorization": token})
            answered[case.operation.label, answer.status_code] += 1
            case.validate_response(answer)

        QUICK(given(case=operation.as_strategy())(ask_it))()
    assert {status for _, status in answered} == {200, 400}
    assert answered["GET /tracker/v2/findUsage", 200]
