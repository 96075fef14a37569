"""``luutru door`` and ``luutru bench door``: what they print is what programs may read."""

import json

import pytest
from authority import ENROLLED, Authority
from configuration_parts import WARD
from configuration_parts import Authority as Published
from typer.testing import CliRunner

from firmware_config.signed.door_list import read_door_list
from firmware_config.signed.paths import door_list_path
from luutru.commands.bench import app as bench
from luutru.commands.config import app as config
from luutru.commands.door import app
from luutru.system import random_bytes, system_clock
from registry import kiosks
from registry.door_events import record_events
from registry.door_passes import settle_passes
from registry.stays import stays_at
from residence.wire.door_events import DoorEvent, DoorEventBatch
from residence.wire.door_list import accept_part
from residence.wire.keyring import Keyring


@pytest.fixture
def office(tmp_path):
    office = Authority(tmp_path)
    yield office
    office.close()


def ask(office, *arguments, status=0):
    where = ["--registry", office.url, "--vault", str(office.vault_folder), "--json"]
    done = CliRunner().invoke(app, [*arguments, *where])
    assert done.exit_code == status, done.output
    return json.loads(done.stdout)


def say(office, *arguments):
    done = CliRunner().invoke(app, [*arguments, "--registry", office.url, "--vault", str(office.vault_folder)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_door_is_added_ordered_and_listed(office):
    place = office.kiosk().premises_id
    assert ask(office, "add", place, "lobby")["place"] == 0
    assert ask(office, "order", place, "lobby", "lock-down")["mode"] == "lock-down"
    assert ask(office, "forgive", place)["ok"]
    (door,) = ask(office, "list")["doors"]
    assert (door["premises_id"], door["door"], door["mode"]) == (place, "lobby", "lock-down")
    assert ask(office, "order", place, "roof", "normal", status=1)["code"] == "door.unknown"
    assert ask(office, "add", "nowhere", "lobby", status=1)["code"] == "door.unknown"
    assert ask(office, "events")["events"] == []


def test_people_read_events_as_a_table_by_the_hour_they_happened(office):
    kiosk = office.kiosk()
    late = DoorEvent(1, "boot", 5_000_000_000, "2020-01-01T00:00:05Z", "unset", "lobby", "granted", "entry", "9f2c")
    synced = DoorEvent(2, "boot", 65_000_000_000, "2026-07-10T07:01:00Z", "synced", "", "clock", "synced")
    batch = DoorEventBatch(kiosk_id=kiosk.kiosk_id, epoch="epoch", oldest_held=1, events=(late, synced))
    with office.registry.writing() as connection:
        record_events(connection, batch, commune_code="demo-01", now=ENROLLED)
    told = say(office, "events").splitlines()
    assert [line.split() for line in told] == [
        ["when", "clock", "kiosk", "number", "door", "what", "detail", "who"],
        ["2026-07-10", "14:00:00", "unset,", "dated", "later", kiosk.kiosk_id, "1", "lobby", "granted", "entry", "9f2c"],
        ["2026-07-10", "14:01:00", "synced", kiosk.kiosk_id, "2", "–", "clock", "synced", "–"],
    ]
    assert ask(office, "events")["events"][0]["monotonic_ns"] == 5_000_000_000, "a program gets every field"
    assert say(office, "list") == "doors: none\n"


def test_a_registry_that_is_not_there_is_said_and_none_is_laid(tmp_path):
    at = tmp_path / "registry.db"
    for laid in (False, True):  # no file, and one without a table
        done = CliRunner().invoke(app, ["events", "--registry", f"sqlite:///{at}", "--vault", str(tmp_path / "vault"), "--json"])
        assert (done.exit_code, json.loads(done.stdout)["code"]) == (1, "registry.not_upgraded")
        assert at.exists() is laid
        at.touch()


def test_a_pass_gets_flags_a_pin_once_and_a_link(office):
    kiosk = office.kiosk()
    ask(office, "add", kiosk.premises_id, "lobby")
    office.intake.take([office.deliver(kiosk)])
    with office.registry.writing() as connection:
        (stay,) = stays_at(connection, kiosk.premises_id)
        settle_passes(connection, kiosk.premises_id, vault=office.registry.vault, now=ENROLLED, random_bytes=random_bytes)
    answer = ask(office, "pass", stay.stay_id, "--extended", "--pin")
    assert (answer["flags"], len(answer["pin"])) == (1, 6)
    assert "/door/open/" in ask(office, "link", stay.stay_id)["link"]
    assert ask(office, "link", "no-such-stay", status=1)["code"] == "door.no_pass"


def test_the_two_keys_of_doors_are_made_and_entered_for_a_commune(office):
    where = ["--keys", str(office.folder / "door-keys")]
    without_commune = CliRunner().invoke(app, ["keys", *where, "--registry", office.url, "--vault", str(office.vault_folder)])
    assert without_commune.exit_code == 1
    first = ask(office, "keys", *where, "--commune", "demo-01")["files"]
    assert sorted(first) == ["door-list", "door-pass"]
    with office.registry.reading() as connection:
        uses = {each.use: each.owner for each in kiosks.keyring_entries(connection)}
    assert uses["door-list"] == uses["door-pass"] == "authority"


def test_lists_are_written_out_as_the_gateway_signs_them_and_published_for_a_district(office, tmp_path):
    place = office.kiosk().premises_id
    ask(office, "add", place, "lobby")
    ask(office, "keys", "--keys", str(tmp_path / "keys"), "--commune", "demo-01")
    written = ["sign-lists", str(tmp_path / "lists"), "--keys", str(tmp_path / "keys"), "--site", place]
    assert ask(office, *written)["lists"] == [{"site": place, "version": 1, "parts": 1}]
    assert ask(office, *written)["lists"][0]["version"] == 1, "nothing has changed"
    file = tmp_path / "lists" / f"{place}.json"
    with office.registry.reading() as connection:
        ring = Keyring(kiosks.keyring_entries(connection))
    parts = [accept_part(each, keyring=ring, site=place) for each in read_door_list(file.read_bytes()).parts]
    assert [(each.version, each.doors) for each in parts] == [(1, ("lobby",))]
    assert ask(office, "sign-lists", str(tmp_path), "--keys", str(tmp_path / "none"), status=1)["code"] == "key.file_missing"

    published = Published(tmp_path / "fleet", now=system_clock().now())
    keys = [f"--{name}={published.folder / 'keys' / key}" for name, key in (("key", WARD), ("online", "online"))]
    publish = ["doors", str(published.repository.folder), WARD, str(file.parent), *keys]
    done = CliRunner().invoke(config, [*publish, "--json"])
    assert json.loads(done.stdout) == {"sites": 1, "changed": [door_list_path(WARD, place)]}
    file.rename(file.with_name("another-site.json"))
    assert "door.list_elsewhere" in (refused := CliRunner().invoke(config, publish)).output + refused.stderr


def test_the_measurement_prints_the_keys_others_read():
    done = CliRunner().invoke(bench, ["door", "--quick", "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert {"door_decision_p50_ms", "door_decision_p99_ms", "door_decision_with_pin_p99_ms", "event_on_disk_p99_ms"} <= set(
        report["figures"]
    )
    assert report["figures"]["door_decision_p50_ms"] > 0
