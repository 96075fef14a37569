"""The code on a slip: it opens one stay and nothing else, once, and whoever guesses is counted."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import timedelta

import msgspec
import pytest
from factories import make_declaration, make_id, make_person
from server_parts import csrf_of, fields_of
from sqlalchemy import select

from registry import tables
from registry.recording import Statement, record
from registry.statements import Source
from residence.wire.messages import STAY_DECLARATION
from residence.wire.receipts import receipt_code
from residence.wire.stay_codes import code_of


def at_a_kiosk(world, **changes):
    """Record an arrival as a kiosk seals it; returns the two codes its slip says."""
    said = make_declaration(
        **({"declaration_id": make_id(world.clock.now()), "premises_id": "htl-sao-mai", "unit": "201"} | changes)
    )
    salt = secrets.token_bytes(16)
    body = salt + msgspec.json.encode(said)
    source = Source(kiosk_id="kiosk-desk-1", epoch="e", sequence=secrets.randbelow(10**6), signed=b"signed")
    statement = Statement(
        schema=STAY_DECLARATION, message=said, body=body, body_digest=hashlib.sha256(body).hexdigest(), received_at=world.clock.now(),
        origin="kiosk", source=source,
    )  # fmt: skip
    with world.registry.writing() as connection:
        record(connection, [statement], vault=world.vault, rules=world.rules, signer=world.signer, now=world.clock.now(), random_bytes=secrets.token_bytes)  # fmt: skip
    return receipt_code(said.declaration_id), code_of(salt)


def open_page(client, receipt, code):
    return client.post("/stay", data={"csrf": csrf_of(client, "/stay"), "receipt": receipt, "code": code})


@pytest.fixture
def slip(world):
    found = at_a_kiosk(world)
    world.clock.pass_time(hours=3)
    return found


def desk_code(world):
    """Let the desk print a new code for its only stay; returns the two codes."""
    clerk = world.client("clerk")
    with world.registry.reading() as connection:
        stay_id = connection.scalar(select(tables.stays.c.stay_id))
    page = clerk.post(f"/desk/stays/{stay_id}/code", data={"csrf": csrf_of(clerk)}).text
    return re.findall(r'class="luutru-receipt__code luutru-code">([\w-]+)<', page)


def test_a_slip_opens_its_stay_with_what_may_be_said_of_it_and_its_proof(world, slip):
    me = world.client()
    page = open_page(me, slip[0].lower().replace("-", " "), slip[1].replace("0", "o"))
    assert (str(page.url).endswith("/me/stay"), page.status_code) == (True, 200)
    assert "Khách sạn Sao Mai" in page.text
    assert "Trần" not in page.text  # it names nobody
    proof = me.get(re.search(r"/me/proofs/[\w-]+", page.text)[0])
    assert "LS1:" in proof.text
    wrong = re.search(r"/me/stays/[\w-]+/wrong/unit", page.text)[0]
    assert "An officer answers" in me.post(wrong, data=fields_of(me.get(wrong).text)).text
    leave = re.search(r"/me/stays/[\w-]+/leave", page.text)[0]
    assert "Departure" in me.post(leave, data=fields_of(me.get(leave).text)).text
    assert "Checked out" in me.get("/me/stay").text


def test_nothing_but_that_stay_is_behind_it_whatever_is_asked(world, slip):
    second = make_person(full_name="Khách Thử", personal_number="001195000333", sex="female", document=None)
    world.declare_guest(declaration_id=make_id(), person=second, unit="202")
    me = world.client()
    open_page(me, *slip)
    with world.registry.reading() as connection:
        stays = connection.execute(select(tables.stays.c.stay_id, tables.stays.c.unit)).all()
        statements = connection.scalars(select(tables.declarations.c.declaration_id)).all()
    mine, other = (next(each.stay_id for each in stays if each.unit == unit) for unit in ("201", "202"))
    asked = {path: me.get(path).status_code for path in (
        "/me/looks", "/me/looks.csv", "/me/lock", "/me/rights", "/me/copy", "/me/copy.json", "/me/messages", "/me/receipts", "/me/visitors/0", "/me/delegations", "/me/for/x",
        f"/me/stays/{other}/leave", f"/me/stays/{other}/wrong/stay", "/desk", "/police", "/operators/kiosks", *(f"/me/proofs/{each}" for each in statements if receipt_code(each) != slip[0]),
    )}  # fmt: skip
    assert set(asked.values()) == {403}, asked
    csrf = {"csrf": csrf_of(me, "/me/stay")}
    for path in (f"/me/stays/{mine}/mine", f"/me/stays/{other}/mine", "/me/lock", "/me/rights", "/door/own", "/me"):
        assert me.post(path, data=csrf).status_code == 403, path
    assert str(me.get("/me").url).endswith("/me/stay")


def test_it_works_once_and_for_ten_minutes_more_each_use_ending_the_one_before(world, slip):
    first, second, late = world.client(), world.client(), world.client()
    open_page(first, *slip)
    world.clock.pass_time(minutes=9)
    assert open_page(second, *slip).status_code == 200
    assert str(first.get("/me/stay").url).endswith("/sign-in?next=/me/stay")
    world.clock.pass_time(minutes=2)
    assert open_page(late, *slip).status_code == 403
    assert second.get("/me/stay").status_code == 200


@pytest.mark.parametrize(
    ("receipt", "code"),
    [(0, "AAAA-AAAA-AAAA"), (0, ""), (0, "x" * 60), ("AAAA-AAAA-AAAA", 1), ("", 1), (0, 0), (1, 0)],
)
def test_every_no_is_the_same_and_what_was_tried_at_a_stay_is_told_to_its_holder(world, slip, receipt, code):
    thief = world.client()
    receipt, code = (slip[each] if isinstance(each, int) else each for each in (receipt, code))
    said = open_page(thief, receipt, code)
    assert (said.status_code, "This code opens nothing." in said.text) == (403, True)
    tried = receipt == slip[0]
    me = world.client()
    assert ("Wrong codes tried for this stay: 1." in open_page(me, *slip).text) is tried
    with world.registry.reading() as connection:
        refused = tables.sign_in_audit.c.event == "refused"
        assert len(connection.execute(select(tables.sign_in_audit).where(refused)).all()) == tried


def test_whoever_declares_somebody_anew_or_from_a_desk_gets_no_way_into_their_stay(world, slip):
    again = at_a_kiosk(world, unit="201")  # the same person, the same room: the same stay
    assert open_page(world.client(), *again).status_code == 403
    world.declare_guest(declaration_id=(own_id := make_id()), person=make_person(personal_number="001195000333", sex="female", document=None), unit="202")  # fmt: skip
    assert open_page(world.client(), receipt_code(own_id), code_of(bytes(16))).status_code == 403


def test_a_desks_new_code_takes_the_place_of_the_one_before_and_of_what_it_opened(world, slip):
    thief = world.client()
    open_page(thief, *slip)
    codes = [desk_code(world), desk_code(world)]
    assert codes[0][0] == codes[1][0] == slip[0]
    assert str(thief.get("/me/stay").url).endswith("/sign-in?next=/me/stay")
    assert [open_page(world.client(), *each).status_code for each in (slip, codes[0], codes[1])] == [403, 403, 200]
    stranger = world.client("officer")
    with world.registry.reading() as connection:
        stay_id = connection.scalar(select(tables.stays.c.stay_id))
    assert stranger.post(f"/desk/stays/{stay_id}/code", data={"csrf": csrf_of(stranger)}).status_code == 403


def test_a_code_and_what_it_opened_are_good_for_a_week_after_the_stay_and_no_longer(make_world):
    world = make_world(session_idle=timedelta(days=30), session_absolute=timedelta(days=30))
    slip, me = at_a_kiosk(world), world.client()
    world.clock.pass_time(days=8, hours=20)  # the stay is of two nights
    assert open_page(me, *slip).status_code == 200
    world.clock.pass_time(hours=5)
    assert me.get("/me/stay").status_code == 403
    with world.registry.writing() as connection:
        connection.execute(tables.stay_codes.delete())
    assert open_page(world.client(), *slip).status_code == 403
