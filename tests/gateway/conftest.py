"""Both engines run every test that asks for ``office``: an authority with two enrolled kiosks."""

from __future__ import annotations

import authority
import pytest
from laid_tables import laid_postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def office(request, tmp_path):
    url = None if request.param == "sqlite" else laid_postgres(request.getfixturevalue("postgres"))
    office = authority.Authority(tmp_path, url=url, laid=True)
    yield office
    office.close()


@pytest.fixture
def small_office(tmp_path):
    """The same on SQLite only, where the engine does not matter."""
    office = authority.Authority(tmp_path)
    yield office
    office.close()
