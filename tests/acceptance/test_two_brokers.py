"""Two Mosquittos, one in reserve, behind the proxy of ``deploy/city``: the working one is lost under load and comes back, nothing is lost, nothing doubled.

- The brokers know nothing of each other: what one held is sent again by the kiosks, whose rows wait for receipts and for nothing else.
- Whether everybody is at the same broker is read from the kernel: at the other one nobody may be left.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from acceptance_stage import Account, wait_until
from faults.city_machines import filled
from production_broker import ProductionBroker

from luutru.demo.broker import free_port, port_is_free

pytestmark = pytest.mark.acceptance
LOBBY = "kiosk-lobby-1"
LOSSES = 3
ESTABLISHED = "01"


def held_at(port: int) -> int:
    """Return how many connections are open to a port of this machine."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED for row in rows)


def is_let_in(port: int, address: str) -> bool:
    """Tell whether somebody at an address is left connected; a broker says nothing before its client does."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=3, source_address=(address, 0)) as line:
            return line.recv(1) != b""
    except TimeoutError:
        return True
    except ConnectionResetError:
        return False


@contextmanager
def proxied(folder: Path, *, kiosks: int, gateways: int, active: ProductionBroker, reserve: ProductionBroker) -> Iterator[None]:
    """Run the proxy as the file has it; both brokers stand on this machine, so each has ports of its own."""
    places = {"ACTIVE": "active.example", "RESERVE": "reserve.example"}
    limits = {"PER_ADDRESS": 100, "GATEWAYS_FROM": "127.0.0.1"}
    text = filled("brokers.cfg", ADDRESS="127.0.0.1", KIOSKS_PORT=kiosks, GATEWAYS_PORT=gateways, **places, **limits)
    for name, broker in (("active.example", active), ("reserve.example", reserve)):
        text = text.replace(f"{name}:{kiosks}", f"127.0.0.1:{broker.kiosks.port}")
        text = text.replace(f"{name}:{gateways}", f"127.0.0.1:{broker.port}")
    path = folder / "brokers.cfg"
    path.write_text(text, "utf-8")
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin") or "haproxy"
    with (folder / "proxy.log").open("ab") as log:
        process = subprocess.Popen([program, "-db", "-f", str(path)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until(lambda: not port_is_free(kiosks), say=lambda: (folder / "proxy.log").read_text("utf-8"))
        yield
    finally:
        process.kill()
        process.wait()


def test_a_broker_in_reserve_takes_over_and_gives_back_and_nothing_is_lost(stage, tmp_path):
    ledger, pki, gateways = tmp_path / "ledger", stage.town.broker.pki, free_port()
    active, reserve = (ProductionBroker(tmp_path / name, pki=pki) for name in ("active", "reserve"))

    def more(than: int, *, at: ProductionBroker) -> bool:
        other = reserve if at is active else active
        return len(Account.read(ledger).settled) > than + 5 and held_at(at.port) == 1 and held_at(other.port) == 0

    ports = {"kiosks": stage.layout.ports.broker, "gateways": gateways}
    with active, reserve, proxied(tmp_path, active=active, reserve=reserve, **ports):
        command = [sys.executable, "-m", "luutru", "gateway", "run", "--broker", f"127.0.0.1:{gateways}"]
        stage.town.children.start("gateway", command, environment=stage.town.environment())
        driver = stage.driver(LOBBY, ledger, "--every", "0.02", "--count", "100000")
        wait_until(lambda: more(0, at=active))
        for _ in range(LOSSES):
            for change, at in ((active.kill, reserve), (active.start, active)):
                change()
                before = len(Account.read(ledger).settled)
                wait_until(lambda before=before, at=at: more(before, at=at), seconds=120)
        doors = (stage.layout.ports.broker, gateways)
        assert [is_let_in(port, "127.0.0.2") for port in doors] == [True, False], "not of the gateways' network"
        driver.kill()
        driver.wait()
        last = stage.driver(LOBBY, ledger, "--count", "0", "--settle", "60")
        assert last.wait(90) == 0, stage.town.children.last_words(f"driver-{LOBBY}")
    account = Account.read(ledger)
    recorded = [str(row[0]) for row in stage.rows("SELECT declaration_id FROM declarations")]
    assert len(recorded) == len(set(recorded)), "doubled"
    assert set(account.kept) <= set(recorded), "lost"
    assert set(account.kept) <= set(account.settled), "without a receipt"
    assert all(len(answers) == 1 for answers in account.settled.values()), "two answers"
