"""Procedures around a stay: what is known is not asked, a file is followed by its signed slips, and leaves as JSON and PDF."""

from __future__ import annotations

import secrets
import subprocess
from datetime import date, datetime

import pytest
from factories import EVENING, make_id, make_person
from procedure_parts import STAY, fields_asked, filed
from server_own import bind_resident, live_at_home
from server_parts import csrf_of
from sqlalchemy import select, update

from registry import tables
from registry.changing import Cause
from registry.erasing import Erasure, erase_for_good
from registry.merging import merge, split
from residence.cases.procedures import (
    KINDS,
    KnownValue,
    asked_fields,
    asked_papers,
    due_before,
    filled,
    load_procedures,
    procedure_on,
    state_after,
    steps_from,
)
from residence.clock import VIETNAM, rfc3339
from residence.credentials.evidence import EvidenceLevel
from residence.errors import Refused
from residence.wire.answers import parse_answer_text, verify_answer
from residence.wire.keyring import KeyEntry, Keyring


@pytest.fixture
def person_id(world):
    return bind_resident(world)


def evidence(world, level):
    with world.registry.writing() as connection:
        connection.execute(update(tables.stays).values(evidence_level=int(level)))


def ring(world):
    return Keyring(
        [KeyEntry(key_id="receipt-1", use="receipt", owner="authority", public_key=world.signer.public_key, valid_from=rfc3339(EVENING))]
    )  # fmt: skip


# where what we know comes from -> which fields are still asked for
KNOWN = {
    "a card's text is offered and may be corrected": (EvidenceLevel.CARD_TEXT, {"full_name", "birth_date", "sex", "personal_number"}),
    "a verified chip is not asked again": (EvidenceLevel.CHIP_VERIFIED, set()),
    "a chip nobody can vouch for is": (EvidenceLevel.CHIP_SIGNED_ISSUER_UNKNOWN, {"full_name", "birth_date", "sex", "personal_number"}),
}  # fmt: skip


@pytest.mark.parametrize("what", KNOWN)
def test_what_a_chip_says_is_not_asked(world, person_id, what):
    level, personal = KNOWN[what]
    evidence(world, level)
    page = world.client("resident").get("/me/procedures/new/temporary-residence").text
    assert fields_asked(page) == personal | {"phone", "first", "last"}
    assert ("from the chip of the card" in page) == (not personal)
    assert "001095000117" in page  # the whole number stands on one's own form
    assert "Proof that you may live there" in page


def test_what_the_register_says_is_not_asked_nor_what_it_would_prove(world, person_id):
    live_at_home(world, person_id)
    owner = {
        "commune_code": "demo-01",
        "relation_id": "r-own",
        "kind": "owner",
        "subject_id": "blk-hoa-binh",
        "person_id": person_id,
        "recorded_at": EVENING,
    }
    with world.registry.writing() as connection:
        connection.execute(tables.relations.insert().values(**owner))
    page = world.client("resident").get("/me/procedures/new/temporary-residence").text
    assert fields_asked(page) == {"phone", "first", "last"}
    assert "not needed, the register says it already" in page
    assert page.count("from the register") >= 5


def test_what_is_under_dispute_is_asked_again(world, person_id):
    evidence(world, EvidenceLevel.CHIP_VERIFIED)
    me = world.client("resident")
    me.post("/me", data={"csrf": csrf_of(me), "field": "full-name", "reason": "a letter is wrong"})
    assert "full_name" in fields_asked(me.get("/me/procedures/new/temporary-residence").text)


def test_a_file_goes_its_way_with_a_signed_slip_for_each_step(world, person_id):
    evidence(world, EvidenceLevel.CHIP_VERIFIED)
    me, officer = world.client("resident"), world.client("officer")
    file_id = filed(me, full_name="Somebody Else")  # what the chip says cannot be typed over
    listed = officer.get("/police/procedures").text
    assert file_id in listed
    assert "Trần Văn An" not in listed

    def step(client, path, **said):
        return client.post(path, data={"csrf": csrf_of(client), **said})

    theirs, mine = f"/police/procedures/{file_id}", f"/me/procedures/{file_id}"
    page = officer.get(theirs).text
    assert all(each in page for each in ("Trần Văn An", "001095000117", "Proof that you may live there"))
    assert step(officer, theirs, step="take").status_code == 200
    assert step(officer, theirs, step="supplement").status_code == 422  # a reason is missing
    assert step(officer, theirs, step="supplement", reason="the lease is missing").status_code == 200
    assert "the lease is missing" in me.get(mine).text
    assert step(officer, theirs, step="done").status_code == 422  # waits for the person
    assert step(me, mine, step="done").status_code == 422  # not theirs to do
    assert step(me, mine, step="supply", reason="the lease is with you").status_code == 200
    assert step(officer, theirs, step="refuse", reason="no").status_code == 422  # no legal basis
    assert step(officer, theirs, step="done").status_code == 200
    told = me.get(mine + "/file.json").json()
    assert [(each["step"], each["slip"]) for each in told["steps"]] == [
        ("file", "CT04"), ("take", None), ("supplement", "CT05"), ("supply", None), ("done", "CT08")
    ]  # fmt: skip
    slips = [verify_answer(parse_answer_text(each["signed"]), keyring=ring(world)) for each in told["steps"]]
    assert [(each.answers, each.subject, each.outcome) for each in slips][-1] == ("procedure", "temporary-residence", "done")
    assert step(me, mine, step="withdraw").status_code == 422
    with world.registry.reading() as connection:
        looks = connection.execute(select(tables.access_records).where(tables.access_records.c.about == file_id)).all()
    assert {(each.role, each.purpose) for each in looks} == {("officer", "procedure-file"), ("resident", "own-procedure")}


def test_it_leaves_as_json_and_as_a_page_to_sign(world, person_id, tmp_path):
    evidence(world, EvidenceLevel.CHIP_VERIFIED)
    me = world.client("resident")
    file_id = filed(me, phone="0900 000 000")
    told = me.get(f"/me/procedures/{file_id}/file.json").json()
    assert (told["format"], told["portal_code"], told["form"], told["papers"]) == (
        "luutru-procedure/1",
        "1.004194",
        "CT01",
        ["dwelling-proof"],
    )
    assert [(each["number"], each["name"], each["source"]) for each in told["fields"]][:5] == [
        (1, "full_name", "chip"), (2, "birth_date", "chip"), (3, "sex", "chip"), (4, "personal_number", "chip"), (5, "phone", "typed")
    ]  # fmt: skip
    (tmp_path / "form.pdf").write_bytes(me.get(f"/me/procedures/{file_id}/pdf").content)
    text = subprocess.run(
        ["pdftotext", "-layout", str(tmp_path / "form.pdf"), "-"], capture_output=True, text=True, check=True
    ).stdout
    assert all(each in text for each in ("CT01", "1.004194", "Trần Văn An", "001095000117", "0900 000 000", "2026-12-31"))


def test_nobody_elses_file_is_shown_done_or_told_apart_from_one_that_is_not_there(world, person_id):
    evidence(world, EvidenceLevel.CHIP_VERIFIED)
    me = world.client("resident")
    file_id = filed(me)
    assert (
        "You filed this already"
        in me.post("/me/procedures/new/temporary-residence", data={"csrf": csrf_of(me), "place": "0", **STAY}).text
    )
    other = make_person(full_name="Khách Thử", personal_number="001195000333", sex="female", document=None)
    world.declare_guest(declaration_id=make_id(), person=other, unit="305")
    with world.registry.writing() as connection:
        stranger = connection.scalar(select(tables.stays.c.person_id).where(tables.stays.c.person_id != person_id))
        mine = tables.accounts.c.account_id == "acc-resident"
        connection.execute(update(tables.accounts).where(mine).values(person_id=stranger))
    for path in (f"/me/procedures/{file_id}", f"/me/procedures/{file_id}/file.json", f"/me/procedures/{file_id}/pdf"):
        missing = path.replace(file_id, make_id())
        assert (me.get(path).status_code, me.get(path).text.count("Trần")) == (me.get(missing).status_code, 0)
    for role in ("clerk", "operator", "inspector"):
        assert world.client(role).get(f"/police/procedures/{file_id}").status_code == 403


def test_an_erased_persons_files_are_gone(world, person_id):
    evidence(world, EvidenceLevel.CHIP_VERIFIED)
    filed(world.client("resident"))
    given = Erasure(by="operator-1", reason="asked for and granted")
    erase_for_good(world.registry, person_id, given, signer=world.signer, now=world.clock.now(), random_bytes=secrets.token_bytes)
    with world.registry.reading() as connection:
        assert connection.execute(select(tables.procedure_files)).all() == []
        assert connection.execute(select(tables.procedure_steps)).all() == []


def test_each_procedure_is_there_with_its_source_and_what_nobody_knows_is_said():
    assert {each.id for each in load_procedures()} == set(KINDS)
    assert all(
        "not known" in each.source or "ours" in each.source or "is used" in each.source or "are used" in each.source
        for each in load_procedures()
    )
    with pytest.raises(Refused, match=r"procedure\.unknown"):
        procedure_on("temporary-residence", date(2020, 1, 1))


def test_a_form_is_not_filled_with_nonsense():
    rules = procedure_on("temporary-residence", date(2026, 7, 10))
    firm = {name: KnownValue(value="x", source="chip") for name in ("full_name", "birth_date", "sex", "personal_number", "place")}
    assert asked_fields(rules, firm) == ("phone", "first", "last")
    assert asked_papers(rules, {"owner"}) == ()
    for typed, code in {
        ("", ""): "procedure.missing",
        ("2026-07-10", "2026-13-01"): "procedure.day",
        ("2026-07-10", "20261231"): "procedure.day",
        ("2026-07-10", "2026-07-09"): "residence.days",
    }.items():
        _, problems = filled(rules, firm, dict(zip(("first", "last"), typed, strict=True)))
        assert code in {each.code for each in problems}, typed
    _, problems = filled(rules, firm, STAY | {"phone": "0" * 301})
    assert [each.code for each in problems] == ["procedure.value"]


def test_deadlines_count_working_days_and_a_finished_file_goes_nowhere():
    friday = datetime(2026, 7, 10, 14, 0, tzinfo=VIETNAM)
    assert due_before(procedure_on("temporary-residence", friday.date()), friday) == datetime(2026, 7, 16, tzinfo=VIETNAM)
    assert due_before(procedure_on("absence", friday.date()), friday) == datetime(2026, 7, 15, tzinfo=VIETNAM)
    assert due_before(procedure_on("move-out", friday.date()), friday) is None
    for state in ("done", "refused", "withdrawn"):
        assert steps_from(state) == ()
        with pytest.raises(Refused, match=r"procedure\.step"):
            state_after(state, "done")


def test_a_file_follows_its_person_when_two_records_are_joined_and_comes_back_when_they_are_parted(world, person_id):
    me = world.client("resident")
    file_id = filed(me)
    with world.registry.writing() as connection:
        row = connection.execute(select(tables.persons).where(tables.persons.c.person_id == person_id)).one()
        stands = row._asdict() | {"person_id": make_id(), "merged_into": None}
        connection.execute(tables.persons.insert().values(**stands))
        cause = Cause(kind="officer", cause_id="acc-officer")
        merge_id = merge(connection, person_id, stands["person_id"], cause=cause, now=world.clock.now(), random_bytes=secrets.token_bytes)  # fmt: skip
        connection.execute(
            update(tables.accounts).where(tables.accounts.c.person_id == person_id).values(person_id=stands["person_id"])
        )
    page = me.get(f"/me/procedures/{file_id}").text
    assert "Trần Văn An" in page  # sealed under the key of whom it was filed for
    with world.registry.writing() as connection:
        split(connection, merge_id, by="acc-officer", reason="two people", now=world.clock.now())
    assert me.get(f"/me/procedures/{file_id}").status_code == 403


def test_my_page_says_where_i_am_registered_and_nobody_else(world, person_id):
    assert "Homes" not in world.client("resident").get("/me").text
    live_at_home(world, person_id)
    page = world.client("resident").get("/me").text
    assert "Chung cư Hòa Bình, 1203" in page
    assert "Who else is registered there is not shown here" in page
