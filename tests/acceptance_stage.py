"""The real town for acceptance tests: Mosquitto, gateway, server and kiosks as processes of their own, and ways to look into them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from luutru import system
from luutru.demo.accounts import DemoAccount, invite
from luutru.demo.layout import Layout, Ports
from luutru.demo.prepare import Tools, open_registry, prepare
from luutru.demo.town import Town

DRIVER = Path(__file__).parent / "acceptance" / "driver_kiosk.py"
NURSERY = DRIVER.with_name("nursery.py")


def wait_until(what: Callable[[], object], *, seconds: float = 60, every: float = 0.1, say: Callable[[], str] = str) -> object:
    """Return the first true answer of ``what``; fail with ``say()`` when there is none in time."""
    end = time.monotonic() + seconds
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > end:
            pytest.fail(f"did not happen within {seconds} s: {say()}")
        time.sleep(every)


@dataclass
class Account:
    """What a ledger says."""

    attempted: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    settled: dict[str, set[tuple[str, str]]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Account:
        account = cls()
        for line in path.read_text("ascii").splitlines() if path.exists() else []:
            match line.split():
                case ["attempted", identity]:
                    account.attempted.append(identity)
                case ["kept", identity]:
                    account.kept.append(identity)
                case ["settled", identity, state, digest]:
                    account.settled.setdefault(identity, set()).add((state, digest))
                case _:
                    pass
        return account


class Nursery:
    """Starts one program again and again, one at a time, by forking what has it loaded (``acceptance/nursery.py``)."""

    def __init__(self, program: str, log: Path, environment: dict[str, str]) -> None:
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, str(NURSERY), program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    def start(self, *command: object) -> int:
        """Start the program with a command line; returns its process id."""
        self.process.stdin.write(json.dumps([str(each) for each in command]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def ended(self) -> int:
        """Wait for its end; returns the exit status, minus a signal."""
        return int(self.process.stdout.readline())

    def close(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Stage:
    """A town and the ways to look into it."""

    def __init__(self, folder: Path, *, registry_url: str = "") -> None:
        self.tools = Tools(clock=system.SystemClock(), random_bytes=system.random_bytes, tell=lambda _: None)
        self.layout = Layout(directory=folder, ports=Ports.free(), registry_url=registry_url)
        prepare(self.layout, self.tools)
        self.town = Town(self.layout, sweep_seconds=1.0)
        self.drivers: list[subprocess.Popen[bytes]] = []
        self.nurseries: list[Nursery] = []

    def accounts(self) -> dict[str, DemoAccount]:
        """Return the first account of each role, with a link."""
        invited = invite(self.layout, self.tools, base_url=self.town.server_url)
        return {each.role: each for each in reversed(invited)}

    def registry(self):
        return open_registry(self.layout, self.tools)

    def kiosk_health(self, kiosk_id: str) -> dict[str, object]:
        with urllib.request.urlopen(f"{self.town.kiosk_url(kiosk_id)}/health", timeout=5) as answer:
            return json.loads(answer.read())

    def driver(self, kiosk_id: str, ledger: Path, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the screenless kiosk in place of the one with a page."""
        command = [sys.executable, str(DRIVER), str(self.layout.kiosk_profile(kiosk_id)), str(ledger), *arguments]
        self.layout.logs.mkdir(parents=True, exist_ok=True)
        with self.town.children.log(f"driver-{kiosk_id}").open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.drivers.append(process)
        return process

    def nursery(self, program: str, *, log: str) -> Nursery:
        self.layout.logs.mkdir(parents=True, exist_ok=True)
        nursery = Nursery(program, self.town.children.log(log), self.town.environment())
        self.nurseries.append(nursery)
        return nursery

    def rows(self, query: str) -> list[tuple]:
        """Ask the registry's database directly."""
        from sqlalchemy import text

        registry = self.registry()
        with registry.reading() as connection:
            found = [tuple(row) for row in connection.execute(text(query))]
        registry.close()
        return found

    def close(self) -> None:
        for process in self.drivers:
            if process.poll() is None:
                process.kill()
            process.wait()
        for nursery in self.nurseries:
            nursery.close()
        self.town.stop()
