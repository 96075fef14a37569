"""The proof of a stay and its place in the public log: put there when the person takes it, checked by another project, by command and without a network."""

from __future__ import annotations

import base64
import json

import pytest
from browser_parts import CHROMIUM
from factories import EVENING, make_id, make_person
from log_parts import LogOf
from playwright import sync_api
from server_own import bind_resident
from server_parts import COMMUNE, World, free_address
from sqlalchemy import select
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint, InclusionProof
from typer.testing import CliRunner

from luutru.__main__ import app
from luutru.commands.receipt import NOWHERE
from registry import tables
from registry.kiosks import add_key
from residence.clock import rfc3339
from residence.transparency.merkle import leaf_hash
from residence.transparency.proofs import verify_proof
from residence.wire.keyring import KeyEntry, Keyring, dump_keyring
from residence.wire.receipts import receipt_text


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A guest who took the proofs of two stays before and after the log was published."""
    folder = tmp_path_factory.mktemp("logged")
    world = World(folder / "world", base_url=free_address(), log=folder / "log")
    log = LogOf(world.registry, folder)
    world.person = bind_resident(world)
    world.declare_guest(declaration_id=make_id(), unit="202")
    entry = KeyEntry(key_id="receipt-1", use="receipt", owner="authority", public_key=world.signer.public_key, valid_from=rfc3339(EVENING))  # fmt: skip
    (folder / "ring.json").write_bytes(dump_keyring(Keyring([entry])))
    with world.registry.writing() as connection:
        add_key(connection, entry, commune_code=COMMUNE)
        world.ids = list(connection.scalars(select(tables.declarations.c.declaration_id).order_by(tables.declarations.c.declaration_id)))  # fmt: skip
        world.signed = dict(connection.execute(select(tables.receipts.c.declaration_id, tables.receipts.c.receipt_bytes)).all())
    world.me = world.client("resident")
    world.early = [world.me.get(f"/me/proofs/{each}").text for each in world.ids]
    world.too_early = world.me.get(f"/me/proofs/{world.ids[0]}/log")
    log.publish()
    world.late = [world.me.get(f"/me/proofs/{each}").text for each in world.ids]
    world.files = [world.me.get(f"/me/proofs/{each}/log").text for each in world.ids]
    (folder / "check.html").write_bytes(world.client().get("/receipts/offline").content)
    world.folder, world.log = folder, log
    yield world
    world.close()


def verified(stage, text, *more):
    (stage.folder / "kept.txt").write_text(text)
    words = [
        "receipt",
        "verify",
        "--file",
        str(stage.folder / "kept.txt"),
        "--keyring",
        str(stage.folder / "ring.json"),
        "--json",
    ]
    return json.loads(CliRunner().invoke(app, [*words, *more]).stdout)


def test_taking_a_proof_gives_it_a_place_once_and_the_page_says_which(stage):
    assert all("goes into the public log within minutes" in each for each in stage.early)
    assert stage.too_early.status_code == 403
    places = [next(n for n in range(9) if f"in the public log, at place {n}." in each) for each in stage.late]
    assert len(set(places)) == len(stage.ids) == 2
    with stage.registry.reading() as connection:
        columns = tables.access_records.c
        taken = connection.execute(
            select(columns.about).where(columns.purpose == "own-stays", columns.about != "acc-resident")
        ).all()
    assert len(taken) == 2  # however often the page is opened
    log = b"".join(each.read_bytes() for each in (stage.folder / "log").rglob("*") if each.is_file())
    assert not [each for each in (*stage.ids, stage.person, "Trần Văn An") if each.encode() in log]


def test_another_project_finds_it_in_the_log_and_nobody_else_is_given_it(stage):
    _, _, proof = stage.files[0].partition("\n")
    head, _, note = proof.partition("\n\n")
    lines = head.split("\n")
    entry = json.loads(base64.b64decode(lines[1].removeprefix("extra ")))["entry"].encode()
    checkpoint = Checkpoint.from_text(note)
    checkpoint.verify(Vkey.from_string(stage.log.key))
    path = [base64.b64decode(each) for each in lines[3:]]
    InclusionProof(int(lines[2].removeprefix("index ")), checkpoint.size, path).check(leaf_hash(entry), checkpoint.root_hash)
    assert "purpose own-stays" in verify_proof(proof, log=stage.log.signer.key).row
    stranger = make_person(full_name="Khách Thử", personal_number="001195000333", sex="female", document=None)
    stage.declare_guest(declaration_id=(other := make_id()), person=stranger, unit="201")
    assert stage.me.get(f"/me/proofs/{other}/log").status_code == 403
    assert stage.client("officer").get(f"/me/proofs/{stage.ids[0]}/log").status_code == 403


def test_the_command_says_that_it_is_included_only_where_it_checked_that(stage):
    trust = ("--log-key", stage.log.key)
    told = verified(stage, stage.files[0], *trust)
    assert (told["ok"], told["log"]["included"], told["log"]["checkpoint"]["origin"]) == (True, True, "example.org/log")
    line, _, proof = stage.files[0].partition("\n")
    receipt = receipt_text(stage.signed[stage.ids[0]])
    assert verified(stage, f"{receipt}\n{proof}", *trust)["log"]["included"]  # the receipt of the same statement
    silent = {"no key of the log": verified(stage, stage.files[0]), "no proof below": verified(stage, line, *trust)}
    assert {what: (each["ok"], each["log"]) for what, each in silent.items()} == dict.fromkeys(silent, (True, NOWHERE))  # fmt: skip
    other = verified(stage, f"{stage.files[1].partition(chr(10))[0]}\n{proof}", *trust)
    assert ([each["code"] for each in other["problems"]], other["log"]["included"]) == (["deletion.other_proof"], False)
    for touched in (stage.files[0][:-60], f"{line}\n{proof.replace('index ', 'index 1')}", f"{line[:-4]}0000\n{proof}"):
        assert (verified(stage, touched, *trust)["ok"], verified(stage, touched, *trust)["log"]["included"]) == (False, False)


def test_the_page_without_a_network_says_the_place_and_refuses_another_statements(stage):
    line, _, proof = stage.files[0].partition("\n")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(locale="vi", offline=True).new_page()
        page.goto((stage.folder / "check.html").as_uri())

        def check(text):
            page.fill("#text", text)
            page.evaluate("document.getElementById('answer').replaceChildren()")
            page.click("#check")
            page.wait_for_selector("#answer h2")
            return page.inner_text("#answer")

        assert "Place in the log" in check(stage.files[0])
        assert "Place in the log" in check(f"{receipt_text(stage.signed[stage.ids[0]])}\n{proof}")
        assert "Place in the log" not in check(line)
        assert "something else" in check(f"{stage.files[1].partition(chr(10))[0]}\n{proof}")
        assert "does not hold" in check(stage.files[0].replace("index ", "index 1"))
        browser.close()
