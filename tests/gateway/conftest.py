"""Both engines run every test that asks for ``office``: an authority with two enrolled kiosks."""

from __future__ import annotations

from contextlib import ExitStack

import authority
import pytest
from laid_tables import laid_postgres, on_postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request, tmp_path):
    with ExitStack() as kept:
        url = None
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres")
            url = kept.enter_context(on_postgres(server, laid_postgres(server)))
        office = authority.Authority(tmp_path, url=url, laid=True)
        kept.callback(office.close)
        yield office


@pytest.fixture
def small_office(tmp_path):
    """The same on SQLite only, where the engine does not matter."""
    office = authority.Authority(tmp_path)
    yield office
    office.close()
