"""What somebody says of a stay of theirs: not me, wrong room, yes; seen everywhere at once, answered with a signature; the lock tells no desk anything."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from factories import make_declaration, make_id, make_person
from server_own import bind_resident, form_to, live_at_home
from server_parts import csrf_of, fields_of

from registry.receipts import receipt_by_code
from registry.retention import erase_person
from registry.stays import stays_of_person
from residence.clock import rfc3339
from residence.stays.own_word import SaidBy, word_standing
from residence.wire.answers import parse_answer_text, verify_answer
from residence.wire.keyring import KeyEntry, Keyring

OTHER = make_person(full_name="Khách Thử", personal_number="001195000333", sex="female", document=None)


@pytest.fixture
def person_id(world):
    found = bind_resident(world)
    world.clock.pass_time(hours=3)
    return found


def own(world, person_id):
    with world.registry.reading() as connection:
        return stays_of_person(connection, person_id)[0]


def wrong(client, stay_id, fault):
    """Tap twice: the link beside the stay, the one button on its page."""
    (address,) = re.findall(rf'href="(/me/stays/{stay_id}/wrong/{fault})"', client.get("/me").text)
    return client.post(address, data=fields_of(client.get(address).text))


def consumers(world, found):
    """Return what each consumer of the stay is told of it now."""
    clerk, officer, stranger = world.client("clerk"), world.client("officer"), world.client()
    with world.registry.reading() as connection:
        code = receipt_by_code(connection, _code(connection, found)).receipt.code
    bearer = world.bearer("clerk")
    return {
        "own page": lambda: world.client("resident").get("/me").text,
        "tonight": lambda: clerk.get("/desk?premises=htl-sao-mai").text,
        "stay at the desk": lambda: clerk.get(f"/desk/stays/{found.stay_id}").text,
        "the hotel's program": lambda: clerk.get(f"/api/v1/stays/{found.stay_id}", headers=bearer).text,
        "its list": lambda: clerk.get("/api/v1/premises/htl-sao-mai/stays", headers=bearer).text,
        "police": lambda: officer.get("/police/premises/htl-sao-mai").text,
        "whoever holds the receipt": lambda: stranger.post("/receipts", data={"csrf": csrf_of(stranger), "code": code}).text,
    }


def _code(connection, found):
    from residence.wire.receipts import receipt_code

    return receipt_code(found.declaration_ids[-1])


FLAG = re.compile(r"In dispute|\"disputed\"|The person says that it is wrong")


@pytest.mark.parametrize("fault", ["stay", "unit"])
def test_two_taps_put_a_stay_under_dispute_for_everybody_until_an_officer_answers_signed(world, person_id, fault):
    me, officer, found = world.client("resident"), world.client("officer"), own(world, person_id)
    seen = consumers(world, found)
    assert [name for name, page in seen.items() if FLAG.search(page())] == []
    assert wrong(me, found.stay_id, fault).status_code == 200
    assert [name for name, page in seen.items() if not FLAG.search(page())] == []
    assert f"/wrong/{fault}" not in me.get("/me").text
    (dispute_id,) = re.findall(r"/police/disputes/([0-9a-f-]{36})", officer.get("/police/disputes").text)
    page = officer.get(f"/police/disputes/{dispute_id}").text
    assert ("Khách sạn Sao Mai" in page, "Trần Văn An" in page) == (True, False)
    answer = {"csrf": csrf_of(officer), "outcome": "corrected", "reason": "the house looked it up"}
    assert "No dispute is waiting" in officer.post(f"/police/disputes/{dispute_id}", data=answer).text
    assert [name for name, page in seen.items() if FLAG.search(page())] == []
    signed = me.get(f"/me/answers/{dispute_id}").text
    key = KeyEntry(
        key_id="receipt-1",
        use="receipt",
        owner="authority",
        public_key=world.signer.public_key,
        valid_from=rfc3339(world.clock.now() - timedelta(days=1)),
    )
    said = verify_answer(parse_answer_text(signed), keyring=Keyring([key]))
    assert (said.subject, said.outcome, said.reason) == (fault, "corrected", "the house looked it up")


def test_the_flag_stays_while_the_house_says_more_about_the_stay_and_while_another_fault_stands(world, person_id):
    me, officer, clerk, found = *(world.client(role) for role in ("resident", "officer", "clerk")), own(world, person_id)
    for fault in ("stay", "unit"):
        wrong(me, found.stay_id, fault)
    page = clerk.get(f"/desk/stays/{found.stay_id}").text
    longer = form_to(page, f"/desk/stays/{found.stay_id}/extend")
    assert clerk.post(f"/desk/stays/{found.stay_id}/extend", data=longer).status_code == 200
    for left in (True, False):
        assert (own(world, person_id).objected_at is not None) is True
        dispute_id = re.findall(r"/police/disputes/([0-9a-f-]{36})", officer.get("/police/disputes").text)[0]
        answer = {"csrf": csrf_of(officer), "outcome": "upheld", "reason": "seen"}
        officer.post(f"/police/disputes/{dispute_id}", data=answer)
        assert (own(world, person_id).objected_at is not None) is left


def test_nobody_speaks_about_the_stay_of_somebody_else_reads_their_answer_or_invents_a_fault(world, person_id):
    me = world.client("resident")
    world.declare_guest(declaration_id=make_id(), person=OTHER, unit="202")
    with world.registry.reading() as connection:
        theirs = connection.exec_driver_sql("SELECT stay_id FROM stays WHERE person_id <> ?", (person_id,)).scalar_one()
    mine = own(world, person_id).stay_id
    token = {"csrf": csrf_of(me)}
    tries = [
        f"/me/stays/{theirs}/wrong/stay",
        f"/me/stays/{theirs}/mine",
        "/me/stays/nothing/wrong/unit",
        f"/me/stays/{mine}/wrong/name",
    ]
    assert {me.post(path, data=token).status_code for path in tries} == {403}
    assert me.get("/me/answers/nothing").status_code == 403
    for reason in ("x" * 501, "a\0b"):
        assert me.post(f"/me/stays/{mine}/wrong/stay", data=token | {"reason": reason}).status_code == 422
    assert own(world, person_id).objected_at is None
    assert {world.client(role).get("/me/lock").status_code for role in ("clerk", "officer", "operator")} == {403}


def test_of_an_erased_person_no_stay_stays_in_dispute(world, person_id):
    wrong(world.client("resident"), own(world, person_id).stay_id, "stay")
    with world.registry.writing() as connection:
        erase_person(connection, person_id, vault=world.vault, now=world.clock.now())
    assert own(world, person_id).objected_at is None


CASES = {
    "a clerk typed it": ([SaidBy(role="host", evidence_level=0)], "asked", "asked_locked"),
    "an officer compared, others declared": ([SaidBy(role="host", evidence_level=6)], "asked", "asked_locked"),
    "a copy of a card at a kiosk": ([SaidBy(role="self", evidence_level=1)], "own", "asked_locked"),
    "the chip was there": ([SaidBy(role="host", evidence_level=5)], "own", "own"),
    "from their own account": ([SaidBy(role="self", evidence_level=0, account="mine")], "own", "own"),
    "a host first, themselves then": ([SaidBy(role="host", evidence_level=0), SaidBy(role="self", evidence_level=0, account="mine")], "own", "own"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_whose_word_a_stay_rests_on(case):
    said, free, locked = case
    assert word_standing(said, mine=frozenset({"mine"}), locked=False, confirmed=False) == free
    assert word_standing(said, mine=frozenset({"mine"}), locked=True, confirmed=False) == locked
    assert word_standing(said, mine=frozenset(), locked=True, confirmed=True) == "confirmed"


def test_a_locked_person_is_taken_in_like_anybody_and_the_person_and_the_police_alone_see_that_their_word_is_missing(
    world, person_id
):
    me, clerk, officer = (world.client(role) for role in ("resident", "clerk", "officer"))
    me.post("/me/lock", data={"csrf": csrf_of(me), "lock": "set"})
    me.post("/me/lock", data={"csrf": csrf_of(me), "lock": "set"})  # twice
    assert "asked_locked" not in words(world, person_id)  # a lock looks forward
    world.clock.pass_time(days=3)
    me, clerk, officer = (world.client(role) for role in ("resident", "clerk", "officer"))
    answers = {}
    for who, number in {"locked": "001095000117", "unknown": "001095000444"}.items():
        person = make_person(personal_number=number, document=None)
        arrival = rfc3339(world.clock.now())
        leaving = rfc3339(world.clock.now() + timedelta(days=1))
        said = make_declaration(
            declaration_id=make_id(world.clock.now()),
            premises_id="htl-sao-mai",
            unit="201",
            person=person,
            arrival=arrival,
            declared_at=arrival,
            planned_departure=leaving,
        )
        receipt = (told := world.record(said)).receipt
        assert receipt.state == "accepted", (told, who)
        with world.registry.reading() as connection:
            row = connection.exec_driver_sql(
                "SELECT stay_id FROM stays WHERE declaration_id = ?", (said.declaration_id,)
            ).scalar_one()
        page = clerk.get(f"/desk/stays/{row}").text
        bearer = world.bearer("clerk")
        api = clerk.get(f"/api/v1/stays/{row}", headers=bearer).json()
        answers[who] = (
            receipt.state,
            receipt.rule,
            api["status"],
            api["on_time"],
            re.sub(r"0197[0-9a-f-]+|\w{4}-\w{4}-\w{4}|\d{3,}|[\"']\S*[\"']", "", page),
        )
    assert answers["locked"] == answers["unknown"]
    assert "asked_locked" in words(world, person_id)
    assert "not said yes" in officer.get("/police/premises/htl-sao-mai").text
    page = me.get("/me").text
    assert "though you locked that" in page
    (yes,) = re.findall(r'action="(/me/stays/[^"]*/mine)"', page)
    me.post(yes, data={"csrf": csrf_of(me)})
    assert "you said yes" in me.post(yes, data={"csrf": csrf_of(me)}).text
    assert "not said yes" not in officer.get("/police/premises/htl-sao-mai").text
    me.post("/me/lock", data={"csrf": csrf_of(me), "lock": "lift"})
    assert "Others may declare me" in me.get("/me/lock").text


def words(world, person_id):
    from registry.own_words import words_of

    with world.registry.reading() as connection:
        return set(words_of(connection, stays_of_person(connection, person_id)).values())


def bare(text):
    """Leave out what differs between any two answers: nonces, tokens of forms, codes of receipts."""
    return re.sub(r'nonce="[^"]*"|value="[0-9a-f]{64}"|\w{4}-\w{4}-\w{4}', "", text)


VISITOR = {"full_name": "Bạn Thử", "birth": "03/04/1990", "sex": "male", "nationality": "VNM", "document_kind": "cccd-2021"}


def test_a_resident_declares_a_visitor_in_their_own_home_whatever_the_form_says_of_the_place(world, person_id):
    me = world.client("resident")
    assert me.get("/me/visitors/0").status_code == 403  # registered nowhere here
    live_at_home(world, person_id)
    (address,) = re.findall(r'href="(/me/visitors/\d)"', me.get("/me").text)
    answers = {}
    for who, number in {"known": "001095000117", "unknown": "001090000555"}.items():
        form = (
            form_to(me.get(address).text, address)
            | VISITOR
            | {"personal_number": number, "premises_id": "htl-sao-mai", "unit": "201"}
        )
        page = me.post(address, data=form)
        for _ in range(3):  # warnings are shown once
            if "Your visitor is declared" in page.text:
                break
            page = me.post(address, data=form_to(page.text, address) | {"sex": "male"})
        again = me.post(address, data=form)
        assert bare(page.text) == bare(again.text)
        answers[who] = bare(page.text)
        with world.registry.reading() as connection:
            row = connection.exec_driver_sql(
                "SELECT premises_id, unit, declarant_role, declarant_account FROM declarations ORDER BY recorded_at DESC, declaration_id DESC"
            ).first()
        assert tuple(row) == ("blk-hoa-binh", "1203", "household", "acc-resident")
    assert answers["known"] == answers["unknown"]
    assert me.get("/me/visitors/1").status_code == 403
