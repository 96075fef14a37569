"""Cards beside a stay's pass in the registry, put there and taken away by command."""

import json

import pytest
from authority import ENROLLED, Authority
from typer.testing import CliRunner

from luutru.commands.door import app
from luutru.system import random_bytes
from registry.door_cards import add_card, card_entries, settle_cards
from registry.door_passes import settle_passes
from registry.stays import stays_at
from residence.doors.cards import card_number, parse_card
from residence.errors import Refused
from residence.wire.door_list import pin_hash, token_hash

NUMBER = parse_card("wiegand:26:05181cc0")


@pytest.fixture
def office(tmp_path):
    office = Authority(tmp_path)
    yield office
    office.close()


def test_a_card_is_put_beside_a_pass_listed_taken_away_and_goes_with_the_stay(office):
    kiosk = office.kiosk()
    where = ["--registry", office.url, "--vault", str(office.vault_folder), "--json"]

    def ask(*arguments, status=0):
        done = CliRunner().invoke(app, [*arguments, *where])
        assert done.exit_code == status, done.output
        return json.loads(done.stdout)

    ask("add", kiosk.premises_id, "lobby")
    office.intake.take([office.deliver(kiosk)])
    with office.registry.writing() as connection:
        (stay,) = stays_at(connection, kiosk.premises_id)
    assert ask("card", stay.stay_id, status=1)["code"] == "door.no_pass"
    with office.registry.writing() as connection:
        settle_passes(connection, kiosk.premises_id, vault=office.registry.vault, now=ENROLLED, random_bytes=random_bytes)
    card = ask("card", stay.stay_id, NUMBER.text, "--pin")
    assert (card["kind"], card["number"], len(card["pin"])) == ("card", "facility 10, card 12345", 6)
    token = ask("card", stay.stay_id)
    assert token["kind"] == "nfc"
    assert ask("card", stay.stay_id, NUMBER.text, status=1)["code"] == "door.card_known"
    assert ask("card", stay.stay_id, "hid:1:00", status=1)["code"] == "door.card_malformed"
    assert [each["has_pin"] for each in ask("cards", stay.stay_id)["cards"]] == [True, False]
    with office.registry.writing() as connection:
        held = {each.token_hash: each for each in card_entries(connection, kiosk.premises_id, doors=1)}
    assert held[token_hash(bytes.fromhex(token["token"]), "nfc")].pin_hash == b""
    assert held[token_hash(NUMBER.token, "card")].pin_hash == pin_hash(NUMBER.token, card["pin"])
    ask("revoke-card", card["card_id"])
    assert ask("revoke-card", card["card_id"], status=1)["code"] == "door.no_card"
    with office.registry.writing() as connection:
        assert len(card_entries(connection, kiosk.premises_id, doors=1)) == 1
        from sqlalchemy import update

        from registry import tables

        connection.execute(update(tables.door_passes).values(revoked_at=ENROLLED))
        assert card_entries(connection, kiosk.premises_id, doors=1) == [], "without a pass no card"
        assert settle_cards(connection, kiosk.premises_id, now=ENROLLED) == 1


def test_a_stay_has_a_bounded_number_of_cards(office):
    kiosk = office.kiosk()
    office.intake.take([office.deliver(kiosk)])
    with office.registry.writing() as connection:
        (stay,) = stays_at(connection, kiosk.premises_id)
        settle_passes(connection, kiosk.premises_id, vault=office.registry.vault, now=ENROLLED, random_bytes=random_bytes)

        def add(number):
            card = card_number("wiegand", 26, (number << 6).to_bytes(4, "big"))
            return add_card(connection, stay.stay_id, card=card, now=ENROLLED, random_bytes=random_bytes)

        for number in range(8):
            add(number)
        with pytest.raises(Refused, match=r"door\.too_many_cards"):
            add(8)
