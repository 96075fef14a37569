"""An engine of the compose file without containers: its services as plain processes, their names and folders translated.

- Service names become loopback addresses, the state volume a folder, ``luutru`` the command of this checkout; commands and settings are the file's own.
- A drill runs as its container has it: by account and group, with every folder mounted where it is told of it, read-only where the file says so.

Example: ``engine = Engine(folder, address, folders); engine.run("prepare"); engine.start("broker")``
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from luutru.benchmarks.postgres import PostgresServer, running_postgres
from luutru.demo.broker import find_mosquitto, free_port

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
LUUTRU = ROOT / ".venv" / "bin" / "luutru"
HOME, INSIDE = (
    "/var/lib/luutru",
    "/mnt",
)  # where a container sees its volumes; where a drill does here, in a view of the disk of its own
PATIENCE = 300  # seconds; only who fails waits so long
AS_ROOT = () if os.geteuid() == 0 else ("sudo", "-n", "--preserve-env=PYTHONPATH,LUUTRU_REGISTRY,PYTHONDONTWRITEBYTECODE")


def mounts(name):
    """Return where a service sees which volume; ``volume:place``, and ``:ro`` behind it, is all that is used in the file."""
    return dict(each.removesuffix(":ro").split(":") for each in COMPOSE["services"][name].get("volumes", []))


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
        places = {volume: Path(self.translated(place)) for volume, place in mounts("prepare").items()}
        seen = []
        for path in filter(Path.is_file, self.state.rglob("*")):
            holding = max(
                (volume for volume, place in places.items() if path.is_relative_to(place)),
                key=lambda each: len(str(places[each])),
            )
            if holding in mounts(name):
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
            self.command(name), env=self.environment(name), cwd=self.state, capture_output=True, text=True, timeout=PATIENCE
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
            process.wait(PATIENCE)

    def restart(self, name: str) -> None:
        """Roll one, as ``docker compose restart`` does."""
        process = self.running.pop(name)
        process.terminate()
        assert process.wait(PATIENCE) == 0, name
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
        end = time.monotonic() + PATIENCE
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


def mounts_of_its_own():
    """Return the command that mounts for itself alone; below a chroot, whose root is no mount, propagation cannot be changed."""
    tried = subprocess.run([*AS_ROOT, "unshare", "--mount", "true"], capture_output=True, check=False)
    return ("unshare", "--mount", *(() if tried.returncode == 0 else ("--propagation", "unchanged")))


def a_drill_opens_every_field_as_the_vaults_account(engine):
    """As its container has it: account and group, folders mounted where it is told of them, those read-only that are."""
    place = Path(engine.database["/var/lib/luutru/archive"]).parent
    subprocess.run([*AS_ROOT, "chown", "-R", "10001", str(engine.state)], check=True)
    service, binds = COMPOSE["services"]["drill"], []
    seen = {
        "archive": engine.database["/var/lib/luutru/archive"],
        "archive-settings": engine.database["/var/lib/luutru/archive-settings"],
    }
    seen |= {
        "state": str(engine.state),
        "log": str(engine.state / "log"),
        "scratch": str(place / "scratch"),
        "program": str(ROOT),
    }
    for each in (*service["volumes"], "program:/var/lib/luutru/program:ro"):
        volume, target, *mode = each.split(":")
        Path(seen[volume]).mkdir(exist_ok=True)
        inside = target.replace(HOME, INSIDE)
        binds += [f"mkdir -p {inside}", f"mount --bind {seen[volume]} {inside}"]
        binds += [f"mount -o remount,bind,ro {inside}"] if mode else []
    shutil.chown(place / "scratch", 10001)
    words = [each.replace(HOME, INSIDE) for each in service["command"]]
    account = ["setpriv", "--reuid=10001", "--regid=postgres", "--clear-groups", "--bounding-set=-all", "--no-new-privs", "--"]
    program = [f"{INSIDE}/program/.venv/bin/python", "-m", "luutru", *words]
    settings = {"LUUTRU_REGISTRY": engine.address, "PYTHONPATH": f"{INSIDE}/program", "PYTHONDONTWRITEBYTECODE": "1"}
    script = "\n".join(["set -e", f"mount -t tmpfs inside {INSIDE}", *binds, f"cd /; exec {shlex.join([*account, *program])}"])
    told = subprocess.run(
        [*AS_ROOT, *mounts_of_its_own(), "sh", "-c", script],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    proof = json.loads(told.stdout)
    assert (proof["ok"], proof["problems"]) == (True, [])
    assert proof["opened"] > 0, proof
    assert list((place / "scratch").iterdir()) == []


def wait_until(true, seconds: float = PATIENCE) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)
