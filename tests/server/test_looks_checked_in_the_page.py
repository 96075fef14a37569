"""The page of who looked checks each look against the log by itself; the page for without a network does, too, and both refuse what was touched."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from browser_parts import CHROMIUM, Window
from factories import EVENING
from log_parts import LogOf
from playwright import sync_api
from server_own import bind_resident
from server_parts import COMMUNE, World, free_address
from sqlalchemy import select, update

from luutru.system import random_bytes
from luutru.transparency.key_files import make_signer_file
from registry import tables
from registry.kiosks import add_key
from residence.clock import rfc3339
from residence.transparency.notes import WITNESS
from residence.wire.answers import Answer, answer_text, sign_answer
from residence.wire.keyring import KeyEntry

ANSWER = Answer(
    answer_id="0197f000-0000-7000-8000-0000000000aa", answers="dispute", subject="unit", asked_at=rfc3339(EVENING), due=rfc3339(EVENING),
    outcome="corrected", reason="the house looked it up", answered_at=rfc3339(EVENING + timedelta(hours=1)),
)  # fmt: skip


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A guest with an account, looked at by the desk; a log that a witness has cosigned; a browser that is shown it all."""
    folder = tmp_path_factory.mktemp("looks")
    world = World(folder / "world", base_url=free_address(), log=folder / "log")
    world.person = bind_resident(world)
    entry = KeyEntry(
        key_id="receipt-1", use="receipt", owner="authority", public_key=world.signer.public_key, valid_from=rfc3339(EVENING)
    )
    with world.registry.writing() as connection:
        add_key(connection, entry, commune_code=COMMUNE)
    world.client("clerk").get("/desk")
    log = LogOf(world.registry, folder)
    witness = make_signer_file(folder / "w.key", name="example.org/witness", kind=WITNESS, random_bytes=random_bytes)
    log.files.put_key(log.signer.key, witnesses=[witness.key])
    log.publish()
    note = log.files.note()
    cosigned = note + witness.cosign(note.rpartition("\n\n")[0] + "\n", seconds=1_783_000_000)
    log.files.publish(cosigned)
    world.cosigned, world.plain_note, world.log = cosigned, note, log
    own = world.client("resident")
    with world.registry.reading() as connection:
        looks = connection.execute(select(tables.access_records).order_by(tables.access_records.c.at)).all()
    world.look = looks[0]
    world.proof = own.get(f"/me/looks/{world.look.access_id}").text
    (folder / "check.html").write_bytes(own.get("/receipts/offline").content)
    world.checker = (folder / "check.html").as_uri()
    with world.serving(), sync_api.sync_playwright() as playwright:
        world.browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield world
        world.browser.close()
    world.close()


def checked(window):
    window.open("/me/looks")
    window.page.click("[data-check-looks]")
    window.page.wait_for_selector("[data-check-result]:not(:empty)")
    return window.page.inner_text("main")


def test_the_page_says_where_each_look_stands_and_finds_a_record_and_a_checkpoint_that_were_touched(stage):
    window = Window(stage.browser, stage, "resident")
    said = checked(window)
    assert "Checked here: place 0 of 1 in the log. Witnessed by example.org/witness." in said
    assert "Checked by this page itself" in said
    assert "Not in the log yet" in said  # this very look at oneself
    whose = tables.access_records.c.access_id == stage.look.access_id
    with stage.registry.writing() as connection:
        connection.execute(update(tables.access_records).where(whose).values(purpose="undeclared-case"))
    assert "This does NOT agree with the log" in checked(window)
    with stage.registry.writing() as connection:
        connection.execute(update(tables.access_records).where(whose).values(purpose=stage.look.purpose))
    stage.log.files.publish(stage.plain_note)  # the witness's line taken away
    assert "This does NOT agree with the log" in checked(window)
    stage.log.files.publish(stage.cosigned)
    assert "Checked by this page itself" in checked(window)
    assert [each for each in window.complaints if "403" not in each] == []  # those not in the log yet
    window.context.close()


def touched(proof, **changes):
    lines = proof.split("\n")
    extra = json.loads(base64.b64decode(lines[1].removeprefix("extra "))) | changes
    return "\n".join([lines[0], "extra " + base64.b64encode(json.dumps(extra).encode()).decode(), *lines[2:]])


def test_without_a_network_the_kept_page_checks_looks_and_answers_and_refuses_each_thing_touched(stage):
    context = stage.browser.new_context(locale="vi", offline=True)
    page, tried = context.new_page(), []
    page.on("request", lambda request: tried.append(request.url))
    page.goto(stage.checker)

    def check(text):
        page.fill("#text", text)
        page.evaluate("document.getElementById('answer').replaceChildren()")
        page.click("#check")
        page.wait_for_selector("#answer h2")
        return page.inner_text("#answer")

    said = check(stage.proof)
    assert all(
        words in said for words in ("The signature holds", "Front desk clerk", "0 / 1", "example.org/witness", "Full name")
    )
    row = json.loads(base64.b64decode(stage.proof.split("\n")[1].removeprefix("extra ")))["row"]
    note = stage.proof.partition("\n\n")[2]
    refused = {
        "another role": touched(stage.proof, row=row.replace("role clerk", "role officer")),
        "another place": touched(stage.proof, place=1),
        "another entry": stage.proof.replace("index 0", "index 1"),
        "no witness": stage.proof.replace(note, stage.plain_note),
        "a root of another tree": stage.proof.replace("\n1\n", "\n2\n"),
        "cut short": stage.proof[:-30],
    }
    assert [name for name, text in refused.items() if "It does not hold" not in check(text)] == []
    assert "None of the witnesses" in check(refused["no witness"])
    assert "the house looked it up" in check(answer_text(sign_answer(ANSWER, stage.signer)))
    other = answer_text(sign_answer(ANSWER, type(stage.signer)("receipt-1", b"\2" * 32)))
    assert "changed or forged" in check(other)
    assert tried == [stage.checker]
    context.close()
