"""One web process per test, on a registry of its own."""

from __future__ import annotations

import pytest
from server_parts import World


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def make_world(tmp_path):
    made = []

    def make(**settings):
        made.append(World(tmp_path / f"world-{len(made)}", **settings))
        return made[-1]

    yield make
    for each in made:
        each.close()
