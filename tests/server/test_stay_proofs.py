"""A person's proof of a stay: on their page, the desk's print and by code; how it stands now; and the page that checks it without a network."""

from __future__ import annotations

import re
import subprocess
from typing import NamedTuple

import cv2
import msgspec
import numpy as np
import pytest
import segno
import zxingcpp
from browser_parts import CHROMIUM, camera_showing
from factories import EVENING, make_declaration, make_id, make_person
from playwright import sync_api
from server_own import bind_resident
from server_parts import COMMUNE, World, csrf_of
from typer.testing import CliRunner

from luutru.__main__ import app
from registry.kiosks import add_key
from registry.receipts import receipts_by_id
from registry.stays import stays_at
from residence.clock import rfc3339
from residence.wire.keyring import KeyEntry, Keyring, dump_keyring
from residence.wire.receipts import receipt_text
from residence.wire.signing import SigningKey
from residence.wire.stay_proofs import parse_proof_text, proof_text, read_proof_unverified, sign_proof, verify_proof


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A guest of the hotel who has an account; somebody who stays in a flat; the hotel's keys in the registry."""
    made = World(tmp_path_factory.mktemp("proofs"))
    bind_resident(made)
    made.key = KeyEntry(
        key_id=made.signer.key_id,
        use="receipt",
        owner="authority",
        public_key=made.signer.public_key,
        valid_from=rfc3339(EVENING),
    )
    with made.registry.writing() as connection:
        add_key(connection, made.key, commune_code=COMMUNE)
    made.me, made.clerk, made.anybody = made.client("resident"), made.client("clerk"), made.client()
    yield made
    made.close()


def first_of(world):
    with world.registry.reading() as connection:
        (stay,) = stays_at(connection, "htl-sao-mai")
        return receipts_by_id(connection, [stay.declaration_ids[0]])[stay.declaration_ids[0]]


def by_code(world, code):
    return world.anybody.post("/receipts", data={"csrf": csrf_of(world.anybody, "/receipts"), "code": code}).text


def own_text(world) -> str:
    page = world.me.get(f"/me/proofs/{first_of(world).declaration_id}").text
    return re.search(r">(LS1:[^<]*)<", page)[1]


def test_a_person_finds_the_proof_of_their_stay_on_their_page_and_it_says_where_when_and_by_what_law(world):
    address = re.search(r'href="(/me/proofs/[^"]*)"', world.me.get("/me").text)[1]
    page = world.me.get(address).text
    for words in ("Khách sạn Sao Mai", "It stands", "Legal basis", "Điều 30", "until a period is set", first_of(world).code):
        assert words in page
    proof = verify_proof(parse_proof_text(own_text(world)), keyring=Keyring([world.key]))
    assert (proof.place, proof.unit, proof.state) == ("Khách sạn Sao Mai, Số 9 Phố Thử", "201", "accepted")
    assert proof.issuer == world.settings.base_url


def test_the_paper_and_the_desks_print_carry_it_as_a_code_that_is_read_at_two_hundred_dots_to_the_inch(world, tmp_path):
    stored = first_of(world)
    (tmp_path / "proof.pdf").write_bytes(world.me.get(f"/me/proofs/{stored.declaration_id}/pdf").content)
    subprocess.run(["pdftoppm", "-r", "200", "-gray", "-png", str(tmp_path / "proof.pdf"), str(tmp_path / "page")], check=True)
    (code,) = zxingcpp.read_barcodes(cv2.imread(str(next(tmp_path.glob("page*.png"))), cv2.IMREAD_GRAYSCALE))
    assert verify_proof(parse_proof_text(code.text), keyring=Keyring([world.key])).code == stored.code
    assert "/receipts/offline" in world.clerk.get(f"/desk/receipts/{stored.declaration_id}").text


def test_whoever_is_not_that_person_gets_no_proof_of_theirs(world):
    own_id = first_of(world).declaration_id
    refused = {world.clerk.get(f"/me/proofs/{own_id}").status_code, world.me.get(f"/me/proofs/{make_id()}").status_code}
    assert refused == {403}
    assert world.anybody.get(f"/me/proofs/{own_id}", follow_redirects=False).status_code != 200


def test_a_code_says_what_became_of_its_statement_a_proof_given_before_says_it_stood(make_world):
    world = make_world()
    bind_resident(world)
    world.anybody = world.client()
    first = first_of(world)
    assert "It stands" in by_code(world, first.code)

    def say(**said):
        world.clock.pass_time(minutes=5)
        return world.record(
            make_declaration(declaration_id=make_id(world.clock.now()), premises_id="htl-sao-mai", **said)
        ).receipt

    other_room = say(kind="correction", about=first.declaration_id, unit="202")
    page = by_code(world, first.code)
    assert ("Another statement took its place" in page, other_room.code in page) == (True, True)
    assert "It stands" in by_code(world, other_room.code)
    say(kind="withdrawal", about=other_room.declaration_id, unit="201")
    assert ("It was withdrawn" in by_code(world, other_room.code), "It stands" in by_code(world, first.code)) == (True, True)
    gone = say(kind="withdrawal", about=first.declaration_id, unit="201")
    told = world.anybody.get(f"/api/v1/receipts/{first.code}").json()
    assert (told["state"], told["now"], told["now_by"]) == ("accepted", "withdrawn", gone.code)


def test_another_houses_withdrawal_changes_nothing_of_how_it_stands(make_world):
    world = make_world()
    bind_resident(world)
    first, anybody = first_of(world), world.client()
    world.record(
        make_declaration(declaration_id=make_id(), kind="withdrawal", about=first.declaration_id, premises_id="htl-xa", unit="1")
    )
    assert anybody.get(f"/api/v1/receipts/{first.code}").json()["now"] == "accepted"


def test_a_page_without_keys_is_not_given(make_world):
    assert "no public key" in make_world().client().get("/receipts/offline").text


class Given(NamedTuple):
    """What was fetched before a browser runs in this thread: pages by code (of a hotel, of a home), a proof's text, the page that checks."""

    pages: dict[str, str]
    text: str
    checker: bytes
    with_camera: bytes


@pytest.fixture(scope="module")
def given(world):
    who = make_person(personal_number="001195000777")
    at_home = make_declaration(declaration_id=make_id(), premises_id="blk-hoa-binh", unit="1204", person=who)
    codes = first_of(world).code, world.record(at_home).receipt.code
    return Given(
        {code: by_code(world, code) for code in codes},
        own_text(world),
        *(world.anybody.get(f"/receipts/offline{query}").content for query in ("", "?camera=1")),
    )


@pytest.fixture(scope="module")
def browser(given, tmp_path_factory):
    options = camera_showing(given.text, tmp_path_factory.mktemp("camera") / "print.y4m")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield launched
        launched.close()


@pytest.fixture
def window(browser):
    """A window without a network that remembers what it tried to fetch."""
    context = browser.new_context(locale="vi", offline=True)
    page = context.new_page()
    page.tried = []
    page.on("request", lambda request: page.tried.append(request.url))
    yield page
    context.close()


def proof_shown(window, page: str, world):
    """Return the proof drawn on a page, as another program reads it."""
    window.set_content(f'<body style="width:450px">{re.search("<svg.*?</svg>", page, re.DOTALL)[0]}</body>')
    drawn = cv2.imdecode(np.frombuffer(window.screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE)
    (code,) = zxingcpp.read_barcodes(drawn)
    return verify_proof(parse_proof_text(code.text), keyring=Keyring([world.key]))


def test_whoever_holds_the_code_alone_gets_no_room_and_no_home(world, given, window):
    for (code, page), place in zip(given.pages.items(), ("Khách sạn Sao Mai, Số 9 Phố Thử", None), strict=True):
        assert "1204" not in page
        assert "Hòa Bình" not in page
        proof = proof_shown(window, page, world)
        assert (proof.code, proof.place, proof.unit, proof.arrival) == (code, place, None, None)


def check(window, text: str) -> str:
    window.fill("#text", text)
    window.evaluate("document.getElementById('answer').replaceChildren()")
    window.click("#check")
    window.wait_for_selector("#answer h2")
    return window.inner_text("#answer")


def test_the_page_checks_proof_and_receipt_without_a_network_and_refuses_one_letter_changed(world, given, window, tmp_path):
    (tmp_path / "check.html").write_bytes(given.checker)
    window.goto((tmp_path / "check.html").as_uri())
    text = given.text
    said = check(window, text)
    for words in (
        "Chữ ký đúng",
        "The signature holds",
        first_of(world).code,
        "Khách sạn Sao Mai, Số 9 Phố Thử",
        "Điều 30",
        "The person themselves",
    ):
        assert words in said
    for name, holds in (
        ("中文", "签名有效"),
        ("한국어", "서명이 맞습니다"),
        ("日本語", "署名は正しいです"),
        ("Русский", "Подпись верна"),
        ("English", "The signature holds"),
    ):
        window.click(f"#languages >> text={name}")
        assert holds in window.inner_text("#answer")
        assert "Chữ ký đúng" in window.inner_text("#answer")
    assert "Chữ ký đúng" in check(window, receipt_text(first_of(world).receipt_bytes))
    signed = bytearray(parse_proof_text(text))
    for place in (5, 60, len(signed) // 2, len(signed) - 1):
        changed = signed.copy()
        changed[place] ^= 1
        assert "It does not hold" in check(window, proof_text(bytes(changed)))
    assert "does not hold the key" in check(window, other_key(text, "receipt-9"))
    assert "changed or forged" in check(window, other_key(text, world.key.key_id))
    assert "not the text of a receipt" in check(window, "LS1:")
    assert window.tried == [(tmp_path / "check.html").as_uri()]


def test_the_page_with_a_camera_reads_a_print_before_it_without_a_network_and_lets_the_camera_go(given, window, tmp_path):
    (tmp_path / "check.html").write_bytes(given.with_camera)
    complaints = []
    window.on("console", lambda said: complaints.append(said.text))
    window.goto((tmp_path / "check.html").as_uri())
    window.click("#look")
    window.wait_for_selector("#answer.holds", timeout=60_000)
    assert "The signature holds" in window.inner_text("#answer")
    assert window.input_value("#text") == given.text
    assert window.evaluate("document.getElementById('picture').srcObject") is None
    segno.make("HELLO").save(str(tmp_path / "other.png"), scale=8)
    window.set_input_files("#photo", tmp_path / "other.png")
    window.wait_for_selector("text=No code of ours is seen")
    assert (window.tried, complaints) == ([(tmp_path / "check.html").as_uri()], [])


def other_key(text, key_id) -> str:
    return proof_text(sign_proof(read_proof_unverified(parse_proof_text(text)), SigningKey(key_id, b"\1" * 32)))


def test_the_page_the_command_writes_does_not_believe_a_key_that_was_revoked_or_had_ended(world, given, window, tmp_path):
    text = given.text
    for change, reason in (
        ({"revoked_at": "2030-01-01T00:00:00Z"}, "was revoked"),
        ({"valid_to": rfc3339(EVENING)}, "not in force"),
        ({}, "The signature holds"),
    ):
        (tmp_path / "keyring.json").write_bytes(dump_keyring(Keyring([msgspec.structs.replace(world.key, **change)])))
        arguments = ["receipt", "page", "--keyring", str(tmp_path / "keyring.json"), str(tmp_path / "check.html")]
        assert CliRunner().invoke(app, arguments).exit_code == 0
        window.goto((tmp_path / "check.html").as_uri())
        assert reason in check(window, text)
