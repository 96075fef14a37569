"""Both engines run every test that asks for ``town``: a registry with the invented commune, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from laid_tables import laid_postgres, lay_sqlite
from recording_town import Town, make_town


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty registry."""
    if request.param == "sqlite":
        return lay_sqlite(tmp_path / "registry.db")
    return laid_postgres(request.getfixturevalue("postgres"))


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """A maker of addresses of databases without any table, by engine."""

    def make(engine: str) -> str:
        if engine == "sqlite":
            return f"sqlite:///{tmp_path}/empty.db"
        return str(request.getfixturevalue("postgres").new_database())

    return make


@pytest.fixture
def town(url: str, tmp_path: Path) -> Iterator[Town]:
    made = make_town(url, tmp_path / "vault")
    yield made
    made.registry.close()
