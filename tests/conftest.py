"""Fixtures shared by every area: a real broker on loopback, one per test that asks for it, and a real PostgreSQL for all."""

from __future__ import annotations

import shutil
import signal
from typing import TYPE_CHECKING

import pytest
from distribution import FilesTogether

from luutru import system
from luutru.benchmarks.postgres import PostgresServer, running_postgres
from luutru.demo.broker import Broker
from luutru.demo.pki import Pki

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# Nobody reads these databases after a crash, and a launcher that visits hundreds of them every minute is a tenth of a core.
FORGETFUL = ("fsync=off", "full_page_writes=off", "autovacuum=off")

# A shell's background job ignores Ctrl-C, and so would every process a test starts and ends by it.
signal.signal(signal.SIGINT, signal.default_int_handler)
system.keep_linear_algebra_on_one_thread()  # as every process of ours does; tests run two at a time


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log) -> FilesTogether | None:
    """Files stay together, where nothing else is asked for."""
    return FilesTogether(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for the whole run; each test has a database of its own."""
    with running_postgres(FORGETFUL) as server:
        yield server


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """One certificate authority for the whole run; certificates are made when asked for."""
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def broker(tmp_path: Path, pki: Pki) -> Iterator[Broker]:
    """Return a running Mosquitto; it may be stopped, killed and started again by the test."""
    broker = Broker(tmp_path / "broker", pki=pki)
    broker.start()
    yield broker
    broker.stop()
    shutil.rmtree(broker.directory, ignore_errors=True)
