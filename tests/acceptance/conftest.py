"""Fixtures of the acceptance tests: a prepared town, and one Chromium per module."""

from __future__ import annotations

from collections.abc import Iterator

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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield browser
        browser.close()
