"""Both engines run every test that asks for ``town``: a registry with the invented commune, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from laid_tables import laid_postgres, lay_sqlite, on_postgres
from recording_town import Town, make_town
from seeded_town import put_seeded_postgres, put_seeded_sqlite


@pytest.fixture
def seeded() -> None:
    """Whoever asks for it finds the town in the registry at ``url``, and its keys in ``vault``."""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty registry, or of one with the town in it where that is asked for."""
    seeded = "seeded" in request.fixturenames
    if request.param == "sqlite":
        yield put_seeded_sqlite(tmp_path) if seeded else lay_sqlite(tmp_path / "registry.db")
        return
    server = request.getfixturevalue("postgres")
    with on_postgres(server, put_seeded_postgres(server, tmp_path) if seeded else laid_postgres(server)) as url:
        yield url


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """A maker of addresses of databases without any table, by engine."""

    def make(engine: str) -> str:
        if engine == "sqlite":
            return f"sqlite:///{tmp_path}/empty.db"
        return str(request.getfixturevalue("postgres").new_database())

    return make


@pytest.fixture
def town(seeded: None, url: str, tmp_path: Path) -> Iterator[Town]:
    made = make_town(url, tmp_path / "vault")
    yield made
    made.registry.close()
