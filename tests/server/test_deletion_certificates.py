"""Who was erased fetches the certificate with the code they were told, and checks it by command and on the page without a network."""

from __future__ import annotations

import json
import secrets

import msgspec
import pytest
from browser_parts import CHROMIUM
from factories import EVENING
from log_parts import LogOf
from playwright import sync_api
from server_own import bind_resident
from server_parts import COMMUNE, World, csrf_of, free_address
from typer.testing import CliRunner

from luutru.__main__ import app
from luutru.system import random_bytes
from luutru.transparency.key_files import make_signer_file
from registry.erasing import Erasure, code_of, erase_for_good
from registry.kiosks import add_key
from residence.clock import rfc3339
from residence.transparency.notes import WITNESS
from residence.wire.deletions import deletion_text
from residence.wire.keyring import KeyEntry, Keyring, dump_keyring


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A guest who asked for deletion, was told the code, and was erased; a log that a witness has cosigned."""
    folder = tmp_path_factory.mktemp("deleted")
    world = World(folder / "world", base_url=free_address(), log=folder / "log")
    person_id = bind_resident(world)
    entry = KeyEntry(
        key_id="receipt-1", use="receipt", owner="authority", public_key=world.signer.public_key, valid_from=rfc3339(EVENING)
    )
    (folder / "ring.json").write_bytes(dump_keyring(Keyring([entry])))
    with world.registry.writing() as connection:
        add_key(connection, entry, commune_code=COMMUNE)
    me = world.client("resident")
    me.post("/me/rights", data={"csrf": csrf_of(me), "right": "deletion", "said": "all that may go"})
    world.rights_page = me.get("/me/rights").text
    world.code = code_of(world.vault, person_id)
    given = Erasure(by="operator-1", reason="asked for and granted", legal_basis="Law 91/2025")
    world.done = erase_for_good(
        world.registry, person_id, given, signer=world.signer, now=world.clock.now(), random_bytes=secrets.token_bytes
    )
    world.early = ask(world.client(), world.code).text
    log = LogOf(world.registry, folder)
    witness = make_signer_file(folder / "w.key", name="example.org/witness", kind=WITNESS, random_bytes=random_bytes)
    log.files.put_key(log.signer.key, witnesses=[witness.key])
    log.publish()
    note = log.files.note()
    log.files.publish(note + witness.cosign(note.rpartition("\n\n")[0] + "\n", seconds=1_783_000_000))
    world.folder, world.log_key, world.witness = folder, log.key, witness.key.line
    world.file = ask(world.client(), world.code, **{"as": "file"}).text
    (folder / "check.html").write_bytes(world.client().get("/receipts/offline").content)
    yield world
    world.close()


def ask(client, code, **more):
    return client.post("/deleted", data={"csrf": csrf_of(client), "code": code, **more})


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


def test_the_code_is_told_before_and_finds_the_certificate_after(stage):
    assert stage.code in stage.rights_page
    assert "Not yet: fetch the file again" in stage.early
    page = ask(stage.client(), stage.code.lower().replace("-", " "))
    assert all(
        words in page.text for words in ("asked for and granted", "Law 91/2025", "demo-01:2026", "the proof is in the file")
    )
    assert not any(each in page.text for each in ("Trần Văn An", "001095000117", "operator-1"))
    assert ask(stage.client(), "0000-0000-0000").status_code == 422
    assert ask(stage.client(), "nonsense").status_code == 422


def test_the_file_is_checked_by_command_and_each_thing_touched_is_refused(stage):
    trust = ("--log-key", stage.log_key, "--witness", stage.witness)
    told = verified(stage, stage.file, *trust)
    assert (told["ok"], told["log"]["included"], told["deletion"]["reason"]) == (True, True, "asked for and granted")
    line, _, proof = stage.file.partition("\n")
    other = deletion_text(_signed_anew(stage))
    refused = {
        "a letter of the certificate": (line[:40] + ("A" if line[40] != "A" else "B") + line[41:], proof),
        "another certificate of the authority's": (other, proof),
        "no proof": (line, ""),
        "a proof cut short": (line, proof[:-60]),
    }
    for what, (certificate, below) in refused.items():
        assert not verified(stage, f"{certificate}\n{below}", *trust)["ok"], what
    assert [each["code"] for each in verified(stage, f"{other}\n{proof}", *trust)["problems"]] == ["deletion.other_proof"]


def _signed_anew(stage):
    from residence.wire.deletions import read_deletion_unverified, sign_deletion

    said = read_deletion_unverified(stage.done.certificate)
    return sign_deletion(msgspec.structs.replace(said, reason="another"), stage.signer)


def test_the_page_without_a_network_checks_it_and_refuses_another_certificate(stage):
    line, _, proof = stage.file.partition("\n")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page, tried = browser.new_context(locale="vi", offline=True).new_page(), []
        page.on("request", lambda request: tried.append(request.url))
        page.goto((stage.folder / "check.html").as_uri())

        def check(text):
            page.fill("#text", text)
            page.evaluate("document.getElementById('answer').replaceChildren()")
            page.click("#check")
            page.wait_for_selector("#answer h2")
            return page.inner_text("#answer")

        said = check(stage.file)
        assert all(
            words in said
            for words in ("The signature holds", "asked for and granted", "demo-01:2026", "0 / 1", "example.org/witness")
        )
        assert "The signature holds" in check(line)
        assert "something else" in check(deletion_text(_signed_anew(stage)) + "\n" + proof)
        assert "does not hold" in check(line[:-4] + "0000")
        assert len(tried) == 1
        browser.close()
