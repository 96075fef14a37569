"""The place a receipt promises: on every page and paper, kept or broken, checked by another project, by command and without a network."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from threading import Event

import cv2
import pytest
import zxingcpp
from browser_parts import CHROMIUM
from cose_keys import cose_key
from cwt import COSE
from factories import EVENING, make_id
from playwright import sync_api
from server_own import bind_resident
from server_parts import COMMUNE, World, csrf_of, free_address
from sqlalchemy import delete, select
from tlog_scales.signing import Vkey
from tlog_scales.tlog import Checkpoint, InclusionProof
from typer.testing import CliRunner

from luutru.__main__ import app
from luutru.processes.log import LogProcess, run
from luutru.system import random_bytes
from luutru.transparency.key_files import make_signer_file
from registry import tables
from registry.kiosks import add_key
from residence.clock import rfc3339
from residence.transparency.merkle import leaf_hash
from residence.transparency.notes import LOG
from residence.transparency.statements import committed_by
from residence.wire.keyring import KeyEntry, Keyring, dump_keyring
from residence.wire.receipts import parse_receipt_text, read_unverified, receipt_text


class Stage(World):
    """A world whose logs are published when asked to, by the process that does it."""

    def begin(self, folder):
        self.folder = folder
        keys = [
            make_signer_file(folder / name, name=f"example.org/{name}", kind=LOG, random_bytes=random_bytes)
            for name in ("looks", "statements")
        ]
        self.looks_key, self.statements_key = (each.key.line for each in keys)

    def publish(self):
        url = str(self.registry.engine.url)
        return run(
            LogProcess(
                registry=url, folder=self.folder / "log", key=self.folder / "looks", statements_key=self.folder / "statements"
            ),
            Event(),
        )


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A guest with two stays whose places were promised: one kept, one deleted before its turn; the pages before and after."""
    folder = tmp_path_factory.mktemp("promised")
    world = Stage(folder / "world", base_url=free_address(), log=folder / "log")
    world.begin(folder)
    world.person = bind_resident(world)  # declared before there was a log
    world.publish()
    world.ids = [make_id(), make_id()]
    for unit, own_id in zip(("201", "202"), world.ids, strict=True):
        world.declare_guest(declaration_id=own_id, unit=unit)
    entry = KeyEntry(key_id="receipt-1", use="receipt", owner="authority", public_key=world.signer.public_key, valid_from=rfc3339(EVENING))  # fmt: skip
    (folder / "ring.json").write_bytes(dump_keyring(Keyring([entry])))
    with world.registry.writing() as connection:
        add_key(connection, entry, commune_code=COMMUNE)
        world.signed = dict(connection.execute(select(tables.receipts.c.declaration_id, tables.receipts.c.receipt_bytes)).all())
    world.me = world.client("resident")
    world.early = world.me.get(f"/me/proofs/{world.ids[0]}").text
    world.too_early = world.me.get(f"/me/proofs/{world.ids[0]}/log").status_code
    with world.registry.writing() as connection:
        connection.execute(delete(tables.statement_blocks).where(tables.statement_blocks.c.first == 1))
    world.published = world.publish()
    world.late = [world.me.get(f"/me/proofs/{each}").text for each in world.ids]
    world.file = world.me.get(f"/me/proofs/{world.ids[0]}/log").text
    (folder / "check.html").write_bytes(world.client().get("/receipts/offline").content)
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


def test_the_pages_say_promised_then_in_the_log_and_that_a_promise_was_broken(stage):
    assert (stage.published.statements.size, stage.published.statements.void) == (2, 1)
    assert "Place 0 in the public log is promised to it" in stage.early
    assert stage.too_early == 403
    assert "It stands in the public log, at place 0." in stage.late[0]
    assert "A promise was broken" in stage.late[1]
    assert stage.me.get(f"/me/proofs/{stage.ids[1]}/log").status_code == 403
    anybody = stage.client()
    for own_id, words in zip(stage.ids, ("at place 0.", "A promise was broken"), strict=True):
        code = read_unverified(stage.signed[own_id]).code
        page = anybody.post("/receipts", data={"csrf": csrf_of(anybody, "/receipts"), "code": code}).text
        assert words in page
        assert "Place in the public log" in page
    (before,) = stage.signed.keys() - set(stage.ids)
    assert read_unverified(stage.signed[before]).log is None
    assert "goes into the public log within minutes" in stage.me.get(f"/me/proofs/{before}").text  # as before (ADR 96)


def test_another_project_finds_the_promised_entry_in_the_log_it_fetched(stage):
    receipt = read_unverified(stage.signed[stage.ids[0]])
    told = json.loads(COSE.new().decode(stage.signed[stage.ids[0]], cose_key("receipt-1", stage.signer.public_key)))
    assert told["log"]["index"] == 0
    assert base64.b64decode(told["log"]["salt"]) == receipt.log.salt
    place, entry = committed_by(receipt)
    _, _, proof = stage.file.partition("\n")
    head, _, note = proof.partition("\n\n")
    lines = head.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", f"index {place.index}"]
    checkpoint = Checkpoint.from_text(note)
    checkpoint.verify(Vkey.from_string(stage.statements_key))
    path = [base64.b64decode(each) for each in lines[2:]]
    InclusionProof(place.index, checkpoint.size, path).check(leaf_hash(entry), checkpoint.root_hash)
    anybody = stage.client()
    assert anybody.get("/log/statements/checkpoint").text == note
    assert entry in anybody.get(f"/log/statements/tile/entries/000.p/{checkpoint.size}").content
    for path in ("statements", "statements/.writing", "statements/statements/checkpoint", "statements/../statements/key/x"):
        assert anybody.get(f"/log/{path}").status_code == 404


def test_the_command_tells_kept_from_broken_by_a_file_or_by_the_logs_own_files(stage):
    trust = ("--log-key", stage.looks_key, "--log-key", stage.statements_key)
    folder = str(stage.folder / "log" / "statements")
    told = verified(stage, stage.file, *trust)
    assert (told["ok"], told["log"]["standing"], told["log"]["checkpoint"]["index"]) == (True, "in_log", 0)
    line, _, proof = stage.file.partition("\n")
    kept, broken = (receipt_text(stage.signed[each]) for each in stage.ids)
    assert verified(stage, f"{kept}\n{proof}", *trust)["log"]["included"]  # the receipt of the same statement
    assert verified(stage, kept, *trust, "--log", folder)["log"]["included"]
    assert verified(stage, kept, *trust)["log"] == {
        "included": False, "checkpoint": None, "standing": None, "promised": told["log"]["promised"], "evidence": None,
    }  # fmt: skip
    convicted = verified(stage, broken, *trust, "--log", folder)
    assert ([each["code"] for each in convicted["problems"]], convicted["log"]["standing"]) == (["log.promise_broken"], "broken")
    refused = {
        "another statement's proof": (f"{broken}\n{proof}", "log.proof_bad"),
        "another place": (f"{line}\n{proof.replace('index 0', 'index 1')}", "log.proof_bad"),
        "cut short": (stage.file[:-60], "log.note_malformed"),
        "another log's key": (stage.file, "log.other"),
    }
    for what, (text, code) in refused.items():
        keys = trust[:2] if what == "another log's key" else trust
        answer = verified(stage, text, *keys)
        assert ([each["code"] for each in answer["problems"]], answer["log"]["included"]) == ([code], False), what


def test_the_page_without_a_network_checks_the_promise_and_shows_it_unchecked_without_a_proof(stage):
    line, _, proof = stage.file.partition("\n")
    kept, broken = (receipt_text(stage.signed[each]) for each in stage.ids)
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

        for text in (stage.file, f"{kept}\n{proof}"):
            assert "Checked: the statement stands there" in check(text)
            assert "0 / 2" in page.inner_text("#answer")
        for text in (line, kept, broken):
            assert "Not checked" in check(text)
        for text in (f"{broken}\n{proof}", stage.file.replace("index 0", "index 1"), f"{line}\n{proof[:-40]}\n"):
            assert "does not hold" in check(text)
        browser.close()


def test_the_papers_say_the_place_and_their_codes_carry_it(stage, tmp_path):
    content = stage.me.get("/me/receipts").content
    (tmp_path / "own.pdf").write_bytes(content)
    subprocess.run(["pdftotext", str(tmp_path / "own.pdf"), str(tmp_path / "own.txt")], check=True)
    log_id = read_unverified(stage.signed[stage.ids[0]]).log.log
    assert re.findall(rf"(\d+) \({log_id}\)", (tmp_path / "own.txt").read_text("utf-8")) == ["0", "1"]
    subprocess.run(["pdftoppm", "-r", "200", "-gray", "-png", str(tmp_path / "own.pdf"), str(tmp_path / "page")], check=True)
    pages = [cv2.imread(str(each), cv2.IMREAD_GRAYSCALE) for each in sorted(tmp_path.glob("page*.png"))]
    read = [code.text for each in pages for code in zxingcpp.read_barcodes(each) if code.text.startswith("LR1:")]
    assert {parse_receipt_text(each) for each in read} == set(stage.signed.values())
