"""The population database is asked for what a file lacks, for that file, on the record, and for nothing else."""

from __future__ import annotations

import multiprocessing
import os
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from factories import EVENING, StandingClock
from procedure_parts import fields_asked, filed
from server_own import bind_resident
from server_parts import csrf_of
from simulators.population.office import TOKEN, Office, playing
from sqlalchemy import select, update

from gateway.authorities.going_out import Outgoing
from gateway.authorities.population import PopulationTraffic
from gateway.authorities.sending import Means
from gateway.authorities.settings import parse_settings
from gateway.authorities.token_line import TokenLine
from luutru.opening import open_registry
from luutru.system import random_bytes
from registry import tables
from registry.erasing import Erasure, erase_for_good
from residence.credentials.evidence import EvidenceLevel

NUMBER = "001095000117"
KNOWN = {"full_name": "Trần Văn Ân", "birth_date": "1995-02-01", "sex": "male", "religion": "nobody asks for this"}


def sender_of(registry, address, folder, *, clock):
    settings = parse_settings(f'[population]\nbase = "{address}"\ntoken = "population.token"\n'.encode()).population
    line = TokenLine(settings, folder)
    traffic = PopulationTraffic(registry.vault, line, random_bytes=random_bytes)
    means = Means(clock=clock, random_bytes=random_bytes, fraction=lambda: 1.0)
    return Outgoing(registry, traffic, patience=settings.patience, means=means), line


class Way:
    """A person's file with an officer, a played database, and a sender between them."""

    def __init__(self, world, office, address, folder):
        self.world, self.office = world, office
        token = folder / "population.token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        self.place = (address, folder)
        self.sender, self.line = sender_of(world.registry, *self.place, clock=world.clock)
        self.person_id = bind_resident(world)
        self.file_id = filed(world.client("resident"))
        self.page = f"/police/procedures/{self.file_id}"

    def see(self, path, role="resident"):
        return self.world.client(role).get(path).text

    def press(self, role="officer"):
        client = self.world.client(role)
        return client.post(self.page, data={"csrf": csrf_of(client), "step": "look-up"})

    def go(self, **passed):
        self.world.clock.pass_time(**(passed or {"seconds": 0}))
        while self.sender.step():
            pass
        with self.world.registry.reading() as connection:
            return connection.execute(
                select(tables.population_questions).order_by(tables.population_questions.c.recorded_at.desc())
            ).first()

    def looks(self):
        with self.world.registry.reading() as connection:
            rows = connection.execute(select(tables.access_records).order_by(tables.access_records.c.access_id)).all()
        return [(row.account_id, row.purpose, row.about, sorted(row.fields)) for row in rows]


@pytest.fixture
def way(world, tmp_path):
    with playing(office := Office({NUMBER: dict(KNOWN)})) as address:
        made = Way(world, office, address, tmp_path)
        yield made
        made.line.close()


def test_asked_is_what_no_firm_source_says_and_it_is_never_asked_of_the_person_again(way):
    assert "Ask the population database" in way.see(way.page, "officer")
    before = way.looks()
    assert way.press().status_code == 200
    assert way.go().state == "answered"
    (heard,) = way.office.heard
    assert (heard["purpose"], heard["about"], heard["personal_number"]) == ("procedure-file", way.file_id, NUMBER)
    assert heard["wanted"] == ["full_name", "birth_date", "sex"]
    new = [look for look in way.looks() if look not in before]
    assert ("acc-officer", "procedure-file", way.file_id, ["birth-date", "full-name", "sex"]) in new
    assert ("authority:population", "tell-authority", way.file_id, ["personal-number"]) in new
    page = way.see(way.page, "officer")
    assert "Trần Văn Ân" in page
    assert page.count("not what the file says") == 1
    assert "Trần Văn Ân" in way.see(f"/me/procedures/{way.file_id}")  # whose it is sees it, too
    form = way.see("/me/procedures/new/confirmation")
    assert "from the population database" in form
    assert not fields_asked(form) & {"full_name", "birth_date", "sex"}
    assert way.press().status_code == 422  # once is enough
    assert len(way.office.heard) == 1


def test_what_a_chip_said_is_not_asked(world, way):
    with world.registry.writing() as connection:
        connection.execute(update(tables.stays).values(evidence_level=int(EvidenceLevel.CHIP_VERIFIED)))
    way.file_id = filed(world.client("resident"), "confirmation", reason="một việc")
    way.page = f"/police/procedures/{way.file_id}"
    assert "Ask the population database" not in way.see(way.page, "officer")
    answer = way.press()
    assert answer.status_code == 422
    assert "lacks nothing" in answer.text
    assert way.office.heard == []


@pytest.mark.parametrize("fault", ["no answer", "nonsense", "more than was asked", "another's answer", "a date that is none"])
def test_an_answer_that_is_not_as_agreed_is_not_used_and_the_question_is_put_again(way, fault):
    way.office.next_faults = [fault]
    way.press()
    row = way.go()
    assert (row.state, row.answer_sealed) == ("silent", None)
    assert way.go(minutes=20).state == "answered"
    assert way.office.heard[0] == way.office.heard[1]
    assert "nobody asks for this" not in way.see(way.page, "officer")


def test_nobody_of_this_number_and_a_refusal_are_said(way):
    way.office.next_faults = ["403"]
    way.press()
    assert way.go().state == "refused"
    assert "does not answer this question" in way.see(way.page, "officer")
    way.office.people.clear()
    way.world.clock.pass_time(minutes=1)
    assert way.press().status_code == 200  # another try
    way.go()
    assert "has nobody of this number" in way.see(way.page, "officer")


def test_only_an_officer_of_the_commune_asks_and_only_for_an_open_file(way):
    for role in ("clerk", "operator", "resident"):
        assert way.press(role).status_code == 403, role
    me = way.world.client("resident")
    way.press()
    me.post(f"/me/procedures/{way.file_id}", data={"csrf": csrf_of(me), "step": "withdraw"})
    assert (way.go().state, way.office.heard) == ("nothing", [])
    assert way.press().status_code == 422


def test_what_it_answered_is_sealed_and_goes_with_the_person(way):
    way.press()
    row = way.go()
    assert "Trần".encode() not in row.answer_sealed
    given = Erasure(by="operator-1", reason="asked for and granted")
    erase_for_good(way.world.registry, way.person_id, given, signer=way.world.signer, now=EVENING + timedelta(days=1), random_bytes=random_bytes)  # fmt: skip
    with way.world.registry.reading() as connection:
        assert connection.execute(select(tables.population_questions)).all() == []


def ask_and_die(url, vault, place, where):
    """Put the question as a gateway does, and be gone at one point."""
    registry = open_registry(url, Path(vault))
    sender, _ = sender_of(registry, *place, clock=StandingClock(EVENING))

    def die(*_arguments, **_named):
        os.kill(os.getpid(), signal.SIGKILL)

    traffic = sender._traffic
    prepare, settled = traffic.prepare, traffic.settled
    if where == "before it is on the record":
        traffic.prepare = lambda *arguments, **named: (prepare(*arguments, **named), die())
    elif where == "before it is put":
        traffic.tell = die
    elif where == "after it was answered":
        sender._settle = die
    else:
        traffic.settled = lambda *arguments, **named: (settled(*arguments, **named), die())
    sender.step()


@pytest.mark.parametrize(
    ("where", "state", "heard"),
    [
        ("before it is on the record", "due", 0),
        ("before it is put", "sending", 0),
        ("after it was answered", "sending", 1),
        ("while the answer is written", "sending", 1),
    ],
)
def test_killed_at_any_point_it_is_asked_the_same_again_and_never_unrecorded(way, where, state, heard):
    way.press()
    with way.world.registry.writing() as connection:
        connection.execute(update(tables.population_questions).values(next_at=EVENING))
    registry = (str(way.world.registry.engine.url), str(way.world.vault.provider.directory))
    killed = multiprocessing.get_context("spawn").Process(target=ask_and_die, args=(*registry, way.place, where))
    killed.start()
    killed.join(60)
    assert killed.exitcode == -signal.SIGKILL
    with way.world.registry.reading() as connection:
        assert connection.scalars(select(tables.population_questions.c.state)).all() == [state]
    assert len(way.office.heard) == heard
    assert way.go(minutes=30).state == "answered"
    assert all(each == way.office.heard[0] for each in way.office.heard)  # one question, by its id, however often
    told = [look for look in way.looks() if look[:2] == ("authority:population", "tell-authority")]
    assert len(told) >= len(way.office.heard)
    assert "Trần Văn Ân" in way.see(way.page, "officer")
