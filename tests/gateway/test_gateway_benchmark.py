"""The gateway's benchmark: its load is what it says, its line is honest, its run gives the figures others read, and a loss is no figure."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise

import msgspec
import pytest

from luutru.benchmarks import city, gateway_drain
from luutru.benchmarks.gateway_ground import postgres_connection, prepared
from luutru.benchmarks.gateway_load import AMONG_LAST, Load, make_fleet, messages_of, read_messages, write_messages
from luutru.benchmarks.gateway_mqtt import connect
from luutru.benchmarks.gateway_rows import new_rows, write_into
from residence.stays.declaration import StayDeclaration
from residence.wire.envelope import EnvelopeOpener, verify_envelope
from residence.wire.keyring import Keyring

NOW = datetime(2026, 7, 10, 3, tzinfo=UTC)
FIGURES = {
    "accepted_per_second_per_core_sqlite",
    "accepted_per_second_per_core_postgresql",
    "accepted_per_second_two_workers",
    "p99_ms_at_1000_per_second",
    "backlog_100000_seconds",
    "rss_mib",
}
RATIOS = {"to_crypto_bound", "to_floor", "two_workers_to_one", "to_node_red", "to_row_by_row"}
LEFT_OUT_WHEN_QUICK = {"backlog_100000_seconds", "to_node_red"}


@pytest.fixture(scope="module")
def load():
    return Load(persons=500, messages=2_000, kiosks=8)


@pytest.fixture(scope="module")
def fleet(load, tmp_path_factory):
    return make_fleet(load, tmp_path_factory.mktemp("keys"), now=NOW)


@pytest.fixture(scope="module")
def messages(fleet, load):
    return list(messages_of(fleet, load, now=NOW))


def said(message):
    return msgspec.json.decode(message.plain, type=StayDeclaration)


def test_every_message_is_genuine_and_holds_what_its_plain_form_says(fleet, messages):
    ring = Keyring([each.entry for each in fleet.kiosks])
    opener = EnvelopeOpener([fleet.sealing_key])
    for each in messages[::50]:
        opened = opener.open(verify_envelope(each.payload, keyring=ring, at=NOW))
        assert opened.message_json == each.plain
        assert opened.header.declaration_id == each.declaration_id


def test_one_in_fifty_is_one_of_the_hundred_before_sent_again(messages):
    last_place: dict[str, int] = {}
    distances = []
    for place, each in enumerate(messages):
        if each.declaration_id in last_place:
            distances.append(place - last_place[each.declaration_id])
        last_place[each.declaration_id] = place
    assert len(messages) // 100 < len(distances) < len(messages) // 25
    assert max(distances) <= AMONG_LAST + len(distances)  # a message sent again does not enter the hundred


def test_some_are_unknown_to_the_registry_and_some_go_by_another_name(load, messages):
    known = {city.person(number).personal_number: city.person(number).full_name for number in range(load.persons)}
    different = {each.declaration_id: said(each).person for each in messages}.values()
    kinds = Counter(
        "unknown" if each.personal_number not in known else "same" if known[each.personal_number] == each.full_name else "renamed"
        for each in different
    )
    assert kinds["same"] + kinds["renamed"] == load.persons  # each person of the city once, and then only strangers are left
    assert 0 < kinds["renamed"] < kinds["unknown"]


def test_messages_come_back_from_their_file_as_they_were_written(fleet, load, tmp_path):
    few = msgspec.structs.replace(load, messages=20)
    write_messages(tmp_path / "messages", fleet, few, now=NOW)
    every = list(read_messages(tmp_path / "messages", 20))
    assert [each.declaration_id for each in read_messages(tmp_path / "messages", 5, skip=15)] == [
        each.declaration_id for each in every[15:]
    ]
    with pytest.raises(RuntimeError, match="only 20 messages"):
        list(read_messages(tmp_path / "messages", 21))


@pytest.fixture(scope="module")
def ground():
    with prepared(Load(persons=50, messages=120, kiosks=8), databases=("sqlite", "postgresql")) as ground:
        yield ground


def test_the_bare_line_says_when_nobody_keeps_a_message_and_gives_back_what_somebody_does(ground):
    message = next(read_messages(ground.messages, 1))
    with ground.broker() as broker:
        address, keeper = (broker.host, broker.port), ground.pki.gateway()
        with connect(address, ground.kiosks_identity, "too-early") as line, pytest.raises(RuntimeError, match="0x10"):
            line.publish_all([(message.topic, message.payload)])
        with connect(address, ground.kiosks_identity, "sends") as line:
            with connect(address, keeper, "keeps", clean=False) as keeping:
                keeping.subscribe([message.topic], qos=1)
            assert line.publish_all([(message.topic, message.payload)] * 700) == 700
        for left in (700, 0):  # what was acknowledged does not come again
            with connect(address, keeper, "keeps", clean=False) as keeping:
                came = []
                while len(came) < left:
                    came += keeping.receive(10)
                came += keeping.receive(0.2)
                keeping.acknowledge(came)
            assert [(each.topic, each.payload) for each in came] == [(message.topic, message.payload)] * left


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ({"accepted": 118}, "one is missing"),
        ({"accepted": 121}, "one was recorded twice"),
        ({"accepted": 119, "refused": 1}, "one was refused"),
    ],
)
def test_a_run_that_lost_doubled_or_refused_a_declaration_gives_no_figure(ground, counts, why):
    different = len({each.declaration_id for each in read_messages(ground.messages, 120)})
    shifted = Counter({state: count - 120 + different if state == "accepted" else count for state, count in counts.items()})
    with pytest.raises(RuntimeError, match="declarations were sent"):
        gateway_drain.accepted(shifted, ground, 120)
    assert gateway_drain.accepted(Counter(accepted=different - 2, conflicting=2, replayed=9), ground, 120) == different, why


def test_a_gateway_killed_in_the_middle_has_lost_nothing_once_it_runs_again(ground):
    assert gateway_drain.killed(ground, messages=120) == 0


def rows_in(copy, table):
    query = f"SELECT count(*) FROM {table}"  # noqa: S608 - our own table
    if copy.path is None:
        with postgres_connection(copy.url) as connection:
            return connection.execute(query).fetchone()[0]
    with closing(sqlite3.connect(copy.path)) as connection:
        return connection.execute(query).fetchone()[0]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_floor_writes_the_very_rows_the_gateway_wrote(ground, database):
    rows, after = {}, {}

    def look(copy):
        rows.update(new_rows(copy, ground, share=1))
        after.update({table: rows_in(copy, table) for table in rows})

    drained = gateway_drain.drain(ground, database, messages=120, batch=50, look=look)
    different = len({each.declaration_id for each in read_messages(ground.messages, 120)})
    assert len(rows["declarations"]) == len(rows["receipts"]) == different
    assert drained.counts["accepted"] + drained.counts.get("conflicting", 0) == different
    with ground.copy(database) as copy:
        assert all(rows_in(copy, table) < after[table] for table in rows)
        write_into(copy, rows, batches=3)
        assert {table: rows_in(copy, table) for table in rows} == after


def test_the_quick_run_gives_every_figure_others_read():
    command = [sys.executable, "-m", "luutru", "bench", "gateway", "--quick", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    figures, baselines, ratios, settings = (report[part] for part in ("figures", "baselines", "ratios", "settings"))
    assert settings["quick"] is True
    assert settings["persons"] < 1_000_000
    assert figures.keys() >= FIGURES
    assert ratios.keys() >= RATIOS
    assert {name for name in (FIGURES | RATIOS) - LEFT_OUT_WHEN_QUICK if not (figures | ratios)[name]} == set()
    assert figures["unanswered_at_1000_per_second"] == 0
    assert 0 < ratios["to_crypto_bound"] < ratios["to_floor"] < 1.5
    stages = {name: us for name, us in baselines.items() if re.fullmatch("floor_us_[a-z]+_sqlite", name)}
    assert len(stages) == 8
    assert sum(stages.values()) == pytest.approx(baselines["floor_us_sqlite"], abs=1)
    assert all(us > 0 for us in stages.values()), stages


def test_identifiers_begin_with_their_moment_so_that_a_queue_is_in_order(messages):
    ids = list(dict.fromkeys(each.declaration_id for each in messages))
    assert sum(one > other for one, other in pairwise(ids)) == 0
