"""Fixtures of the acceptance tests: a prepared town, and one Chromium per module."""

from __future__ import annotations

from collections.abc import Iterator

import brokers
import pytest
from acceptance_stage import Stage
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]  # fmt: skip


@pytest.fixture
def stage(tmp_path) -> Iterator[Stage]:
    """A prepared town; the test starts what it needs."""
    stage = Stage(tmp_path / "town")
    yield stage
    stage.close()


@pytest.fixture(params=brokers.NAMES)
def stage_on_each_broker(request, stage) -> Stage:
    """The same town on each broker; the kiosks and the gateway are told nothing of it."""
    pki, port = stage.town.broker.pki, stage.layout.ports.broker
    stage.town.broker = brokers.make(request.param, stage.layout.broker, pki=pki, port=port)
    return stage


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield browser
        browser.close()
