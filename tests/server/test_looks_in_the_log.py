"""Every look a clerk's pages and the API make is in the log for each person, and each person can take the proof home."""

from __future__ import annotations

import base64
import json

import pytest
from factories import make_id, make_person
from log_parts import LogOf, command
from sqlalchemy import select, update
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from tlog_scales.tlog import InclusionProof

from registry import tables
from residence.errors import LuutruError
from residence.transparency.merkle import leaf_hash
from residence.transparency.proofs import verify_proof


@pytest.fixture
def world(make_world, tmp_path):
    return make_world(log=tmp_path / "log")


@pytest.fixture
def log(world, tmp_path):
    return LogOf(world.registry, tmp_path)


def guests(world, count):
    for number in range(count):
        person = make_person(
            full_name=f"Nguyễn Văn Thử {'ABCDEFGH'[number]}", personal_number=f"0010950001{number:02}", document=None
        )
        done = world.declare_guest(person=person, declaration_id=make_id(world.clock.now()))
        assert done.receipt.state == "accepted", done.receipt


def records(world):
    with world.registry.reading() as connection:
        return connection.execute(select(tables.access_records).order_by(tables.access_records.c.at)).all()


def test_each_row_of_a_list_an_export_and_an_api_call_counts_for_each_person_and_a_list_is_one_entry(world, log):
    guests(world, 3)
    clerk, counted = world.client("clerk"), []
    compared = {"guests": [{"reference": "R-1", "full_name": "Nguyễn Văn Thử A", "unit": "201"}]}
    for read in (
        lambda: clerk.get("/desk"),
        lambda: clerk.get("/desk/statements?premises=htl-sao-mai"),
        lambda: clerk.get("/desk/statements/pdf?premises=htl-sao-mai"),
        lambda: world.client().post("/api/v1/premises/htl-sao-mai/reconciliation", json=compared, headers=world.bearer("clerk")),
    ):
        before = len(records(world))
        answer = read()
        assert answer.status_code == 200, answer.text
        counted.append(len(records(world)) - before)
    assert counted == [3, 3, 3, 3]
    published = log.publish()
    written = records(world)
    assert (published.size, published.published) == (4, 4)  # one entry a look, however long the list
    assert log.rows() == [3, 3, 3, 3]
    assert {each.person_id for each in written if each.look_id == written[0].look_id} == {each.person_id for each in written}
    assert log.verified_with_registry()["ok"]
    content = b"".join(each.read_bytes() for each in log.files.folder.rglob("*") if each.is_file())
    for told in {value for each in written for value in (each.person_id, each.account_id, each.purpose)}:
        assert told.encode() not in content


def fetched(client, path):
    answer = client.get(f"/log/{path}")
    return answer.content if answer.status_code == 200 else None


def test_a_person_takes_a_proof_home_that_holds_here_and_with_a_verifier_of_another_project(world, log, tmp_path):
    guests(world, 3)
    world.client("clerk").get("/desk")
    look, other = records(world)[:2]
    with world.registry.writing() as connection:
        resident = tables.accounts.c.account_id == "acc-resident"
        connection.execute(update(tables.accounts).where(resident).values(person_id=look.person_id))
    own = world.client("resident")
    assert own.get(f"/me/looks/{look.access_id}").status_code == 403  # not in the log yet
    log.publish()
    assert f"/me/looks/{look.access_id}" in own.get("/me").text
    proof = own.get(f"/me/looks/{look.access_id}").text
    holds_here(log, proof, look, tmp_path)
    holds_elsewhere(log, proof, own)
    does_not_hold_once_touched(log, proof)
    assert own.get(f"/me/looks/{other.access_id}").status_code == 403
    assert world.client("officer").get(f"/me/looks/{look.access_id}").status_code == 403
    for path in ("../registry.db", ".writing", "tile/0/../../log.key", "tile/0/000.p/1/2"):
        assert own.get(f"/log/{path}").status_code == 404


def holds_here(log, proof, look, tmp_path):
    (tmp_path / "own.tlog-proof").write_text(proof, encoding="utf-8")
    told = command("look", tmp_path / "own.tlog-proof", "--key", log.key)
    assert told["ok"], told
    assert "purpose declare-guest" in told["row"]
    assert f"person {look.person_id}" in told["row"]


def holds_elsewhere(log, proof, client):
    head, _, note = proof.partition("\n\n")
    lines = head.split("\n")
    entry = json.loads(base64.b64decode(lines[1].removeprefix("extra ")))["entry"].encode()
    theirs = TilesReader(type("Site", (), {"get": staticmethod(lambda *parts: fetched(client, "/".join(parts)))}))
    checkpoint = theirs.get_checkpoint()
    checkpoint.verify(Vkey.from_string(log.key))
    assert checkpoint.serialize() == note
    index = int(lines[2].removeprefix("index "))
    path = [base64.b64decode(each) for each in lines[3:]]
    InclusionProof(index, checkpoint.size, path).check(leaf_hash(entry), checkpoint.root_hash)
    assert theirs.calculate_root_hash() == checkpoint.root_hash
    assert theirs.get_entry(index) == entry


def does_not_hold_once_touched(log, proof):
    lines = proof.split("\n")
    extra = json.loads(base64.b64decode(lines[1].removeprefix("extra ")))
    forged = {**extra, "row": extra["row"].replace("role clerk", "role officer")}
    lines[1] = "extra " + base64.b64encode(json.dumps(forged).encode()).decode()
    touched = {"another role": "\n".join(lines), "another place": proof.replace("index 0", "index 1"), "cut short": proof[:-20]}
    verify_proof(proof, log=log.signer.key)
    for text in touched.values():
        with pytest.raises(LuutruError):
            verify_proof(text, log=log.signer.key)
    with pytest.raises(LuutruError, match="witnesses_missing"):
        verify_proof(proof, log=log.signer.key, least=1)
