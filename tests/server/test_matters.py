"""What two officers do together, as an attacker would have it: changed content, an expired or replayed request, a race, an interest, a look not taken."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from factories import make_person
from server_duplicates import NAMES, propose_pair
from server_eyes import claim, proposal_of, proposals, settle
from server_parts import csrf_of, fields_of
from server_police import add_officer, file_cases, officer_named
from sqlalchemy import select, update

from registry import tables
from registry.accounts import find_account
from registry.case_bulk import CAP
from registry.interests import declare_interest
from registry.second_eyes import Answer, Settling
from registry.second_eyes import settle as settle_in_registry
from residence.errors import Conflict

MANY = CAP + 2
WAITS = tables.proposals.c.outcome.is_(None)


@pytest.fixture
def officer(world):
    return world.client("officer")


@pytest.fixture
def colleague(world):
    return officer_named(world, add_officer(world, "acc-colleague", "dong-nghiep"))


def post(client, path, **fields):
    return client.post(path, data={"csrf": csrf_of(client)} | fields)


def rows(world, table):
    with world.registry.reading() as connection:
        return connection.execute(select(table)).all()


def change(world, table, values, *where):
    with world.registry.writing() as connection:
        connection.execute(update(table).where(*where).values(values))


def merged(world):
    return [each.merged_into for each in rows(world, tables.persons) if each.merged_into]


def ask_to_merge(world, officer):
    pair = propose_pair(world)
    post(officer, f"/police/duplicates/{pair}", action="same", reason="both cards seen")
    (waiting,) = proposals(world, WAITS)
    return pair, waiting


def ask_for_many(world, officer, *, action="give", to="acc-officer"):
    """Ask for a step with every case of the queue; returns the preview's page and the answer."""
    file_cases(world, MANY)
    preview = post(officer, "/police/bulk", action=action, to=to, every="1", queue="all", code="our-mistake").text
    form = {name: value for name, value in fields_of(preview).items() if name != "csrf"}
    return preview, post(officer, "/police/bulk", **form, why="a kiosk was wrong all night")


def test_two_records_are_joined_after_both_officers_looked_and_only_as_both_saw_it(world, officer, colleague):
    pair, waiting = ask_to_merge(world, officer)
    assert merged(world) == []
    page = colleague.get(f"/police/second-eyes/{waiting}").text
    assert "both cards seen" in page
    assert '<dd class="govuk-summary-list__value">\n      1' in page  # one stay would move
    assert not [name for name in NAMES if name in page]
    assert settle(officer, world, "granted").status_code == 422
    blind = settle(colleague, world, "granted")
    assert (blind.status_code, "Look at both records" in blind.text) == (422, True)
    post(colleague, f"/police/duplicates/{pair}", action="look")
    world.declare_guest(unit="202", person=second_of(pair, world))  # one stay more, meanwhile
    changed = settle(colleague, world, "granted", page=page)
    assert (changed.status_code, "no longer what was asked for" in changed.text) == (422, True)
    assert "Something has changed" in colleague.get(f"/police/second-eyes/{waiting}").text
    assert merged(world) == []
    assert settle(colleague, world, "returned", reason="one stay more").status_code == 200
    post(officer, f"/police/duplicates/{pair}", action="same", reason="seen again")
    post(colleague, f"/police/duplicates/{pair}", action="look")
    (again,) = proposals(world, WAITS)
    granted = colleague.get(f"/police/second-eyes/{again}").text
    assert settle(colleague, world, "granted", page=granted).status_code == 200
    assert len(merged(world)) == 1
    replayed = settle(colleague, world, "granted", proposal_id=again, page=granted)
    assert (replayed.status_code, len(merged(world))) == (422, 1)
    steps = [(each.step, each.by) for each in rows(world, tables.duplicate_steps)]
    assert (steps, proposal_of(world, again).settled_by) == ([("same", "acc-officer")], "acc-colleague")


def second_of(pair, world):
    """Return the person of the pair's second record, as they would declare themselves again."""
    with world.registry.reading() as connection:
        columns = tables.duplicate_pairs.c
        second = connection.scalar(select(columns.other_id).where(columns.pair_id == pair))
        unit = connection.scalar(select(tables.stays.c.unit).where(tables.stays.c.person_id == second))
    name, number = dict(zip(("201", "202"), zip(NAMES, ("001195000771", "001195000772"), strict=True), strict=True))[unit]
    return make_person(full_name=name, personal_number=number, sex="female", document=None)


def test_nobody_asks_or_grants_that_a_relative_is_joined(world, officer, colleague):
    pair, waiting = ask_to_merge(world, officer)
    with world.registry.reading() as connection:
        kin = connection.scalar(select(tables.duplicate_pairs.c.one_id))
    change(world, tables.accounts, {"person_id": kin}, tables.accounts.c.account_id == "acc-colleague")
    assert colleague.get(f"/police/second-eyes/{waiting}").status_code == 403
    assert settle(colleague, world, "granted").status_code == 403
    assert waiting not in colleague.get("/police/second-eyes").text
    change(world, tables.accounts, {"person_id": kin}, tables.accounts.c.account_id == "acc-officer")
    change(world, tables.proposals, {"outcome": "returned"}, WAITS)
    assert post(officer, f"/police/duplicates/{pair}", action="same", reason="x").status_code == 403


def test_more_cases_than_one_may_do_at_once_are_done_by_two_as_previewed_and_can_be_taken_back(world, officer, colleague):
    preview, asked = ask_for_many(world, officer)
    assert f"<strong>{MANY} / {MANY}</strong>" in preview
    ids = fields_of(preview)["cases"]
    assert post(officer, "/police/bulk", step="do", action="give", to="acc-officer", cases=ids).status_code == 403  # alone: never
    assert rows(world, tables.bulk_acts) == []
    (waiting,) = proposals(world, WAITS)
    assert asked.url.path == f"/police/second-eyes/{waiting}"
    page = colleague.get(f"/police/second-eyes/{waiting}").text
    assert page.count("would be done</strong>") == MANY  # the whole of it
    first = ids.split()[0]
    claim(colleague, first)  # the world changes: one of them is somebody's now
    assert settle(colleague, world, "granted", page=page).status_code == 422
    assert {each.given_to for each in rows(world, tables.case_tasks)} <= {None}
    post(colleague, f"/police/cases/{first}", action="release", reason="a mistake")
    assert settle(colleague, world, "granted").status_code == 200  # as it was seen again
    assert {each.given_to for each in rows(world, tables.case_tasks)} == {"acc-officer"}
    (act,) = rows(world, tables.bulk_acts)
    assert (len(act.items), act.account_id) == (MANY, "acc-officer")
    assert post(officer, f"/police/bulk/acts/{act.bulk_id}/undo").status_code == 200
    assert {each.given_to for each in rows(world, tables.case_tasks)} == {None}


def test_an_interest_in_one_case_of_many_bars_from_the_whole(world, officer, colleague):
    ask_for_many(world, officer)
    (waiting,) = proposals(world, WAITS)
    with world.registry.writing() as connection:
        barred = ("relative", "blk-hoa-binh")
        account = find_account(connection, "dong-nghiep")
        declare_interest(connection, account, barred, by="x", now=world.clock.now(), random_bytes=bytes)
    assert colleague.get(f"/police/second-eyes/{waiting}").status_code == 403
    assert settle(colleague, world, "granted").status_code == 403


def test_what_is_forged_expired_refused_or_of_somebody_gone_is_not_granted(world, officer, colleague):
    file_cases(world, MANY)
    _, _ = ask_for_many(world, officer)
    (waiting,) = proposals(world, WAITS)
    page = colleague.get(f"/police/second-eyes/{waiting}").text
    own = post(colleague, f"/police/second-eyes/{waiting}", answer="granted", seen="0" * 64)
    assert own.status_code == 422  # granted without having been shown it
    content = dict(proposal_of(world, waiting).content) | {"value": "acc-colleague"}
    change(world, tables.proposals, {"content": content}, WAITS)  # in the database, behind everybody's back
    assert settle(colleague, world, "granted", page=page).status_code == 422
    change(world, tables.proposals, {"content": content | {"value": "acc-officer"}}, WAITS)
    change(world, tables.accounts, {"disabled_at": world.clock.now()}, tables.accounts.c.account_id == "acc-officer")
    gone = colleague.get(f"/police/second-eyes/{waiting}").text
    assert ("cannot happen any more" in gone, 'value="granted"' in gone) == (True, False)
    change(world, tables.accounts, {"disabled_at": None}, tables.accounts.c.account_id == "acc-officer")
    world.clock.pass_time(hours=72)
    late = officer_named(world, "dong-nghiep")
    assert settle(late, world, "granted", proposal_id=waiting, page=page).status_code == 422
    assert "Its time is over" in late.get(f"/police/second-eyes/{waiting}").text
    assert rows(world, tables.bulk_acts) == []


def test_what_was_refused_is_not_asked_for_again_as_it_was(world, officer, colleague):
    pair, _ = ask_to_merge(world, officer)
    assert settle(colleague, world, "refused", reason="twins").status_code == 200
    again = post(officer, f"/police/duplicates/{pair}", action="same", reason="all the same")
    assert (again.status_code, proposals(world, WAITS)) == (409, [])


def test_of_two_who_grant_at_once_one_does(world, officer, colleague):
    _, waiting = ask_to_merge(world, officer)
    digest, said, ready = proposal_of(world, waiting).digest, [], threading.Barrier(2)

    def grant(name: str) -> None:
        settling = Settling(by=name, answer=Answer.GRANTED, reason="", seen=digest, current=digest)
        ready.wait(10)
        try:
            with world.registry.writing() as connection:
                settle_in_registry(connection, waiting, settling, now=world.clock.now())
            said.append("granted")
        except Conflict as error:
            said.append(error.code)

    both = [threading.Thread(target=grant, args=(name,)) for name in ("acc-one", "acc-two")]
    for each in both:
        each.start()
    for each in both:
        each.join(30)
    assert sorted(said) == ["eyes.settled", "granted"]


def test_a_case_leaves_as_a_file_once_with_what_its_purpose_shows_and_the_person_reads_that_it_was_an_export(
    world, officer, colleague
):
    case_id = world.open_case()
    form = {"kind": "hand-out", "case": case_id, "receiver": "Ủy ban nhân dân xã", "reason": "thủ tục hành chính"}
    assert post(officer, "/police/second-eyes", **form).status_code == 403  # not held
    claim(officer, case_id)
    assert post(officer, "/police/second-eyes", **form | {"receiver": " "}).status_code == 422
    asked = post(officer, "/police/second-eyes", **form)
    address = asked.url.path
    assert post(officer, f"{address}/file").status_code == 403  # not granted
    page = colleague.get(address).text
    assert ("Full name" in page, "Phạm Thị Thử Nghiệm" in page) == (True, False)  # which fields, not their values
    assert "&lt;" not in page
    assert settle(colleague, world, "granted").status_code == 200
    assert post(colleague, f"{address}/file").status_code == 403  # not theirs
    before = len(rows(world, tables.access_records))
    fetched = post(officer, f"{address}/file")
    assert fetched.json()["person"]["full-name"] == "Phạm Thị Thử Nghiệm"
    assert set(fetched.json()["person"]) <= {"full-name", "birth-date", "sex", "nationality", "personal-number-masked", "contact"}
    looks = rows(world, tables.access_records)[before:]
    assert [(each.way, each.about, each.account_id) for each in looks] == [("export", case_id, "acc-officer")]
    assert post(officer, f"{address}/file").status_code == 409  # once


def test_a_file_is_not_given_after_the_case_has_changed_or_its_time(world, officer, colleague):
    case_id = world.open_case()
    claim(officer, case_id)
    form = {"kind": "hand-out", "case": case_id, "receiver": "Phòng LĐTBXH", "reason": "x"}
    address = post(officer, "/police/second-eyes", **form).url.path
    settle(colleague, world, "granted")
    change(world, tables.cases, {"changed_at": world.clock.now() + timedelta(seconds=1)}, tables.cases.c.case_id == case_id)
    assert post(officer, f"{address}/file").status_code == 409
    change(world, tables.cases, {"changed_at": world.clock.now()}, tables.cases.c.case_id == case_id)
    world.clock.pass_time(hours=72)
    late = world.client("officer")
    assert post(late, f"{address}/file").status_code == 409
