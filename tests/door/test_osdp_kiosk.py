"""A kiosk's door with an OSDP reader, put together as its process does it: given its key by permit, then opened by a card."""

import json
import sys

import msgspec
import pytest
from door_parts import entry, part
from factories import EVENING
from kiosk_page_parts import LOBBY
from osdp_parts import CARD, INSTALLING, eventually
from typer import Exit
from typer.testing import CliRunner

from edge_agent.hearing import Hearing
from edge_agent.sim.osdp_reader import SimulatedReader
from firmware_config.profiles import load_profile
from luutru import keys
from luutru.commands.door import app as door_app
from luutru.commands.kiosk_reader import commission_reader
from luutru.processes.kiosk import open_outbox
from luutru.processes.kiosk_door import door_of, papers_of
from luutru.processes.kiosk_events import event_book_of, event_keeper_of
from luutru.system import random_bytes, system_clock
from residence.clock import rfc3339
from residence.doors.cards import card_number
from residence.wire.door_list import sign_part, token_hash
from residence.wire.keyring import Keyring, dump_keyring

DOOR = """
[[doors]]
name = "lobby"
pins = "pretend"
output_pin = 17
least = "card-number"

[[door_readers]]
name = "outside"
device = "rs485"
address = 5
"""


@pytest.fixture
def folder(tmp_path):
    def make(name, use, owner):
        path = tmp_path / f"{name}.key"
        return keys.make_key(path, key_id=f"{name}-1", use=use, owner=owner, now=EVENING, random_bytes=random_bytes)

    make("signing", "kiosk-sign", "kiosk-lobby-1")
    trusted = [make("seal", "seal", "authority"), make("door-list", "door-list", "authority")]
    (tmp_path / "keyring.json").write_bytes(dump_keyring(Keyring(trusted, serial=1)))
    (tmp_path / "kiosk.toml").write_text(LOBBY + DOOR.replace('"rs485"', f'"{tmp_path / "rs485"}"'), "utf-8")
    return tmp_path


class Operator:
    """The authority's operator: reads what the kiosk shows and answers with a permit, for that reader or for another."""

    def __init__(self, folder, shown, *, reader="outside"):
        self.folder, self.shown, self.reader = folder, shown, reader

    def readline(self) -> str:
        (line,) = [each for each in self.shown.readouterr().out.splitlines() if each.startswith("luutru door permit ")]
        site, kiosk, _, challenge = line.split()[3:]
        asked = ["permit", site, kiosk, self.reader, challenge, "--keys", str(self.folder), "--json"]
        return json.loads(CliRunner().invoke(door_app, asked).stdout)["permit"] + "\n"


def test_a_reader_is_installed_by_permit_and_its_card_opens_the_door(folder, capsys, monkeypatch):
    profile = load_profile(folder / "kiosk.toml")
    with SimulatedReader(folder / "rs485", address=5, **INSTALLING) as reader:
        monkeypatch.setattr(sys, "stdin", Operator(folder, capsys, reader="inside"))
        with pytest.raises(Exit):
            commission_reader(folder / "kiosk.toml", "outside")
        assert "door.permit_other" in capsys.readouterr().err
        monkeypatch.setattr(sys, "stdin", Operator(folder, capsys))
        commission_reader(folder / "kiosk.toml", "outside")
        outbox = open_outbox(profile, clock=system_clock())
        card = card_number("wiegand", 26, CARD)
        now = system_clock().now()
        ours = msgspec.structs.replace(entry("an"), token_hash=token_hash(card.token, "card"), not_after=1 << 33)
        names = part(ours, site=profile.kiosk.site, issued=rfc3339(now), expires="2099-01-01T00:00:00Z")
        papers_of(profile, outbox).take("0", sign_part(names, keys.read_signing_key(folder / "door-list.key", use="door-list")))
        book = event_book_of(outbox)
        events = event_keeper_of(profile, book, outbox=outbox, hearing=Hearing(system_clock().now))
        door = door_of(profile, outbox, book, hear=events.hear)
        (readers,) = door.listening([])
        health = []
        door.keeper.start()
        readers.start(lambda _capture: None, health.append)
        eventually(lambda: health[-1].state == "ok", 60)
        reader.hold("wiegand", 26, CARD)
        eventually(lambda: any(each.what == "granted" for each in book.waiting(100)))
        eventually(lambda: len(reader.shown) == 2)
        readers.stop()
        door.keeper.stop()
        said = [f"{each.what} {each.detail}" for each in book.waiting(100)]
        outbox.close()
    assert said[:2] == ["commissioning begun outside", "commissioning done outside"]
    assert "reader ok outside" in said
    assert said[-1] == "reader lost outside osdp.reader_lost"


def test_a_reader_without_a_key_is_left_out_and_said_to_be_lost(folder):
    outbox = open_outbox(load_profile(folder / "kiosk.toml"), clock=system_clock())
    book = event_book_of(outbox)
    door = door_of(load_profile(folder / "kiosk.toml"), outbox, book, hear=print)
    assert door.listening([]) == ()
    assert [each.detail for each in book.waiting(10)] == ["lost outside osdp.key_missing"]
    outbox.close()
