"""The pass on a phone: by a link that works once, shown as a code that is signed anew each time."""

from datetime import timedelta

import pytest
from server_parts import EVENING, HOTEL, csrf_of
from sqlalchemy import select, update

from luutru.system import random_bytes
from registry import tables
from registry.door_claims import CLAIM_LASTS
from registry.door_passes import add_link, settle_passes
from registry.doors import add_door
from registry.stays import stays_at
from residence.wire.door_pass import parse_pass
from residence.wire.keyring import AUTHORITY, KeyEntry, Keyring
from residence.wire.signing import SigningKey
from server.residents import door_pages

RING = Keyring(
    [
        KeyEntry(
            key_id="door-pass-1",
            use="door-pass",
            owner=AUTHORITY,
            public_key=SigningKey("door-pass-1", bytes(range(32))).public_key,
            valid_from="2026-01-01T00:00:00Z",
        )
    ]
)


@pytest.fixture
def shown(monkeypatch):
    """The texts that were drawn as codes."""
    texts, make = [], door_pages.segno.make
    monkeypatch.setattr(door_pages.segno, "make", lambda text, **more: texts.append(text) or make(text, **more))
    return texts


def stay_with_pass(world):
    world.declare_guest()
    with world.registry.writing() as connection:
        add_door(connection, HOTEL.premises_id, "entrance", commune_code=HOTEL.commune_code, now=EVENING)
        settle_passes(connection, HOTEL.premises_id, vault=world.vault, now=EVENING, random_bytes=random_bytes)
        return stays_at(connection, HOTEL.premises_id)[0]


def follow(client, secret):
    client.get(f"/door/open/{secret}")
    return client.post("/door/open", data={"csrf": csrf_of(client), "secret": secret})


def link_to(world, stay):
    with world.registry.writing() as connection:
        add_link(connection, stay.stay_id, "secret", now=world.clock.now())


def test_a_phone_gets_the_pass_by_its_link_and_shows_a_new_code_each_time(world, shown):
    link_to(world, stay_with_pass(world))
    phone = world.client()
    assert "luutru-qr" in follow(phone, "secret").text
    world.clock.pass_time(seconds=20)
    assert phone.get("/door/code").status_code == 200
    first, second = (parse_pass(text, keyring=RING) for text in shown[-2:])
    assert first.token == second.token
    assert second.signed_at - first.signed_at == timedelta(seconds=20)


def test_the_number_on_the_kiosk_goes_into_the_code_and_nonsense_does_not(world, shown):
    link_to(world, stay_with_pass(world))
    phone = world.client()
    follow(phone, "secret")
    for typed, meant in (("482 913", 482913), ("abc", 0), ("9999999", 0), ("²", 0)):
        phone.get("/door", params={"challenge": typed})
        assert parse_pass(shown[-1], keyring=RING).challenge == meant


def test_a_link_works_once_and_a_phone_without_one_is_told_how_to_get_one(world):
    link_to(world, stay_with_pass(world))
    follow(world.client(), "secret")
    other = world.client()
    assert follow(other, "secret").status_code >= 400
    page = other.get("/door")
    assert (page.status_code, "desk" in page.text) == (404, True)


class TestWithoutTheDesk:
    def claim(self, world, client, code):
        client.post("/receipts", data={"csrf": csrf_of(client), "code": code})
        return client.post("/door/receipt", data={"csrf": csrf_of(client), "code": code})

    @pytest.fixture
    def code(self, world):
        stay_with_pass(world)
        with world.registry.reading() as connection:
            return connection.scalar(select(tables.receipts.c.code))

    def test_the_receipt_takes_the_pass_to_the_first_phone_and_to_no_other(self, world, code):
        phone, finder = world.client(), world.client()
        page = phone.post("/receipts", data={"csrf": csrf_of(phone), "code": code})
        assert 'action="/door/receipt"' in page.text
        assert "luutru-qr" in self.claim(world, phone, code).text
        assert 'action="/door/receipt"' not in finder.post("/receipts", data={"csrf": csrf_of(finder), "code": code}).text
        assert self.claim(world, finder, code).status_code == 403
        assert "luutru-qr" in phone.get("/door").text

    def test_a_slip_found_later_takes_nothing(self, world, code):
        world.clock.pass_time(seconds=CLAIM_LASTS.total_seconds())
        assert self.claim(world, world.client(), code).status_code == 403

    def test_nor_does_one_whose_holder_had_a_link(self, world, code):
        with world.registry.writing() as connection:
            add_link(connection, stays_at(connection, HOTEL.premises_id)[0].stay_id, "secret", now=world.clock.now())
        assert self.claim(world, world.client(), code).status_code == 403

    def test_who_is_signed_in_takes_the_pass_of_an_own_stay_and_of_no_other(self, world):
        stay = stay_with_pass(world)
        resident = world.client("resident")
        asked = {"csrf": csrf_of(resident), "stay": stay.stay_id}
        assert resident.post("/door/own", data=asked).status_code == 403, "an account that is nobody's"
        with world.registry.writing() as connection:
            mine = tables.accounts.c.account_id == "acc-resident"
            connection.execute(update(tables.accounts).where(mine).values(person_id=stay.person_id))
        assert f'name="stay" value="{stay.stay_id}"' in resident.get("/me").text
        assert "luutru-qr" in resident.post("/door/own", data=asked).text
        assert resident.post("/door/own", data={**asked, "stay": "another"}).status_code == 403


def test_looking_at_a_link_does_not_spend_it(world):
    link_to(world, stay_with_pass(world))
    world.client().get("/door/open/secret")
    assert "luutru-qr" in follow(world.client(), "secret").text


def test_the_desk_hands_out_a_link_and_only_for_its_own_house(world):
    stay = stay_with_pass(world)
    clerk = world.client("clerk")
    assert "door-link" in clerk.get(f"/desk/stays/{stay.stay_id}").text
    answer = clerk.post(f"/desk/stays/{stay.stay_id}/door-link", data={"csrf": csrf_of(clerk)})
    assert "luutru-qr" in answer.text
    for role in ("officer", "operator", "resident"):
        other = world.client(role)
        refused = other.post(f"/desk/stays/{stay.stay_id}/door-link", data={"csrf": csrf_of(other)})
        assert refused.status_code == 403
