"""A file of a procedure goes to the public service portal and comes back with its receipt and state, whatever happens on the way."""

from __future__ import annotations

import json
import multiprocessing
from datetime import timedelta

import pytest
from factories import EVENING
from procedure_parts import filed
from server_own import bind_resident
from server_parts import csrf_of
from simulators.portal.office import TOKEN, Office, check, playing
from sqlalchemy import select, update

from gateway.authorities.going_out import Outgoing
from gateway.authorities.portal import Portal
from gateway.authorities.portal_sending import PortalTraffic
from gateway.authorities.sending import Means
from gateway.authorities.settings import parse_settings
from gateway.authorities.token_line import TokenLine
from luutru.system import random_bytes
from registry import tables
from registry.erasing import Erasure, erase_for_good
from residence.errors import LuutruError


def sender_of(registry, portal, settings, means):
    traffic = PortalTraffic(registry.vault, portal, ask_every=timedelta(minutes=settings.ask_minutes), random_bytes=random_bytes)
    return Outgoing(registry, traffic, patience=settings.patience, means=means)


class Way:
    """A person's file, a played portal, and a sender between them."""

    def __init__(self, world, office, address, folder):
        self.world, self.office, self.folder = world, office, folder
        token = folder / "portal.token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        text = f'[portal]\nbase = "{address}"\ntoken = "portal.token"\nanswer_seconds = 2\n'
        self.settings = parse_settings(text.encode()).portal
        self.line = TokenLine(self.settings, folder)
        self.portal = Portal(self.line)
        self.sender = self.new_sender()
        bind_resident(world)
        self.me = world.client("resident")
        self.file_id = filed(self.me)
        self.page = f"/me/procedures/{self.file_id}"

    def new_sender(self, lease=timedelta(minutes=5)):
        means = Means(clock=self.world.clock, random_bytes=random_bytes, fraction=lambda: 1.0, lease=lease)
        return sender_of(self.world.registry, self.portal, self.settings, means)

    def press(self):
        return self.me.post(self.page, data={"csrf": csrf_of(self.me), "step": "portal"})

    def go(self, **passed):
        """Do all that is due, after some time."""
        self.world.clock.pass_time(**(passed or {"seconds": 0}))
        steps = 0
        while self.sender.step():
            steps += 1
            assert steps < 20
        return self.record()

    def see(self, path=None):
        """Open a page in a new session: time passes here, and one ends."""
        return self.world.client("resident").get(path or self.page).text

    def record(self):
        with self.world.registry.reading() as connection:
            return connection.execute(select(tables.portal_records)).one()


@pytest.fixture
def way(world, tmp_path):
    with playing(office := Office()) as address:
        made = Way(world, office, address, tmp_path)
        yield made
        made.line.close()


def test_a_person_sends_a_file_once_and_sees_its_number_and_state(way):
    page = way.see()
    assert "Send it to the portal" in page
    assert way.press().status_code == 200
    assert way.press().status_code == 422  # once
    assert (way.go().state, way.office.puts) == ("received", [way.file_id])
    page = way.see()
    assert "H29.000001" in page
    assert "Send it to the portal" not in page
    way.office.kept[way.file_id] |= {"state": "supplement", "reason": "Thiếu giấy tờ", "at": "2026-07-11T09:30:00+07:00"}
    assert way.go(minutes=31).portal_state == "supplement"
    assert "Thiếu giấy tờ" in way.see()
    officer = way.world.client("officer").get(f"/police/procedures/{way.file_id}").text
    assert "H29.000001" in officer
    way.office.kept[way.file_id] |= {"state": "done"}
    assert way.go(minutes=31).state == "ended"
    asked = len(way.office.asked)
    way.go(days=2)
    assert len(way.office.asked) == asked  # nobody asks on
    looks = way.see("/me/looks")
    assert way.office.puts == [way.file_id]
    with way.world.registry.reading() as connection:
        told = [row for row in connection.execute(select(tables.access_records)) if row.account_id == "authority:portal"]
    assert [(row.purpose, row.about, row.way) for row in told] == [("tell-authority", way.file_id, "told")]
    assert "authority" in looks


def test_what_was_sent_is_the_file_as_it_was_filed_and_by_the_schema(way):
    way.press()
    officer = way.world.client("officer")
    officer.post(f"/police/procedures/{way.file_id}", data={"csrf": csrf_of(officer), "step": "take"})
    way.go()
    sent = json.loads(way.office.bodies[way.file_id])
    assert check("submission", sent) == []
    assert (sent["state"], [each["step"] for each in sent["steps"]]) == ("filed", ["file"])
    assert {each["name"]: each["value"] for each in sent["fields"]}["personal_number"] == "001095000117"


# what the portal does to the requests -> how often it is asked in all; in the end it has the file once and we have its number
FAULTS = {
    "kept, and the answer was lost": ["keep, no answer"],
    "not kept, and no answer": ["no answer"],
    "lost twice, then asked into the void": ["keep, no answer", "no answer", "no answer"],
    "an answer that is no answer": ["nonsense"],
    "the receipt of another file": ["another's receipt"],
    "a fault of its own": ["503", "503"],
    "too fast": ["slow down"],
}


@pytest.mark.parametrize("what", FAULTS)
def test_whatever_the_portal_does_it_has_the_file_once_and_we_have_its_receipt(way, what):
    way.office.next_faults = list(FAULTS[what])
    way.press()
    assert way.go().state == "silent"
    assert "has not answered" in way.see()
    for _ in range(12):
        way.go(minutes=20)
    row = way.record()
    assert (row.state, row.receipt_number, way.office.puts) == ("received", "H29.000001", [way.file_id])


def test_a_refusal_is_shown_in_the_portals_words_and_not_sent_again(way):
    way.office.refuse = "wrong-commune"
    way.press()
    assert way.go().state == "refused"
    page = way.see()
    assert "the form does not fit this commune" in page
    assert "did not take" in page
    assert b"does not fit" not in bytes(way.record().words_sealed)
    way.go(days=3)
    assert len(way.office.asked) == 1


def test_another_content_under_the_same_id_is_never_taken_for_ours(way):
    way.press()
    way.office.next_faults = ["no answer"]
    way.go()
    way.office.kept[way.file_id] = {
        "digest": "0" * 64,
        "receipt_number": "X",
        "state": "received",
        "at": "2026-07-10T08:00:00+07:00",
    }
    row = way.go(minutes=20)
    assert (row.state, row.code, row.receipt_number) == ("refused", "portal.other_content", None)


def test_taken_back_before_it_went_it_does_not_go_and_an_erased_person_is_not_sent(way):
    way.press()
    way.me.post(way.page, data={"csrf": csrf_of(way.me), "step": "withdraw"})
    assert (way.go().state, way.office.asked) == ("nothing", [])


def test_erased_nothing_of_it_is_left(way):
    way.press()
    way.office.refuse = "wrong-commune"
    way.go()
    with way.world.registry.reading() as connection:
        person_id = connection.scalar(select(tables.portal_records.c.person_id))
    given = Erasure(by="operator-1", reason="asked for and granted")
    erase_for_good(
        way.world.registry, person_id, given, signer=way.world.signer, now=way.world.clock.now(), random_bytes=random_bytes
    )
    with way.world.registry.reading() as connection:
        assert connection.execute(select(tables.portal_records)).all() == []


def test_without_a_token_of_its_own_nothing_is_sent_and_others_files_cannot_be_sent(way):
    (way.folder / "portal.token").chmod(0o644)
    way.press()
    row = way.go()
    assert (row.state, row.code, way.office.asked) == ("silent", "authority.secrets_open", [])
    other = way.world.client("clerk")
    assert other.post(way.page, data={"csrf": csrf_of(other), "step": "portal"}).status_code == 403
    for address in ("http://portal.example", "https://portal.example"):
        with pytest.raises(LuutruError, match=r"not_https|contract_missing"):
            parse_settings(f'[portal]\nbase = "{address}"'.encode())


def send_and_die(url, vault, address, folder, when):
    """Claim, send, and be gone at one point."""
    import os
    import signal
    from pathlib import Path

    from factories import StandingClock

    from luutru.opening import open_registry

    def die(*_arguments, **_named):
        os.kill(os.getpid(), signal.SIGKILL)

    registry = open_registry(url, Path(vault))
    settings = parse_settings(f'[portal]\nbase = "{address}"\ntoken = "portal.token"\n'.encode()).portal
    portal = Portal(TokenLine(settings, Path(folder)))
    means = Means(clock=StandingClock(EVENING), random_bytes=random_bytes, fraction=lambda: 1.0)
    sender = sender_of(registry, portal, settings, means)
    if when == "before it is sent":
        portal.put = die
    else:
        sender._settle = die
    sender.step()


@pytest.mark.parametrize("when", ["before it is sent", "after it was received"])
def test_killed_at_any_point_nothing_is_lost_and_nothing_is_there_twice(way, when):
    way.press()
    with way.world.registry.writing() as connection:
        connection.execute(update(tables.portal_records).values(next_at=EVENING))
    arguments = (
        str(way.world.registry.engine.url),
        str(way.world.vault.provider.directory),
        str(way.settings.base),
        str(way.folder),
        when,
    )
    killed = multiprocessing.get_context("spawn").Process(target=send_and_die, args=arguments)
    killed.start()
    killed.join(60)
    assert killed.exitcode == -9
    assert way.record().state == "sending"
    assert way.office.puts == ([] if when == "before it is sent" else [way.file_id])
    row = way.go(minutes=30)
    assert (row.state, row.receipt_number, way.office.puts) == ("received", "H29.000001", [way.file_id])
    assert "H29.000001" in way.see()
